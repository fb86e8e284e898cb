/* SPDX-License-Identifier: MIT */
/* `ipsec:` of a site: pairs, who is exempt, and what check says of both. */
#include "expect.h"

#include <errno.h>

#include "policy.h"
#include "string_list.h"

static const char matrix_text[] =
	"version: 1\n"
	"name: m\n"
	"title: M\n"
	"roles:\n"
	"  a: {title: A}\n"
	"  b: {title: B, adds: [a]}\n"
	"  c: {title: C}\n"
	"  d: {title: D}\n"
	"  p: {title: P, peer: true}\n"
	"groups: {g: [a, c]}\n"
	"tables:\n"
	"  t:\n"
	"    title: T\n"
	"    rows:\n"
	"    - {id: t/01, role: g, service: S, ports: 1434, protocols: udp, direction: in}\n"
	"    - {id: t/02, role: d, service: S, ports: 80, protocols: tcp, direction: in}\n"
	"  none:\n"
	"    title: Opens nothing, exempts nobody\n"
	"    opens: false\n"
	"    rows:\n"
	"    - {id: none/01, role: d, service: S, ports: 0-65535, protocols: tcp, direction: in}\n"
	"  ipsec:\n"
	"    title: Exceptions\n"
	"    opens: false\n"
	"    rows:\n"
	"    - {id: ipsec/01, role: a, service: S, ports: 0-65535, protocols: tcp, direction: in}\n"
	"    - {id: ipsec/02, role: p, service: S, ports: 0-65535, protocols: tcp, direction: in}\n";

/* Five lines; a pair list starts in line 6. */
#define START                                                                                      \
	"version: 1\ninterfaces: [eth0]\npools:\n"                                                 \
	"- {name: x, roles: [a], addresses: [10.0.0.0/24]}\n"                                      \
	"- {name: y, roles: [d], addresses: [10.0.1.0/24]}\n"
#define PAIR(rest) START "ipsec: [{" rest "}]\n"
#define PEER "- {name: z, roles: [p], addresses: [10.0.2.0/24]}\n"
#define ENDS "accepted: a role, a group, or a prefix such as 10.1.2.0/28 or 2001:db8::/64\n"

struct outcome {
	struct matrix matrix;
	struct site site;
	struct policy policy;
	struct diagnostics diags;
	int rc;
};

static void outcome_free(struct outcome *outcome)
{
	policy_free(&outcome->policy);
	site_free(&outcome->site);
	matrix_free(&outcome->matrix);
	diag_free(&outcome->diags);
}

static void resolve_text(const char *text, struct outcome *outcome)
{
	assert_int_equal(matrix_parse("m", matrix_text, strlen(matrix_text), &outcome->matrix,
				      &outcome->diags),
			 0);
	site_parse("s", text, strlen(text), &outcome->site, &outcome->diags);
	outcome->rc =
		policy_resolve(&outcome->matrix, &outcome->site, &outcome->policy, &outcome->diags);
}

struct text_row {
	const char *name, *site, *expected;
};

static const struct text_row errors[] = {
	{"no list", START "ipsec: {between: [a, d]}\n",
	 "s:6:8: error: ipsec: a mapping found; a list is accepted\n"},
	{"no pair", START "ipsec: [a]\n",
	 "s:6:9: error: ipsec: a value found; a mapping is accepted\n"},
	{"between missing", PAIR("note: n"),
	 "s:6:9: error: key \"between\" is missing in a pair of ipsec; accepted: between, note\n"},
	{"unknown key", PAIR("between: [a, d], from: a"),
	 "s:6:27: error: unknown key \"from\" in a pair of ipsec; accepted: between, note\n"},
	{"between as value", PAIR("between: a"),
	 "s:6:19: error: between: a value found; a list is accepted\n"},
	{"no end", PAIR("between: []"),
	 "s:6:19: error: between: 0 words; two are accepted: between: [X, Y]\n"},
	{"one end", PAIR("between: [a]"),
	 "s:6:19: error: between: 1 word; two are accepted: between: [X, Y]\n"},
	{"three ends", PAIR("between: [a, d, g]"),
	 "s:6:19: error: between: 3 words; two are accepted: between: [X, Y]\n"},
	{"any", PAIR("between: [a, any]"),
	 "s:6:23: error: between: \"any\" would permit IPsec to everybody; " ENDS},
	{"no prefix", PAIR("between: [10.0.0, d]"),
	 "s:6:20: error: between: \"10.0.0\" is no prefix; " ENDS},
	{"host bits", PAIR("between: [10.0.0.1/24, d]"),
	 "s:6:20: error: 10.0.0.1/24: host bits set; 10.0.0.0/24 is the prefix\n"},
	{"every address", PAIR("between: [a, 0.0.0.0/0]"),
	 "s:6:23: error: between: 0.0.0.0/0 is every address there is; accepted: longer "
	 "prefixes\n"},
	{"mapped", PAIR("between: [a, '::ffff:10.0.0.1']"),
	 "s:6:23: error: ::ffff:10.0.0.1: IPv4-mapped; accepted: the IPv4 prefix\n"},
	{"a note of two lines", PAIR("between: [a, d], note: \"b\\nc\""),
	 "s:6:33: error: note: line break or control character; one line of text is accepted\n"},
	{"unknown role, and what else there is",
	 START "ipsec:\n- between: [a, any]\n- between: [e, f]\n",
	 "s:7:16: error: between: \"any\" would permit IPsec to everybody; " ENDS
	 "s:8:13: error: unknown role \"e\"; accepted: a, b, c, d, p, g\n"
	 "s:8:16: error: unknown role \"f\"; accepted: a, b, c, d, p, g\n"},
};

static void refuses(void **state)
{
	const struct text_row *row = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};

	resolve_text(row->site, &outcome);
	expect_diags(&outcome.diags, row->expected);
	assert_int_equal(outcome.rc, -EINVAL);
}

#define EXTRA(ports, protocol, role)                                                               \
	START "extra: [{role: " role ", ports: " ports ", protocols: " protocol "}]\n"
#define DROPS(pool)                                                                                \
	"s:6:9: warning: row extra/01 opens udp 500 or 4500 on pool \"" pool                       \
	"\", which is exempt from IPsec: IKE gets in by it, ESP does not; ipsec: permits both "    \
	"between two ends\n"

static const struct text_row warnings[] = {
	{"none", PAIR("between: [a, d]"), ""},
	{"an empty list", START "ipsec: []\n", ""},
	{"a role with itself", PAIR("between: [a, a]"), ""},
	{"twice", START "ipsec:\n- between: [a, d]\n- {between: [a, d], note: n}\n",
	 "s:8:3: warning: the pair of \"a\" and \"d\" is listed twice; line 7 has it already\n"},
	{"twice, turned and written otherwise",
	 START "ipsec:\n- between: [10.0.0.1, d]\n- between: [d, 10.0.0.1/32]\n",
	 "s:8:3: warning: the pair of \"d\" and \"10.0.0.1/32\" is listed twice; line 7 has it "
	 "already\n"},
	{"a role that no pool holds", PAIR("between: [a, c]"),
	 "s:6:23: warning: no pool holds \"c\", so nothing matches it\n"},
	{"two prefixes, neither guarded", PAIR("between: [10.1.0.0/16, '2001:db8::/32']"),
	 "s:6:9: warning: ipsec: neither \"10.1.0.0/16\" nor \"2001:db8::/32\" is a guarded host, "
	 "so this permits nothing\n"},
	{"peers only", START PEER "ipsec: [between: [p, 10.0.2.5]]\n",
	 "s:7:9: warning: ipsec: neither \"p\" nor \"10.0.2.5\" is a guarded host, so this permits "
	 "nothing\n"},
	{"a prefix around a pool", PAIR("between: [10.0.0.0/8, 192.0.2.1]"), ""},
	{"a prefix inside a pool", PAIR("between: [192.0.2.1, 10.0.1.7]"), ""},
	{"a row for IKE", EXTRA("500", "udp", "a"), DROPS("x")},
	{"a row for IKE through NAT", EXTRA("4000-5000", "[tcp, udp]", "g"), DROPS("x")},
	{"a row beside IKE", EXTRA("[1-499, 501-4499, 4501-65535]", "udp", "a"), ""},
	{"a row on TCP", EXTRA("[500, 4500]", "tcp", "a"), ""},
	{"a row for IKE of a role that is not exempt", EXTRA("[500, 4500]", "udp", "d"), ""},
};

static void warns(void **state)
{
	const struct text_row *row = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};

	resolve_text(row->site, &outcome);
	expect_diags(&outcome.diags, row->expected);
	assert_int_equal(outcome.rc, 0);
}

static void print_peers(const struct peers *peers, FILE *out)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < peers->n_pools; i++)
		fprintf(out, " pool %zu", peers->pools[i]);
	for (size_t i = 0; i < peers->n_prefixes; i++)
		fprintf(out, " %s", prefix_format(&peers->prefixes[i], text, sizeof(text)));
}

static const struct text_row pairs[] = {
	{"none", START, "exempt x\n"},
	{"roles, groups and prefixes",
	 START PEER "- {name: w, roles: [b, d], addresses: [10.0.3.1]}\n"
		    "ipsec:\n- between: [a, d]\n- between: [10.0.0.9, p]\n- between: [g, g]\n",
	 "exempt x\nexempt z\nexempt w\n"
	 " pool 0 pool 3 -- pool 1 pool 3\n"
	 " 10.0.0.9 -- pool 2\n"
	 " pool 0 pool 3 -- pool 0 pool 3\n"},
};

static void resolves(void **state)
{
	const struct text_row *row = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};
	const struct policy *policy = &outcome.policy;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	resolve_text(row->site, &outcome);
	assert_int_equal(outcome.rc, 0);
	for (size_t i = 0; i < policy->n_pools; i++) {
		if (policy->pools[i].ipsec_exempt)
			fprintf(out, "exempt %s\n", policy->pools[i].name);
	}
	for (size_t i = 0; i < policy->n_ipsec; i++) {
		print_peers(&policy->peers[policy->ipsec[i].peers[0]], out);
		fprintf(out, " --");
		print_peers(&policy->peers[policy->ipsec[i].peers[1]], out);
		fprintf(out, "\n");
	}
	fclose(out);
	assert_string_equal(text, row->expected);
}

int main(void)
{
	struct CMUnitTest tests[100];
	size_t count = 0;

	ADD_ROWS(tests, count, errors, refuses);
	ADD_ROWS(tests, count, warnings, warns);
	ADD_ROWS(tests, count, pairs, resolves);
	return RUN_TESTS("ipsec", tests, count);
}
