/* SPDX-License-Identifier: MIT */
/*
 * Sends one TCP SYN and one UDP datagram to each of the 65,536 ports of each target, from a device
 * of one namespace, and says which of them came in at a device of another, where an XDP program
 * (sink.bpf.c) records them. Nothing is lost on the way without being noticed: the next batch
 * leaves when the far end of the sender's veth has taken the last one, and a pass during which a
 * ring overflowed is repeated.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sink.skel.h"

#define PORTS 65536U
#define BATCH 64U /* well below the 256 packets of a veth ring */
#define ATTEMPTS 20
#define PATIENCE 5 /* seconds until a batch must have arrived */
#define SOURCE_PORT 40000
#define FRAME_MAX (ETH_HLEN + sizeof(struct ip6_hdr) + sizeof(struct tcphdr))

static const char usage[] =
	"usage: sweep NETNS:DEVICE MAC NETNS:DEVICE NETNS:DEVICE SOURCE4 SOURCE6 TARGET...\n"
	"  sends from the first device to MAC, through a gateway whose inside is the second device,\n"
	"  to TARGETs (IPv4 or IPv6 addresses; the low four bits of each differ) at the third\n"
	"  prints TARGET, protocol, first and last port of each stretch of ports that were reached\n";

struct device {
	int netlink; /* rtnetlink socket inside the device's namespace */
	unsigned int index;
	__u8 mac[ETH_ALEN];
};

struct batch {
	__u8 frames[BATCH][FRAME_MAX];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

struct sweep {
	struct device client, inside;
	int packet; /* AF_PACKET socket in the clients' namespace */
	__u8 gateway_mac[ETH_ALEN];
	const char *source4, *source6;
	const volatile __u64 *reached;
	struct batch batch;
	__u64 accepted; /* packets that the gateway has received */
	__u64 lost; /* packets that never entered it */
	unsigned int repeats;
};

struct target {
	const char *name;
	int family;
	union {
		struct in_addr ip4;
		struct in6_addr ip6;
	} source, destination;
	unsigned int number;
};

static void die(const char *what)
{
	fprintf(stderr, "sweep: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- namespaces and devices */

static void enter(const char *namespace)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

static void read_mac(const char *name, __u8 mac[ETH_ALEN])
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die(name);
	memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
}

/* Enters NETNS:DEVICE's namespace and stays there. */
static void open_device(const char *text, struct device *device)
{
	char name[256];
	char *colon;

	snprintf(name, sizeof(name), "%s", text);
	colon = strrchr(name, ':');
	if (!colon) {
		fputs(usage, stderr);
		exit(2);
	}
	*colon = '\0';
	enter(name);
	device->index = if_nametoindex(colon + 1);
	device->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (!device->index || device->netlink < 0)
		die(text);
	read_mac(colon + 1, device->mac);
}

static void read_statistics(const struct device *device, struct rtnl_link_stats64 *statistics)
{
	struct {
		struct nlmsghdr header;
		struct if_stats_msg message;
	} request = {
		.header = {sizeof(request), RTM_GETSTATS, NLM_F_REQUEST, 0, 0},
		.message =
			{
				.ifindex = device->index,
				.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64),
			},
	};
	struct {
		struct nlmsghdr header;
		struct if_stats_msg message;
		struct rtattr attribute;
		struct rtnl_link_stats64 statistics;
	} __attribute__((packed)) answer;

	if (send(device->netlink, &request, sizeof(request), 0) != sizeof(request))
		die("asking for statistics");
	if (recv(device->netlink, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer) ||
	    answer.header.nlmsg_type != RTM_NEWSTATS)
		die("reading statistics");
	*statistics = answer.statistics;
}

/* --- packets */

static __u32 sum16(const void *data, size_t size, __u32 sum)
{
	const __u8 *bytes = data;

	for (size_t i = 0; i < size; i += 2)
		sum += (__u32)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static __u16 fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((__u16)~sum);
}

static size_t write_ip(__u8 *at, const struct target *target, __u8 protocol, size_t payload)
{
	struct iphdr *ip4 = (void *)at;
	struct ip6_hdr *ip6 = (void *)at;

	if (target->family == AF_INET6) {
		*ip6 = (struct ip6_hdr){.ip6_src = target->source.ip6,
					.ip6_dst = target->destination.ip6};
		ip6->ip6_vfc = 6 << 4;
		ip6->ip6_plen = htons((__u16)payload);
		ip6->ip6_nxt = protocol;
		ip6->ip6_hlim = 64;
		return sizeof(*ip6);
	}
	*ip4 = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons((__u16)(sizeof(*ip4) + payload)),
		.ttl = 64,
		.protocol = protocol,
		.saddr = target->source.ip4.s_addr,
		.daddr = target->destination.ip4.s_addr,
	};
	ip4->check = fold(sum16(ip4, sizeof(*ip4), 0));
	return sizeof(*ip4);
}

static __u16 checksum(const struct target *target, __u8 protocol, const void *l4, size_t size)
{
	size_t length = target->family == AF_INET6 ? 16 : 4;
	__u32 sum = protocol + (__u32)size;

	sum = sum16(&target->source, length, sum);
	sum = sum16(&target->destination, length, sum);
	return fold(sum16(l4, size, sum));
}

static size_t write_frame(const struct sweep *sweep, __u8 *frame, const struct target *target,
			  __u8 protocol, __u16 port)
{
	size_t payload = protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	struct ethhdr *ethernet = (void *)frame;
	size_t offset = sizeof(*ethernet);
	struct tcphdr *tcp;
	struct udphdr *udp;

	memcpy(ethernet->h_dest, sweep->gateway_mac, ETH_ALEN);
	memcpy(ethernet->h_source, sweep->client.mac, ETH_ALEN);
	ethernet->h_proto = htons(target->family == AF_INET6 ? ETH_P_IPV6 : ETH_P_IP);
	offset += write_ip(frame + offset, target, protocol, payload);
	if (protocol == IPPROTO_TCP) {
		tcp = (void *)(frame + offset);
		*tcp = (struct tcphdr){.source = htons(SOURCE_PORT), .dest = htons(port)};
		tcp->doff = 5;
		tcp->syn = 1;
		tcp->window = htons(1024);
		tcp->check = checksum(target, protocol, tcp, payload);
	} else {
		udp = (void *)(frame + offset);
		*udp = (struct udphdr){.source = htons(SOURCE_PORT), .dest = htons(port)};
		udp->len = htons((__u16)payload);
		udp->check = checksum(target, protocol, udp, payload);
	}
	return offset + payload;
}

/* --- sending */

/* Waits until the far end of the client's veth has taken all that was sent or dropped it. */
static void wait_until_taken(const struct sweep *sweep, __u64 until)
{
	struct rtnl_link_stats64 now;
	time_t deadline = time(NULL) + PATIENCE;

	for (;;) {
		read_statistics(&sweep->client, &now);
		if (now.tx_packets + now.tx_dropped >= until)
			return;
		if (time(NULL) > deadline) {
			errno = ETIMEDOUT;
			die("the gateway's side of the veth does not take the packets");
		}
		sched_yield();
	}
}

static void send_batch(struct sweep *sweep, unsigned int count)
{
	unsigned int sent = 0;
	int rc;

	while (sent < count) {
		rc = sendmmsg(sweep->packet, sweep->batch.messages + sent, count - sent, 0);
		if (rc > 0)
			sent += (unsigned int)rc;
		else if (errno == ENOBUFS)
			sent++; /* dropped, and counted as such by the device */
		else
			die("sendmmsg");
	}
}

/* Every port of one target once. */
static void send_all(struct sweep *sweep, const struct target *target, __u8 protocol)
{
	struct rtnl_link_stats64 start;
	struct batch *batch = &sweep->batch;

	read_statistics(&sweep->client, &start);
	for (unsigned int port = 0; port < PORTS; port += BATCH) {
		for (unsigned int i = 0; i < BATCH; i++)
			batch->parts[i].iov_len = write_frame(sweep, batch->frames[i], target,
							      protocol, (__u16)(port + i));
		send_batch(sweep, BATCH);
		wait_until_taken(sweep, start.tx_packets + start.tx_dropped + port + BATCH);
	}
}

/* The same, again if a packet was lost before the gateway or behind it. */
static void cover(struct sweep *sweep, const struct target *target, __u8 protocol)
{
	struct rtnl_link_stats64 client[2], inside[2];

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		read_statistics(&sweep->client, &client[0]);
		read_statistics(&sweep->inside, &inside[0]);
		send_all(sweep, target, protocol);
		read_statistics(&sweep->client, &client[1]);
		read_statistics(&sweep->inside, &inside[1]);
		sweep->lost += client[1].tx_dropped - client[0].tx_dropped;
		sweep->accepted += PORTS - (client[1].tx_dropped - client[0].tx_dropped);
		if (client[1].tx_dropped == client[0].tx_dropped &&
		    inside[1].tx_dropped == inside[0].tx_dropped)
			return;
		sweep->repeats++;
	}
	errno = ENOBUFS;
	die("packets are lost again and again");
}

/* --- results */

static __u64 reached(const struct sweep *sweep, const struct target *target, bool udp,
		     unsigned int port)
{
	return sweep->reached[target->number << 17 | (unsigned int)udp << 16 | port];
}

static void print_reached(const struct sweep *sweep, const struct target *target, bool udp)
{
	unsigned int first, port = 0;

	while (port < PORTS) {
		if (!reached(sweep, target, udp, port++))
			continue;
		first = port - 1;
		while (port < PORTS && reached(sweep, target, udp, port))
			port++;
		printf("%s\t%s\t%u\t%u\n", target->name, udp ? "udp" : "tcp", first, port - 1);
	}
}

/* --- set-up */

static void open_sink(struct sweep *sweep, struct sink *sink, const char *server)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = 1U << 2 /* XDP_FLAGS_DRV_MODE */);
	struct device device;
	size_t size = bpf_map__max_entries(sink->maps.reached) * sizeof(__u64);

	open_device(server, &device);
	if (bpf_link_create(bpf_program__fd(sink->progs.sink), (int)device.index, BPF_XDP,
			    &options) < 0)
		die("attaching the sink");
	sweep->reached =
		mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(sink->maps.reached), 0);
	if (sweep->reached == MAP_FAILED)
		die("mmap");
}

static void open_sender(struct sweep *sweep, const char *client, const char *mac)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	__u8 *byte = sweep->gateway_mac;

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5]) != ETH_ALEN) {
		fputs(usage, stderr);
		exit(2);
	}
	open_device(client, &sweep->client);
	address.sll_ifindex = (int)sweep->client.index;
	sweep->packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sweep->packet < 0 || bind(sweep->packet, (void *)&address, sizeof(address)))
		die("packet socket");
	for (unsigned int i = 0; i < BATCH; i++) {
		sweep->batch.parts[i].iov_base = sweep->batch.frames[i];
		sweep->batch.messages[i].msg_hdr.msg_iov = &sweep->batch.parts[i];
		sweep->batch.messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static void read_target(const struct sweep *sweep, const char *text, struct target *target)
{
	const __u8 *bytes = (const __u8 *)&target->destination;

	target->name = text;
	target->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(target->family, text, &target->destination) != 1 ||
	    inet_pton(target->family, target->family == AF_INET6 ? sweep->source6 : sweep->source4,
		      &target->source) != 1) {
		errno = EINVAL;
		die(text);
	}
	target->number = bytes[target->family == AF_INET6 ? 15 : 3] & 15;
}

int main(int argc, char **argv)
{
	static struct sweep sweep;
	struct target targets[16];
	unsigned int count = 0;
	struct sink *sink;

	if (argc < 8 || argc > 7 + 16) {
		fputs(usage, stderr);
		return 2;
	}
	sink = sink__open_and_load();
	if (!sink)
		die("loading the sink");
	open_sink(&sweep, sink, argv[4]);
	open_device(argv[3], &sweep.inside);
	open_sender(&sweep, argv[1], argv[2]);
	sweep.source4 = argv[5];
	sweep.source6 = argv[6];
	for (int i = 7; i < argc; i++) {
		read_target(&sweep, argv[i], &targets[count]);
		cover(&sweep, &targets[count], IPPROTO_TCP);
		cover(&sweep, &targets[count++], IPPROTO_UDP);
	}
	for (unsigned int i = 0; i < count; i++) {
		print_reached(&sweep, &targets[i], false);
		print_reached(&sweep, &targets[i], true);
	}
	fprintf(stderr, "%llu packets entered the gateway, %llu were lost before it, %u repeats\n",
		sweep.accepted, sweep.lost, sweep.repeats);
	sink__destroy(sink);
	return 0;
}
