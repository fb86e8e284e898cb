/* SPDX-License-Identifier: MIT */
/* Diagnostics, and the strict reading of YAML on a small schema. */
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "matrix.h"
#include "string_list.h"
#include "yaml_doc.h"

/* --- the schema of these tests: every kind of reader once */

struct thing {
	char *text;
	bool flag;
	unsigned int word;
	struct strings list;
	size_t things, names;
};

static int read_word(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"red", "green", NULL};

	return yaml_word(doc, node, words, target);
}

static const struct yaml_key inner_keys[] = {
	{"x", yaml_skip_text, 0, true},
	{NULL, NULL, 0, false},
};

static int count_thing(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	++*(size_t *)target;
	return yaml_mapping(doc, node, "a thing", inner_keys, NULL);
}

static int read_things(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_each(doc, node, count_thing, target);
}

static int read_names(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_named(doc, node, count_thing, target);
}

static const struct yaml_key keys[] = {
	{"version", yaml_read_version, 0, false},
	{"text", yaml_read_text, offsetof(struct thing, text), true},
	{"flag", yaml_read_bool, offsetof(struct thing, flag), false},
	{"word", read_word, offsetof(struct thing, word), false},
	{"list", yaml_read_strings, offsetof(struct thing, list), false},
	{"things", read_things, offsetof(struct thing, things), false},
	{"names", read_names, offsetof(struct thing, names), false},
	{"later", NULL, 0, false},
	{NULL, NULL, 0, false},
};

static int read_text(const char *text, size_t size, struct thing *thing, struct diagnostics *diags)
{
	_cleanup_(yaml_doc_close) struct yaml_doc doc = {0};
	int rc = yaml_doc_parse(&doc, "f", text, size, diags);

	return rc ? rc : yaml_mapping(&doc, yaml_root(&doc), "the file", keys, thing);
}

static void thing_free(struct thing *thing)
{
	free(thing->text);
	strings_free(&thing->list);
}

#define ACCEPTED "accepted: version, text, flag, word, list, things, names\n"

static const struct refusal {
	const char *name, *text, *expected;
} refusals[] = {
	{"unknown key", "text: a\ncolour: red\n",
	 "f:2:1: error: unknown key \"colour\" in the file; " ACCEPTED},
	{"key given twice", "text: a\nflag: true\ntext: b\n",
	 "f:3:1: error: key \"text\" is given twice in the file; line 1 has it already\n"},
	{"missing key", "flag: true\n",
	 "f:1:1: error: key \"text\" is missing in the file; " ACCEPTED},
	{"key of a later version", "text: a\nlater: {}\n",
	 "f:2:1: error: key \"later\" is not supported by this version yet\n"},
	{"list as key", "text: a\n? [b]\n: c\n",
	 "f:2:3: error: a list as a key of the file; " ACCEPTED},
	{"merge key", "text: a\n<<: {flag: true}\n",
	 "f:2:1: error: unknown key \"<<\" in the file; " ACCEPTED},
	{"list for mapping", "- a\n", "f:1:1: error: file: a list found; a mapping is accepted\n"},
	{"value for mapping", "a\n", "f:1:1: error: file: a value found; a mapping is accepted\n"},
	{"value for list", "text: a\nthings: 5\n",
	 "f:2:9: error: things: a value found; a list is accepted\n"},
	{"list for value", "text: [a]\n",
	 "f:1:7: error: text: a list found; a value is accepted\n"},
	{"mapping for values", "text: a\nlist: {b: c}\n",
	 "f:2:7: error: list: a mapping found; a value or a list of values is accepted\n"},
	{"nothing", "text:\n", "f:1:6: error: text: nothing found; a value is accepted\n"},
	{"null", "text: null\n", "f:1:7: error: text: nothing found; a value is accepted\n"},
	{"tilde", "text: ~\n", "f:1:7: error: text: nothing found; a value is accepted\n"},
	{"empty text", "text: \"\"\n", "f:1:7: error: text: empty; one line of text is accepted\n"},
	{"line break in text", "text: |\n  a\n  b\n",
	 "f:1:7: error: text: line break or control character; one line of text is accepted\n"},
	{"escape in text", "text: \"a\\e[31m\"\n",
	 "f:1:7: error: text: line break or control character; one line of text is accepted\n"},
	{"C1 control in text", "text: \"a\\x9b\"\n",
	 "f:1:7: error: text: line break or control character; one line of text is accepted\n"},
	{"NUL in text", "text: \"a\\0b\"\n",
	 "f:1:7: error: NUL character; one line of text is accepted\n"},
	{"unknown word", "text: a\nword: blue\n",
	 "f:2:7: error: word: unknown word \"blue\"; accepted: red, green\n"},
	{"word as echoed", "text: a\nword: \"bl\xc3\xbc\"\n",
	 "f:2:7: error: word: unknown word \"bl\\xc3\\xbc\"; accepted: red, green\n"},
	{"yes is no boolean", "text: a\nflag: yes\n",
	 "f:2:7: error: flag: unknown word \"yes\"; accepted: false, true\n"},
	{"empty list", "text: a\nlist: []\n",
	 "f:2:7: error: list: empty list; at least one value is accepted\n"},
	{"listed twice", "text: a\nlist: [b, c, b]\n",
	 "f:2:14: error: list: \"b\" is listed twice; once is enough\n"},
	{"list in list", "text: a\nlist: [[b]]\n",
	 "f:2:8: error: list: a list found; a value is accepted\n"},
	{"another version", "version: 2\ntext: a\n",
	 "f:1:10: error: version: \"2\" is not known; accepted: 1\n"},
	{"item of the wrong kind", "text: a\nthings:\n  - x: 1\n  - y\n",
	 "f:4:5: error: things: a value found; a mapping is accepted\n"},
	{"name given twice", "text: a\nnames:\n  b: {x: 1}\n  b: {x: 1}\n",
	 "f:4:3: error: names: \"b\" is given twice; line 3 has it already\n"},
	{"all mistakes in one run", "colour: red\nword: blue\nthings: [{}, {y: 1}]\n",
	 "f:1:1: error: unknown key \"colour\" in the file; " ACCEPTED
	 "f:1:1: error: key \"text\" is missing in the file; " ACCEPTED
	 "f:2:7: error: word: unknown word \"blue\"; accepted: red, green\n"
	 "f:3:10: error: key \"x\" is missing in a thing; accepted: x\n"
	 "f:3:14: error: key \"x\" is missing in a thing; accepted: x\n"
	 "f:3:15: error: unknown key \"y\" in a thing; accepted: x\n"},
	{"anchor and alias", "text: &a b\nword: *a\n",
	 "f:1:7: error: anchor \"&a\" is not accepted; write the value where it is used\n"
	 "f:2:7: error: alias \"*a\" is not accepted; write the value itself\n"},
	{"tag", "text: !!str 5\n",
	 "f:1:7: error: tag \"tag:yaml.org,2002:str\" is not accepted; write the plain value\n"},
	{"second document", "text: a\n---\ntext: b\n",
	 "f:2:1: error: second document; a file holds one\n"},
	{"empty file", "", "f: error: empty; a YAML file with keys is expected\n"},
	{"only a comment", "# nothing\n", "f: error: empty; a YAML file with keys is expected\n"},
	{"open bracket", "text: a\nlist: [b, c\nword: red\n",
	 "f:3:5: error: not YAML: did not find expected ',' or ']' (while parsing a flow sequence "
	 "that starts in line 2)\n"},
	{"tab as indentation", "things:\n\t- x: 1\n",
	 "f:2:1: error: not YAML: found character that cannot start any token (while scanning for "
	 "the next token)\n"},
	{"no UTF-8", "text: a\nword: \xff\n",
	 "f:2:7: error: not readable as text: invalid leading UTF-8 octet; accepted: UTF-8 without "
	 "control characters\n"},
	{"raw control character", "text: a\x01\n",
	 "f:1:8: error: not readable as text: control characters are not allowed; accepted: UTF-8 "
	 "without control characters\n"},
	{"too deep", "list: [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]\n",
	 "f:1:22: error: nested too deep; at most 16 levels are read\n"},
};

static void refuses(void **state)
{
	const struct refusal *row = *state;
	_cleanup_(thing_free) struct thing thing = {0};
	struct diagnostics diags = {0};
	int rc = read_text(row->text, strlen(row->text), &thing, &diags);

	expect_diags(&diags, row->expected);
	assert_int_equal(rc, -EINVAL);
}

static void reads_everything(void **state)
{
	static const char text[] = "version: 1\ntext: 'a: b'\nflag: true\nword: green\n"
				   "list: [c, \"null\"]\nthings: [{x: 1}, {x: 2}]\n"
				   "names: {d: {x: 1}}\n";
	_cleanup_(thing_free) struct thing thing = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(read_text(text, strlen(text), &thing, &diags), 0);
	expect_diags(&diags, "");
	assert_string_equal(thing.text, "a: b");
	assert_true(thing.flag);
	assert_int_equal(thing.word, 1);
	assert_int_equal(thing.list.count, 2);
	assert_string_equal(thing.list.items[1], "null");
	assert_int_equal(thing.list.places[1].line, 5);
	assert_int_equal(thing.list.places[1].column, 11);
	assert_int_equal(thing.things, 2);
	assert_int_equal(thing.names, 1);
}

static void single_value_for_list(void **state)
{
	_cleanup_(thing_free) struct thing thing = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(read_text("text: a\nlist: b\n", 16, &thing, &diags), 0);
	assert_int_equal(thing.list.count, 1);
}

static void refuses_too_many_values(void **state)
{
	static const char item[] = "a,\n";
	size_t count = YAML_NODES_MAX, size = count * strlen(item) + 1;
	_cleanup_(thing_free) struct thing thing = {0};
	_cleanup_free_ char *text = malloc(size + 1);
	struct diagnostics diags = {0};

	(void)state;
	assert_non_null(text);
	text[0] = '[';
	for (size_t i = 0; i < count; i++)
		memcpy(text + 1 + i * strlen(item), item, strlen(item));
	assert_int_equal(read_text(text, size, &thing, &diags), -EINVAL);
	expect_diags(&diags, "f:1000000:1: error: too many values; at most 1000000 are read\n");
}

/* --- files */

/* A folder of the test's own, with a file "f" of these bytes. */
static char *folder_with(const char *text, size_t size)
{
	char *folder = strdup("/tmp/rolewall-test-XXXXXX");
	_cleanup_free_ char *path = NULL;
	int fd;

	assert_non_null(folder);
	assert_non_null(mkdtemp(folder));
	assert_true(asprintf(&path, "%s/f", folder) > 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	close(fd);
	return folder;
}

static void remove_folder(char **folder)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/f", *folder) > 0)
		unlink(path);
	rmdir(*folder);
	free(*folder);
}

static void expect_load(const char *path, int expected_rc, const char *message)
{
	_cleanup_(yaml_doc_close) struct yaml_doc doc = {0};
	_cleanup_free_ char *expected = NULL;
	struct diagnostics diags = {0};
	int rc = yaml_doc_load(&doc, path, &diags);

	assert_true(asprintf(&expected, "%s%s%s", message ? path : "", message ? ": error: " : "",
			     message ? message : "") >= 0);
	expect_diags(&diags, expected);
	assert_int_equal(rc, expected_rc);
}

static void loads_files(void **state)
{
	_cleanup_(remove_folder) char *folder = folder_with("text: a\n", 8);
	_cleanup_free_ char *file = NULL, *missing = NULL;

	(void)state;
	assert_true(asprintf(&file, "%s/f", folder) > 0);
	assert_true(asprintf(&missing, "%s/g", folder) > 0);
	expect_load(file, 0, NULL);
	expect_load(missing, -ENOENT, "cannot be read: No such file or directory\n");
	expect_load(folder, -EISDIR, "cannot be read: Is a directory\n");
	expect_load("/dev/null", -EINVAL, "empty; a YAML file with keys is expected\n");
	expect_load("/dev/zero", -EFBIG, "too large; at most 16 MiB are read\n");
}

static void reads_pipes(void **state)
{
	struct diagnostics diags = {0};
	_cleanup_(yaml_doc_close) struct yaml_doc doc = {0};
	char path[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "text: a\n", 8), 8);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(yaml_doc_load(&doc, path, &diags), 0);
	close(ends[0]);
}

/* --- diagnostics */

static void sorts_by_place(void **state)
{
	struct diagnostics diags = {0};

	(void)state;
	diag_warning(&diags, (struct place){"b", 1, 1}, "fifth");
	diag_error(&diags, (struct place){"a", 10, 1}, "fourth");
	diag_error(&diags, (struct place){"a", 2, 12}, "third");
	diag_error(&diags, (struct place){"a", 2, 3}, "second, %s", "said first");
	diag_error(&diags, (struct place){"a", 2, 3}, "second, said later");
	diag_error(&diags, (struct place){"a", 0, 0}, "first");
	diag_warning(&diags, (struct place){NULL, 0, 0}, "no place");
	assert_int_equal(diags.errors, 5);
	assert_int_equal(diags.warnings, 2);
	expect_diags(&diags, "warning: no place\n"
			     "a: error: first\n"
			     "a:2:3: error: second, said first\n"
			     "a:2:3: error: second, said later\n"
			     "a:2:12: error: third\n"
			     "a:10:1: error: fourth\n"
			     "b:1:1: warning: fifth\n");
	assert_int_equal(diags.count, 0);
}

static void keeps_text_printable(void **state)
{
	struct diagnostics diags = {0};

	(void)state;
	diag_error(&diags, (struct place){"x\ny", 1, 1}, "%s", "a\x1b[31m\nb\xc3\xa9\x7f");
	expect_diags(&diags, "x\\x0ay:1:1: error: a\\x1b[31m\\x0ab\\xc3\\xa9\\x7f\n");
}

static void cuts_long_text(void **state)
{
	struct diagnostics diags = {0};
	char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	diag_error(&diags, (struct place){"f", 1, 1}, "%s", text);
	assert_int_equal(strlen(diags.items[0].text), 2003);
	assert_string_equal(diags.items[0].text + 1999, "a...");
	diag_free(&diags);
}

static void counts_what_it_does_not_keep(void **state)
{
	struct diagnostics diags = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (unsigned int i = 0; i < DIAG_KEPT + 7; i++)
		diag_error(&diags, (struct place){"f", i + 1, 1}, "wrong");
	diag_warning(&diags, (struct place){"f", 1, 1}, "odd");
	assert_int_equal(diags.errors, DIAG_KEPT + 7);
	assert_int_equal(diags.count, DIAG_KEPT + 1);
	text = diag_text(&diags);
	assert_non_null(strstr(text, "\n7 more errors and warnings are not shown\n"));
	diag_free(&diags);
}

static void measures_words(void **state)
{
	(void)state;
	assert_int_equal(word_distance("front-end", "front-end"), 0);
	assert_int_equal(word_distance("frontend", "front-end"), 1);
	assert_int_equal(word_distance("", "abc"), 3);
	assert_int_equal(word_distance("kitten", "sitting"), 3);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(reads_everything),
		cmocka_unit_test(single_value_for_list),
		cmocka_unit_test(refuses_too_many_values),
		cmocka_unit_test(loads_files),
		cmocka_unit_test(reads_pipes),
		cmocka_unit_test(sorts_by_place),
		cmocka_unit_test(keeps_text_printable),
		cmocka_unit_test(cuts_long_text),
		cmocka_unit_test(counts_what_it_does_not_keep),
		cmocka_unit_test(measures_words),
	};
	struct CMUnitTest tests[100];
	size_t count = 0;

	ADD_ROWS(tests, count, refusals, refuses);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tests[count++] = others[i];
	return RUN_TESTS("diag_yaml", tests, count);
}
