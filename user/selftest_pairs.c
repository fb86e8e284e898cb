/* SPDX-License-Identifier: MIT */
/* The self-test of `ipsec:`: ESP between the ends of every pair, both ways, by both programs. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "running.h"
#include "selftest_peers.h"

struct ends {
	struct party one, other;
};

static int ask_ends(struct selftest *test, const struct ends *ends, bool tc)
{
	const struct question question = {
		.source = ends->one.address,
		.destination = ends->other.address,
		.protocol = IPPROTO_ESP,
	};
	struct probe_result result;
	char from[PREFIX_TEXT], to[PREFIX_TEXT];
	int err = ask_program(test, &question, tc, &result);

	if (err || result.reason == REASON_ipsec)
		return err;
	fprintf(stderr, "rolewall: self-test: ESP from %s to %s by %s: %s, not %s\n",
		prefix_format(&ends->one.address, from, sizeof(from)),
		prefix_format(&ends->other.address, to, sizeof(to)), tc ? "TC" : "XDP",
		reason_name(result.reason), reason_name(REASON_ipsec));
	return -EBADMSG;
}

static int ask_pair(struct selftest *test, const struct hosts *hosts, const struct ipsec_pair *pair,
		    enum family family)
{
	const struct prefix nobody = {.family = (__u8)family};
	struct ends ends, back;
	int err = 0;

	/* A role may be paired with itself. */
	if (!host_admitted(hosts, pair->peers[0], &nobody, 0, &ends.one) ||
	    !host_admitted(hosts, pair->peers[1], &ends.one.address, 0, &ends.other))
		return 0;
	if (!expect_guarded(&ends.one) && !expect_guarded(&ends.other))
		return 0;
	back = (struct ends){ends.other, ends.one};
	for (int tc = 0; tc < 2 && !err; tc++) {
		err = ask_ends(test, &ends, tc);
		if (!err)
			err = ask_ends(test, &back, tc);
	}
	return err;
}

int ask_pairs(struct selftest *test, const struct hosts *hosts)
{
	const struct policy *policy = test->policy;
	int err = 0;

	for (size_t i = 0; i < policy->n_ipsec && !err; i++) {
		err = ask_pair(test, hosts, &policy->ipsec[i], FAMILY_IPV4);
		if (!err)
			err = ask_pair(test, hosts, &policy->ipsec[i], FAMILY_IPV6);
	}
	return err;
}
