/* SPDX-License-Identifier: MIT */
/* Matrix x site: who gets which grant, who owns which prefix, and what is wrong or odd. */
#include "expect.h"

#include <errno.h>

#include "policy.h"
#include "row.h"
#include "string_list.h"

static const char matrix_text[] =
	"version: 1\n"
	"name: m\n"
	"title: M\n"
	"roles:\n"
	"  a: {title: A}\n"
	"  b: {title: B, adds: [a]}\n"
	"  c: {title: C}\n"
	"  lb: {title: L}\n"
	"  p: {title: P, peer: true}\n"
	"  q: {title: Q, peer: true}\n"
	"groups: {g: [a, c], peers: [p, q]}\n"
	"tables:\n"
	"  t:\n"
	"    title: T\n"
	"    rows:\n"
	"    - {id: t/01, role: g, service: S, ports: 1434, protocols: udp, direction: in}\n"
	"    - {id: t/02, role: a, service: S, ports: [443, 80], protocols: tcp, direction: in, from: p}\n"
	"    - {id: t/03, role: b, service: S, ports: 5081, protocols: tcp, direction: [in, out], to: p}\n"
	"    - {id: t/04, role: a, service: S, ports: 100-200, protocols: [tcp, udp], direction: in,\n"
	"       media: audio}\n"
	"    - {id: t/05, role: a, service: S, ports: 150-300, protocols: tcp, direction: in,\n"
	"       media: app-sharing}\n"
	"    - {id: t/06, role: c, service: S, ports: 1000-1999, protocols: udp, direction: out,\n"
	"       media: client-audio}\n"
	"  hw:\n"
	"    title: Hardware\n"
	"    load_balancing: hardware\n"
	"    rows:\n"
	"    - {id: hw/01, role: lb, service: S, ports: 5061, protocols: tcp, direction: in}\n"
	"  none:\n"
	"    title: Opens nothing\n"
	"    opens: false\n"
	"    rows:\n"
	"    - {id: none/01, role: c, service: S, ports: 0-65535, protocols: tcp, direction: in}\n";

#define START "version: 1\ninterfaces: [eth0]\npools:\n"
#define POOL(name, roles, addresses)                                                               \
	"- {name: " name ", roles: [" roles "], addresses: [" addresses "]}\n"
#define HEIR(name, roles, addresses)                                                               \
	"- {name: " name ", roles: [" roles "], addresses: [" addresses "], inherit: true}\n"
#define ROW(rest) "extra: [{ports: 9, protocols: tcp, " rest "}]\n"

/* A site that has been resolved, or not. */
struct outcome {
	struct matrix matrix;
	struct site site;
	struct policy policy;
	struct diagnostics diags;
	int site_rc, rc;
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
	outcome->site_rc = site_parse("s", text, strlen(text), &outcome->site, &outcome->diags);
	outcome->rc =
		policy_resolve(&outcome->matrix, &outcome->site, &outcome->policy, &outcome->diags);
}

struct text_row {
	const char *name, *site, *expected;
};

/* --- errors */

static const struct text_row errors[] = {
	{"unknown role", START POOL("x", "a, d", "10.0.0.1"),
	 "s:4:24: error: unknown role \"d\"; accepted: a, b, c, lb, p, q\n"},
	{"group as role", START POOL("x", "g", "10.0.0.1"),
	 "s:4:21: error: \"g\" is a group, not a role; accepted: the roles it stands for: a, c\n"},
	{"unknown role of a row", START POOL("x", "a", "10.0.0.1") ROW("role: d"),
	 "s:5:42: error: unknown role \"d\"; accepted: a, b, c, lb, p, q, g, peers\n"},
	{"unknown role in from", START POOL("x", "a", "10.0.0.1") ROW("role: a, from: [p, d]"),
	 "s:5:55: error: unknown role \"d\"; accepted: a, b, c, lb, p, q, g, peers\n"},
	{"unknown role in to",
	 START POOL("x", "a", "10.0.0.1") ROW("role: a, direction: out, to: d"),
	 "s:5:65: error: unknown role \"d\"; accepted: a, b, c, lb, p, q, g, peers\n"},
	{"one prefix, other roles", START POOL("x", "a", "10.0.0.1") POOL("y", "c", "10.0.0.1/32"),
	 "s:5:37: error: 10.0.0.1 is in pool \"x\" with other roles (line 4); accepted: one pool for "
	 "an address\n"},
	{"one prefix, roles that only add up to the same",
	 START POOL("x", "a", "\"2001:db8::/64\"") POOL("y", "b", "\"2001:db8::/64\""),
	 "s:5:37: error: 2001:db8::/64 is in pool \"x\" with other roles (line 4); accepted: one "
	 "pool for an address\n"},
	{"one prefix, one inherits",
	 START POOL("o", "c", "10.0.0.0/8") POOL("x", "a", "10.0.0.1") HEIR("y", "a", "10.0.0.1"),
	 "s:5:37: warning: 10.0.0.1 lies in 10.0.0.0/8 of pool \"o\"; there only the roles of pool "
	 "\"x\" count (inherit: true would add the others)\n"
	 "s:6:37: error: 10.0.0.1 is in pool \"x\" with other roles (line 5); accepted: one pool for "
	 "an address\n"},
	{"inherits from two pools",
	 START POOL("x", "a", "10.0.0.0/16") POOL("y", "c", "10.1.0.0/16")
		 HEIR("z", "p", "10.0.0.1, 10.1.0.1, 10.1.0.2"),
	 "s:6:47: error: pool \"z\" inherits, but 10.0.0.1 lies in pool \"x\" and 10.1.0.1 in pool "
	 "\"y\"; accepted: one outer pool for all its addresses, so split it\n"},
	{"inherits in part",
	 START POOL("x", "a", "10.0.0.0/16") HEIR("z", "p", "10.0.0.1, \"2001:db8::1\""),
	 "s:5:47: error: pool \"z\" inherits, but 10.0.0.1 lies in pool \"x\" and 2001:db8::1 in no "
	 "other pool; accepted: one outer pool for all its addresses, so split it\n"},
	{"mistakes of both steps in one run",
	 START POOL("x", "d", "10.0.0.1/8") POOL("y", "a", "10.0.0.1") POOL("z", "e", "10.0.0.2")
		 ROW("role: f, from: any"),
	 "s:4:21: error: unknown role \"d\"; accepted: a, b, c, lb, p, q\n"
	 "s:4:37: error: 10.0.0.1/8: host bits set; 10.0.0.0/8 is the prefix\n"
	 "s:6:21: error: unknown role \"e\"; accepted: a, b, c, lb, p, q\n"
	 "s:7:42: error: unknown role \"f\"; accepted: a, b, c, lb, p, q, g, peers\n"},
};

static void refuses(void **state)
{
	const struct text_row *row = *state;
	_cleanup_(outcome_free) struct outcome outcome = {.policy = {.n_rows = 99}};

	resolve_text(row->site, &outcome);
	expect_diags(&outcome.diags, row->expected);
	assert_int_equal(outcome.rc, -EINVAL);
	assert_int_equal(outcome.policy.n_rows, 99); /* untouched */
}

/* --- warnings */

static const struct text_row warnings[] = {
	{"nothing odd", START POOL("x", "a", "10.0.0.1") POOL("y", "c", "10.0.0.2"), ""},
	{"one prefix, the same roles",
	 START POOL("x", "b", "10.0.0.1") POOL("y", "a, b", "10.0.0.1, 10.0.0.2"),
	 "s:5:40: warning: 10.0.0.1 belongs to pool \"x\" with the same roles (line 4), so pool "
	 "\"y\" does not count it\n"},
	{"one prefix twice in a pool", START POOL("x", "a", "10.0.0.1, 10.0.0.1/32"),
	 "s:4:47: warning: 10.0.0.1 is in pool \"x\" twice; line 4 has it already\n"},
	{"one prefix inside another of the same pool", START POOL("x", "a", "10.0.0.0/8, 10.0.0.1"),
	 ""},
	{"nested, said once for a pair of pools",
	 START POOL("x", "a", "10.0.0.0/8, 172.16.0.0/12")
		 POOL("y", "c", "172.16.0.9, 10.0.0.1, 10.0.0.2"),
	 "s:5:37: warning: 172.16.0.9 lies in 172.16.0.0/12 of pool \"x\"; there only the roles of "
	 "pool \"y\" count (inherit: true would add the others)\n"},
	{"nested in three levels",
	 START POOL("x", "a", "10.0.0.0/8") POOL("y", "c", "10.0.0.0/16")
		 POOL("z", "p", "10.0.0.1"),
	 "s:5:37: warning: 10.0.0.0/16 lies in 10.0.0.0/8 of pool \"x\"; there only the roles of "
	 "pool \"y\" count (inherit: true would add the others)\n"
	 "s:6:37: warning: 10.0.0.1 lies in 10.0.0.0/16 of pool \"y\"; there only the roles of pool "
	 "\"z\" count (inherit: true would add the others)\n"},
	{"nested there and back",
	 START POOL("x", "a", "10.0.0.0/8, 10.0.0.1") POOL("y", "c", "10.0.0.0/24"),
	 "s:4:49: warning: 10.0.0.1 lies in 10.0.0.0/24 of pool \"y\"; there only the roles of pool "
	 "\"x\" count (inherit: true would add the others)\n"
	 "s:5:37: warning: 10.0.0.0/24 lies in 10.0.0.0/8 of pool \"x\"; there only the roles of "
	 "pool \"y\" count (inherit: true would add the others)\n"},
	{"nested and inherited", START POOL("x", "a", "10.0.0.0/8") HEIR("y", "c", "10.0.0.1"), ""},
	{"inherits nothing", START HEIR("y", "c", "10.0.0.1, 10.0.0.0/8"),
	 "s:4:3: warning: pool \"y\" inherits nothing: its addresses lie in no other pool\n"},
	{"beside, not inside", START POOL("x", "a", "10.0.0.0/25") POOL("y", "c", "10.0.0.128/25"),
	 ""},
	{"drops everything inbound", START POOL("x", "lb", "10.0.0.1"),
	 "s:4:3: warning: pool \"x\" drops everything inbound: with load_balancing dns no row opens "
	 "a port for its roles\n"},
	{"opens with the other balancing",
	 "load_balancing: hardware\n" START POOL("x", "lb", "10.0.0.1"), ""},
	{"peers drop nothing", START POOL("x", "p, q", "10.0.0.1"), ""},
	{"from that nobody holds",
	 START POOL("x", "a", "10.0.0.1") ROW("role: a, from: [p, 10.0.0.0/8, a]"),
	 "s:5:52: warning: no pool holds \"p\", so nothing matches it\n"},
	{"row that nobody holds", START POOL("x", "a", "10.0.0.1") ROW("role: c"),
	 "s:5:9: warning: row extra/01 opens nothing: no guarded pool holds its roles\n"},
	{"row of a peer", START POOL("x", "p", "10.0.0.1") ROW("role: p"),
	 "s:5:9: warning: row extra/01 opens nothing: no guarded pool holds its roles\n"},
	{"media apart", START POOL("x", "a", "10.0.0.1") "media: {audio: 3000-3999}\n", ""},
	{"media on one that was not moved",
	 START POOL("x", "a", "10.0.0.1") "media: {audio: 300-399}\n",
	 "s:5:16: warning: audio 300-399 overlaps app-sharing 150-300 (not moved) on tcp\n"},
	{"media on one that was moved",
	 START POOL("x", "a", "10.0.0.1") "media: {audio: 3000-3999, app-sharing: 3999-4999}\n",
	 "s:5:40: warning: app-sharing 3999-4999 overlaps audio 3000-3999 on tcp\n"},
	{"media of the other side",
	 START POOL("x", "a", "10.0.0.1") "media: {client-audio: 100-200}\n", ""},
	{"media of no row", START POOL("x", "a", "10.0.0.1") "media: {video: 3000-3999}\n",
	 "s:5:16: warning: no row of matrix m has media video, so this moves nothing\n"},
};

static void warns(void **state)
{
	const struct text_row *row = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};

	resolve_text(row->site, &outcome);
	expect_diags(&outcome.diags, row->expected);
	assert_int_equal(outcome.site_rc, 0);
	assert_int_equal(outcome.rc, 0);
}

/* --- grants */

static void print_peers(const struct peers *peers, FILE *out)
{
	_cleanup_free_ char *words = strings_join(&peers->words, ",");

	fprintf(out, " %s", words);
	for (size_t i = 0; i < peers->n_pools; i++)
		fprintf(out, " #%zu", peers->pools[i]);
	for (size_t i = 0; i < peers->n_prefixes; i++) {
		char text[PREFIX_TEXT];

		fprintf(out, " %s", prefix_format(&peers->prefixes[i], text, sizeof(text)));
	}
	fputc('\n', out);
}

static void print_grant(const struct policy *policy, const struct grant *grant, FILE *out)
{
	char ports[PORT_RANGE_TEXT];

	fprintf(out, "  %s %s %s %s", directions_name(grant->direction),
		transports_name(grant->transport),
		port_range_format(grant->ports, ports, sizeof(ports)),
		policy->rows[grant->row]->id);
	print_peers(&policy->peers[grant->peers], out);
}

static void print_policy(const struct policy *policy, FILE *out)
{
	for (size_t i = 0; i < policy->n_pools; i++) {
		const struct policy_pool *pool = &policy->pools[i];
		_cleanup_free_ char *roles = strings_join(&pool->roles, ",");

		fprintf(out, "%s %s %s\n", pool->name, pool->guarded ? "guarded" : "open", roles);
		for (size_t j = 0; j < pool->n_grants; j++)
			print_grant(policy, &pool->grants[j], out);
	}
}

#define A_GRANTS                                                                                   \
	"  in tcp 80 t/02 any\n"                                                                   \
	"  in tcp 100-200 t/04 any\n"                                                              \
	"  in tcp 150-300 t/05 any\n"                                                              \
	"  in tcp 443 t/02 any\n"                                                                  \
	"  in udp 100-200 t/04 any\n"                                                              \
	"  in udp 1434 t/01 any\n"

static const struct text_row grants[] = {
	{"rows of a role and its groups", START POOL("x", "a", "10.0.0.1"),
	 "x guarded a\n" A_GRANTS},
	{"a variant has its base too", START POOL("x", "b", "10.0.0.1"),
	 "x guarded a,b\n"
	 "  in tcp 80 t/02 any\n"
	 "  in tcp 100-200 t/04 any\n"
	 "  in tcp 150-300 t/05 any\n"
	 "  in tcp 443 t/02 any\n"
	 "  in tcp 5081 t/03 any\n"
	 "  in udp 100-200 t/04 any\n"
	 "  in udp 1434 t/01 any\n"
	 "  out tcp 5081 t/03 any\n"},
	{"tables that open nothing", START POOL("x", "c", "10.0.0.1"),
	 "x guarded c\n  in udp 1434 t/01 any\n  out udp 1000-1999 t/06 any\n"},
	{"a row once for two roles", START POOL("x", "c, lb", "10.0.0.1"),
	 "x guarded c,lb\n  in udp 1434 t/01 any\n  out udp 1000-1999 t/06 any\n"},
	{"balancing", "load_balancing: hardware\n" START POOL("x", "lb", "10.0.0.1"),
	 "x guarded lb\n  in tcp 5061 hw/01 any\n"},
	{"peers are not guarded", START POOL("x", "p", "10.0.0.1") POOL("y", "p, lb", "10.0.0.2"),
	 "x open p\ny guarded lb,p\n"},
	{"media moves", START POOL("x", "c", "10.0.0.1") "media: {client-audio: 7000-7999}\n",
	 "x guarded c\n  in udp 1434 t/01 any\n  out udp 7000-7999 t/06 any\n"},
	{"media moves one row of two", START POOL("x", "a", "10.0.0.1") "media: {audio: 1-99}\n",
	 "x guarded a\n"
	 "  in tcp 1-99 t/04 any\n"
	 "  in tcp 80 t/02 any\n"
	 "  in tcp 150-300 t/05 any\n"
	 "  in tcp 443 t/02 any\n"
	 "  in udp 1-99 t/04 any\n"
	 "  in udp 1434 t/01 any\n"},
	{"own row from anywhere", START POOL("x", "lb", "10.0.0.1") ROW("role: lb"),
	 "x guarded lb\n  in tcp 9 extra/01 any\n"},
	{"own row from any", START POOL("x", "lb", "10.0.0.1") ROW("role: lb, from: any"),
	 "x guarded lb\n  in tcp 9 extra/01 any\n"},
	{"own row from roles, groups and prefixes",
	 START POOL("x", "lb", "10.0.0.1") POOL("y", "q", "10.0.0.2") POOL("z", "b", "10.0.0.3")
		 ROW("role: lb, from: [peers, a, 10.2.0.0/16, 10.1.0.0/16]"),
	 "x guarded lb\n  in tcp 9 extra/01 peers,a,10.2.0.0/16,10.1.0.0/16 #1 #2 10.1.0.0/16 "
	 "10.2.0.0/16\n"
	 "y open q\n"
	 "z guarded a,b\n"
	 "  in tcp 80 t/02 any\n"
	 "  in tcp 100-200 t/04 any\n"
	 "  in tcp 150-300 t/05 any\n"
	 "  in tcp 443 t/02 any\n"
	 "  in tcp 5081 t/03 any\n"
	 "  in udp 100-200 t/04 any\n"
	 "  in udp 1434 t/01 any\n"
	 "  out tcp 5081 t/03 any\n"},
	{"own row outwards",
	 START POOL("x", "lb", "10.0.0.1") ROW("role: lb, direction: [in, out], to: [10.0.0.0/8]"),
	 "x guarded lb\n  in tcp 9 extra/01 any\n  out tcp 9 extra/01 10.0.0.0/8 10.0.0.0/8\n"},
	{"own row of a group, sorted by port and row",
	 START POOL("x", "c", "10.0.0.1") "extra:\n"
					  "- {role: g, ports: [20, 10], protocols: udp}\n"
					  "- {roles: [lb, g], ports: 10-12, protocols: udp}\n",
	 "x guarded c\n"
	 "  in udp 10 extra/01 any\n"
	 "  in udp 10-12 extra/02 any\n"
	 "  in udp 20 extra/01 any\n"
	 "  in udp 1434 t/01 any\n"
	 "  out udp 1000-1999 t/06 any\n"},
	{"inherits the outer pool's roles",
	 START POOL("x", "a", "10.0.0.0/8") HEIR("y", "lb", "10.0.0.1, 10.1.0.0/16"),
	 "x guarded a\n" A_GRANTS "y guarded a,lb\n" A_GRANTS},
	{"inherits through two levels, whatever the order",
	 START HEIR("z", "p", "10.0.0.1") HEIR("y", "lb", "10.0.0.0/16")
		 POOL("x", "a", "10.0.0.0/8"),
	 "z guarded a,lb,p\n" A_GRANTS "y guarded a,lb\n" A_GRANTS "x guarded a\n" A_GRANTS},
	{"inherits from the nearest pool only",
	 START POOL("x", "a", "10.0.0.0/8") POOL("y", "lb", "10.0.0.0/16")
		 HEIR("z", "p", "10.0.0.1"),
	 "x guarded a\n" A_GRANTS "y guarded lb\nz guarded lb,p\n"},
	{"matrix conditions hold for nobody in profile literal",
	 START POOL("x", "b", "10.0.0.1") POOL("y", "p", "10.0.0.2"),
	 "x guarded a,b\n"
	 "  in tcp 80 t/02 any\n"
	 "  in tcp 100-200 t/04 any\n"
	 "  in tcp 150-300 t/05 any\n"
	 "  in tcp 443 t/02 any\n"
	 "  in tcp 5081 t/03 any\n"
	 "  in udp 100-200 t/04 any\n"
	 "  in udp 1434 t/01 any\n"
	 "  out tcp 5081 t/03 any\n"
	 "y open p\n"},
};

static void grants_rows(void **state)
{
	const struct text_row *row = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;

	resolve_text(row->site, &outcome);
	assert_int_equal(outcome.rc, 0);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	print_policy(&outcome.policy, out);
	fclose(out);
	assert_string_equal(text, row->expected);
}

static void shares_equal_peers(void **state)
{
	static const char site[] = START POOL("x", "lb", "10.0.0.1") POOL(
		"y", "p",
		"10.0.0.2") "extra:\n"
			    "- {role: lb, ports: 1, protocols: tcp, from: [p, 10.0.0.0/8]}\n"
			    "- {role: lb, ports: 2, protocols: tcp, from: [10.0.0.0/8, p]}\n"
			    "- {role: lb, ports: 3, protocols: tcp, from: [10.0.0.0/8]}\n"
			    "- {role: lb, ports: 4, protocols: tcp, from: [peers, 10.0.0.0/8]}\n"
			    "- {role: lb, ports: 5, protocols: tcp, from: any}\n";
	static const size_t expected[] = {1, 1, 2, 3, 0};
	_cleanup_(outcome_free) struct outcome outcome = {0};

	(void)state;
	resolve_text(site, &outcome);
	assert_int_equal(outcome.rc, 0);
	assert_int_equal(outcome.policy.n_peers, 4);
	assert_string_equal(outcome.policy.peers[0].words.items[0], "any");
	assert_int_equal(outcome.policy.pools[0].n_grants, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(outcome.policy.pools[0].grants[i].peers, expected[i]);
}

/* --- prefixes */

static const struct text_row prefixes[] = {
	{"sorted by family, address, length",
	 START POOL("x", "a", "\"2001:db8::/64\", 10.0.0.0/16, 9.0.0.1")
		 POOL("y", "c", "\"2001:db8::/32\", 10.0.0.0/8, 10.0.0.0/24"),
	 "9.0.0.1 x\n10.0.0.0/8 y\n10.0.0.0/16 x\n10.0.0.0/24 y\n2001:db8::/32 y\n2001:db8::/64 "
	 "x\n"},
	{"each once, the first pool's",
	 START POOL("x", "a", "10.0.0.1, 10.0.0.1") POOL("y", "a", "10.0.0.2, 10.0.0.1"),
	 "10.0.0.1 x\n10.0.0.2 y\n"},
	{"none", "version: 1\ninterfaces: [eth0]\npools: []\n", ""},
};

static void owns_prefixes(void **state)
{
	const struct text_row *row = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;

	resolve_text(row->site, &outcome);
	assert_int_equal(outcome.rc, 0);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	for (size_t i = 0; i < outcome.policy.n_prefixes; i++) {
		const struct policy_prefix *prefix = &outcome.policy.prefixes[i];
		char formatted[PREFIX_TEXT];

		fprintf(out, "%s %s\n",
			prefix_format(&prefix->prefix, formatted, sizeof(formatted)),
			outcome.policy.pools[prefix->pool].name);
	}
	fclose(out);
	assert_string_equal(text, row->expected);
}

/* --- openings: grants as written by hand, so that every way to overlap is there */

#define IN_TCP(row, first, last)                                                                   \
	{                                                                                          \
		row, DIRECTION_IN, TRANSPORT_TCP, {first, last}, 0, 0                              \
	}

static const struct opening_row {
	const char *name;
	struct grant grants[6];
	size_t count;
	const char *expected;
} opening_rows[] = {
	{"none", {{0}}, 0, ""},
	{"one", {IN_TCP(3, 80, 80)}, 1, "in tcp 80: 3\n"},
	{"two apart",
	 {IN_TCP(1, 10, 20), IN_TCP(0, 30, 40)},
	 2,
	 "in tcp 10-20: 1\nin tcp 30-40: 0\n"},
	{"two side by side",
	 {IN_TCP(1, 10, 20), IN_TCP(0, 21, 40)},
	 2,
	 "in tcp 10-20: 1\nin tcp 21-40: 0\n"},
	{"the same port twice", {IN_TCP(1, 443, 443), IN_TCP(2, 443, 443)}, 2, "in tcp 443: 1 2\n"},
	{"overlap",
	 {IN_TCP(2, 10, 20), IN_TCP(1, 15, 30)},
	 2,
	 "in tcp 10-14: 2\nin tcp 15-20: 1 2\nin tcp 21-30: 1\n"},
	{"one inside",
	 {IN_TCP(1, 10, 40), IN_TCP(2, 20, 30)},
	 2,
	 "in tcp 10-19: 1\nin tcp 20-30: 1 2\nin tcp 31-40: 1\n"},
	{"same start",
	 {IN_TCP(1, 10, 40), IN_TCP(2, 10, 20)},
	 2,
	 "in tcp 10-20: 1 2\nin tcp 21-40: 1\n"},
	{"same end",
	 {IN_TCP(1, 10, 40), IN_TCP(2, 30, 40)},
	 2,
	 "in tcp 10-29: 1\nin tcp 30-40: 1 2\n"},
	{"to the last port",
	 {IN_TCP(1, 0, 65535), IN_TCP(2, 65535, 65535)},
	 2,
	 "in tcp 0-65534: 1\nin tcp 65535: 1 2\n"},
	{"kinds apart",
	 {IN_TCP(1, 10, 20),
	  {1, DIRECTION_IN, TRANSPORT_UDP, {10, 20}, 0, 0},
	  {1, DIRECTION_OUT, TRANSPORT_TCP, {15, 20}, 0, 0}},
	 3,
	 "in tcp 10-20: 1\nin udp 10-20: 1\nout tcp 15-20: 1\n"},
	{"one row with a gap, then all three",
	 {IN_TCP(5, 1, 2), IN_TCP(5, 4, 5), IN_TCP(4, 5, 5), IN_TCP(3, 5, 9)},
	 4,
	 "in tcp 1-2: 5\nin tcp 4: 5\nin tcp 5: 3 4 5\nin tcp 6-9: 3\n"},
};

static void cuts(void **state)
{
	const struct opening_row *row = *state;
	struct policy_pool pool = {.grants = (struct grant *)row->grants, .n_grants = row->count};
	_cleanup_free_ char *text = NULL;
	struct opening *openings;
	size_t count, size;
	FILE *out;

	assert_int_equal(policy_openings(&pool, &openings, &count), 0);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	for (size_t i = 0; i < count; i++) {
		char ports[PORT_RANGE_TEXT];

		fprintf(out, "%s %s %s:", directions_name(openings[i].direction),
			transports_name(openings[i].transport),
			port_range_format(openings[i].ports, ports, sizeof(ports)));
		for (size_t j = 0; j < openings[i].n_grants; j++)
			fprintf(out, " %zu", openings[i].grants[j]->row);
		fputc('\n', out);
	}
	fclose(out);
	openings_free(openings, count);
	assert_string_equal(text, row->expected);
}

/* --- limits */

static void limits_rows(void **state)
{
	_cleanup_(outcome_free) struct outcome outcome = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	fputs(START POOL("x", "a", "10.0.0.1") "extra:\n", out);
	for (unsigned int i = 0; i < ROW_IDS_MAX - 8; i++)
		fprintf(out, "- {role: a, ports: %u, protocols: tcp}\n", 2000 + i);
	fclose(out);
	resolve_text(text, &outcome);
	expect_diags(
		&outcome.diags,
		"s: error: 1024 rows of matrix and site together; at most 1023 are accepted\n");
	assert_int_equal(outcome.rc, -EINVAL);
}

static void needs_the_balancer_beside_its_part(void **state)
{
	static const char site[] = START POOL("x", "front-end-hlb-collocated-mediation", "10.0.0.1")
		POOL("y", "front-end-hlb-collocated-mediation, front-end-hlb",
		     "10.0.0.2") "load_balancing: hardware\n";
	_cleanup_(outcome_free) struct outcome outcome = {0};

	(void)state;
	assert_int_equal(matrix_load(MATRIX_BUILT_IN, &outcome.matrix, &outcome.diags), 0);
	assert_int_equal(site_parse("s", site, strlen(site), &outcome.site, &outcome.diags), 0);
	assert_int_equal(
		policy_resolve(&outcome.matrix, &outcome.site, &outcome.policy, &outcome.diags), 0);
	expect_diags(&outcome.diags, "s:4:3: warning: pool \"x\" holds "
				     "front-end-hlb-collocated-mediation without front-end-hlb, "
				     "whose ports it needs too\n");
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(shares_equal_peers),
		cmocka_unit_test(limits_rows),
		cmocka_unit_test(needs_the_balancer_beside_its_part),
	};
	struct CMUnitTest tests[120];
	size_t count = 0;

	ADD_ROWS(tests, count, errors, refuses);
	ADD_ROWS(tests, count, warnings, warns);
	ADD_ROWS(tests, count, grants, grants_rows);
	ADD_ROWS(tests, count, prefixes, owns_prefixes);
	ADD_ROWS(tests, count, opening_rows, cuts);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tests[count++] = others[i];
	return RUN_TESTS("resolve", tests, count);
}
