/* SPDX-License-Identifier: MIT */
/* Overlays: what a matrix file may say of them, and what a site gets that turns them on. */
#include "expect.h"

#include <errno.h>

#include "overlays.h"
#include "policy.h"
#include "string_list.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"name: m\n"                                                                                \
	"title: M\n"                                                                               \
	"roles: {a: {title: A}, b: {title: B}, p: {title: P, peer: true}, q: {title: Q, peer: "    \
	"true}}\n"                                                                                 \
	"groups: {g: [a, p]}\n"                                                                    \
	"tables:\n"                                                                                \
	"  t:\n"                                                                                   \
	"    title: T\n"                                                                           \
	"    rows:\n"                                                                              \
	"    - {id: t/01, role: a, service: S, ports: 80, protocols: tcp, direction: in}\n"        \
	"overlays:\n"
#define OVERLAY(name, rows) "  " name ":\n    title: O\n    rows:\n" rows
#define END "service: S, protocols: tcp, source: D"
#define GOOD(id, rest) "    - {id: " id ", " END ", " rest "}\n"

/* --- the matrix file; overlays start in line 12 */

static const struct refusal {
	const char *name, *text, *expected;
} refusals[] = {
	{"no source",
	 OVERLAY("o", "    - {id: o/01, role: a, service: S, ports: 1, protocols: tcp, direction: "
		      "in}\n"),
	 "m:15:7: error: key \"source\" is missing in a row of an overlay; accepted: the document "
	 "that the row is taken from\n"},
	{"confidence",
	 OVERLAY("o", GOOD("o/01", "role: a, ports: 1, direction: in, confidence: low")),
	 "m:15:103: error: confidence: unknown word \"low\"; accepted: documented, guess\n"},
	{"id of another overlay", OVERLAY("o", GOOD("t/01", "role: a, ports: 1, direction: in")),
	 "m:15:7: error: id: \"t/01\" does not say table and row; accepted: o/01\n"},
	{"role unknown", OVERLAY("o", GOOD("o/01", "role: c, ports: 1, direction: in")),
	 "m:15:63: error: unknown role \"c\"; accepted: a, b, p, q, g\n"},
	{"from unknown",
	 OVERLAY("o", GOOD("o/01", "role: a, ports: 1, direction: in, from: [b, c]")),
	 "m:15:101: error: unknown role \"c\"; accepted: a, b, p, q, g\n"},
	{"to of an inbound row",
	 OVERLAY("o", GOOD("o/01", "role: a, ports: 1, direction: in, to: b")),
	 "m:15:95: error: to: without direction out; accepted: direction: [out], or from:\n"},
	{"no title", "  o: {rows: []}\n",
	 "m:12:6: error: key \"title\" is missing in an overlay; accepted: title, rows\n"},
	{"unknown key", "  o: {title: O, rows: [], opens: false}\n",
	 "m:12:27: error: unknown key \"opens\" in an overlay; accepted: title, rows\n"},
	{"name", "  O: {title: O, rows: []}\n",
	 "m:12:6: error: \"O\" is no name of an overlay; accepted: a letter, then up to 62 of a-z "
	 "0-9 -\n"},
	{"name of a table", "  t: {title: O, rows: []}\n",
	 "m:12:6: error: overlay \"t\" has a name that means something else; accepted: another "
	 "name\n"},
	{"name extra", "  extra: {title: O, rows: []}\n",
	 "m:12:10: error: overlay \"extra\" has a name that means something else; accepted: another "
	 "name\n"},
	{"name all", "  all: {title: O, rows: []}\n",
	 "m:12:8: error: overlay \"all\" has a name that means something else; accepted: another "
	 "name\n"},
	{"name twice", "  o: {title: O, rows: []}\n  o: {title: O, rows: []}\n",
	 "m:13:3: error: overlays: \"o\" is given twice; line 12 has it already\n"},
};

static void refuses(void **state)
{
	const struct refusal *refusal = *state;
	_cleanup_(matrix_free) struct matrix matrix = {0};
	_cleanup_free_ char *text = NULL;
	struct diagnostics diags = {0};

	assert_true(asprintf(&text, HEAD "%s", refusal->text) > 0);
	assert_int_equal(matrix_parse("m", text, strlen(text), &matrix, &diags), -EINVAL);
	expect_diags(&diags, refusal->expected);
}

/* --- a site */

static const char matrix_text[] = HEAD OVERLAY(
	"one", GOOD("one/01", "role: a, ports: 5090-5094, direction: in, from: a")
		       GOOD("one/02", "role: a, ports: 53, direction: out, to: q"))
	OVERLAY("two",
		GOOD("two/01", "role: p, ports: 1433, direction: in, from: [a, q]")
			GOOD("two/02", "role: p, ports: 7022, direction: in, from: [q]")
				GOOD("two/03", "role: p, ports: 5022, direction: in, from: [q]"))
		OVERLAY("three",
			GOOD("three/01", "role: q, ports: 53, direction: out, to: any")
				GOOD("three/02", "role: b, ports: 54, direction: in, from: any"))
			OVERLAY("four", GOOD("four/01",
					     "role: g, ports: 9, direction: in, from: 10.9.0.0/24"))
				OVERLAY("five",
					GOOD("five/01",
					     "role: p, ports: 1433, direction: in, from: [q, b]")
						GOOD("five/02",
						     "role: b, ports: 5, direction: in, from: any"));

#define SITE                                                                                       \
	"version: 1\ninterfaces: [eth0]\npools:\n"                                                 \
	"- {name: a, roles: a, addresses: 10.0.0.1}\n"                                             \
	"- {name: p, roles: p, addresses: 10.0.0.2}\n"

struct outcome {
	struct matrix matrix;
	struct site site;
	struct policy policy;
	struct diagnostics diags;
};

static void outcome_free(struct outcome *outcome)
{
	policy_free(&outcome->policy);
	site_free(&outcome->site);
	matrix_free(&outcome->matrix);
	diag_free(&outcome->diags);
}

static int resolve_text(const char *text, struct outcome *outcome)
{
	assert_int_equal(matrix_parse("m", matrix_text, strlen(matrix_text), &outcome->matrix,
				      &outcome->diags),
			 0);
	assert_int_equal(site_parse("s", text, strlen(text), &outcome->site, &outcome->diags), 0);
	return policy_resolve(&outcome->matrix, &outcome->site, &outcome->policy, &outcome->diags);
}

/* "in 80 t/01 any" for each grant of a pool. */
static void expect_grants(const struct outcome *outcome, size_t pool, const char *expected)
{
	const struct policy *policy = &outcome->policy;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < policy->pools[pool].n_grants; i++) {
		const struct grant *grant = &policy->pools[pool].grants[i];
		_cleanup_free_ char *words = strings_join(&policy->peers[grant->peers].words, ",");

		assert_non_null(words);
		fprintf(out, "%s %u-%u %s %s\n", grant->direction == DIRECTION_IN ? "in" : "out",
			grant->ports.first, grant->ports.last, policy->rows[grant->row]->id, words);
	}
	fclose(out);
	assert_string_equal(text, expected);
}

static const struct result {
	const char *name, *text, *a, *p, *diags; /* a NULL p: the pool is not guarded */
} results[] = {
	{"none is on", SITE, "in 80-80 t/01 any\n", NULL, ""},
	{"from and to hold in profile literal",
	 SITE "- {name: q, roles: q, addresses: 10.0.0.3}\noverlays: one\n",
	 "in 80-80 t/01 any\nin 5090-5094 one/01 a\nout 53-53 one/02 q\n", NULL, ""},
	{"a peer role with ports is guarded",
	 SITE "- {name: q, roles: q, addresses: 10.0.0.3}\noverlays: [two]\n",
	 "in 80-80 t/01 any\n",
	 "in 1433-1433 two/01 a,q\nin 5022-5022 two/03 q\nin 7022-7022 two/02 q\n", ""},
	{"outgoing rows do not guard a peer role",
	 SITE
	 "- {name: q, roles: q, addresses: 10.0.0.3}\n- {name: b, roles: b, addresses: 10.0.0.4}\n"
	 "overlays: [three]\n",
	 "in 80-80 t/01 any\n", NULL, ""},
	{"a group with a peer role guards it", SITE "overlays: [four]\n",
	 "in 9-9 four/01 10.9.0.0/24\nin 80-80 t/01 any\n", "in 9-9 four/01 10.9.0.0/24\n", ""},
	{"rows keep the matrix's order, the site's own come last",
	 SITE "overlays: [four, one]\n"
	      "extra: [{role: a, ports: 80, protocols: tcp}]\n",
	 "in 9-9 four/01 10.9.0.0/24\nin 80-80 t/01 any\nin 80-80 extra/01 any\n"
	 "in 5090-5094 one/01 a\nout 53-53 one/02 q\n",
	 "in 9-9 four/01 10.9.0.0/24\n", ""},
	{"an overlay whose far ends no pool holds", SITE "overlays: [five]\n",
	 "in 80-80 t/01 any\n", "in 1433-1433 five/01 q,b\n",
	 "s:6:12: warning: overlay \"five\" opens nothing: no pool holds any of q, b\n"},
	{"an overlay of which one far end is held", SITE "overlays: [two]\n", "in 80-80 t/01 any\n",
	 "in 1433-1433 two/01 a,q\nin 5022-5022 two/03 q\nin 7022-7022 two/02 q\n", ""},
	{"an overlay for roles that no pool holds", SITE "overlays: [three]\n",
	 "in 80-80 t/01 any\n", NULL,
	 "s:6:12: warning: overlay \"three\" opens nothing: no guarded pool holds any of q, b\n"},
	{"a site's own row that opens nothing",
	 SITE "overlays: [four]\n"
	      "extra: [{role: b, ports: 1, protocols: tcp}]\n",
	 "in 9-9 four/01 10.9.0.0/24\nin 80-80 t/01 any\n", "in 9-9 four/01 10.9.0.0/24\n",
	 "s:7:9: warning: row extra/01 opens nothing: no guarded pool holds its roles\n"},
};

static void gives(void **state)
{
	const struct result *result = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};

	assert_int_equal(resolve_text(result->text, &outcome), 0);
	expect_grants(&outcome, 0, result->a);
	assert_int_equal(outcome.policy.pools[1].guarded, !!result->p);
	expect_grants(&outcome, 1, result->p ? result->p : "");
	expect_diags(&outcome.diags, result->diags);
}

static const struct refused_site {
	const char *name, *text, *expected;
} refused_sites[] = {
	{"unknown", SITE "overlays: [one, twos, edge]\n",
	 "s:6:17: error: unknown overlay \"twos\" (is it two?); accepted: one, two, three, four, five\n"
	 "s:6:23: error: unknown overlay \"edge\"; accepted: one, two, three, four, five\n"},
	{"all is no overlay", SITE "overlays: all\n",
	 "s:6:11: error: unknown overlay \"all\"; accepted: one, two, three, four, five\n"},
};

static void refuses_site(void **state)
{
	const struct refused_site *refused = *state;
	_cleanup_(outcome_free) struct outcome outcome = {0};

	assert_int_equal(resolve_text(refused->text, &outcome), -EINVAL);
	expect_diags(&outcome.diags, refused->expected);
}

static void matrix_without_overlays(void **state)
{
	static const char text[] = "version: 1\nname: m\ntitle: M\nroles: {a: {title: A}}\n"
				   "tables: {}\n";
	_cleanup_(matrix_free) struct matrix matrix = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(matrix_parse("m", text, strlen(text), &matrix, &diags), 0);
	assert_null(matrix_overlay(&matrix, "edge"));
	assert_int_equal(
		report_unknown_overlay(&matrix, "edge", (struct place){"s", 6, 11}, &diags),
		-EINVAL);
	expect_diags(&diags, "s:6:11: error: unknown overlay \"edge\"; matrix m has no overlays\n");
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

int main(void)
{
	struct CMUnitTest tests[COUNT(refusals) + COUNT(results) + COUNT(refused_sites) + 1];
	size_t count = 0;

	ADD_ROWS(tests, count, refusals, refuses);
	ADD_ROWS(tests, count, results, gives);
	ADD_ROWS(tests, count, refused_sites, refuses_site);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(matrix_without_overlays);
	return RUN_TESTS("overlays", tests, count);
}
