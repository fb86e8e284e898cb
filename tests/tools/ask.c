/* SPDX-License-Identifier: MIT */
/*
 * One question to an echo server (traffic.py serve) and what became of it: the end-to-end tests ask
 * hundreds of them, and an interpreter takes longer to start than the answer to come.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PIECE 65275U /* bytes in flight at once, so that neither side's buffers fill up */
#define PATTERN 251U

static const char usage[] =
	"usage: ask tcp|udp ADDRESS PORT [--bytes N] [--source ADDRESS] [--sport N] [--wait SECONDS]\n"
	"  prints what became of it: tcp: open (the echo came back), refused, silent or broken;\n"
	"  udp: echo, refused, silent, too-big or broken; exit status 1 if it could not be asked\n";

struct question {
	int type; /* SOCK_STREAM or SOCK_DGRAM */
	const char *address, *port, *source, *sport;
	double wait; /* seconds without an answer that are silence */
	size_t bytes;
};

static int fail(const char *what)
{
	fprintf(stderr, "ask: %s: %s\n", what, strerror(errno));
	return -1;
}

static struct addrinfo *resolve(const struct question *question, const char *host, const char *port)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_family = strchr(question->address, ':') ? AF_INET6 : AF_INET,
		.ai_socktype = question->type,
	};
	struct addrinfo *found = NULL;
	int err;

	if (!host)
		host = hints.ai_family == AF_INET6 ? "::" : "0.0.0.0";
	err = getaddrinfo(host, port, &hints, &found);
	if (err)
		fprintf(stderr, "ask: %s %s: %s\n", host, port, gai_strerror(err));
	return err ? NULL : found;
}

static int bind_own(int sock, const struct question *question)
{
	struct addrinfo *own = resolve(question, question->source, question->sport);
	int err;

	if (!own)
		return -1;
	err = bind(sock, own->ai_addr, own->ai_addrlen);
	freeaddrinfo(own);
	return err ? fail("bind") : 0;
}

static int open_socket(const struct question *question)
{
	const struct timeval wait = {
		.tv_sec = (time_t)question->wait,
		.tv_usec = (suseconds_t)((question->wait - (double)(time_t)question->wait) * 1e6),
	};
	const int family = strchr(question->address, ':') ? AF_INET6 : AF_INET, on = 1;
	int sock = socket(family, question->type | SOCK_CLOEXEC, 0);

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)))
		return fail("socket");
	if ((question->source || strcmp(question->sport, "0") != 0) && bind_own(sock, question))
		return -1;
	return sock;
}

/* What an error of the socket means; NULL: nothing that a packet on the way could cause. */
static const char *meaning(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return "refused";
	case EAGAIN:
	case EINPROGRESS: /* connect() */
		return "silent";
	case EMSGSIZE:
		return "too-big";
	case ECONNRESET:
	case EPIPE:
		return "broken";
	}
	fail("ask");
	return NULL;
}

/* Sends a piece and reads its echo; NULL if that is what came. */
static const char *exchange(int sock, const char *data, size_t size, int type)
{
	char answer[65536];
	size_t sent = 0, got = 0;
	ssize_t n;

	for (; sent < size; sent += (size_t)n) {
		n = send(sock, data + sent, size - sent, MSG_NOSIGNAL);
		if (n < 0)
			return meaning(errno) ?: "";
	}
	do {
		n = recv(sock, answer + got, sizeof(answer) - got, 0);
		if (n < 0)
			return meaning(errno) ?: "";
		got += (size_t)n;
	} while (n && got < size && type == SOCK_STREAM);
	return got == size && !memcmp(answer, data, size) ? NULL : "broken";
}

/* The word for it; "" if it could not be asked. */
static const char *ask(int sock, const struct question *question)
{
	struct addrinfo *peer = resolve(question, question->address, question->port);
	char data[PIECE];
	const char *word = NULL;

	if (!peer)
		return "";
	if (connect(sock, peer->ai_addr, peer->ai_addrlen))
		word = meaning(errno) ?: "";
	freeaddrinfo(peer);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i % PATTERN);
	for (size_t left = question->bytes; left && !word;) {
		const size_t piece = left < sizeof(data) ? left : sizeof(data);

		word = exchange(sock, data, piece, question->type);
		left -= piece;
	}
	return word ?: question->type == SOCK_STREAM ? "open" : "echo";
}

static int read_options(int argc, char **argv, struct question *question)
{
	static const struct option options[] = {
		{"bytes", required_argument, NULL, 'b'},
		{"source", required_argument, NULL, 's'},
		{"sport", required_argument, NULL, 'p'},
		{"wait", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			question->bytes = strtoul(optarg, NULL, 10);
			break;
		case 's':
			question->source = optarg;
			break;
		case 'p':
			question->sport = optarg;
			break;
		case 'w':
			question->wait = strtod(optarg, NULL);
			break;
		default:
			return -1;
		}
	}
	if (argc - optind != 3 || (strcmp(argv[optind], "tcp") && strcmp(argv[optind], "udp")))
		return -1;
	question->type = strcmp(argv[optind], "tcp") ? SOCK_DGRAM : SOCK_STREAM;
	question->address = argv[optind + 1];
	question->port = argv[optind + 2];
	return question->type == SOCK_STREAM || question->bytes <= PIECE ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct question question = {.sport = "0", .wait = 5, .bytes = 64};
	const char *word;
	int sock;

	if (read_options(argc, argv, &question)) {
		fputs(usage, stderr);
		return 2;
	}
	sock = open_socket(&question);
	if (sock < 0)
		return 1;
	word = ask(sock, &question);
	close(sock);
	if (!*word)
		return 1;
	puts(word);
	return 0;
}
