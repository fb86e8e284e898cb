/* SPDX-License-Identifier: MIT */
/*
 * Sends as much as one CPU can, or RATE frames a second:
 *
 *	flood DEVICE SECONDS one|networks SIZE[,SIZE...] HEADER [RATE]
 *
 * HEADER: the first 54 bytes of the frame in hex, IPv4 without options, UDP (checksum 0) or TCP. SIZEs, twelve or
 * a part of it, follow each other; they are of the whole frame, without its checksum. Prints frames, nanoseconds of
 * wall time since the first, and of this thread on the CPU, set-up left out: loading and verifying the generator would
 * be a part of every packet's cost, and a larger one the shorter the flood. Frames above a page's size go by a packet
 * socket, which knows no RATE.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "flood.h"
#include "flood.skel.h"

#define BATCH 64
#define FOREVER 0x40000000 /* frames; an alarm ends it. Each call has to wait for all CPUs first */
#define LIVE_MAX 3400 /* what a page holds beside headroom and the kernel's own */
#define FRAME_MAX 9014

static const char usage[] =
	"usage: flood DEVICE SECONDS one|networks SIZE[,SIZE...] HEADER [RATE]\n";

struct order {
	struct flood flood;
	unsigned int longest;
	double seconds;
	unsigned char frame[FRAME_MAX];
};

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static __u32 header_sum(const unsigned char *ip)
{
	__u32 sum = 0;
	__u16 word;

	for (int i = 0; i < 20; i += 2) {
		memcpy(&word, ip + i, sizeof(word));
		if (i != 10)
			sum += word;
	}
	return sum;
}

static void set_shape(struct order *order, struct flood_shape *shape, unsigned int size)
{
	unsigned char *ip = order->flood.header + ETH_HLEN;

	shape->ip_length = htons((__u16)(size - ETH_HLEN));
	shape->udp_length = htons((__u16)(size - ETH_HLEN - 20));
	shape->shrink = order->longest - size;
	memcpy(ip + 2, &shape->ip_length, sizeof(shape->ip_length));
	shape->sum = header_sum(ip);
}

static bool read_sizes(struct order *order, const char *text)
{
	unsigned int sizes[FLOOD_SHAPES], n = 0;

	for (; n < FLOOD_SHAPES && sscanf(text, "%u", &sizes[n]) == 1; n++) {
		if (sizes[n] < FLOOD_HEADERS || sizes[n] > FRAME_MAX)
			return false;
		if (sizes[n] > order->longest)
			order->longest = sizes[n];
		text = strchr(text, ',');
		if (!text++) {
			n++;
			break;
		}
	}
	for (unsigned int i = 0; n && i < FLOOD_SHAPES; i++)
		set_shape(order, &order->flood.shapes[i], sizes[i % n]);
	return n;
}

static bool read_order(char **words, struct order *order)
{
	struct flood *flood = &order->flood;

	flood->ifindex = if_nametoindex(words[0]);
	if (!flood->ifindex)
		die(words[0]);
	order->seconds = atof(words[1]);
	flood->networks = !strcmp(words[2], "networks");
	for (int i = 0; i < FLOOD_HEADERS; i++)
		if (sscanf(words[4] + 2 * i, "%2hhx", &flood->header[i]) != 1)
			return false;
	flood->is_udp = flood->header[23] == IPPROTO_UDP;
	if (words[5] && atof(words[5]) <= 0)
		return false;
	flood->gap = words[5] ? (__u32)(1e9 / atof(words[5])) : 0;
	if (!read_sizes(order, words[3]))
		return false;
	memcpy(order->frame, flood->header, FLOOD_HEADERS);
	return true;
}

static void ignore(int number)
{
	(void)number;
}

/* What came of an order. */
struct sent {
	double frames;
	double started; /* wall time of the first one */
	double cpu; /* of the thread that sent them, set-up left out */
};

struct watch {
	const struct order *order;
	const volatile __u64 *sent;
	pthread_t sender;
	double started;
};

/* The kernel takes its time before the first frame; only what comes then counts. */
static void *stop_in_time(void *argument)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	struct watch *watch = argument;
	double seconds = watch->order->seconds;
	const struct timespec rest = {(time_t)seconds,
				      (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (!*watch->sent)
		nanosleep(&tick, NULL);
	watch->started = now(CLOCK_MONOTONIC);
	nanosleep(&rest, NULL);
	pthread_kill(watch->sender, SIGALRM);
	return NULL;
}

static struct sent send_live(const struct order *order)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = order->frame,
		    .data_size_in = order->longest, .repeat = FOREVER,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	struct flood_bpf *skeleton = flood_bpf__open();
	const struct sigaction action = {.sa_handler = ignore};
	struct watch watch = {.order = order, .sender = pthread_self()};
	struct sent sent;
	pthread_t watcher;

	if (!skeleton)
		die("flood.bpf.o");
	memcpy((void *)&skeleton->rodata->flood, &order->flood, sizeof(order->flood));
	if (flood_bpf__load(skeleton))
		die("loading");
	sigaction(SIGALRM, &action, NULL);
	watch.sent = &skeleton->bss->sent;
	if (pthread_create(&watcher, NULL, stop_in_time, &watch))
		die("thread");
	sent.cpu = now(CLOCK_THREAD_CPUTIME_ID);
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.generate), &options) &&
	    errno != EINTR)
		die("test run");
	sent.cpu = now(CLOCK_THREAD_CPUTIME_ID) - sent.cpu;
	pthread_join(watcher, NULL);
	sent.started = watch.started;
	sent.frames = (double)skeleton->bss->sent;
	flood_bpf__destroy(skeleton);
	return sent;
}

static void set_destination(const struct order *order, unsigned char *frame, unsigned int number)
{
	__u32 sum = order->flood.shapes[0].sum;
	__u16 checksum;

	memcpy(frame + 16, &order->flood.shapes[0].ip_length, 2);
	memcpy(frame + 38, &order->flood.shapes[0].udp_length, order->flood.is_udp ? 2 : 0);
	if (order->flood.networks) {
		frame[32] = (unsigned char)number;
		sum += frame[32];
	}
	sum = (sum & 0xffff) + (sum >> 16);
	checksum = (__u16) ~((sum & 0xffff) + (sum >> 16));
	memcpy(frame + 24, &checksum, sizeof(checksum));
}

static struct sent send_socket(const struct order *order)
{
	static unsigned char frames[16][FRAME_MAX];
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_ifindex = (int)order->flood.ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), yes = 1;
	struct mmsghdr messages[16] = {0};
	struct iovec parts[16];
	struct sent sent = {0};
	unsigned int random = 1;
	double end;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)))
		die("packet socket");
	for (int i = 0; i < 16; i++) {
		memcpy(frames[i], order->frame, order->longest);
		parts[i] = (struct iovec){frames[i], order->longest};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	sent.started = now(CLOCK_MONOTONIC);
	sent.cpu = now(CLOCK_THREAD_CPUTIME_ID);
	end = sent.started + order->seconds * 1e9;
	do {
		int n;

		for (int i = 0; i < 16; i++) {
			random = random * 1664525U + 1013904223U;
			set_destination(order, frames[i], random >> 24);
		}
		n = sendmmsg(fd, messages, 16, 0);
		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			die("sending");
		sent.frames += n > 0 ? n : 0;
	} while (now(CLOCK_MONOTONIC) < end);
	sent.cpu = now(CLOCK_THREAD_CPUTIME_ID) - sent.cpu;
	return sent;
}

int main(int argc, char **argv)
{
	struct order order = {0};
	struct sent sent;

	if (argc < 6 || argc > 7 || !read_order(argv + 1, &order) ||
	    (order.flood.gap && order.longest > LIVE_MAX)) {
		fputs(usage, stderr);
		return 2;
	}
	sent = order.longest > LIVE_MAX ? send_socket(&order) : send_live(&order);
	printf("%.0f %.0f %.0f\n", sent.frames, now(CLOCK_MONOTONIC) - sent.started, sent.cpu);
	return 0;
}
