/* SPDX-License-Identifier: MIT */
/* The self-test of what is limited to peers: rows by `from` and `to`, and `ipsec:`. */
#ifndef ROLEWALL_SELFTEST_PEERS_H
#define ROLEWALL_SELFTEST_PEERS_H

#include "selftest_ask.h"
#include "selftest_hosts.h"

struct peers_test {
	const struct asker *asker;
	const struct hosts *hosts;
	bool *asked; /* room: for each of policy.peers */
	size_t turn; /* counts up, so that other hosts have their turn */
};

/* A pool that is asked. */
struct limited_pool {
	const struct party *own;
	const struct opening *openings;
	size_t n_openings;
	bool whole; /* else each condition once, not each opening */
	bool tc;
};

/*
 * Of each condition of each opening that is not for everybody somebody is let in, and somebody of a
 * pool that no row of it admits is not. 0, -EBADMSG or -errno.
 */
int ask_peers(struct peers_test *test, const struct limited_pool *pool);
/* selftest_pairs.c: ESP passes between the ends of each `ipsec:` pair. As above. */
int ask_pairs(struct selftest *test, const struct hosts *hosts);

#endif
