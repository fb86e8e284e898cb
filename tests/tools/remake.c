/* SPDX-License-Identifier: MIT */
/*
 * remake NAMESPACE ROUNDS PINS SOURCE4 TARGET4 SOURCE6 TARGET6: in the namespace of the gateway,
 * deletes the interface `out` and makes it again, ROUNDS times, a veth whose other end is eth0 in
 * NAMESPACE. From there UDP port 2000 of the targets is flooded all the time, as soon as the
 * interface is there. Every other round it has the lock of the pin directory PINS, so that nobody
 * attaches before hundreds of packets came. In half of the rounds the interface is taken down before:
 * then its other end goes on sending. Prints JSON: how many packets were sent, and how long it
 * took, in the rounds without the lock, from the interface's creation until a program was attached.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GATEWAY_MAC "02:00:00:00:00:01"
#define CLIENT_MAC "02:00:00:00:00:02"
#define QUEUES "numtxqueues 64 numrxqueues 64"
#define FRAME 64
#define BATCH 128
#define ENOUGH 500 /* packets on a new interface before the next round */
#define PATIENCE_NS 10000000000ULL

struct shared {
	volatile uint64_t sent;
};

static void die(const char *what)
{
	fprintf(stderr, "remake: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

static void rest(long microseconds)
{
	const struct timespec pause = {.tv_nsec = microseconds * 1000};

	nanosleep(&pause, NULL);
}

/* --- the flood */

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A datagram from a port to port 2000. IPv6 has a checksum that must be right: the far end counts it. */
static void make_frame(uint8_t frame[FRAME], uint16_t port, bool six, const char *source,
		       const char *target)
{
	static const uint8_t ethernet[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	size_t header = six ? 40 : 20, length = FRAME - 14 - header;
	uint8_t *ip = frame + 14, *udp = ip + header;
	uint8_t pseudo[72] = {0};
	uint16_t sum;

	memset(frame, 0, FRAME);
	memcpy(frame, ethernet, sizeof(ethernet));
	put16(frame + 12, six ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	put16(udp, port);
	put16(udp + 2, 2000);
	put16(udp + 4, (uint16_t)length);
	if (!six) {
		ip[0] = 0x45;
		put16(ip + 2, FRAME - 14);
		ip[8] = 64;
		ip[9] = IPPROTO_UDP;
		inet_pton(AF_INET, source, ip + 12);
		inet_pton(AF_INET, target, ip + 16);
		sum = checksum(ip, header);
		memcpy(ip + 10, &sum, 2);
		return;
	}
	ip[0] = 0x60;
	put16(ip + 4, (uint16_t)length);
	ip[6] = IPPROTO_UDP;
	ip[7] = 64;
	inet_pton(AF_INET6, source, ip + 8);
	inet_pton(AF_INET6, target, ip + 24);
	memcpy(pseudo, ip + 8, 32);
	put16(pseudo + 34, (uint16_t)length);
	pseudo[39] = IPPROTO_UDP;
	memcpy(pseudo + 40, udp, length);
	sum = checksum(pseudo, 40 + length);
	memcpy(udp + 6, &sum, 2);
}

/* A socket on eth0, which is up then; -1 if it is not there. */
static int open_device(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	struct ifreq request = {.ifr_name = "eth0"};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	address.sll_ifindex = (int)if_nametoindex("eth0");
	if (address.sll_ifindex && !ioctl(fd, SIOCGIFFLAGS, &request)) {
		request.ifr_flags |= IFF_UP;
		if (!ioctl(fd, SIOCSIFFLAGS, &request) &&
		    !bind(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
	}
	close(fd);
	return -1;
}

static void flood(struct shared *shared, char **addresses)
{
	uint8_t frames[BATCH][FRAME];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	int fd = -1, sent;

	/* By their ports they go through different queues. */
	for (int i = 0; i < BATCH; i++) {
		bool six = i % 2;

		make_frame(frames[i], (uint16_t)(40000 + i), six, addresses[2 * six],
			   addresses[2 * six + 1]);
		parts[i] = (struct iovec){frames[i], FRAME};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		if (fd < 0 && (fd = open_device()) < 0) {
			rest(50);
			continue;
		}
		sent = sendmmsg(fd, messages, BATCH, 0);
		if (sent > 0) {
			shared->sent += (uint64_t)sent;
			rest(20);
			continue;
		}
		if (errno == ENOBUFS)
			continue;
		close(fd);
		fd = -1;
	}
}

static pid_t start_flood(const char *namespace, char **addresses, struct shared *shared)
{
	char path[256];
	pid_t pid;
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	pid = fork();
	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		die("prctl");
	if (setns(fd, CLONE_NEWNET))
		die("setns");
	flood(shared, addresses);
	exit(0);
}

/* --- the rounds */

/* `ip -batch -`, which takes orders as they come. */
static FILE *start_ip(void)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		die("ip");
	setlinebuf(ip);
	return ip;
}

static unsigned int wait_for(bool present, uint64_t *when)
{
	uint64_t start = now();
	unsigned int ifindex;

	while (!!(ifindex = if_nametoindex("out")) != present) {
		if (now() - start > PATIENCE_NS)
			die("waited in vain for the interface");
		rest(20);
	}
	*when = now();
	return ifindex;
}

static uint64_t wait_for_program(unsigned int ifindex, uint64_t since)
{
	__u32 id = 0;

	while (bpf_xdp_query_id((int)ifindex, 0, &id) || !id) {
		if (now() - since > PATIENCE_NS)
			die("waited in vain for a program");
		rest(100);
	}
	return now() - since;
}

static void wait_for_flood(const struct shared *shared, uint64_t before)
{
	uint64_t start = now();

	while (shared->sent - before < ENOUGH) {
		if (now() - start > PATIENCE_NS)
			die("the flood has dried up");
		rest(200);
	}
}

struct gateway {
	FILE *ip;
	const char *namespace; /* at the other end */
	int lock;
	struct shared *shared;
};

static uint64_t one_round(const struct gateway *gateway, bool locked, bool down)
{
	uint64_t came, took, before;
	unsigned int ifindex;

	if (locked && flock(gateway->lock, LOCK_EX))
		die("flock");
	fprintf(gateway->ip, "%slink delete out\n", down ? "link set out down\n" : "");
	wait_for(false, &came);
	before = gateway->shared->sent;
	fprintf(gateway->ip,
		"link add out address " GATEWAY_MAC " " QUEUES
		" type veth peer name eth0 address " CLIENT_MAC " " QUEUES
		" netns %s\nlink set out up\n",
		gateway->namespace);
	ifindex = wait_for(true, &came);
	if (locked)
		wait_for_flood(gateway->shared, before);
	if (locked && flock(gateway->lock, LOCK_UN))
		die("flock");
	took = wait_for_program(ifindex, came);
	wait_for_flood(gateway->shared, before);
	return took;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

int main(int argc, char **argv)
{
	size_t rounds = argc == 8 ? strtoul(argv[2], NULL, 10) : 0, timed = 0;
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t *took = calloc(rounds + 1, sizeof(*took));
	struct gateway gateway = {.shared = shared};
	pid_t flooder;

	if (rounds < 2 || shared == MAP_FAILED || !took) {
		fprintf(stderr,
			"usage: remake NAMESPACE ROUNDS PINS SOURCE4 TARGET4 SOURCE6 TARGET6\n");
		return 2;
	}
	gateway.namespace = argv[1];
	gateway.lock = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (gateway.lock < 0)
		die(argv[3]);
	flooder = start_flood(argv[1], &argv[4], shared);
	gateway.ip = start_ip();
	for (size_t i = 0; i < rounds; i++) {
		took[timed] = one_round(&gateway, i % 2, i % 4 < 2);
		timed += !(i % 2);
	}
	kill(flooder, SIGKILL);
	waitpid(flooder, NULL, 0);
	pclose(gateway.ip);
	qsort(took, timed, sizeof(*took), compare);
	printf("{\"rounds\": %zu, \"sent\": %llu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n",
	       rounds, (unsigned long long)shared->sent, (double)took[timed / 2] / 1e6,
	       (double)took[(timed * 99 - 1) / 100] / 1e6, (double)took[timed - 1] / 1e6);
	free(took);
	return 0;
}
