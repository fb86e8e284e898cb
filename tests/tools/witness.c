/* SPDX-License-Identifier: MIT */
/*
 * Looks on while policies change: sends bursts of four datagrams through a gateway, the whole time,
 * and sees which of them arrive. The policies are made so that each of them lets others through:
 *
 *	datagram  old   new   nothing in force
 *	first     pass  drop  pass
 *	second    drop  pass  pass
 *	never     drop  drop  pass
 *	always    pass  pass  pass
 *
 * What leaves by one thread arrives in order: when the last datagram of a burst is there, the
 * others are or never will be. So the verdicts are a sequence in time, and it can be said whether
 * each of them is that of the policy before a change or after it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
	"usage: witness QUESTIONS ANSWERS NETNS NETNS ADDRESS4 ADDRESS6 FIRST SECOND NEVER ALWAYS\n"
	"  sends from one namespace to four ports in another, to ADDRESS4 and ADDRESS6 in turn\n"
	"  for each line that comes out of the FIFO QUESTIONS it writes one into ANSWERS: what was in\n"
	"  force since the line before, in order (old, new, nothing), and what cannot be (mixture, lost)\n";

enum { FIRST, SECOND, NEVER, ALWAYS, KINDS };

#define PAUSE 3000000 /* ns between two bursts */
#define PATIENCE 1000 /* ms that a datagram may take on a busy machine */

/* Verdicts of a burst, bit by bit. */
#define OLD (1U << FIRST)
#define NEW (1U << SECOND)
#define NOTHING (1U << FIRST | 1U << SECOND | 1U << NEVER)

struct witness {
	int senders[2], receivers[KINDS]; /* IPv4, IPv6, IPv4, IPv6 */
	struct sockaddr_storage peers[KINDS];
	unsigned int number; /* of the burst */
	unsigned int last; /* what was in force at its end */
	bool known, between; /* `last` is; `odd` waits for what comes after it */
	unsigned int odd;
	char story[4096]; /* since the last question */
};

static void die(const char *what)
{
	fprintf(stderr, "witness: %s: %s\n", what, strerror(errno));
	exit(1);
}

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

static int open_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static void set_peer(struct sockaddr_storage *peer, const char *address, const char *port)
{
	struct sockaddr_in *ip4 = (struct sockaddr_in *)peer;
	struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)peer;

	if (inet_pton(AF_INET, address, &ip4->sin_addr) == 1)
		peer->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, address, &ip6->sin6_addr) == 1)
		peer->ss_family = AF_INET6;
	else
		die(address);
	ip4->sin_port = htons((in_port_t)atoi(port)); /* in the same place in both */
}

static void open_sockets(struct witness *witness, char **words)
{
	enter(words[0]);
	witness->senders[0] = open_socket(AF_INET);
	witness->senders[1] = open_socket(AF_INET6);
	enter(words[1]);
	for (int i = 0; i < KINDS; i++) {
		struct sockaddr_storage *peer = &witness->peers[i];

		set_peer(peer, words[2 + i % 2], words[4 + i]);
		witness->receivers[i] = open_socket(peer->ss_family);
		if (bind(witness->receivers[i], (struct sockaddr *)peer, sizeof(*peer)))
			die("bind");
	}
}

/* This burst's datagram of a kind is there? */
static bool has_arrived(const struct witness *witness, int kind)
{
	unsigned int number;

	while (recv(witness->receivers[kind], &number, sizeof(number), MSG_DONTWAIT) ==
	       sizeof(number))
		if (number == witness->number)
			return true;
	return false;
}

/* Sends one and returns what arrived, as bits; false if the last one did not. */
static bool burst(struct witness *witness, unsigned int *verdicts)
{
	struct pollfd last = {.fd = witness->receivers[ALWAYS], .events = POLLIN};

	witness->number++;
	for (int i = 0; i < KINDS; i++)
		if (sendto(witness->senders[i % 2], &witness->number, sizeof(witness->number), 0,
			   (struct sockaddr *)&witness->peers[i], sizeof(witness->peers[i])) < 0)
			die("sendto");
	do {
		if (poll(&last, 1, PATIENCE) != 1)
			return false;
	} while (!has_arrived(witness, ALWAYS));
	*verdicts = 0;
	for (int i = 0; i < ALWAYS; i++)
		*verdicts |= (unsigned int)has_arrived(witness, i) << i;
	return true;
}

/* --- what it means */

static const char *name_of(unsigned int verdicts)
{
	return verdicts == OLD       ? "old"
	       : verdicts == NEW     ? "new"
	       : verdicts == NOTHING ? "nothing"
				     : NULL;
}

static void tell(struct witness *witness, const char *word)
{
	size_t used = strlen(witness->story);

	snprintf(witness->story + used, sizeof(witness->story) - used, "%s%s", used ? " " : "",
		 word);
}

/* A burst during which one policy followed the other: its first datagrams met the one before. */
static bool is_between(unsigned int odd, unsigned int before, unsigned int after)
{
	for (int first = 1; first < ALWAYS; first++) {
		unsigned int early = (1U << first) - 1;

		if (odd == ((before & early) | (after & ~early)))
			return true;
	}
	return false;
}

static void tell_mixture(struct witness *witness)
{
	char text[64];

	snprintf(text, sizeof(text), "mixture:%c%c%c", witness->odd & 1 ? '+' : '-',
		 witness->odd & 2 ? '+' : '-', witness->odd & 4 ? '+' : '-');
	tell(witness, text);
}

static void look(struct witness *witness)
{
	unsigned int verdicts;

	if (!burst(witness, &verdicts)) {
		tell(witness, "lost");
		return;
	}
	if (!name_of(verdicts)) {
		if (witness->between)
			tell_mixture(witness); /* two in a row */
		witness->odd = verdicts;
		witness->between = true;
		return;
	}
	if (witness->between && (!witness->known || verdicts == witness->last ||
				 !is_between(witness->odd, witness->last, verdicts)))
		tell_mixture(witness);
	witness->between = false;
	if (!witness->known || verdicts != witness->last)
		tell(witness, name_of(verdicts));
	witness->last = verdicts;
	witness->known = true;
}

/* At least one burst is later than the question. */
static void answer(struct witness *witness, int answers)
{
	do {
		look(witness);
	} while (witness->between);
	tell(witness, "\n");
	if (write(answers, witness->story, strlen(witness->story)) < 0)
		die("write");
	witness->story[0] = '\0';
	if (witness->known)
		tell(witness, name_of(witness->last));
}

int main(int argc, char **argv)
{
	static struct witness witness;
	const struct timespec pause = {.tv_nsec = PAUSE};
	struct pollfd question = {.events = POLLIN};
	char line[16];
	int answers;

	if (argc != 11) {
		fputs(usage, stderr);
		return 2;
	}
	/* To write, too: then it never ends when the other side is closed. */
	question.fd = open(argv[1], O_RDWR | O_CLOEXEC | O_NONBLOCK);
	answers = open(argv[2], O_RDWR | O_CLOEXEC);
	if (question.fd < 0 || answers < 0)
		die(argv[1]);
	open_sockets(&witness, argv + 3);
	for (;;) {
		int asked = ppoll(&question, 1, &pause, NULL);

		if (asked < 0)
			die("ppoll");
		if (asked && read(question.fd, line, sizeof(line)) > 0)
			answer(&witness, answers);
		else
			look(&witness);
	}
}
