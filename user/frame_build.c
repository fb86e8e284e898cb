/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "frame_build.h"

#define HOP_LIMIT 64

/* RFC 1071, over whole 16-bit words as they lie. */
static uint32_t sum_words(uint32_t sum, const void *bytes, size_t length)
{
	uint16_t word;

	for (size_t i = 0; i < length; i += 2) {
		word = 0;
		memcpy(&word, (const char *)bytes + i, length - i < 2 ? 1 : 2);
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The transport header at L4; returns its length and where its checksum lies. */
static size_t build_transport(const struct question *question, unsigned char *l4, size_t *checksum)
{
	struct tcphdr tcp = {
		.source = htons(question->source_port),
		.dest = htons(question->destination_port),
		.doff = 5,
		.syn = 1,
		.window = htons(65535),
	};
	struct udphdr udp = {
		.source = htons(question->source_port),
		.dest = htons(question->destination_port),
		.len = htons(sizeof(udp)),
	};
	bool is_ip6 = question->source.family == FAMILY_IPV6;
	struct icmphdr icmp = {.type = ICMP_ECHO, .un.echo.id = htons(question->source_port)};

	switch (question->protocol) {
	case IPPROTO_TCP:
		*checksum = offsetof(struct tcphdr, check);
		memcpy(l4, &tcp, sizeof(tcp));
		return sizeof(tcp);
	case IPPROTO_UDP:
		*checksum = offsetof(struct udphdr, check);
		memcpy(l4, &udp, sizeof(udp));
		return sizeof(udp);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (is_ip6 != (question->protocol == IPPROTO_ICMPV6))
			break;
		if (is_ip6)
			icmp.type = ICMP6_ECHO_REQUEST;
		*checksum = offsetof(struct icmphdr, checksum);
		memcpy(l4, &icmp, sizeof(icmp));
		return sizeof(icmp);
	default:
		break;
	}
	*checksum = 0;
	memset(l4, 0, 8);
	return 8;
}

static void write_checksum(unsigned char *l4, size_t length, size_t at, uint32_t pseudo)
{
	uint16_t sum = fold(sum_words(pseudo, l4, length));

	memcpy(l4 + at, &sum, sizeof(sum));
}

static size_t build_ip4(const struct question *question, unsigned char *l3)
{
	size_t checksum, length = build_transport(question, l3 + sizeof(struct iphdr), &checksum);
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(ip) + length)),
		.ttl = HOP_LIMIT,
		.protocol = question->protocol,
		.saddr = question->source.address.word[0],
		.daddr = question->destination.address.word[0],
	};
	uint32_t pseudo = htons(ip.protocol) + (uint32_t)htons((uint16_t)length);

	ip.check = fold(sum_words(0, &ip, sizeof(ip)));
	memcpy(l3, &ip, sizeof(ip));
	if (ip.protocol == IPPROTO_ICMP)
		pseudo = 0;
	else
		pseudo = sum_words(pseudo, &ip.saddr, 8);
	if (checksum)
		write_checksum(l3 + sizeof(ip), length, checksum, pseudo);
	return sizeof(ip) + length;
}

static size_t build_ip6(const struct question *question, unsigned char *l3)
{
	size_t checksum, length = build_transport(question, l3 + sizeof(struct ip6_hdr), &checksum);
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6U << 28),
		.ip6_plen = htons((uint16_t)length),
		.ip6_nxt = question->protocol,
		.ip6_hlim = HOP_LIMIT,
	};
	uint32_t pseudo = htons(ip.ip6_nxt) + (uint32_t)htons((uint16_t)length);

	memcpy(&ip.ip6_src, &question->source.address, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, &question->destination.address, sizeof(ip.ip6_dst));
	memcpy(l3, &ip, sizeof(ip));
	pseudo = sum_words(pseudo, &ip.ip6_src, 32);
	if (checksum)
		write_checksum(l3 + sizeof(ip), length, checksum, pseudo);
	return sizeof(ip) + length;
}

size_t frame_build(const struct question *question, unsigned char frame[FRAME_BUILD_MAX])
{
	struct ethhdr ethernet = {
		.h_dest = {2, 0, 0, 0, 0, 1},
		.h_source = {2, 0, 0, 0, 0, 2},
	};
	bool ip6 = question->source.family == FAMILY_IPV6;

	ethernet.h_proto = htons(ip6 ? ETH_P_IPV6 : ETH_P_IP);
	memcpy(frame, &ethernet, sizeof(ethernet));
	return sizeof(ethernet) + (ip6 ? build_ip6(question, frame + sizeof(ethernet))
				       : build_ip4(question, frame + sizeof(ethernet)));
}
