/* SPDX-License-Identifier: MIT */
/* The site's `timeouts:`: what is accepted, and that it reaches the image. */
#include "expect.h"

#include <errno.h>

#include "compile.h"
#include "image_check.h"
#include "input.h"
#include "timeouts.h"

#define SITE                                                                                       \
	"version: 1\ninterfaces: [eth0]\n"                                                         \
	"pools: [{name: p, roles: [front-end], addresses: [10.0.0.1]}]\n"
#define ACCEPTED "accepted: 1 to 604800 seconds, as 90, 90s, 15m or 2h\n"
#define ACCEPTED_FRAGMENT "accepted: 1 to 120 seconds, as 90, 90s, 15m or 2h\n"

static int parse(const char *text, struct site *site, struct diagnostics *diags)
{
	return site_parse("s", text, strlen(text), site, diags);
}

static const struct refusal {
	const char *name, *text, *expected;
} refusals[] = {
	{"no mapping", "timeouts: 30\n",
	 "s:4:11: error: timeouts: a value found; a mapping is accepted\n"},
	{"unknown key", "timeouts: {icmp: 30}\n",
	 "s:4:12: error: unknown key \"icmp\" in timeouts; accepted: tcp_opening, tcp, "
	 "tcp_closing, udp, icmp_echo, fragment\n"},
	{"twice", "timeouts: {udp: 30, udp: 40}\n",
	 "s:4:21: error: key \"udp\" is given twice in timeouts; line 4 has it already\n"},
	{"nothing", "timeouts: {udp: }\n",
	 "s:4:17: error: udp: nothing found; a value is accepted\n"},
	{"a list", "timeouts: {udp: [3]}\n",
	 "s:4:17: error: udp: a list found; a value is accepted\n"},
	{"zero", "timeouts: {tcp: 0}\n", "s:4:17: error: tcp: \"0\"; " ACCEPTED},
	{"zero hours", "timeouts: {tcp: 0h}\n", "s:4:17: error: tcp: \"0h\"; " ACCEPTED},
	{"negative", "timeouts: {tcp: -1}\n", "s:4:17: error: tcp: \"-1\"; " ACCEPTED},
	{"plus", "timeouts: {tcp: +1}\n", "s:4:17: error: tcp: \"+1\"; " ACCEPTED},
	{"fraction", "timeouts: {tcp: 1.5h}\n", "s:4:17: error: tcp: \"1.5h\"; " ACCEPTED},
	{"octal", "timeouts: {tcp: 010}\n", "s:4:17: error: tcp: \"010\"; " ACCEPTED},
	{"unit alone", "timeouts: {tcp: h}\n", "s:4:17: error: tcp: \"h\"; " ACCEPTED},
	{"days", "timeouts: {tcp: 7d}\n", "s:4:17: error: tcp: \"7d\"; " ACCEPTED},
	{"capital", "timeouts: {tcp: 7H}\n", "s:4:17: error: tcp: \"7H\"; " ACCEPTED},
	{"two units", "timeouts: {tcp: 1h30m}\n", "s:4:17: error: tcp: \"1h30m\"; " ACCEPTED},
	{"blank", "timeouts: {tcp: 1 h}\n", "s:4:17: error: tcp: \"1 h\"; " ACCEPTED},
	{"over a week", "timeouts: {tcp: 604801}\n", "s:4:17: error: tcp: \"604801\"; " ACCEPTED},
	{"over a week in hours", "timeouts: {tcp: 169h}\n",
	 "s:4:17: error: tcp: \"169h\"; " ACCEPTED},
	{"over 32 bits", "timeouts: {tcp: 4294967297}\n",
	 "s:4:17: error: tcp: \"4294967297\"; " ACCEPTED},
	{"over 64 bits", "timeouts: {tcp: 18446744073709551617}\n",
	 "s:4:17: error: tcp: \"18446744073709551617\"; " ACCEPTED},
	{"fragment too long", "timeouts: {fragment: 121}\n",
	 "s:4:22: error: fragment: \"121\"; " ACCEPTED_FRAGMENT},
	{"all mistakes at once", "timeouts: {udp: 0, fragment: 3m}\n",
	 "s:4:17: error: udp: \"0\"; " ACCEPTED
	 "s:4:30: error: fragment: \"3m\"; " ACCEPTED_FRAGMENT},
};

static void refuses(void **state)
{
	const struct refusal *row = *state;
	_cleanup_(site_free) struct site site = {0};
	_cleanup_free_ char *text = NULL;
	struct diagnostics diags = {0};

	assert_true(asprintf(&text, SITE "%s", row->text) > 0);
	assert_int_equal(parse(text, &site, &diags), -EINVAL);
	expect_diags(&diags, row->expected);
}

static const struct accepted {
	const char *name; /* the value */
	__u32 seconds;
} values[] = {
	{"1", 1},     {"1s", 1},       {"59s", 59},         {"90", 90},
	{"15m", 900}, {"2h", 7200},    {"168h", 604800},    {"10080m", 604800},
	{"120", 120}, {"\"5m\"", 300}, {"604800s", 604800}, {"604800", 604800},
};

static void accepts(void **state)
{
	const struct accepted *row = *state;
	_cleanup_(site_free) struct site site = {0};
	_cleanup_free_ char *text = NULL;
	struct diagnostics diags = {0};

	assert_true(asprintf(&text, SITE "timeouts: {tcp: %s}\n", row->name) > 0);
	assert_int_equal(parse(text, &site, &diags), 0);
	expect_diags(&diags, "");
	assert_int_equal(site.timeouts.seconds[TIMEOUT_tcp], row->seconds);
	assert_int_equal(site.timeouts.seconds[TIMEOUT_udp], 180);
}

/* What is compiled of a site that is SITE and TEXT. */
static void compile(const char *text, struct pages *image)
{
	_cleanup_(registries_free) struct registries registries = {0};
	char path[] = "/tmp/rwtest_XXXXXX";
	struct diagnostics diags = {0};
	struct input input = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(dprintf(fd, SITE "%s", text) > 0);
	close(fd);
	assert_int_equal(input_load(path, &input, &diags), 0);
	unlink(path);
	assert_int_equal(registries_init(&registries), 0);
	assert_int_equal(policy_compile(&input.policy, &registries, image, &diags), 0);
	diag_free(&diags);
	input_free(&input);
}

static void expect_cells(const char *text, const __u32 expected[N_TIMEOUTS])
{
	_cleanup_(pages_free) struct pages image = {0};
	char fault[IMAGE_FAULT_TEXT];

	compile(text, &image);
	for (int i = 0; i < N_TIMEOUTS; i++)
		assert_int_equal(image.page[0].cell[timeout_kinds[i].cell], expected[i]);
	assert_int_equal(image_check(image.page, image.count, fault), 0);
}

static void writes_the_header(void **state)
{
	(void)state;
	expect_cells("", (const __u32[]){240, 7440, 240, 180, 60, 30});
	expect_cells("timeouts: {}\n", (const __u32[]){240, 7440, 240, 180, 60, 30});
	expect_cells("timeouts: {tcp_opening: 11, tcp: 12, tcp_closing: 13, udp: 14,\n"
		     "  icmp_echo: 15, fragment: 2m}\n",
		     (const __u32[]){11, 12, 13, 14, 15, 120});
}

static void checks_the_header(void **state)
{
	_cleanup_(pages_free) struct pages image = {0};
	char fault[IMAGE_FAULT_TEXT];

	(void)state;
	compile("", &image);
	for (int i = 0; i < N_TIMEOUTS; i++) {
		__u32 *cell = &image.page[0].cell[timeout_kinds[i].cell];
		const __u32 wrong[] = {0, timeout_kinds[i].longest + 1, ~0U};

		for (int j = 0; j < 3; j++) {
			*cell = wrong[j];
			image_seal(&image, 1);
			assert_int_equal(image_check(image.page, image.count, fault), -EBADMSG);
			assert_non_null(strstr(fault, timeout_kinds[i].name));
		}
		*cell = timeout_kinds[i].longest;
		image_seal(&image, 1);
		assert_int_equal(image_check(image.page, image.count, fault), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(writes_the_header),
		cmocka_unit_test(checks_the_header),
	};
	struct CMUnitTest tests[100];
	size_t count = 0;

	ADD_ROWS(tests, count, refusals, refuses);
	ADD_ROWS(tests, count, values, accepts);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tests[count++] = others[i];
	return RUN_TESTS("timeouts", tests, count);
}
