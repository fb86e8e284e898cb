/* SPDX-License-Identifier: MIT */
/* Profile least-privilege: which rows a pool gets, from whom, and what `features:` may name. */
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
	"  p: {title: P, peer: true}\n"
	"groups: {g: [a, c]}\n"
	"tables:\n"
	"  t:\n"
	"    title: T\n"
	"    rows:\n"
	"    - {id: t/01, role: g, service: S, ports: 1, protocols: tcp, direction: in, from: a}\n"
	"    - {id: t/02, role: a, service: S, ports: 2, protocols: tcp, direction: in, from: p,\n"
	"       optional: true, feature: fax}\n"
	"    - {id: t/03, role: c, service: S, ports: 3, protocols: tcp, direction: in,\n"
	"       optional: true, feature: fax}\n"
	"    - {id: t/04, role: b, service: S, ports: 4, protocols: udp, direction: [in, out],\n"
	"       from: [c, p], to: [c, p], outgoing: true}\n"
	"    - {id: t/05, role: g, service: S, ports: 5, protocols: tcp, direction: in, only: [c]}\n"
	"overlays:\n"
	"  o:\n"
	"    title: O\n"
	"    rows:\n"
	"    - {id: o/01, role: a, service: S, ports: 6, protocols: tcp, direction: in,\n"
	"       optional: true, feature: lamp, source: D}\n";

#define LEAST "version: 1\ninterfaces: [eth0]\nprofile: least-privilege\n"
#define POOLS                                                                                      \
	"pools:\n"                                                                                 \
	"- {name: x, roles: [a], addresses: 10.0.0.1}\n"                                           \
	"- {name: y, roles: [b], addresses: 10.0.0.2}\n"                                           \
	"- {name: z, roles: [c], addresses: 10.0.0.3}\n"                                           \
	"- {name: w, roles: [p], addresses: 10.0.0.4}\n"

static const struct site_row {
	const char *name, *site, *expected;
} rows[] = {
	{"rows admit their peers, outgoing ones open at their far end", LEAST POOLS,
	 "x\n  in tcp 1 t/01 a\n"
	 "y\n  in tcp 1 t/01 a\n  out udp 4 t/04 c,p\n"
	 "z\n  in tcp 1 t/01 a\n  in tcp 5 t/05 any\n  in udp 4 t/04 b\n"
	 "w\n"},
	{"a row by its id", LEAST "features: t/02\n" POOLS,
	 "x\n  in tcp 1 t/01 a\n  in tcp 2 t/02 p\n"
	 "y\n  in tcp 1 t/01 a\n  in tcp 2 t/02 p\n  out udp 4 t/04 c,p\n"
	 "z\n  in tcp 1 t/01 a\n  in tcp 5 t/05 any\n  in udp 4 t/04 b\n"
	 "w\n"},
	{"rows by their feature", LEAST "features: [fax]\n" POOLS,
	 "x\n  in tcp 1 t/01 a\n  in tcp 2 t/02 p\n"
	 "y\n  in tcp 1 t/01 a\n  in tcp 2 t/02 p\n  out udp 4 t/04 c,p\n"
	 "z\n  in tcp 1 t/01 a\n  in tcp 3 t/03 any\n  in tcp 5 t/05 any\n  in udp 4 t/04 b\n"
	 "w\n"},
	{"optional rows of the site",
	 LEAST "features: extra/02\n" POOLS "extra:\n"
	       "- {role: a, ports: 7, protocols: tcp, optional: true}\n"
	       "- {role: a, ports: 8, protocols: tcp, optional: true, from: 10.1.0.0/16}\n",
	 "x\n  in tcp 1 t/01 a\n  in tcp 8 extra/02 10.1.0.0/16\n"
	 "y\n  in tcp 1 t/01 a\n  in tcp 8 extra/02 10.1.0.0/16\n  out udp 4 t/04 c,p\n"
	 "z\n  in tcp 1 t/01 a\n  in tcp 5 t/05 any\n  in udp 4 t/04 b\n"
	 "w\n"},
	{"a role that no pool holds",
	 LEAST "pools:\n- {name: z, roles: [c], addresses: 10.0.0.3}\n",
	 "s:3:10: warning: no pool holds \"a\", so rows such as t/01 admit nobody by it\n"
	 "s:3:10: warning: no pool holds \"b\", so rows such as t/04 admit nobody by it\n"
	 "z\n  in tcp 1 t/01 a\n  in tcp 5 t/05 any\n  in udp 4 t/04 b\n"},
	{"a row that is not optional", LEAST "features: [t/01]\npools: []\n",
	 "s:4:12: warning: row t/01 is not optional, so naming it changes nothing\n"
	 "s:5:8: warning: no pools, so nothing is guarded\n"},
	{"a feature of an overlay that is off", LEAST "features: [lamp, o/01]\npools: []\n",
	 "s:4:12: warning: features: \"lamp\" belongs to overlay o, which the site does not turn "
	 "on\n"
	 "s:4:18: warning: features: \"o/01\" belongs to overlay o, which the site does not turn "
	 "on\n"
	 "s:5:8: warning: no pools, so nothing is guarded\n"},
	{"a feature of an overlay that is on",
	 LEAST "overlays: [o]\nfeatures: [lamp]\n"
	       "pools:\n- {name: x, roles: [a], addresses: 10.0.0.1}\n",
	 "x\n  in tcp 1 t/01 a\n  in tcp 6 o/01 any\n"},
	{"features in profile literal",
	 "version: 1\ninterfaces: [eth0]\nfeatures: [fax]\n"
	 "pools:\n- {name: z, roles: [c], addresses: 10.0.0.3}\n",
	 "s:3:12: warning: features: changes nothing in profile literal, which opens every row\n"
	 "z\n  in tcp 1 t/01 any\n  in tcp 3 t/03 any\n  in tcp 5 t/05 any\n"},
	{"outgoing rows in profile literal",
	 "version: 1\ninterfaces: [eth0]\n"
	 "pools:\n- {name: y, roles: [b], addresses: 10.0.0.3}\n",
	 "y\n  in tcp 1 t/01 any\n  in tcp 2 t/02 any\n  in tcp 5 t/05 any\n  in udp 4 t/04 any\n"
	 "  out udp 4 t/04 any\n"},
	{"an unknown feature", LEAST "features: [fax, karaoke]\npools: []\n",
	 "s:4:17: error: features: unknown name \"karaoke\"; accepted: the id of an optional row, "
	 "as in servers/24, or fax\n"
	 "s:5:8: warning: no pools, so nothing is guarded\n"},
};

static void print_grant(const struct policy *policy, const struct grant *grant, FILE *out)
{
	_cleanup_free_ char *words = strings_join(&policy->peers[grant->peers].words, ",");
	char ports[PORT_RANGE_TEXT];

	fprintf(out, "  %s %s %s %s %s\n", directions_name(grant->direction),
		transports_name(grant->transport),
		port_range_format(grant->ports, ports, sizeof(ports)), policy->rows[grant->row]->id,
		words);
}

static void print_policy(const struct policy *policy, FILE *out)
{
	for (size_t i = 0; i < policy->n_pools; i++) {
		fprintf(out, "%s\n", policy->pools[i].name);
		for (size_t j = 0; j < policy->pools[i].n_grants; j++)
			print_grant(policy, &policy->pools[i].grants[j], out);
	}
}

static void test_row(void **state)
{
	const struct site_row *row = *state;
	_cleanup_(matrix_free) struct matrix matrix = {0};
	_cleanup_(site_free) struct site site = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	_cleanup_free_ char *text = NULL;
	struct policy policy = {0};
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(matrix_parse("m", matrix_text, strlen(matrix_text), &matrix, &diags), 0);
	assert_int_equal(site_parse("s", row->site, strlen(row->site), &site, &diags), 0);
	policy_resolve(&matrix, &site, &policy, &diags);
	diag_print(&diags, out);
	print_policy(&policy, out);
	fclose(out);
	policy_free(&policy);
	assert_string_equal(text, row->expected);
}

/* Rows of a matrix that contradict themselves. */
static const struct site_row wrong[] = {
	{"outgoing without to", "direction: out, outgoing: true",
	 "m:9:7: error: outgoing: without to:; accepted: direction: [out] or [in, out], and to:\n"},
	{"a feature of a row that is always on", "direction: in, feature: fax",
	 "m:9:7: error: feature: without optional: true; accepted: both, or neither\n"},
	{"a feature that is no name", "direction: in, optional: true, feature: Fax",
	 "m:9:105: error: feature: \"Fax\" is no name of a feature; accepted: up to 31 of a-z 0-9 -, "
	 "as in \"call-park\"\n"},
	{"only a role that is not there", "direction: in, only: [d]",
	 "m:9:87: error: unknown role \"d\"; accepted: a\n"},
};

static void test_wrong(void **state)
{
	const struct site_row *row = *state;
	struct diagnostics diags = {0};
	struct matrix matrix = {0};
	char text[512];

	snprintf(text, sizeof(text),
		 "version: 1\nname: m\ntitle: M\nroles:\n  a: {title: A}\ntables:\n  t: {title: T, "
		 "rows: [\n\n"
		 "      {id: t/01, role: a, service: S, ports: 1, protocols: tcp, %s}]}\n",
		 row->site);
	assert_int_equal(matrix_parse("m", text, strlen(text), &matrix, &diags), -EINVAL);
	expect_diags(&diags, row->expected);
}

int main(void)
{
	struct CMUnitTest tests[32];
	size_t count = 0;

	ADD_ROWS(tests, count, rows, test_row);
	ADD_ROWS(tests, count, wrong, test_wrong);
	return RUN_TESTS("privilege", tests, count);
}
