/* SPDX-License-Identifier: MIT */
/* Matrix files: the built-in one as it should be, and what is refused in others. */
#include "expect.h"

#include <errno.h>

#include "matrix.h"
#include "role_set.h"
#include "row.h"
#include "string_list.h"

/* A matrix in a few lines; the rows below change one part of it. */
#define HEAD "version: 1\nname: m\ntitle: M\n"
#define ROLES "roles: {a: {title: A}, b: {title: B, adds: [a]}, p: {title: P, peer: true}}\n"
#define GROUPS "groups: {g: [a, b]}\n"
#define START HEAD ROLES GROUPS
#define TABLE(rows) START "tables:\n  t:\n    title: T\n    rows:\n" rows
#define ROW_START "role: a, service: S"
#define ROW_END "ports: 80, protocols: tcp, direction: in"
#define ROW(rest) TABLE("      - {id: t/01, " ROW_START ", " ROW_END rest "}\n")

#define ROW_KEYS                                                                                     \
	"id, role, service, ports, protocols, application, direction, from, to, optional, feature, " \
	"outgoing, only, media, source_ports, variants, note, source, confidence\n"

static const struct refusal {
	const char *name, *text, *expected;
} refusals[] = {
	{"nothing but a version", "version: 1\n",
	 "m:1:1: error: key \"name\" is missing in a matrix; accepted: version, name, title, roles, "
	 "groups, tables, overlays\n"
	 "m:1:1: error: key \"title\" is missing in a matrix; accepted: version, name, title, "
	 "roles, groups, tables, overlays\n"
	 "m:1:1: error: key \"roles\" is missing in a matrix; accepted: version, name, title, "
	 "roles, groups, tables, overlays\n"
	 "m:1:1: error: key \"tables\" is missing in a matrix; accepted: version, name, title, "
	 "roles, groups, tables, overlays\n"},
	{"name", "version: 1\nname: My Matrix\ntitle: M\n" ROLES "tables: {}\n",
	 "m:2:7: error: \"My Matrix\" is no name of a matrix; accepted: a letter, then up to 62 of "
	 "a-z 0-9 -\n"},

	/* roles and groups */
	{"role name", HEAD "roles: {Front_End: {title: F}}\ntables: {}\n",
	 "m:4:20: error: \"Front_End\" is no name of a role; accepted: a letter, then up to 62 of "
	 "a-z 0-9 -\n"},
	{"role twice", HEAD "roles:\n  a: {title: A}\n  a: {title: B}\ntables: {}\n",
	 "m:6:3: error: roles: \"a\" is given twice; line 5 has it already\n"},
	{"role without title", HEAD "roles: {a: {}}\ntables: {}\n",
	 "m:4:12: error: key \"title\" is missing in a role; accepted: title, adds, peer\n"},
	{"role any", HEAD "roles: {any: {title: A}}\ntables: {}\n",
	 "m:4:14: error: \"any\" stands for every address; accepted: another name\n"},
	{"adds unknown", HEAD "roles: {a: {title: A, adds: [b]}}\ntables: {}\n",
	 "m:4:30: error: unknown role \"b\"; accepted: a\n"},
	{"adds itself", HEAD "roles: {a: {title: A, adds: [a]}}\ntables: {}\n",
	 "m:4:30: error: adds: role \"a\" adds itself; accepted: other roles\n"},
	{"group of unknown role", HEAD ROLES "groups: {g: [a, c]}\ntables: {}\n",
	 "m:5:17: error: unknown role \"c\"; accepted: a, b, p\n"},
	{"group of a group", HEAD ROLES "groups: {g: [a], h: [g]}\ntables: {}\n",
	 "m:5:22: error: unknown role \"g\"; accepted: a, b, p\n"},
	{"group named as a role", HEAD ROLES "groups: {a: [b]}\ntables: {}\n",
	 "m:5:13: error: group \"a\" has the name of a role; accepted: another name\n"},
	{"empty group", HEAD ROLES "groups: {g: []}\ntables: {}\n",
	 "m:5:13: error: g: empty list; at least one value is accepted\n"},

	/* tables */
	{"table name", START "tables: {T: {title: T, rows: []}}\n",
	 "m:6:13: error: \"T\" is no name of a table; accepted: a letter, then up to 62 of a-z 0-9 "
	 "-\n"},
	{"table extra", START "tables: {extra: {title: T, rows: []}}\n",
	 "m:6:17: error: \"extra\" is the table of a site's own rows; accepted: another name\n"},
	{"table key", START "tables: {t: {title: T, row: []}}\n",
	 "m:6:13: error: key \"rows\" is missing in a table; accepted: title, load_balancing, "
	 "opens, variant, rows\n"
	 "m:6:24: error: unknown key \"row\" in a table; accepted: title, load_balancing, opens, "
	 "variant, rows\n"},
	{"table balancing", START "tables: {t: {title: T, load_balancing: any, rows: []}}\n",
	 "m:6:40: error: load_balancing: unknown word \"any\"; accepted: dns, hardware\n"},

	/* rows */
	{"row without anything", TABLE("      - {}\n"),
	 "m:10:9: error: key \"id\" is missing in a row; accepted: " ROW_KEYS
	 "m:10:9: error: key \"role\" is missing in a row; accepted: " ROW_KEYS
	 "m:10:9: error: key \"service\" is missing in a row; accepted: " ROW_KEYS
	 "m:10:9: error: key \"ports\" is missing in a row; accepted: " ROW_KEYS
	 "m:10:9: error: key \"protocols\" is missing in a row; accepted: " ROW_KEYS
	 "m:10:9: error: key \"direction\" is missing in a row; accepted: " ROW_KEYS},
	{"row key of a site", ROW(", roles: [a]"),
	 "m:10:83: error: unknown key \"roles\" in a row; accepted: " ROW_KEYS},
	{"id of another row", TABLE("      - {id: t/02, " ROW_START ", " ROW_END "}\n"),
	 "m:10:9: error: id: \"t/02\" does not say table and row; accepted: t/01\n"},
	{"id with one digit", TABLE("      - {id: t/1, " ROW_START ", " ROW_END "}\n"),
	 "m:10:9: error: id: \"t/1\" does not say table and row; accepted: t/01\n"},
	{"id given twice",
	 TABLE("      - {id: t/01, " ROW_START ", " ROW_END "}\n"
	       "      - {id: t/01, " ROW_START ", " ROW_END "}\n"),
	 "m:11:9: error: id: \"t/01\" does not say table and row; accepted: t/02\n"},
	{"role unknown", TABLE("      - {id: t/01, role: c, service: S, " ROW_END "}\n"),
	 "m:10:26: error: unknown role \"c\"; accepted: a, b, p, g\n"},
	{"role as list", TABLE("      - {id: t/01, role: [a, b], service: S, " ROW_END "}\n"),
	 "m:10:26: error: role: a list found; a value is accepted\n"},
	{"role of a peer", TABLE("      - {id: t/01, role: p, service: S, " ROW_END "}\n"),
	 "m:10:26: error: role: \"p\" is marked \"peer: true\", so no row can open its ports; "
	 "accepted: other roles\n"},
	{"from unknown", ROW(", from: [any-one]"),
	 "m:10:90: error: unknown role \"any-one\"; accepted: a, b, p, g\n"},
	{"to unknown",
	 TABLE("      - {id: t/01, " ROW_START
	       ", ports: 80, protocols: tcp, direction: out, to: [q]}\n"),
	 "m:10:89: error: unknown role \"q\"; accepted: a, b, p, g\n"},
	{"ports",
	 TABLE("      - {id: t/01, " ROW_START
	       ", ports: [67/68], protocols: udp, direction: in}\n"),
	 "m:10:49: error: ports: \"67/68\" is no port; accepted: N or A-B within 0-65535\n"},
	{"media", ROW(", media: sound"),
	 "m:10:90: error: media: unknown word \"sound\"; accepted: audio, video, app-sharing, "
	 "client-audio, client-video, client-app-sharing, client-file-transfer\n"},
	{"optional", ROW(", optional: maybe"),
	 "m:10:93: error: optional: unknown word \"maybe\"; accepted: false, true\n"},
	{"near miss",
	 HEAD "roles: {front-end: {title: F}}\ntables: {t: {title: T, rows: [{id: t/01, role: "
	      "frontend, service: S, " ROW_END "}]}}\n",
	 "m:5:48: error: unknown role \"frontend\" (is it front-end?); accepted: front-end\n"},
};

static int parse(const char *text, struct matrix *matrix, struct diagnostics *diags)
{
	return matrix_parse("m", text, strlen(text), matrix, diags);
}

static void refuses(void **state)
{
	const struct refusal *row = *state;
	struct matrix matrix = {.n_rows = 99};
	struct diagnostics diags = {0};
	int rc = parse(row->text, &matrix, &diags);

	expect_diags(&diags, row->expected);
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(matrix.n_rows, 99); /* untouched */
}

static void reads_row(void **state)
{
	static const char text[] = TABLE(
		"      - {id: t/01, role: g, service: S, ports: [0-65535], protocols: "
		"[udp, tcp], direction: [in, out], application: tls, from: [p, 10.0.0.0/8], "
		"to: any, optional: true, media: client-video, note: N}\n") "    load_balancing: hardware\n"
									    "    opens: false\n";
	_cleanup_(matrix_free) struct matrix matrix = {0};
	struct diagnostics diags = {0};
	int rc = parse(text, &matrix, &diags);
	const struct row *row;

	(void)state;
	expect_diags(&diags, "");
	assert_int_equal(rc, 0);
	assert_string_equal(matrix.name, "m");
	assert_string_equal(matrix.title, "M");
	assert_int_equal(matrix.n_rows, 1);
	row = &matrix.rows[0];
	assert_string_equal(row->id, "t/01");
	assert_string_equal(row->table, "t");
	assert_int_equal(row->number, 1);
	assert_string_equal(row->roles.items[0], "g");
	assert_string_equal(row->service, "S");
	assert_int_equal(row->n_ports, 1);
	assert_int_equal(row->ports[0].first, 0);
	assert_int_equal(row->ports[0].last, 65535);
	assert_int_equal(row->transports, TRANSPORT_TCP | TRANSPORT_UDP);
	assert_int_equal(row->directions, DIRECTION_IN | DIRECTION_OUT);
	assert_string_equal(row->application, "tls");
	assert_int_equal(row->from.count, 2);
	assert_string_equal(row->to.items[0], "any");
	assert_true(row->optional);
	assert_string_equal(row->media, "client-video");
	assert_string_equal(row->note, "N");
	assert_int_equal(row->balancing, BALANCING_HARDWARE);
	assert_false(row->opens);
	assert_int_equal(row->place.line, 10);
}

/* The tables of the vendor's document, in its order. */
static const struct table_row {
	const char *name;
	size_t first, count; /* rows */
	enum balancing balancing;
	bool opens;
} tables[] = {
	{"servers", 0, 53, BALANCING_ANY, true}, {"hlb-only", 53, 20, BALANCING_HARDWARE, true},
	{"hlb-dns", 73, 6, BALANCING_DNS, true}, {"clients", 79, 12, BALANCING_ANY, true},
	{"ipsec", 91, 15, BALANCING_ANY, false},
};

static void load_built_in(struct matrix *matrix)
{
	struct diagnostics diags = {0};
	int rc = matrix_load(MATRIX_BUILT_IN, matrix, &diags);

	expect_diags(&diags, "");
	assert_int_equal(rc, 0);
}

static void has_table(void **state)
{
	const struct table_row *table = *state;
	_cleanup_(matrix_free) struct matrix matrix = {0};

	load_built_in(&matrix);
	assert_int_equal(matrix.n_rows, 106);
	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &matrix.rows[table->first + i];

		assert_string_equal(row->table, table->name);
		assert_int_equal(row->number, i + 1);
		assert_int_equal(row->balancing, table->balancing);
		assert_int_equal(row->opens, table->opens);
		assert_int_equal(row->roles.count, 1);
	}
}

static void has_outbound_rows(void **state)
{
	static const unsigned int outbound[] = {25, 26, 32, 36, 38};
	_cleanup_(matrix_free) struct matrix matrix = {0};
	size_t next = 0;

	(void)state;
	load_built_in(&matrix);
	for (unsigned int i = 0; i < 53; i++) {
		if (!(matrix.rows[i].directions & DIRECTION_OUT))
			continue;
		assert_true(next < 5);
		assert_int_equal(matrix.rows[i].number, outbound[next++]);
	}
	assert_int_equal(next, 5);
}

static void finds_roles(void **state)
{
	_cleanup_(matrix_free) struct matrix matrix = {0};
	struct role_set held = {0}, all = {0};

	(void)state;
	load_built_in(&matrix);
	assert_non_null(matrix_role(&matrix, "front-end"));
	assert_null(matrix_role(&matrix, "all-servers"));
	assert_non_null(matrix_group(&matrix, "all-servers"));
	assert_null(matrix_group(&matrix, "front-end"));
	assert_true(matrix_role(&matrix, "pstn-gateway")->peer);
	assert_true(role_set_add_word(&held, &matrix, "front-end-cms"));
	assert_true(role_set_add_word(&all, &matrix, "all-servers"));
	assert_false(role_set_add_word(&all, &matrix, "nobody"));
	assert_false(role_set_meets(&held, &all));
	role_set_close(&held, &matrix);
	assert_true(role_set_meets(&held, &all)); /* a variant counts as its base */
}

static void closes_circles(void **state)
{
	static const char text[] = HEAD
		"roles: {a: {title: A, adds: [b]}, b: {title: B, adds: [c]}, "
		"c: {title: C, adds: [a]}, d: {title: D}}\ntables: {}\n";
	_cleanup_(matrix_free) struct matrix matrix = {0};
	struct diagnostics diags = {0};
	struct role_set set = {0};
	struct strings ids = {0};

	(void)state;
	assert_int_equal(parse(text, &matrix, &diags), 0);
	role_set_add_word(&set, &matrix, "b");
	role_set_close(&set, &matrix);
	assert_int_equal(role_set_ids(&set, &matrix, &ids), 0);
	assert_int_equal(ids.count, 3);
	free(ids.items);
}

static void names_the_file(void **state)
{
	_cleanup_(matrix_free) struct matrix matrix = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(matrix_load("/nonexistent/m.yaml", &matrix, &diags), -ENOENT);
	expect_diags(&diags, "/nonexistent/m.yaml: error: cannot be read: No such file or "
			     "directory\n");
}

static void limits_roles(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct diagnostics diags = {0};
	struct matrix matrix = {0};

	(void)state;
	assert_non_null(out);
	fputs(HEAD "tables: {}\nroles:\n", out);
	for (unsigned int i = 0; i < 257; i++)
		fprintf(out, "  r%u: {title: R}\n", i);
	fclose(out);
	assert_int_equal(parse(text, &matrix, &diags), -EINVAL);
	expect_diags(&diags, "m:262:9: error: too many of this kind; at most 256 are read\n");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(reads_row),      cmocka_unit_test(has_outbound_rows),
		cmocka_unit_test(finds_roles),    cmocka_unit_test(closes_circles),
		cmocka_unit_test(names_the_file), cmocka_unit_test(limits_roles),
	};
	struct CMUnitTest tests[100];
	size_t count = 0;

	ADD_ROWS(tests, count, refusals, refuses);
	ADD_ROWS(tests, count, tables, has_table);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tests[count++] = others[i];
	return RUN_TESTS("matrix", tests, count);
}
