/* SPDX-License-Identifier: MIT */
/* Exceptions from IPsec: their keys in a matrix, the rules they become, and address arithmetic. */
#include "expect.h"

#include <errno.h>

#include "exceptions.h"
#include "row.h"
#include "string_list.h"
#include "variant.h"

/* --- in a matrix */

#define HEAD                                                                                       \
	"version: 1\nname: m\ntitle: M\nroles: {a: {title: A}, b: {title: B}, c: {title: C},\n"    \
	"  d: {title: D}}\ngroups: {g: [a, b]}\ntables:\n"
/* The row is in line 12. */
#define ROW(rest)                                                                                  \
	HEAD "  ipsec:\n    title: T\n    opens: false\n    rows:\n"                               \
	     "    - {id: ipsec/01, role: a, service: S, ports: 0-65535, protocols: tcp, " rest     \
	     "}\n"
#define VARIANT_KEYS "protocols, to, source_ports\n"

static const struct refusal {
	const char *name, *text, *expected;
} refusals[] = {
	{"no media", ROW("direction: out, source_ports: [client-audio, sound]"),
	 "m:12:120: error: source_ports: \"sound\" is no media range; accepted: names of media "
	 "ranges, or any alone\n"},
	{"any beside others", ROW("direction: out, source_ports: [any, audio]"),
	 "m:12:106: error: source_ports: \"any\" is no media range; accepted: names of media "
	 "ranges, or any alone\n"},
	{"variant key", ROW("direction: out, variants: {v: {from: a}}"),
	 "m:12:106: error: unknown key \"from\" in a variant; accepted: " VARIANT_KEYS},
	{"variant twice", ROW("direction: out, variants: {v: {to: b}, v: {to: b}}"),
	 "m:12:114: error: variants: \"v\" is given twice; line 12 has it already\n"},
	{"variant of unknown role", ROW("direction: out, variants: {v: {to: [b, e]}}"),
	 "m:12:114: error: unknown role \"e\"; accepted: a, b, c, d, g\n"},
	{"variant with to on an inbound row", ROW("direction: in, variants: {v: {to: b}}"),
	 "m:12:7: error: row ipsec/01: variant \"v\" has to:, and the row is not outbound; "
	 "accepted: direction: [out]\n"},
	{"in a table that opens",
	 HEAD "  t:\n    title: T\n    rows:\n    - {id: t/01, role: a, service: S, ports: 1, "
	      "protocols: tcp, direction: out, source_ports: any}\n",
	 "m:11:7: error: row t/01: source_ports and variants are for exceptions from IPsec; "
	 "accepted: in table ipsec, with opens: false\n"},
	{"variant of another table", HEAD "  t:\n    title: T\n    variant: v\n    rows: []\n",
	 "m:10:14: error: variant: table \"t\" has none; accepted: in table ipsec\n"},
};

static void refuses(void **state)
{
	const struct refusal *row = *state;
	_cleanup_(matrix_free) struct matrix matrix = {0};
	struct diagnostics diags = {0};
	int rc = matrix_parse("m", row->text, strlen(row->text), &matrix, &diags);

	expect_diags(&diags, row->expected);
	assert_int_equal(rc, -EINVAL);
}

static void knows_variants(void **state)
{
	_cleanup_(matrix_free) struct matrix matrix = {0};
	_cleanup_free_ char *names = NULL;
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(matrix_load(MATRIX_BUILT_IN, &matrix, &diags), 0);
	names = matrix_variants(&matrix);
	assert_string_equal(names, "ports-and-protocols, network-requirements");
	assert_true(matrix_has_variant(&matrix, "ports-and-protocols"));
	assert_true(matrix_has_variant(&matrix, "network-requirements"));
	assert_false(matrix_has_variant(&matrix, "default"));
}

/* --- rules */

static const char matrix_text[] = HEAD
	"  t:\n    title: T\n    rows:\n"
	"    - {id: t/01, role: d, service: S, ports: 1000-1999, protocols: [tcp, udp],\n"
	"       direction: in, media: client-audio}\n"
	"    - {id: t/02, role: d, service: S, ports: 1500-2499, protocols: udp,\n"
	"       direction: in, media: client-video}\n"
	"    - {id: t/03, role: d, service: S, ports: 9000-9100, protocols: tcp,\n"
	"       direction: in, media: client-app-sharing}\n"
	"  ipsec:\n    title: X\n    opens: false\n    variant: one\n    rows:\n"
	"    - {id: ipsec/01, role: a, service: S, ports: 0-65535, protocols: udp,\n"
	"       direction: in}\n"
	"    - {id: ipsec/02, role: a, service: S, ports: 0-65535, protocols: udp,\n"
	"       direction: out, variants: {two: {protocols: [tcp, udp], to: [b]}}}\n"
	"    - {id: ipsec/03, role: d, service: S, ports: 0-65535, protocols: [tcp, udp],\n"
	"       direction: out, source_ports: [client-audio, client-video],\n"
	"       variants: {two: {protocols: udp, source_ports: any}}}\n"
	"    - {id: ipsec/04, role: c, service: S, ports: 5000-5009, protocols: udp,\n"
	"       direction: in, media: audio}\n";

#define SITE(pools) "version: 1\ninterfaces: [eth0]\n" pools
#define POOL(name, roles, addresses)                                                               \
	"- {name: " name ", roles: [" roles "], addresses: [" addresses "]}\n"

static void print_ends(const struct space *space, const struct ports *ports, FILE *out)
{
	char text[PREFIX_TEXT], range[PORT_RANGE_TEXT];

	for (size_t i = 0; i < space->count; i++)
		fprintf(out, " %s", prefix_format(&space->items[i], text, sizeof(text)));
	for (size_t i = 0; i < ports->count; i++)
		fprintf(out, " :%s", port_range_format(ports->items[i], range, sizeof(range)));
}

static void print_rules(const struct exceptions *exceptions, FILE *out)
{
	for (size_t i = 0; i < exceptions->n_rules; i++) {
		const struct rule *rule = &exceptions->rules[i];

		fprintf(out, "%s:", rule->name);
		print_ends(rule_source(rule, false), rule_source_ports(rule, false), out);
		fprintf(out, " >");
		print_ends(rule_destination(rule, false), rule_destination_ports(rule, false), out);
		fprintf(out, "%s%s\n", rule_is_answered(exceptions, rule) ? " (answered)" : "",
			rule_before(exceptions, rule) ? " (again)" : "");
	}
}

static const struct rules_row {
	const char *name, *variant, *site, *expected;
} rules[] = {
	{"nobody", "one", SITE("pools:\n" POOL("x", "b", "10.0.0.1")), ""},
	{"both directions, both families", "one",
	 SITE("pools:\n" POOL("x", "a", "10.0.0.9, 10.0.0.0/30, '2001:db8::1'")),
	 "rolewall-ipsec-01-x-v4-udp: 0.0.0.0/0 > 10.0.0.0/30 10.0.0.9 (answered)\n"
	 "rolewall-ipsec-01-x-v6-udp: ::/0 > 2001:db8::1 (answered)\n"
	 "rolewall-ipsec-02-x-v4-udp: 10.0.0.0/30 10.0.0.9 > 0.0.0.0/0 (answered)\n"
	 "rolewall-ipsec-02-x-v6-udp: 2001:db8::1 > ::/0 (answered)\n"},
	{"the other variant, its far end not held", "two",
	 SITE("pools:\n" POOL("x", "a", "10.0.0.1")),
	 "rolewall-ipsec-01-x-v4-udp: 0.0.0.0/0 > 10.0.0.1\n"},
	{"the other variant", "two",
	 SITE("pools:\n" POOL("x", "a", "10.0.0.1") POOL("y", "b", "10.0.1.1, '2001:db8::1'")),
	 "rolewall-ipsec-01-x-v4-udp: 0.0.0.0/0 > 10.0.0.1\n"
	 "rolewall-ipsec-02-x-v4-tcp: 10.0.0.1 > 10.0.1.1\n"
	 "rolewall-ipsec-02-x-v4-udp: 10.0.0.1 > 10.0.1.1\n"},
	{"source ports, those of the transport, merged", "one",
	 SITE("pools:\n" POOL("x", "d", "10.0.0.1")),
	 "rolewall-ipsec-03-x-v4-tcp: 10.0.0.1 :1000-1999 > 0.0.0.0/0\n"
	 "rolewall-ipsec-03-x-v4-udp: 10.0.0.1 :1000-2499 > 0.0.0.0/0\n"},
	{"source ports, moved", "one",
	 SITE("media: {client-audio: 7000-7099}\npools:\n" POOL("x", "d", "10.0.0.1")),
	 "rolewall-ipsec-03-x-v4-tcp: 10.0.0.1 :7000-7099 > 0.0.0.0/0\n"
	 "rolewall-ipsec-03-x-v4-udp: 10.0.0.1 :1500-2499 :7000-7099 > 0.0.0.0/0\n"},
	{"source ports any in the other variant", "two",
	 SITE("pools:\n" POOL("x", "d", "10.0.0.1")),
	 "rolewall-ipsec-03-x-v4-udp: 10.0.0.1 > 0.0.0.0/0\n"},
	{"destination ports, moved", "one",
	 SITE("media: {audio: 6000-6099}\npools:\n" POOL("x", "c", "10.0.0.1")),
	 "rolewall-ipsec-04-x-v4-udp: 0.0.0.0/0 > 10.0.0.1 :6000-6099\n"},
	{"two pools with one role, one inside the other", "one",
	 SITE("pools:\n" POOL("x", "c", "10.0.0.0/30") POOL("y", "c", "10.0.0.1")),
	 "rolewall-ipsec-04-x-v4-udp: 0.0.0.0/0 > 10.0.0.0/30 :5000-5009\n"
	 "rolewall-ipsec-04-y-v4-udp: 0.0.0.0/0 > 10.0.0.1 :5000-5009\n"},
	{"without the pool inside that has other roles", "one",
	 SITE("pools:\n" POOL("x", "c", "10.0.0.0/30") POOL("y", "b", "10.0.0.1")),
	 "rolewall-ipsec-04-x-v4-udp: 0.0.0.0/0 > 10.0.0.0 10.0.0.2/31 :5000-5009\n"},
	{"a pair is spared, either way round", "one",
	 SITE("pools:\n" POOL("x", "a", "10.0.0.1") "ipsec: [between: [128.0.0.0/2, a]]\n"),
	 "rolewall-ipsec-01-x-v4-udp: 0.0.0.0/1 192.0.0.0/2 > 10.0.0.1 (answered)\n"
	 "rolewall-ipsec-02-x-v4-udp: 10.0.0.1 > 0.0.0.0/1 192.0.0.0/2 (answered)\n"},
	{"a pair with part of a pool", "one",
	 SITE("pools:\n" POOL("x", "c", "10.0.0.0/30, 10.0.1.1") "ipsec: [between: [10.0.0.2, "
								 "128.0.0.0/1]]\n"),
	 "rolewall-ipsec-04-x-v4-udp: 0.0.0.0/0 > 10.0.0.0/31 10.0.0.3 10.0.1.1 :5000-5009\n"
	 "rolewall-ipsec-04-x-v4-udp-2: 0.0.0.0/1 > 10.0.0.2 :5000-5009\n"},
	{"a pair of a role with itself", "one",
	 SITE("pools:\n" POOL("x", "c", "64.0.0.0/3") "ipsec: [between: [c, c]]\n"),
	 "rolewall-ipsec-04-x-v4-udp: 0.0.0.0/2 96.0.0.0/3 128.0.0.0/1 > 64.0.0.0/3 :5000-5009\n"},
	{"a pair elsewhere", "one",
	 SITE("pools:\n" POOL("x", "c", "10.0.0.1") POOL("y", "b", "10.0.1.1") "ipsec: [between: "
									       "[b, b]]\n"),
	 "rolewall-ipsec-04-x-v4-udp: 0.0.0.0/0 > 10.0.0.1 :5000-5009\n"},
};

static void makes_rules(void **state)
{
	const struct rules_row *row = *state;
	_cleanup_(matrix_free) struct matrix matrix = {0};
	_cleanup_(site_free) struct site site = {0};
	_cleanup_(policy_free) struct policy policy = {0};
	_cleanup_(exceptions_free) struct exceptions exceptions = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(matrix_parse("m", matrix_text, strlen(matrix_text), &matrix, &diags), 0);
	site_parse("s", row->site, strlen(row->site), &site, &diags);
	policy_resolve(&matrix, &site, &policy, &diags);
	assert_int_equal(diags.errors, 0);
	assert_int_equal(exceptions_make(&policy, row->variant, &exceptions), 0);
	print_rules(&exceptions, out);
	fclose(out);
	assert_string_equal(text, row->expected);
}

/* --- addresses */

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

/* 10.0.SIDE.(0 to 15), and the prefixes within: NUMBER counts them from the whole to the single. */
static struct prefix piece(unsigned int side, unsigned int number)
{
	struct prefix prefix = prefix_of("10.0.0.0");
	unsigned int bits = 0;

	while (number + 1 >= 2U << bits)
		bits++;
	prefix.address.byte[2] = (__u8)side;
	prefix.address.byte[3] = (__u8)((number + 1 - (1U << bits)) << (4 - bits));
	prefix.length = (__u8)(28 + bits);
	return prefix;
}

#define PIECES 31U

static unsigned int times_in(const struct paths *paths, unsigned int near, unsigned int far)
{
	struct prefix from = piece(1, 15 + near), to = piece(2, 15 + far);
	unsigned int count = 0;

	for (size_t i = 0; i < paths->count; i++)
		count += prefix_covers(&paths->items[i].near, &from) &&
			 prefix_covers(&paths->items[i].far, &to);
	return count;
}

/* Every address pair is in what is left exactly once, or in the hole. */
static void subtracts_paths(void **state)
{
	struct prefix whole[] = {piece(1, 0), piece(2, 0)};

	(void)state;
	for (unsigned int i = 0; i < PIECES * PIECES; i++) {
		struct prefix near = piece(1, i / PIECES), far = piece(2, i % PIECES);
		struct space from = {&whole[0], 1}, to = {&whole[1], 1};
		_cleanup_(paths_free) struct paths paths = {0};

		assert_int_equal(paths_make(&paths, &from, &to), 0);
		assert_int_equal(paths_subtract(&paths, &near, &far), 0);
		assert_int_equal(paths_subtract(&paths, &whole[1], &whole[0]), 0);
		for (unsigned int j = 0; j < 256; j++) {
			struct prefix x = piece(1, 15 + j / 16), y = piece(2, 15 + j % 16);
			bool hole = prefix_covers(&near, &x) && prefix_covers(&far, &y);

			assert_int_equal(times_in(&paths, j / 16, j % 16), !hole);
		}
	}
}

static void subtracts_from_everything(void **state)
{
	struct prefix any[] = {{.family = FAMILY_IPV4}, {.family = FAMILY_IPV6}};
	struct prefix hole = prefix_of("2001:db8::ffff");
	_cleanup_(space_free) struct space space = {0};

	(void)state;
	assert_int_equal(space_add(&space, &any[0]), 0);
	assert_int_equal(space_add(&space, &any[1]), 0);
	assert_int_equal(space_subtract(&space, &hole), 0);
	assert_int_equal(space.count, 129);
	for (size_t i = 0; i < space.count; i++)
		assert_false(prefix_covers(&space.items[i], &hole));
	assert_int_equal(space_subtract(&space, &any[1]), 0);
	assert_int_equal(space.count, 1);
	assert_int_equal(space_subtract(&space, &any[0]), 0);
	assert_int_equal(space.count, 0);
}

static void limits_pieces(void **state)
{
	_cleanup_(space_free) struct space space = {0};
	struct prefix prefix = prefix_of("10.0.0.1");
	int rc = 0;

	(void)state;
	while (!rc)
		rc = space_add(&space, &prefix);
	assert_int_equal(rc, -E2BIG);
	assert_int_equal(space.count, PATHS_MAX);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(knows_variants),
		cmocka_unit_test(subtracts_paths),
		cmocka_unit_test(subtracts_from_everything),
		cmocka_unit_test(limits_pieces),
	};
	struct CMUnitTest tests[60];
	size_t count = 0;

	ADD_ROWS(tests, count, refusals, refuses);
	ADD_ROWS(tests, count, rules, makes_rules);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tests[count++] = others[i];
	return RUN_TESTS("exceptions", tests, count);
}
