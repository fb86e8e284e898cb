/* SPDX-License-Identifier: MIT */
/* What `watch` makes of a frame, which drops a filter takes, and the ids of role sets. */
#include "expect.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "frame_read.h"
#include "role_sets.h"
#include "string_list.h"
#include "watch.h"

/* Ethernet (a tag), IPv4 192.0.2.7:1000 -> 10.1.2.3:445, TCP. */
static const unsigned char frame4[] = {
	1,  2, 3, 4, 5, 6,  7, 8, 9, 10,  11, 12, 0x81, 0,  0, 7, 8, 0, 0x45, 0, 0,
	40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0,  2,  7,    10, 1, 2, 3, 3, 232,  1, 189,
};

static void test_frame(void **state)
{
	unsigned char bytes[sizeof(frame4)];
	struct frame_facts facts;

	(void)state;
	frame_read(frame4, sizeof(frame4), &facts);
	assert_true(facts.addressed && facts.ported);
	assert_int_equal(facts.source_port, 1000);
	assert_int_equal(facts.destination_port, 445);
	for (size_t length = 0; length < sizeof(frame4); length++) {
		frame_read(frame4, length, &facts);
		assert_int_equal(facts.addressed, length >= 38);
		assert_false(facts.ported);
	}
	memcpy(bytes, frame4, sizeof(bytes));
	bytes[25] = 1; /* a later fragment has no ports */
	frame_read(bytes, sizeof(bytes), &facts);
	assert_true(facts.addressed && !facts.ported);
}

struct filter_case {
	const char *name;
	struct watch_filter filter;
	bool matches;
};

static const struct prefix inside = {
	.address.byte = {192, 0, 2, 0}, .family = FAMILY_IPV4, .length = 24};
static const struct prefix outside = {
	.address.byte = {192, 0, 3, 0}, .family = FAMILY_IPV4, .length = 24};

static const struct filter_case filter_cases[] = {
	{"anything", {.protocol = -1}, true},
	{"its reason", {.protocol = -1, .by_reason = true, .reason = REASON_spoofed}, true},
	{"another reason", {.protocol = -1, .by_reason = true, .reason = REASON_land}, false},
	{"its interface", {.protocol = -1, .interface = "eth0"}, true},
	{"another interface", {.protocol = -1, .interface = "eth"}, false},
	{"its source", {.protocol = -1, .source = &inside}, true},
	{"another source", {.protocol = -1, .source = &outside}, false},
	{"its source as destination", {.protocol = -1, .destination = &inside}, false},
	{"its protocol", {.protocol = IPPROTO_TCP}, true},
	{"another protocol", {.protocol = IPPROTO_UDP}, false},
	{"its port", {.protocol = -1, .port = 445}, true},
	{"its source port", {.protocol = -1, .port = 1000}, true},
	{"another port", {.protocol = -1, .port = 446}, false},
	{"its pool", {.protocol = -1, .pool = "fe"}, true},
	{"another pool", {.protocol = -1, .pool = "f"}, false},
	{"its role", {.protocol = -1, .role = "mediation"}, true},
	{"the first of its roles", {.protocol = -1, .role = "front-end"}, true},
	{"half a role", {.protocol = -1, .role = "front"}, false},
};

static void test_filter(void **state)
{
	const struct filter_case *filter_case = *state;
	const struct drop_event event = {.reason = REASON_spoofed};
	struct sight sight = {
		.event = &event,
		.interface = "eth0",
		.source_roles = ROLES_UNLISTED_TEXT,
		.destination_roles = "front-end+mediation",
		.destination_pool = "fe",
	};

	frame_read(frame4, sizeof(frame4), &sight.facts);
	assert_int_equal(watch_matches(&filter_case->filter, &sight), filter_case->matches);
}

/* The same roles have one id; those beyond the last share one. */
static void test_role_sets(void **state)
{
	struct place place = {.file = NULL};
	struct registry registry;
	char role[16], text[ROLE_SET_TEXT];
	struct strings many = {0};

	(void)state;
	assert_int_equal(role_sets_init(&registry), 0);
	for (__u32 i = 0; i < 70; i++) {
		struct strings roles = {0};
		__u32 id;

		snprintf(role, sizeof(role), "role-%u", i);
		assert_int_equal(strings_add(&roles, role, place), 0);
		assert_int_equal(strings_add(&many, role, place), 0);
		id = role_set_id(&registry, &roles);
		assert_int_equal(id,
				 i + ROLES_FIRST < ROLES_FURTHER ? i + ROLES_FIRST : ROLES_FURTHER);
		assert_int_equal(role_set_id(&registry, &roles), id);
		strings_free(&roles);
	}
	assert_int_equal(role_set_text(&many, text), 0);
	assert_true(strlen(text) < ROLE_SET_TEXT);
	strings_free(&many);
	registry_free(&registry);
}

int main(void)
{
	struct CMUnitTest tests[32] = {
		{"frames, whole and cut", test_frame, NULL, NULL, NULL},
		{"ids of role sets", test_role_sets, NULL, NULL, NULL},
	};
	size_t count = 2;

	ADD_ROWS(tests, count, filter_cases, test_filter);
	return RUN_TESTS("watch", tests, count);
}
