/* SPDX-License-Identifier: MIT */
/*
 * What changes between two policies: by example, and over random pairs of sites against a judge
 * that asks both policies about single packets, prefix by prefix and grant by grant.
 */
#include "expect.h"

#include "input.h"
#include "plan_lines.h"
#include "row.h"

/* --- by example */

static void read_site(const char *text, struct input *input)
{
	struct source_text source = {(char *)text, strlen(text)};
	struct diagnostics diags = {0};
	int rc = input_parse("site.yaml", &source, input, &diags);
	_cleanup_free_ char *said = diag_text(&diags);

	diag_free(&diags);
	if (rc)
		fail_msg("%s", said);
}

/* The lines of a plan, "opens|fe|16|in tcp 1-2|any|extra/01", empty ends left out. */
static char *lines_text(const struct plan *plan)
{
	_cleanup_(listing_free) struct listing listing = {plan_columns, N_PLAN_COLUMNS, NULL, 0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(plan_lines(plan, &listing), 0);
	for (size_t row = 0; row < listing.n_rows; row++) {
		char *const *cells = &listing.cells[row * N_PLAN_COLUMNS];
		size_t last = N_PLAN_COLUMNS;

		while (last && !*cells[last - 1])
			last--;
		for (size_t i = 0; i < last; i++)
			fprintf(out, "%s%s", i ? "|" : "", cells[i]);
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

struct example {
	const char *name;
	const char *before, *after; /* what stands behind HEAD; before NULL: nothing runs */
	const char *lines;
};

#define HEAD "version: 1\ninterfaces: [eth0]\n"
#define POOLS(...) "pools:\n" __VA_ARGS__
/* The role has one row: servers/41, tcp 443, so that the site's own say it all. */
#define WEB(name, addresses)                                                                       \
	"- {name: " name ", roles: [office-web-apps], addresses: [" addresses "]}\n"
#define ROW(ports, more)                                                                           \
	"- {roles: [office-web-apps], ports: [" ports "], protocols: [tcp]" more "}\n"
#define HLB(addresses) "- {name: c, roles: [front-end-hlb], addresses: [" addresses "]}\n"
#define CLIENTS "- {name: users, roles: [client], addresses: [10.9.0.0/24]}\n"

static const struct example examples[] = {
	{"the same in other words changes nothing",
	 POOLS(WEB("a", "10.0.0.0/31, 10.0.0.2")) "extra:\n" ROW("5060-5062", ""),
	 POOLS(WEB("a", "10.0.0.2, 10.0.0.0, 10.0.0.1")) "extra:\n" ROW("5060, 5061-5062", ""), ""},
	{"a port less shuts that port alone",
	 POOLS(WEB("a", "10.0.0.0/28")) "extra:\n" ROW("5060-5062", ""),
	 POOLS(WEB("a", "10.0.0.0/28")) "extra:\n" ROW("5060-5061", ""),
	 "shuts|a|16|in tcp 5062|any|extra/01\n"},
	{"a range that moves opens and shuts its ends",
	 POOLS(WEB("a", "10.0.0.1")) "extra:\n" ROW("1000-2000", ""),
	 POOLS(WEB("a", "10.0.0.1")) "extra:\n" ROW("1500-2500", ""),
	 "shuts|a|1|in tcp 1000-1499|any|extra/01\nopens|a|1|in tcp 2001-2500|any|extra/01\n"},
	{"another row on the same ports counts them",
	 POOLS(WEB("a", "10.0.0.1")) "extra:\n" ROW("7", "") ROW("9", ""),
	 POOLS(WEB("a", "10.0.0.1")) "extra:\n" ROW("9", "") ROW("7", ""),
	 "counts|a|1|in tcp 7|any|extra/02\ncounts|a|1|in tcp 9|any|extra/01\n"},
	{"fewer sources shut for the others",
	 POOLS(WEB("a", "10.0.0.1") CLIENTS) "extra:\n" ROW("7", ""),
	 POOLS(WEB("a", "10.0.0.1") CLIENTS) "extra:\n" ROW("7", ", from: [client, 10.8.0.0/16]"),
	 "shuts|a|1|in tcp 7|any but users 10.8.0.0/16|extra/01\n"},
	{"more sources open for these",
	 POOLS(WEB("a", "10.0.0.1") CLIENTS) "extra:\n" ROW("7", ", from: [10.8.0.0/24]"),
	 POOLS(WEB("a", "10.0.0.1") CLIENTS) "extra:\n" ROW("7", ", from: [client, 10.8.0.0/22]"),
	 "opens|a|1|in tcp 7|users 10.8.1.0/24 10.8.2.0/23|extra/01\n"},
	{"an address joins a pool", POOLS(WEB("a", "10.0.0.1")), POOLS(WEB("a", "10.0.0.0/31")),
	 "addresses|a|1|+ 10.0.0.0 (newly guarded)\nshuts|a|1|everything but what the pool opens\n"},
	{"an address joins a pool, and was dropped before",
	 "unlisted: drop\n" POOLS(WEB("a", "10.0.0.1")),
	 "unlisted: drop\n" POOLS(WEB("a", "10.0.0.0/31")),
	 "addresses|a|1|+ 10.0.0.0 (newly guarded)\nopens|a|1|all 1 openings of the pool\n"},
	{"an address leaves a pool", POOLS(WEB("a", "10.0.0.0/31, \"2001:db8::/64\"")),
	 POOLS(WEB("a", "10.0.0.1")),
	 "addresses|a|1 + 1 IPv6 prefix|- 10.0.0.0 2001:db8::/64 (unguarded now)\n"
	 "opens|a|1 + 1 IPv6 prefix|everything: nobody guards it, unlisted: pass\n"},
	{"a pool is renamed", POOLS(WEB("a", "10.0.0.1")), POOLS(WEB("b", "10.0.0.1")),
	 "pool renamed|b||was a\n"},
	{"a pool is added", POOLS(WEB("a", "10.0.0.1")),
	 POOLS(WEB("a", "10.0.0.1") WEB("b", "10.1.0.0/16")),
	 "pool added|b||+ office-web-apps\naddresses|b|65,536|+ 10.1.0.0/16 (newly guarded)\n"
	 "shuts|b|65,536|everything but what the pool opens\nkeeps|b|65,536|in tcp 443|any|servers/41\n"},
	{"a pool is removed", POOLS(WEB("a", "10.0.0.1") WEB("b", "10.1.0.0/16")),
	 "unlisted: drop\n" POOLS(WEB("a", "10.0.0.1")),
	 "setting|||unlisted: pass -> drop\npool removed|b||- office-web-apps\n"
	 "addresses|b|65,536|- 10.1.0.0/16 (unlisted now)\n"
	 "shuts|b|65,536|in tcp 443|any|servers/41\n"},
	{"a role moves", POOLS("- {name: a, roles: [client], addresses: [10.0.0.1]}\n"),
	 POOLS("- {name: a, roles: [office-web-apps, client], addresses: [10.0.0.1]}\n"),
	 "roles|a||+ office-web-apps\nopens|a|1|in tcp 443|any|servers/41\n"},
	{"an address goes from pool to pool",
	 POOLS(WEB("a", "10.0.0.0/30")
		       HLB("10.9.0.1") "extra:\n" ROW("7", ", from: [front-end-hlb]")),
	 POOLS(WEB("a", "10.0.0.0/30")
		       HLB("10.9.0.1, 10.0.0.3") "extra:\n" ROW("7", ", from: [front-end-hlb]")),
	 "opens|a|3|in tcp 7|10.0.0.3|extra/01\naddresses|c|1|+ 10.0.0.3 (of a)\n"
	 "shuts|c|1|in tcp 7|c|extra/01\nopens|c|1|in tcp 80|any|hlb-dns/01\n"
	 "counts|c|1|in tcp 443|any|hlb-dns/02\nopens|c|1|in tcp 4443|any|hlb-dns/04\n"
	 "opens|c|1|in tcp 8080|any|hlb-dns/03\n"},
	{"options", POOLS(WEB("a", "10.0.0.1")),
	 "mode: audit\nicmp_echo: allow\noutbound: matrix\ntimeouts: {udp: 60}\n"
	 "failsafe: {from: [10.9.0.0/24], ports: [22/tcp, 23-24/tcp, 161/udp]}\n"
	 "ipsec: [{between: [office-web-apps, 10.1.0.0/16]}]\n" POOLS(WEB("a", "10.0.0.1")),
	 "setting|||mode: enforce -> audit\nsetting|||outbound: open -> matrix\n"
	 "setting|||icmp_echo: drop -> allow\nsetting|||failsafe from: none -> 10.9.0.0/24\n"
	 "setting|||failsafe ports: none -> 22-24/tcp 161/udp\nsetting|||timeout udp: 180 s -> 60 s\n"
	 "setting|||ipsec 10.1.0.0/16 - office-web-apps: none -> permitted\n"},
	{"the order of words is none",
	 "failsafe: {from: [10.9.0.0/24, 10.8.0.0/24], ports: [22-24/tcp]}\n"
	 "overlays: [sql, logging]\n" POOLS(WEB("a", "10.0.0.1")),
	 "failsafe: {from: [10.8.0.0/24, 10.9.0.0/24], ports: [24/tcp, 22-23/tcp]}\n"
	 "overlays: [logging, sql]\n" POOLS(WEB("a", "10.0.0.1")),
	 ""},
	{"a nested pool takes its part", POOLS(WEB("a", "10.0.0.0/30")),
	 POOLS(WEB("a", "10.0.0.0/30") "- {name: c, roles: [client], addresses: [10.0.0.1]}\n"),
	 NULL},
};

static void test_example(void **state)
{
	const struct example *example = *state;
	_cleanup_free_ char *before_text = NULL, *after_text = NULL, *lines = NULL;
	struct input before = {0}, after = {0};
	struct plan plan = {0};

	assert_true(asprintf(&before_text, HEAD "%s", example->before) > 0);
	assert_true(asprintf(&after_text, HEAD "%s", example->after) > 0);
	read_site(before_text, &before);
	read_site(after_text, &after);
	assert_int_equal(policy_diff(&before.policy, &after.policy, &plan.diff), 0);
	lines = lines_text(&plan);
	if (example->lines)
		assert_string_equal(lines, example->lines);
	assert_int_equal(policy_diff_any(&plan.diff), *lines != '\0');
	plan_free(&plan);
	/* and a policy is no different from itself */
	assert_int_equal(policy_diff(&after.policy, &after.policy, &plan.diff), 0);
	assert_false(policy_diff_any(&plan.diff));
	plan_free(&plan);
	input_free(&before);
	input_free(&after);
}

static void test_nothing_runs(void **state)
{
	_cleanup_free_ char *lines = NULL;
	struct input after = {0};
	struct plan plan = {0};

	(void)state;
	read_site(HEAD POOLS(WEB("a", "10.0.0.0/28")), &after);
	assert_int_equal(policy_diff(NULL, &after.policy, &plan.diff), 0);
	assert_true(policy_diff_any(&plan.diff));
	lines = lines_text(&plan);
	assert_non_null(strstr(lines, "pool added|a||+ office-web-apps\n"
				      "addresses|a|16|+ 10.0.0.0/28 (newly guarded)\n"
				      "opens|a|16|in tcp 443|any|servers/41\n"));
	assert_non_null(strstr(lines, "setting|||interface eth0: side any, hook auto\n"));
	plan_free(&plan);
	input_free(&after);
}

/* --- random pairs */

static uint64_t streams[2];

static unsigned int draw_from(int stream, unsigned int below)
{
	streams[stream] = streams[stream] * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(streams[stream] >> 33) % below;
}

static unsigned int odds; /* in a hundred that a choice is not that of the other site */

/* A pool an address, profile literal, outbound matrix: where guarded hosts talk to each other. */
static bool tight;

static unsigned int pick(unsigned int below)
{
	unsigned int same = draw_from(0, below);

	return draw_from(1, 100) < odds ? draw_from(1, below) : same;
}

/* In 10.0.0.0/22 or 2001:db8::/118, so that they nest and meet. */
static void write_prefix(FILE *out)
{
	bool ip6 = pick(4) == 0;
	struct prefix prefix = {.family = ip6 ? FAMILY_IPV6 : FAMILY_IPV4};
	unsigned int bits = ip6 ? 128 : 32, value = pick(1024);
	char text[PREFIX_TEXT];

	prefix.length = (__u8)(bits - pick(9));
	value &= ~((1U << (bits - prefix.length)) - 1);
	prefix.address.byte[0] = ip6 ? 0x20 : 10;
	if (ip6)
		memcpy(prefix.address.byte, (const __u8[]){0x20, 1, 0x0d, 0xb8}, 4);
	prefix.address.byte[bits / 8 - 2] = (__u8)(value >> 8);
	prefix.address.byte[bits / 8 - 1] = (__u8)value;
	fprintf(out, "\"%s\"", prefix_format(&prefix, text, sizeof(text)));
}

static const char *const roles[] = {"front-end",       "director", "mediation",    "client",
				    "office-web-apps", "sba",      "front-end-hlb"};

static void write_pools(FILE *out)
{
	unsigned int count = 2 + pick(5);

	fprintf(out, "pools:\n");
	for (unsigned int i = 0; i < count; i++) {
		fprintf(out, "  - name: p%u\n    roles: [%s]\n    addresses: [",
			pick(30) ? i : i + 50, roles[pick(7)]);
		if (tight)
			fprintf(out, "10.0.0.%u", i);
		for (unsigned int j = 0, n = tight ? 0 : 1 + pick(3); j < n; j++) {
			fprintf(out, "%s", j ? ", " : "");
			write_prefix(out);
		}
		fprintf(out, "]\n");
	}
}

static void write_extra(FILE *out)
{
	fprintf(out, "extra:\n");
	for (unsigned int i = 0; i < 5; i++) {
		unsigned int first = 440 + pick(8), way = pick(3);

		fprintf(out, "  - {roles: [%s], ports: [%u-%u], protocols: [%s]", roles[pick(7)],
			first, first + pick(6), pick(2) ? "tcp" : "tcp, udp");
		fprintf(out, "%s",
			way == 0   ? ""
			: way == 1 ? ", from: ["
				   : ", direction: out, to: [");
		if (way) {
			fprintf(out, "%s", roles[pick(7)]);
			if (pick(2)) {
				fprintf(out, ", ");
				write_prefix(out);
			}
			fprintf(out, "]");
		}
		fprintf(out, "}\n");
	}
}

static char *write_random_site(void)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out, "version: 1\ninterfaces: [eth0]\nprofile: %s\noutbound: %s\n",
		pick(2) && !tight ? "least-privilege" : "literal",
		tight || pick(5) ? "matrix" : "open");
	write_pools(out);
	write_extra(out);
	fclose(out);
	return text;
}

/* One that is accepted: prefixes of two pools may collide. */
static void draw_random_site(uint64_t seed, unsigned int unlike, struct input *input)
{
	int rc;

	streams[0] = seed;
	streams[1] = seed * 31 + unlike;
	odds = unlike;
	do {
		_cleanup_free_ char *text = write_random_site();
		struct source_text source = {text, strlen(text)};
		struct diagnostics diags = {0};

		rc = input_parse("site.yaml", &source, input, &diags);
		diag_free(&diags);
		if (rc)
			input_free(input);
	} while (rc);
}

/* --- the judge */

static const struct policy_pool *pool_of(const struct policy *policy, const struct prefix *address)
{
	const struct policy_prefix *best = NULL;

	for (size_t i = 0; i < policy->n_prefixes; i++)
		if (prefix_covers(&policy->prefixes[i].prefix, address) &&
		    (!best || policy->prefixes[i].prefix.length > best->prefix.length))
			best = &policy->prefixes[i];
	return best ? &policy->pools[best->pool] : NULL;
}

static bool peers_have(const struct policy *policy, size_t index, const struct prefix *address)
{
	const struct peers *peers = &policy->peers[index];
	const struct policy_pool *pool = pool_of(policy, address);

	if (!index)
		return true;
	for (size_t i = 0; i < peers->n_pools; i++)
		if (pool == &policy->pools[peers->pools[i]])
			return true;
	for (size_t i = 0; i < peers->n_prefixes; i++)
		if (prefix_covers(&peers->prefixes[i], address))
			return true;
	return false;
}

struct question {
	struct prefix near, far;
	enum diff_way way;
	enum transport transport;
	uint16_t port;
};

/* The rows that let it, as bits of the way in which they do. */
static bool asks_row(const struct policy *policy, const struct question *question,
		     enum diff_way way, const struct grant *grant)
{
	enum direction direction = way == WAY_OUT ? DIRECTION_OUT : DIRECTION_IN;

	return grant->direction == direction && grant->transport == question->transport &&
	       grant->ports.first <= question->port && question->port <= grant->ports.last &&
	       peers_have(policy, way == WAY_START ? grant->initiators : grant->peers,
			  &question->far);
}

static bool is_open(const struct policy *policy, const struct question *question, enum diff_way way)
{
	const struct policy_pool *pool = pool_of(policy, &question->near);

	for (size_t i = 0; pool && pool->guarded && i < pool->n_grants; i++)
		if (asks_row(policy, question, way, &pool->grants[i]))
			return true;
	return false;
}

static bool is_guarded(const struct policy *policy, const struct prefix *address)
{
	const struct policy_pool *pool = pool_of(policy, address);

	return pool && pool->guarded;
}

/* 1: it opens, -1: it shuts, 0: neither */
static int judge(const struct policy *before, const struct policy *after,
		 const struct question *question)
{
	bool matrix = before->site->outbound_matrix && after->site->outbound_matrix;

	if (question->way != WAY_IN && !matrix)
		return 0;
	if (question->way == WAY_START &&
	    (!is_open(before, question, WAY_IN) || !is_open(after, question, WAY_IN) ||
	     !is_guarded(before, &question->far) || !is_guarded(after, &question->far)))
		return 0;
	return is_open(after, question, question->way) - is_open(before, question, question->way);
}

/* --- what the diff says, by its words */

static bool words_have(const struct policy *policy, const struct strings *words,
		       const struct prefix *address)
{
	const struct policy_pool *pool = pool_of(policy, address);
	struct prefix prefix;

	for (size_t i = 0; i < words->count; i++) {
		if (!strcmp(words->items[i], "any"))
			return true;
		if (!prefix_parse(words->items[i], &prefix)) {
			if (prefix_covers(&prefix, address))
				return true;
			continue;
		}
		assert_int_equal(words->items[i][0], 'p'); /* the name of a pool */
		if (pool && !strcmp(pool->name, words->items[i]))
			return true;
	}
	return false;
}

static bool is_said(const struct policy_diff *diff, const struct diff_change *change,
		    const struct question *question)
{
	const struct policy *policy = diff->policies[change->kind == DIFF_SHUTS ? BEFORE : AFTER];
	const struct diff_peers *peers = &diff->peers[change->peers];

	return change->way == question->way && change->transport == question->transport &&
	       change->ports.first <= question->port && question->port <= change->ports.last &&
	       words_have(policy, &peers->words, &question->far) &&
	       !words_have(policy, &peers->except, &question->far);
}

static const struct diff_area *area_of(const struct policy_diff *diff, const struct prefix *address)
{
	for (size_t i = 0; i < diff->n_areas; i++) {
		bool all = true;

		for (int when = 0; when < N_WHENS; when++) {
			const struct policy *policy = diff->policies[when];
			size_t pool = diff->areas[i].pool[when];

			all &= pool_of(policy, address) ==
			       (pool == NO_POOL ? NULL : &policy->pools[pool]);
		}
		if (all)
			return &diff->areas[i];
	}
	return NULL;
}

/* Every row that lets this packet is named, and none that nobody gets by. */
static void check_rows(const struct policy_diff *diff, const struct diff_change *change,
		       const struct question *question)
{
	const struct policy *policy = diff->policies[change->kind == DIFF_SHUTS ? BEFORE : AFTER];
	const struct policy_pool *pool = pool_of(policy, &question->near);

	for (size_t i = 0; i < pool->n_grants; i++) {
		bool named = false;

		if (!asks_row(policy, question, question->way, &pool->grants[i]))
			continue;
		for (size_t j = 0; j < change->n_rows; j++)
			named |= change->rows[j] == pool->grants[i].row;
		assert_true(named);
	}
}

static int said(const struct policy_diff *diff, const struct question *question)
{
	const struct diff_area *area = area_of(diff, &question->near);
	int opens = 0, shuts = 0;

	for (size_t i = 0; area && i < area->n_changes; i++) {
		const struct diff_change *change = &area->changes[i];

		if (change->kind == DIFF_COUNTS || !is_said(diff, change, question))
			continue;
		opens += change->kind == DIFF_OPENS;
		shuts += change->kind == DIFF_SHUTS;
		check_rows(diff, change, question);
	}
	assert_true(opens + shuts <= 1); /* said once */
	return opens - shuts;
}

static void draw_address(struct prefix *address)
{
	bool ip6 = draw_from(1, 4) == 0 && !tight;
	unsigned int bits = ip6 ? 128 : 32, value = draw_from(1, tight ? 8 : 1100);

	*address = (struct prefix){.family = ip6 ? FAMILY_IPV6 : FAMILY_IPV4, .length = (__u8)bits};
	address->address.byte[0] = 10;
	if (ip6)
		memcpy(address->address.byte, (const __u8[]){0x20, 1, 0x0d, 0xb8}, 4);
	address->address.byte[bits / 8 - 2] = (__u8)(value >> 8);
	address->address.byte[bits / 8 - 1] = (__u8)value;
}

/* Ports at the ends of what the host has in either policy, and any. */
static uint16_t draw_port(const struct policy_diff *diff, const struct prefix *near)
{
	const struct policy_pool *pool = pool_of(diff->policies[draw_from(1, 2)], near);
	const struct grant *grant;

	if (!pool || !pool->n_grants || !draw_from(1, 4))
		return (uint16_t)(438 + draw_from(1, 20));
	grant = &pool->grants[draw_from(1, (unsigned int)pool->n_grants)];
	return (uint16_t)((draw_from(1, 2) ? grant->ports.first : grant->ports.last) +
			  draw_from(1, 3) - 1);
}

/* All addresses of 10.0.0.0/22 and a little more, one by one. */
static void check_counts(const struct policy_diff *diff)
{
	_cleanup_free_ __u64 *counts = calloc(diff->n_areas + 1, sizeof(*counts));

	for (unsigned int value = 0; value < 2048; value++) {
		const struct prefix address = {
			.address.byte = {10, 0, (__u8)(value >> 8), (__u8)value},
			.family = FAMILY_IPV4,
			.length = 32,
		};
		const struct diff_area *area = area_of(diff, &address);
		bool listed = false;

		if (!area) {
			assert_null(pool_of(diff->policies[BEFORE], &address));
			assert_null(pool_of(diff->policies[AFTER], &address));
			continue;
		}
		counts[area - diff->areas]++;
		for (size_t i = 0; i < area->addresses.count; i++)
			listed |= prefix_covers(&area->addresses.items[i], &address);
		assert_int_equal(listed, !area->stays);
	}
	for (size_t i = 0; i < diff->n_areas; i++) {
		assert_int_equal(counts[i], diff->areas[i].ipv4);
		assert_false(diff->areas[i].cut);
	}
}

#define PAIRS 48
#define QUESTIONS 4000

static void test_random_pairs(void **state)
{
	static const enum diff_way ways[] = {WAY_IN, WAY_OUT, WAY_START, WAY_START};
	size_t met[N_WAYS][3] = {0};
	struct input before, after;
	struct policy_diff diff;

	(void)state;
	for (unsigned int number = 0; number < PAIRS; number++) {
		tight = number % 4 == 3;
		draw_random_site(number * 7919 + 1, 0, &before);
		draw_random_site(number * 7919 + 1, 1 + number / 4 % 4 * 8, &after);
		assert_int_equal(policy_diff(&before.policy, &after.policy, &diff), 0);
		check_counts(&diff);
		for (int i = 0; i < QUESTIONS; i++) {
			struct question question = {
				.way = ways[draw_from(1, 4)],
				.transport = draw_from(1, 2) ? TRANSPORT_TCP : TRANSPORT_UDP,
			};
			int want, got;

			draw_address(&question.near);
			draw_address(&question.far);
			question.port = draw_port(&diff, &question.near);
			want = judge(&before.policy, &after.policy, &question);
			got = said(&diff, &question);
			met[question.way][want + 1]++;
			if (want != got)
				fail_msg("pair %u: %d instead of %d on port %u", number, got, want,
					 question.port);
		}
		policy_diff_free(&diff);
		input_free(&before);
		input_free(&after);
	}
	/* what is never met is not tested */
	for (int way = 0; way < N_WAYS; way++)
		for (int what = 0; what < 3; what++)
			if (met[way][what] < (way == WAY_START ? 1 : 30))
				fail_msg("way %d, change %d: met %zu times", way, what - 1,
					 met[way][what]);
}

int main(void)
{
	struct CMUnitTest tests[40] = {
		cmocka_unit_test(test_nothing_runs),
		cmocka_unit_test(test_random_pairs),
	};
	size_t count = 2;

	ADD_ROWS(tests, count, examples, test_example);
	return RUN_TESTS("policy_diff", tests, count);
}
