/* SPDX-License-Identifier: MIT */
/* The self-test of what is limited to peers: `ipsec:`. */
#ifndef ROLEWALL_SELFTEST_PEERS_H
#define ROLEWALL_SELFTEST_PEERS_H

#include "selftest_ask.h"
#include "selftest_hosts.h"

/* selftest_pairs.c: ESP passes between the ends of each pair. 0, -EBADMSG or -errno. */
int ask_pairs(struct selftest *test, const struct hosts *hosts);

#endif
