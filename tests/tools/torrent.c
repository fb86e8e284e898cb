/* SPDX-License-Identifier: MIT */
/*
 * Alternates two policies under as much traffic as a CPU can make, and sees for each packet which
 * of them it met (torrent.bpf.c): there must be as many changes as there were applies. A packet
 * that met a mixture would be two more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../e2e/torrent.h"
#include "torrent.skel.h"

static const char usage[] =
	"usage: torrent PREFIX GATEWAY-MAC CLIENT SERVER FOREIGN APPLIES SITE-A SITE-B COMMAND...\n"
	"  from PREFIX-clients to PREFIX-servers (namespaces, by eth0), while COMMAND SITE runs in\n"
	"  PREFIX-gateway with SITE-A and SITE-B in turn; A is in force when it begins\n"
	"  A opens port 1000, B 2000, and to FOREIGN sources 2001; both 4000, none 3000\n";

#define BATCH 64
#define FOREVER 0x40000000
#define ASKED 41000 /* a port of the server, shut; it asks from there, and answers may come */
#define PATIENCE 5 /* seconds until an apply is seen */

struct run {
	const char *prefix;
	struct torrent *skeleton;
	volatile struct tally *tally;
	pthread_t sender;
	volatile bool ended;
	int asking; /* the server's socket */
	struct sockaddr_in client;
};

static void die(const char *what)
{
	fprintf(stderr, "torrent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void nap(void)
{
	const struct timespec time = {.tv_nsec = 200000};

	nanosleep(&time, NULL);
}

static void enter(const struct run *torrent, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s-%s", torrent->prefix, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

/* --- frames */

static __u16 checksum(const struct iphdr *ip)
{
	const __u8 *bytes = (const __u8 *)ip;
	__u32 sum = 0;
	__u16 word;

	for (size_t i = 0; i < sizeof(*ip); i += 2) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16) ~((sum & 0xffff) + (sum >> 16));
}

static void read_mac(const char *text, __u8 mac[ETH_ALEN])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != ETH_ALEN)
		die(text);
}

static __u32 address(const char *text)
{
	struct in_addr value;

	if (inet_pton(AF_INET, text, &value) != 1)
		die(text);
	return value.s_addr;
}

struct flavour {
	bool foreign;
	__u16 source, destination;
	__u8 passes;
};

static const struct flavour flavours[KINDS] = {
	{false, 50000, 1000, UNDER_A},
	{false, 50000, 2000, UNDER_B},
	{false, 50000, 4000, UNDER_A | UNDER_B},
	{false, 50000, 3000, 0},
	{true, 50000, 2001, UNDER_B},
	{false, 50001, 1000, UNDER_A},
	{false, 42000, ASKED, UNDER_A | UNDER_B},
	{true, 50000, 3000, 0},
};

static void make_kind(struct kind *kind, const struct flavour *flavour, char **words)
{
	struct ethhdr ethernet = {.h_proto = htons(ETH_P_IP)};
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.tot_len = htons(FRAME_BYTES - ETH_HLEN),
		.saddr = address(flavour->foreign ? words[3] : words[1]),
		.daddr = address(words[2]),
	};
	const struct udphdr udp = {
		.source = htons(flavour->source),
		.dest = htons(flavour->destination),
		.len = htons(FRAME_BYTES - ETH_HLEN - sizeof(ip)),
	};

	read_mac(words[0], ethernet.h_dest);
	ethernet.h_source[0] = 2;
	ip.check = checksum(&ip);
	memcpy(kind->header, &ethernet, sizeof(ethernet));
	memcpy(kind->header + ETH_HLEN, &ip, sizeof(ip));
	memcpy(kind->header + ETH_HLEN + sizeof(ip), &udp, sizeof(udp));
	kind->passes = flavour->passes;
}

/* --- both ends */

static void open_ends(struct run *torrent, char **words)
{
	struct torrent *skeleton = torrent->skeleton = torrent__open();
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(ASKED)};

	if (!skeleton)
		die("torrent.bpf.o");
	for (unsigned int i = 0; i < KINDS; i++)
		make_kind((struct kind *)&skeleton->rodata->kinds[i], &flavours[i], words);
	enter(torrent, "clients");
	skeleton->rodata->out = if_nametoindex("eth0");
	skeleton->bss->tally.policy = UNDER_A;
	if (torrent__load(skeleton))
		die("loading");
	torrent->tally = &skeleton->bss->tally;
	enter(torrent, "servers");
	if (bpf_xdp_attach((int)if_nametoindex("eth0"), bpf_program__fd(skeleton->progs.arrive),
			   XDP_FLAGS_DRV_MODE, NULL))
		die("attaching");
	server.sin_addr.s_addr = address(words[2]);
	torrent->client = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(42000)};
	torrent->client.sin_addr.s_addr = address(words[1]);
	torrent->asking = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (torrent->asking < 0 ||
	    bind(torrent->asking, (struct sockaddr *)&server, sizeof(server)))
		die("bind");
}

static void ask(const struct run *torrent)
{
	if (sendto(torrent->asking, "?", 1, 0, (const struct sockaddr *)&torrent->client,
		   sizeof(torrent->client)) < 0)
		die("sendto");
}

static void ignore(int number)
{
	(void)number;
}

static void *send_frames(void *argument)
{
	static __u8 frame[FRAME_BYTES];
	struct run *torrent = argument;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = FOREVER, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	enter(torrent, "clients");
	while (!torrent->ended)
		if (bpf_prog_test_run_opts(bpf_program__fd(torrent->skeleton->progs.generate),
					   &options) &&
		    errno != EINTR)
			die("test run");
	return NULL;
}

/* --- applies */

static int run_in_gateway(const struct run *torrent, char **command, const char *site)
{
	char *arguments[32] = {NULL};
	pid_t child = fork();
	int status, n = 0;

	if (child < 0)
		die("fork");
	if (!child) {
		enter(torrent, "gateway");
		for (; command[n] && n < 30; n++)
			arguments[n] = command[n];
		arguments[n] = (char *)site;
		if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
			execv(arguments[0], arguments);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

/* Until a whole turn of frames has met the policy. */
static bool is_seen(const struct run *torrent, __u32 policy)
{
	const __u64 begin = torrent->tally->next;
	const double deadline = now() + PATIENCE;

	while (torrent->tally->next < begin + 4ULL * KINDS || torrent->tally->policy != policy) {
		if (now() > deadline)
			return false;
		nap();
	}
	return true;
}

static int alternate(struct run *torrent, unsigned int applies, char **words)
{
	for (unsigned int i = 1; i <= applies; i++) {
		ask(torrent);
		if (run_in_gateway(torrent, words + 2, words[i % 2])) {
			fprintf(stderr, "torrent: apply %u failed\n", i);
			return 1;
		}
		if (!is_seen(torrent, i % 2 ? UNDER_B : UNDER_A)) {
			fprintf(stderr, "torrent: apply %u is not seen\n", i);
			return 1;
		}
		if (torrent->tally->switches != i) {
			fprintf(stderr, "torrent: %llu changes after %u applies\n",
				torrent->tally->switches, i);
			return 1;
		}
	}
	return 0;
}

static void print(const struct run *torrent, unsigned int applies, double seconds)
{
	const volatile struct tally *tally = torrent->tally;

	printf("{\"applies\": %u, \"seconds\": %.1f, \"sent\": %llu, \"arrived\": %llu, "
	       "\"leaks\": %llu, \"false_drops\": %llu, \"changes\": %llu, \"disorder\": %llu, "
	       "\"gaps\": %llu}\n",
	       applies, seconds, tally->sent, tally->arrived, tally->leaks, tally->false_drops,
	       tally->switches, tally->disorder, tally->gaps);
}

int main(int argc, char **argv)
{
	struct run torrent = {0};
	const struct sigaction action = {.sa_handler = ignore};
	unsigned int applies;
	double began;
	int failed;

	if (argc < 10) {
		fputs(usage, stderr);
		return 2;
	}
	torrent.prefix = argv[1];
	applies = (unsigned int)atoi(argv[6]);
	sigaction(SIGALRM, &action, NULL);
	open_ends(&torrent, argv + 2);
	ask(&torrent);
	began = now();
	if (pthread_create(&torrent.sender, NULL, send_frames, &torrent))
		die("thread");
	failed = is_seen(&torrent, UNDER_A) ? alternate(&torrent, applies, argv + 7) : 1;
	torrent.ended = true;
	pthread_kill(torrent.sender, SIGALRM);
	pthread_join(torrent.sender, NULL);
	print(&torrent, applies, now() - began);
	return failed;
}
