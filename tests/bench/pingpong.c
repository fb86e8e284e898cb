/* SPDX-License-Identifier: MIT */
/*
 * How long a datagram and its answer take:
 *
 *	pingpong DEVICE SOURCE DESTINATION PORT RATE SECONDS
 *
 * Sends RATE datagrams a second, whatever becomes of them, and prints how many were sent and came back,
 * and then the median, the 90th, 99th and 99.9th percentile and the longest time, in ns. An answer's time is the
 * kernel's, when it came in; that this program had to wait for a CPU does not count.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SAMPLES_MAX 1000000
#define LAST_WAIT 100000000 /* ns for the last answers */

struct message {
	uint64_t number;
	int64_t sent;
};

struct talk {
	int fd;
	int64_t *times;
	uint64_t sent, received;
};

static void die(const char *what)
{
	fprintf(stderr, "pingpong: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Of the clock that the kernel stamps packets with. */
static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int open_socket(char **words)
{
	struct sockaddr_in near = {.sin_family = AF_INET}, far = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
	uint32_t device = htonl(if_nametoindex(words[0]));

	far.sin_port = htons((uint16_t)atoi(words[3]));
	if (inet_pton(AF_INET, words[1], &near.sin_addr) != 1 ||
	    inet_pton(AF_INET, words[2], &far.sin_addr) != 1)
		die("address");
	if (fd < 0 || !device ||
	    /* answers may come in by another device */
	    setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &device, sizeof(device)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)) ||
	    /* the far end sends the bytes back as they are */
	    setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)&near, sizeof(near)) ||
	    connect(fd, (struct sockaddr *)&far, sizeof(far)))
		die(words[0]);
	return fd;
}

static int receive(struct talk *talk)
{
	char space[CMSG_SPACE(sizeof(struct timespec))];
	struct message message;
	struct iovec part = {&message, sizeof(message)};
	struct msghdr header = {.msg_iov = &part,
				.msg_iovlen = 1,
				.msg_control = space,
				.msg_controllen = sizeof(space)};
	struct cmsghdr *control;
	struct timespec stamp;

	if (recvmsg(talk->fd, &header, 0) != sizeof(message))
		return -1;
	control = CMSG_FIRSTHDR(&header);
	if (!control || control->cmsg_type != SO_TIMESTAMPNS || talk->received == SAMPLES_MAX)
		return 0;
	memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
	talk->times[talk->received++] =
		(int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec - message.sent;
	return 0;
}

static void receive_until(struct talk *talk, int64_t end)
{
	struct pollfd wait = {.fd = talk->fd, .events = POLLIN};
	int64_t left;

	while ((left = end - now()) > 0) {
		const struct timespec time = {left / 1000000000, left % 1000000000};

		if (ppoll(&wait, 1, &time, NULL) > 0)
			while (!receive(talk))
				;
	}
}

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static long long percentile(const struct talk *talk, double part)
{
	return talk->received ? talk->times[(uint64_t)((double)(talk->received - 1) * part)] : 0;
}

int main(int argc, char **argv)
{
	const struct sched_param first = {.sched_priority = 50};
	struct talk talk = {0};
	int64_t turn, end, step;

	if (argc != 7 || atof(argv[5]) <= 0) {
		fprintf(stderr, "usage: pingpong DEVICE SOURCE DESTINATION PORT RATE SECONDS\n");
		return 2;
	}
	talk.fd = open_socket(argv + 1);
	talk.times = calloc(SAMPLES_MAX, sizeof(*talk.times));
	if (!talk.times || sched_setscheduler(0, SCHED_FIFO, &first))
		die("preparing");
	step = (int64_t)(1e9 / atof(argv[5]));
	turn = now();
	for (end = turn + (int64_t)(atof(argv[6]) * 1e9); turn < end; turn += step) {
		const struct message message = {talk.sent, now()};

		if (send(talk.fd, &message, sizeof(message), 0) == sizeof(message))
			talk.sent++;
		receive_until(&talk, turn + step);
	}
	receive_until(&talk, now() + LAST_WAIT);
	qsort(talk.times, talk.received, sizeof(*talk.times), compare);
	printf("%llu %llu %lld %lld %lld %lld %lld\n", (unsigned long long)talk.sent,
	       (unsigned long long)talk.received, percentile(&talk, 0.5), percentile(&talk, 0.9),
	       percentile(&talk, 0.99), percentile(&talk, 0.999), percentile(&talk, 1));
	return 0;
}
