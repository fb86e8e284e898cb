/* SPDX-License-Identifier: MIT */
/* Edits of pools in the text of a site file: many ways to write a list, and what each becomes. */
#include "expect.h"

#include <errno.h>

#include "pool_edit.h"

#define ADD_ROLE .addresses = false, .remove = false
#define DROP_ROLE .addresses = false, .remove = true
#define ADD .addresses = true, .remove = false
#define DROP .addresses = true, .remove = true

static const struct shape {
	const char *name, *text, *expected;
	struct pool_edit edit;
	const char *words[4];
} shapes[] = {
	/* one value in place of a list */
	{"a value becomes a list",
	 "pools: [{name: p, roles: director}]\n",
	 "pools: [{name: p, roles: [director, client]}]\n",
	 {ADD_ROLE},
	 {"client"}},
	{"a value in a block",
	 "pools:\n- name: p\n  roles: director  # alone\n  inherit: true\n",
	 "pools:\n- name: p\n  roles: [director, client, sba]  # alone\n  inherit: true\n",
	 {ADD_ROLE},
	 {"client", "sba"}},
	{"a value on the next line",
	 "pools:\n- name: p\n  roles:\n    'director'\n",
	 "pools:\n- name: p\n  roles:\n    ['director', 'client']\n",
	 {ADD_ROLE},
	 {"client"}},
	{"a value at the end of a text without break",
	 "pools:\n- roles: director\n  name: p\n  addresses: 10.0.0.1",
	 "pools:\n- roles: director\n  name: p\n  addresses: [10.0.0.1, \"2001:db8::1\"]",
	 {ADD},
	 {"2001:db8::1"}},

	/* flow */
	{"behind the last",
	 "pools: [{name: p, roles: [a, b]}]\n",
	 "pools: [{name: p, roles: [a, b, c]}]\n",
	 {ADD_ROLE},
	 {"c"}},
	{"several behind the last",
	 "pools: [{name: p, roles: [a, b]}]\n",
	 "pools: [{name: p, roles: [a, b, c, d]}]\n",
	 {ADD_ROLE},
	 {"c", "d"}},
	{"blanks within the brackets stay",
	 "pools: [{name: p, roles: [ a ]}]\n",
	 "pools: [{name: p, roles: [ a, c ]}]\n",
	 {ADD_ROLE},
	 {"c"}},
	{"no blank behind commas",
	 "pools: [{\"name\":\"p\",\"roles\":[\"a\",\"b\"]}]",
	 "pools: [{\"name\":\"p\",\"roles\":[\"a\",\"b\",\"c\"]}]",
	 {ADD_ROLE},
	 {"c"}},
	{"a comma behind the last stays",
	 "pools: [{name: p, roles: [a, b, ]}]\n",
	 "pools: [{name: p, roles: [a, b, c, ]}]\n",
	 {ADD_ROLE},
	 {"c"}},
	{"lines that are filled up",
	 "pools:\n- name: p\n  roles: [a, b,  # two\n          c]  # and one\n",
	 "pools:\n- name: p\n  roles: [a, b,  # two\n          c, d]  # and one\n",
	 {ADD_ROLE},
	 {"d"}},
	{"a line for each word",
	 "pools:\n- name: p\n  roles: [\n    a,  # one\n    b   # two\n  ]\n",
	 "pools:\n- name: p\n  roles: [\n    a,  # one\n    b,   # two\n    c,\n    d\n  ]\n",
	 {ADD_ROLE},
	 {"c", "d"}},
	{"a line for each word, no comment",
	 "pools:\n- name: p\n  roles: [\n    a\n  ]\n",
	 "pools:\n- name: p\n  roles: [\n    a,\n    b\n  ]\n",
	 {ADD_ROLE},
	 {"b"}},
	{"a line and a comma for each word",
	 "pools:\n- name: p\n  roles: [\n\ta,  # one\n\tb,  # two\n  ]\n",
	 "pools:\n- name: p\n  roles: [\n\ta,  # one\n\tb,  # two\n\tc,\n  ]\n",
	 {ADD_ROLE},
	 {"c"}},
	{"a line for each word, the bracket behind the last",
	 "pools:\n- name: p\n  roles:\n   [\n    a,\n    b]\n",
	 "pools:\n- name: p\n  roles:\n   [\n    a,\n    b,\n    c]\n",
	 {ADD_ROLE},
	 {"c"}},
	{"commas first",
	 "pools:\n- name: p\n  roles: [ a\n         , b\n         ]\n",
	 "pools:\n- name: p\n  roles: [ a\n         , b, c\n         ]\n",
	 {ADD_ROLE},
	 {"c"}},
	{"quoted as the last",
	 "pools: [{name: p, roles: [a, 'b']}]\n",
	 "pools: [{name: p, roles: [a, 'b', 'c']}]\n",
	 {ADD_ROLE},
	 {"c"}},
	{"quoted for its colons",
	 "pools: [{name: p, addresses: [10.0.0.1]}]\n",
	 "pools: [{name: p, addresses: [10.0.0.1, \"2001:db8::/64\"]}]\n",
	 {ADD},
	 {"2001:db8::/64"}},
	{"colons as the others have them",
	 "pools: [{name: p, addresses: [2001:db8::1, 10.0.0.1]}]\n",
	 "pools: [{name: p, addresses: [2001:db8::1, 10.0.0.1, 2001:db8::2]}]\n",
	 {ADD},
	 {"2001:db8::2"}},
	{"quoted as the last of its kind",
	 "pools: [{name: p, addresses: [10.0.0.1, \"2001:db8::1\"]}]\n",
	 "pools: [{name: p, addresses: [10.0.0.1, \"2001:db8::1\", 10.0.0.2, \"2001:db8::2\"]}]\n",
	 {ADD},
	 {"10.0.0.2", "2001:db8::2"}},
	{"the second pool",
	 "pools:\n- {name: o, roles: [a]}\n- {name: p, roles: [a]}\n",
	 "pools:\n- {name: o, roles: [a]}\n- {name: p, roles: [a, c]}\n",
	 {ADD_ROLE},
	 {"c"}},

	{"the first goes",
	 "pools: [{name: p, roles: [a, b, c]}]\n",
	 "pools: [{name: p, roles: [b, c]}]\n",
	 {DROP_ROLE},
	 {"a"}},
	{"the middle goes",
	 "pools: [{name: p, roles: [ a,  b, c ]}]\n",
	 "pools: [{name: p, roles: [ a,  c ]}]\n",
	 {DROP_ROLE},
	 {"b"}},
	{"the last goes",
	 "pools: [{name: p, roles: [ a, b , c ]}]\n",
	 "pools: [{name: p, roles: [ a, b ]}]\n",
	 {DROP_ROLE},
	 {"c"}},
	{"the last goes, its comma stays",
	 "pools: [{name: p, roles: [a, b, c,]}]\n",
	 "pools: [{name: p, roles: [a, b,]}]\n",
	 {DROP_ROLE},
	 {"c"}},
	{"the last two go",
	 "pools: [{name: p, roles: [a, b, c]}]\n",
	 "pools: [{name: p, roles: [a]}]\n",
	 {DROP_ROLE},
	 {"b", "c"}},
	{"the first two go",
	 "pools: [{name: p, roles: [a, b, c]}]\n",
	 "pools: [{name: p, roles: [c]}]\n",
	 {DROP_ROLE},
	 {"b", "a"}},
	{"both ends go",
	 "pools: [{name: p, roles: [a, b, c]}]\n",
	 "pools: [{name: p, roles: [b]}]\n",
	 {DROP_ROLE},
	 {"c", "a"}},
	{"a comment within stays",
	 "pools:\n- name: p\n  roles: [a, b, # of both\n    c]\n",
	 "pools:\n- name: p\n  roles: [a, # of both\n    c]\n",
	 {DROP_ROLE},
	 {"b"}},
	{"a comment before the last stays",
	 "pools:\n- name: p\n  roles: [a, b, # of both\n    c]\n",
	 "pools:\n- name: p\n  roles: [a, b # of both\n    ]\n",
	 {DROP_ROLE},
	 {"c"}},
	{"its line goes",
	 "pools:\n- name: p\n  roles: [\n    a,  # one\n    b,  # two\n    c\n  ]\n",
	 "pools:\n- name: p\n  roles: [\n    a,  # one\n    c\n  ]\n",
	 {DROP_ROLE},
	 {"b"}},
	{"the last line goes, and the comma before it",
	 "pools:\n- name: p\n  roles: [\n    a,  # one\n    b,  # two\n    c\n  ]\n",
	 "pools:\n- name: p\n  roles: [\n    a  # one\n  ]\n",
	 {DROP_ROLE},
	 {"b", "c"}},
	{"the last line goes, with its comma",
	 "pools:\n- name: p\n  roles: [\n    a,\n    # of c\n    c,\n  ]\n",
	 "pools:\n- name: p\n  roles: [\n    a,\n    # of c\n  ]\n",
	 {DROP_ROLE},
	 {"c"}},
	{"the last of commas first",
	 "pools:\n- name: p\n  roles: [ a\n         , b\n         ]\n",
	 "pools:\n- name: p\n  roles: [ a\n         ]\n",
	 {DROP_ROLE},
	 {"b"}},

	/* block */
	{"a line more",
	 "pools:\n  - name: p\n    roles:\n      - a  # one\n      # of b\n      - b  # two\n      # the end\n    inherit: true\n",
	 "pools:\n  - name: p\n    roles:\n      - a  # one\n      # of b\n      - b  # two\n      - c\n      # the end\n    inherit: true\n",
	 {ADD_ROLE},
	 {"c"}},
	{"no indentation",
	 "pools:\n- name: p\n  roles:\n  - a\n  addresses: 10.0.0.1\n",
	 "pools:\n- name: p\n  roles:\n  - a\n  - c\n  - d\n  addresses: 10.0.0.1\n",
	 {ADD_ROLE},
	 {"c", "d"}},
	{"wide dashes and quotes",
	 "pools:\n- name: p\n  roles:\n    -   \"a\"\n",
	 "pools:\n- name: p\n  roles:\n    -   \"a\"\n    -   \"c\"\n",
	 {ADD_ROLE},
	 {"c"}},
	{"no break at the end",
	 "pools:\n- name: p\n  roles:\n  - a",
	 "pools:\n- name: p\n  roles:\n  - a\n  - c",
	 {ADD_ROLE},
	 {"c"}},
	{"CR LF",
	 "pools:\r\n- name: p\r\n  roles:\r\n  - a # one\r\n",
	 "pools:\r\n- name: p\r\n  roles:\r\n  - a # one\r\n  - c\r\n",
	 {ADD_ROLE},
	 {"c"}},
	{"CR LF, no break at the end",
	 "pools:\r\n- name: p\r\n  roles:\r\n  - a",
	 "pools:\r\n- name: p\r\n  roles:\r\n  - a\r\n  - c",
	 {ADD_ROLE},
	 {"c"}},
	{"letters of several bytes before it",
	 "\xef\xbb\xbf# \xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\npools:\n- name: p # \xc3\xa9\n  roles:\n  - a\n  - b\n",
	 "\xef\xbb\xbf# \xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\npools:\n- name: p # \xc3\xa9\n  roles:\n  - b\n",
	 {DROP_ROLE},
	 {"a"}},
	{"a word below its dash",
	 "pools:\n- name: p\n  roles:\n  - # of a\n    a\n",
	 "pools:\n- name: p\n  roles:\n  - # of a\n    a\n  - c\n",
	 {ADD_ROLE},
	 {"c"}},
	{"colons in a block",
	 "pools:\n- name: p\n  addresses:\n  - 10.0.0.1\n",
	 "pools:\n- name: p\n  addresses:\n  - 10.0.0.1\n  - 2001:db8::1\n  - \"2001:db8::\"\n",
	 {ADD},
	 {"2001:db8::1", "2001:db8::"}},
	{"a document marker",
	 "%YAML 1.1\n---\npools:\n- name: p\n  roles:\n  - a\n...\n",
	 "%YAML 1.1\n---\npools:\n- name: p\n  roles:\n  - a\n  - c\n...\n",
	 {ADD_ROLE},
	 {"c"}},
	{"keys that are asked for",
	 "pools:\n- ? name\n  : p\n  ? roles\n  : - a\n    - b\n",
	 "pools:\n- ? name\n  : p\n  ? roles\n  : - a\n    - b\n    - c\n",
	 {ADD_ROLE},
	 {"c"}},
	{"a dash that stays",
	 "pools:\n- ? name\n  : p\n  ? roles\n  : - a\n    - b\n",
	 "pools:\n- ? name\n  : p\n  ? roles\n  : - b\n",
	 {DROP_ROLE},
	 {"a"}},

	{"a line goes",
	 "pools:\n- name: p\n  addresses:\n  # web\n  - 10.0.0.1  # first\n  - 10.0.0.2\n  # mail\n  - 10.0.0.3\n",
	 "pools:\n- name: p\n  addresses:\n  # web\n  - 10.0.0.2\n  # mail\n  - 10.0.0.3\n",
	 {DROP},
	 {"10.0.0.1"}},
	{"the last line goes, no break",
	 "pools:\r\n- name: p\r\n  addresses:\r\n  - 10.0.0.1\r\n  - 10.0.0.2",
	 "pools:\r\n- name: p\r\n  addresses:\r\n  - 10.0.0.1",
	 {DROP},
	 {"10.0.0.2"}},
	{"two lines go, no break",
	 "pools:\n- name: p\n  addresses:\n  - 10.0.0.1\n  - 10.0.0.2\n  - 10.0.0.3",
	 "pools:\n- name: p\n  addresses:\n  - 10.0.0.1",
	 {DROP},
	 {"10.0.0.3", "10.0.0.2"}},
	{"written in another way",
	 "pools:\n- name: p\n  addresses:\n  - 2001:DB8:0::1/128\n  - 10.0.0.1\n  - '2001:db8::0:1'\n",
	 "pools:\n- name: p\n  addresses:\n  - 10.0.0.1\n",
	 {DROP},
	 {"2001:db8::1"}},
	{"a dash alone goes",
	 "pools:\n- name: p\n  roles:\n  -\n    a  # one\n  - b\n",
	 "pools:\n- name: p\n  roles:\n  - b\n",
	 {DROP_ROLE},
	 {"a"}},
};

/* The words of a row, as an edit of pool p. */
static struct pool_edit complete(struct pool_edit edit, const char *const words[4])
{
	edit.pool = edit.pool ? edit.pool : "p";
	edit.words = (char *const *)words;
	while (edit.n_words < 4 && words[edit.n_words])
		edit.n_words++;
	return edit;
}

static int make(const char *text, const struct pool_edit *edit, struct splices *splices,
		char **edited, struct diagnostics *diags)
{
	struct source_text old = {(char *)text, strlen(text)}, new = {0};
	int rc = pool_edit("s", &old, edit, splices, &new, diags);

	*edited = strndup(new.bytes ? new.bytes : "", new.size);
	free(new.bytes);
	return rc;
}

static void test_shape(void **state)
{
	const struct shape *shape = *state;
	struct pool_edit edit = complete(shape->edit, shape->words);
	_cleanup_(splices_free) struct splices splices = {0};
	_cleanup_free_ char *edited = NULL;
	struct diagnostics diags = {0};

	assert_int_equal(make(shape->text, &edit, &splices, &edited, &diags), 0);
	expect_diags(&diags, "");
	assert_string_equal(edited, shape->expected);
}

#define TWO "pools:\n- {name: p, roles: [a, b], addresses: 10.0.0.1}\n- {name: q, roles: a}\n"
#define LAYOUT                                                                                     \
	"this list is laid out in a way that cannot be edited here; accepted: [A, B], or a line "  \
	"for each behind \"- \"\n"

static const struct refusal {
	const char *name, *text, *expected;
	struct pool_edit edit;
	const char *words[4];
} refusals[] = {
	{"unknown pool",
	 TWO,
	 "s: error: unknown pool \"fe\"; accepted: p, q\n",
	 {ADD_ROLE, .pool = "fe"},
	 {"c"}},
	{"no pools", "version: 1\n", "s: error: no pool in this file\n", {ADD_ROLE}, {"c"}},
	{"no list",
	 TWO,
	 "s:3:3: error: pool \"q\" has no list of addresses to edit\n",
	 {ADD, .pool = "q"},
	 {"10.0.0.1"}},
	{"there already",
	 TWO,
	 "s:2:24: error: pool \"p\" has role b already\n",
	 {ADD_ROLE},
	 {"c", "b"}},
	{"address there already",
	 TWO,
	 "s:2:39: error: pool \"p\" has address 10.0.0.1/32 already\n",
	 {ADD},
	 {"10.0.0.1/32"}},
	{"not there",
	 TWO,
	 "s:2:20: error: pool \"p\" does not list role c; accepted: a, b\n",
	 {DROP_ROLE},
	 {"c"}},
	{"not there, twice",
	 TWO,
	 "s:2:20: error: pool \"p\" does not list role c; accepted: a, b\n"
	 "s:2:20: error: pool \"p\" does not list role d; accepted: a, b\n",
	 {DROP_ROLE},
	 {"c", "a", "d"}},
	{"the last role",
	 TWO,
	 "s:2:20: error: pool \"p\" would have no role left; accepted: to keep one, or to take the "
	 "pool out of the file\n",
	 {DROP_ROLE},
	 {"b", "a"}},
	{"the last address",
	 TWO,
	 "s:2:39: error: pool \"p\" would have no address left; accepted: to keep one, or to take "
	 "the pool out of the file\n",
	 {DROP},
	 {"10.0.0.1"}},
	{"twice", TWO, "error: role c is given twice; once is enough\n", {ADD_ROLE}, {"c", "c"}},
	{"an address twice",
	 TWO,
	 "error: address 2001:db8:0::7 is given twice; once is enough\n",
	 {ADD},
	 {"2001:db8::7", "2001:db8:0::7"}},
	{"no addresses",
	 TWO,
	 "error: 10.0.0.9/24: host bits set; 10.0.0.0/24 is the prefix\n"
	 "error: \"x\" is no address; accepted: 10.1.2.3, 10.1.2.0/28, "
	 "2001:db8::1, 2001:db8::/64\n"
	 "error: 224.0.0.1: multicast (224.0.0.0/4); accepted: addresses "
	 "that hosts have\n",
	 {ADD},
	 {"10.0.0.9/24", "x", "224.0.0.1"}},
	{"no name of a role",
	 TWO,
	 "error: \"a, b\" is no name of a role; accepted: letters a-z, 0-9 and -, as \"rolewall "
	 "matrix\" lists them\n",
	 {ADD_ROLE},
	 {"a, b"}},
	{"an anchor",
	 "pools:\n- {name: p, roles: &r [a]}\n- {name: q, roles: *r}\n",
	 "s:2:20: error: anchor \"&r\" is not accepted; write the value where it is used\n"
	 "s:3:20: error: alias \"*r\" is not accepted; write the value itself\n",
	 {ADD_ROLE},
	 {"c"}},
	{"two documents",
	 TWO "---\n" TWO,
	 "s:4:1: error: second document; a file holds one\n",
	 {ADD_ROLE},
	 {"c"}},
	{"a tag",
	 "pools: [{name: p, roles: !!seq [a]}]\n",
	 "s:1:26: error: tag \"tag:yaml.org,2002:seq\" is not accepted; write the plain value\n",
	 {ADD_ROLE},
	 {"c"}},
	{"no YAML",
	 "pools: [{name: p, roles: [a}]\n",
	 "s:1:28: error: not YAML: did not find expected ',' or ']' (while parsing a flow "
	 "sequence)\n",
	 {ADD_ROLE},
	 {"c"}},
	{"a list in a list",
	 "pools: [{name: p, roles: [a, [b]]}]\n",
	 "s:1:26: error: roles of pool \"p\": " LAYOUT,
	 {ADD_ROLE},
	 {"c"}},
	{"a mapping in a list",
	 "pools: [{name: p, roles: [a, b: c]}]\n",
	 "s:1:26: error: roles of pool \"p\": " LAYOUT,
	 {ADD_ROLE},
	 {"c"}},
	{"a word over two lines",
	 "pools:\n- name: p\n  roles:\n  - a\n    b\n",
	 "s:4:3: error: roles of pool \"p\": " LAYOUT,
	 {ADD_ROLE},
	 {"c"}},
	{"a block scalar",
	 "pools:\n- name: p\n  roles: >-\n    a\n",
	 "s:3:10: error: roles of pool \"p\": " LAYOUT,
	 {ADD_ROLE},
	 {"c"}},
};

static void test_refusal(void **state)
{
	const struct refusal *refusal = *state;
	struct pool_edit edit = complete(refusal->edit, refusal->words);
	_cleanup_(splices_free) struct splices splices = {0};
	_cleanup_free_ char *edited = NULL;
	struct diagnostics diags = {0};

	assert_int_equal(make(refusal->text, &edit, &splices, &edited, &diags), -EINVAL);
	expect_diags(&diags, refusal->expected);
	assert_string_equal(edited, "");
}

static void test_utf16(void **state)
{
	static const char ascii[] = "pools: [{name: p, roles: a}]\n";
	const char *words[4] = {"c"};
	struct pool_edit edit = complete((struct pool_edit){0}, words);
	_cleanup_(splices_free) struct splices splices = {0};
	struct diagnostics diags = {0};
	char wide[2 * sizeof(ascii)] = "\xff\xfe";
	struct source_text text = {wide, sizeof(wide)}, edited = {0};

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(ascii); i++)
		wide[2 * i + 2] = ascii[i];
	assert_int_equal(pool_edit("s", &text, &edit, &splices, &edited, &diags), -EINVAL);
	expect_diags(&diags, "s: error: UTF-16: it can be read, but not edited here; accepted: "
			     "UTF-8\n");
}

static const struct difference {
	const char *name, *text, *expected;
	struct pool_edit edit;
	const char *words[4];
} differences[] = {
	{"a line in the middle",
	 "v: 1\nw: 2\nx: 3\ny: 4\npools:\n- name: p\n  roles:\n  - a\n  - b\n  inherit: true\nu: 1\nt: 1\ns: 1\n",
	 "--- s\n+++ s\n@@ -7,6 +7,7 @@\n   roles:\n   - a\n   - b\n+  - c\n   inherit: true\n u: 1\n t: 1\n",
	 {ADD_ROLE},
	 {"c"}},
	{"the first line",
	 "pools: [{name: p, roles: [a, b]}]\nu: 1\nt: 1\ns: 1\nr: 1\n",
	 "--- s\n+++ s\n@@ -1,4 +1,4 @@\n-pools: [{name: p, roles: [a, b]}]\n+pools: [{name: p, roles: [b]}]\n u: 1\n t: 1\n s: 1\n",
	 {DROP_ROLE},
	 {"a"}},
	{"no break at the end",
	 "pools:\n- name: p\n  roles:\n  - a",
	 "--- s\n+++ s\n@@ -1,4 +1,5 @@\n pools:\n - name: p\n   roles:\n-  - a\n\\ No newline at end of file\n+  - a\n+  - c\n\\ No newline at end of file\n",
	 {ADD_ROLE},
	 {"c"}},
	{"two places",
	 "pools:\n- name: p\n  roles:\n  - a\n  - b\n  - c\n  - d\n  - e\n  - f\n  - g\n  - h\n  - i\n  - j\n  - k\n",
	 "--- s\n+++ s\n@@ -1,7 +1,6 @@\n pools:\n - name: p\n   roles:\n-  - a\n   - b\n   - c\n   - d\n"
	 "@@ -10,5 +9,3 @@\n   - g\n   - h\n   - i\n-  - j\n-  - k\n",
	 {DROP_ROLE},
	 {"a", "j", "k"}},
};

static void test_difference(void **state)
{
	const struct difference *difference = *state;
	struct pool_edit edit = complete(difference->edit, difference->words);
	struct source_text text = {(char *)difference->text, strlen(difference->text)};
	_cleanup_(splices_free) struct splices splices = {0};
	_cleanup_free_ char *edited = NULL, *said = NULL;
	struct diagnostics diags = {0};
	size_t size;
	FILE *out = open_memstream(&said, &size);

	assert_int_equal(make(difference->text, &edit, &splices, &edited, &diags), 0);
	assert_int_equal(splices_diff(&splices, &text, "s", out), 0);
	fclose(out);
	assert_string_equal(said, difference->expected);
}

int main(void)
{
	struct CMUnitTest tests[128];
	size_t count = 0;

	ADD_ROWS(tests, count, shapes, test_shape);
	ADD_ROWS(tests, count, refusals, test_refusal);
	ADD_ROWS(tests, count, differences, test_difference);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_utf16);
	return RUN_TESTS("pool edit", tests, count);
}
