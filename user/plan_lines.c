/* SPDX-License-Identifier: MIT */
#include "plan_lines.h"

#include <errno.h>
#include <stdarg.h>

#include "cleanup.h"
#include "row.h"
#include "string_list.h"

const struct column plan_columns[N_PLAN_COLUMNS] = {
	[PLAN_CHANGE] = {"CHANGE", false, false},  [PLAN_POOL] = {"POOL", false, false},
	[PLAN_HOSTS] = {"HOSTS", false, false},    [PLAN_WHAT] = {"WHAT", false, true},
	[PLAN_PEERS] = {"FROM/TO", false, true},   [PLAN_ROWS] = {"ROWS", false, true},
	[PLAN_PACKETS] = {"PACKETS", true, false}, [PLAN_LAST] = {"LAST", false, false},
};

struct lines {
	const struct plan *plan;
	const struct policy_diff *diff;
	struct listing *listing;
};

#define HOSTS_TEXT 64

/* "3 h 12 min" */
const char *age_text(__u32 seconds, char text[NUMBER_TEXT])
{
	if (seconds < 60)
		snprintf(text, NUMBER_TEXT, "%u s", seconds);
	else if (seconds < 3600)
		snprintf(text, NUMBER_TEXT, "%u min", seconds / 60);
	else if (seconds < 86400)
		snprintf(text, NUMBER_TEXT, "%u h %u min", seconds / 3600, seconds / 60 % 60);
	else
		snprintf(text, NUMBER_TEXT, "%u days %u h", seconds / 86400, seconds / 3600 % 24);
	return text;
}

const char *number_text(__u64 number, char text[NUMBER_TEXT])
{
	char digits[NUMBER_TEXT], *out = text;
	int length = snprintf(digits, sizeof(digits), "%llu", number);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

/* "16", "2 IPv6 prefixes", "16 + 1 IPv6 prefix" */
static const char *hosts_text(const struct diff_area *area, char text[HOSTS_TEXT])
{
	char number[NUMBER_TEXT];
	int length = 0;

	*text = '\0';
	if (area->ipv4 || !area->prefixes6)
		length = snprintf(text, HOSTS_TEXT, "%s", number_text(area->ipv4, number));
	if (area->prefixes6)
		snprintf(text + length, HOSTS_TEXT - (size_t)length, "%s%zu IPv6 prefix%s",
			 length ? " + " : "", area->prefixes6, area->prefixes6 == 1 ? "" : "es");
	return text;
}

/* --- parts of lines */

static void print_words(FILE *out, const struct strings *words, const char *between)
{
	for (size_t i = 0; i < words->count; i++)
		fprintf(out, "%s%s", i ? between : "", words->items[i]);
}

/* "any but dmz" */
static void print_peers(FILE *out, const struct diff_peers *peers)
{
	print_words(out, &peers->words, " ");
	if (peers->except.count)
		fprintf(out, " but ");
	print_words(out, &peers->except, " ");
}

/* What B has and A has not, each behind a sign. */
static void print_added(FILE *out, const struct strings *a, const struct strings *b, char sign)
{
	for (size_t i = 0; i < b->count; i++)
		if (!strings_contain(a, b->items[i]))
			fprintf(out, "%s%c %s", ftell(out) ? ", " : "", sign, b->items[i]);
}

#define ADDRESSES_SHOWN 8U

static void print_addresses(FILE *out, const struct diff_area *area)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < area->addresses.count && i < ADDRESSES_SHOWN; i++)
		fprintf(out, "%s%s", i ? " " : "",
			prefix_format(&area->addresses.items[i], text, sizeof(text)));
	if (area->addresses.count > ADDRESSES_SHOWN || area->cut)
		fprintf(out, " ...");
}

/* A text that is written piece by piece. */
struct text {
	char *bytes;
	size_t size;
	FILE *out;
};

static FILE *text_begin(struct text *text)
{
	text->out = open_memstream(&text->bytes, &text->size);
	return text->out;
}

static int text_end(struct text *text)
{
	return fclose(text->out) ? -ENOMEM : 0;
}

static void text_free(struct text *text)
{
	free(text->bytes);
}

static int add_line(struct lines *lines, const char *change, const char *pool, const char *hosts,
		    const char *what)
{
	return listing_add(lines->listing,
			   (const char *const[N_PLAN_COLUMNS]){[PLAN_CHANGE] = change,
							       [PLAN_POOL] = pool,
							       [PLAN_HOSTS] = hosts,
							       [PLAN_WHAT] = what});
}

/* --- settings */

static int add_settings(struct lines *lines)
{
	int rc = 0;

	for (size_t i = 0; i < lines->diff->n_settings && !rc; i++) {
		const struct diff_setting *setting = &lines->diff->settings[i];
		const char *before = setting->value[BEFORE], *after = setting->value[AFTER];
		_cleanup_(text_free) struct text text = {0};

		if (!text_begin(&text))
			return -ENOMEM;
		if (lines->diff->policies[BEFORE])
			fprintf(text.out, "%s: %s -> %s", setting->name, before ? before : "none",
				after ? after : "none");
		else
			fprintf(text.out, "%s: %s", setting->name, after);
		rc = text_end(&text);
		rc = rc ? rc : add_line(lines, "setting", NULL, NULL, text.bytes);
	}
	return rc;
}

/* --- ports */

static void hits_text(const struct plan *plan, const struct diff_change *change,
		      char packets[NUMBER_TEXT + 4], char last[NUMBER_TEXT + 4])
{
	char number[NUMBER_TEXT];
	struct plan_hits hits;

	if (!plan_hits(plan, change, &hits))
		return;
	snprintf(packets, NUMBER_TEXT + 4, "%s%s", hits.packets && hits.shared ? "<= " : "",
		 number_text(hits.packets, number));
	if (hits.packets)
		snprintf(last, NUMBER_TEXT + 4, "%s ago", age_text(hits.ago, number));
}

static int add_change(struct lines *lines, const char *pool, const struct diff_area *area,
		      const struct diff_change *change)
{
	bool unfiltered = policy_diff_unfiltered(lines->diff, area, BEFORE);
	const char *const kinds[] = {
		[DIFF_OPENS] = unfiltered ? "keeps" : "opens",
		[DIFF_SHUTS] = "shuts",
		[DIFF_COUNTS] = "counts",
	};
	_cleanup_(text_free) struct text what = {0}, peers = {0}, rows = {0};
	char hosts[HOSTS_TEXT], range[PORT_RANGE_TEXT],
		packets[NUMBER_TEXT + 4] = "", last[NUMBER_TEXT + 4] = "";

	if (!text_begin(&what))
		return -ENOMEM;
	fprintf(what.out, "%s %s %s", plan_way(change->way), transports_name(change->transport),
		port_range_format(change->ports, range, sizeof(range)));
	if (text_end(&what) || !text_begin(&peers))
		return -ENOMEM;
	print_peers(peers.out, &lines->diff->peers[change->peers]);
	if (text_end(&peers) || !text_begin(&rows))
		return -ENOMEM;
	for (size_t i = 0; i < change->n_rows; i++)
		fprintf(rows.out, "%s%s", i ? " " : "", plan_row(lines->plan, change, i)->id);
	if (text_end(&rows))
		return -ENOMEM;
	hits_text(lines->plan, change, packets, last);
	return listing_add(lines->listing,
			   (const char *const[N_PLAN_COLUMNS]){
				   kinds[change->kind], pool, hosts_text(area, hosts), what.bytes,
				   peers.bytes, rows.bytes, packets, last});
}

/* Addresses that join a pool or leave it have what the others of the pool have: said once. */
static bool is_like_the_rest(const struct policy_diff *diff, const struct diff_area *area)
{
	if (area->pool[BEFORE] == NO_POOL)
		return diff->same[AFTER][area->pool[AFTER]] != NO_POOL;
	if (area->pool[AFTER] == NO_POOL)
		return diff->same[BEFORE][area->pool[BEFORE]] != NO_POOL;
	return false;
}

/*
 * Traffic of addresses that nobody guards passes as transit, unless the site says `unlisted: drop`:
 * to guard them shuts all that the pool does not open, and to leave them opens everything.
 */
static int add_changes(struct lines *lines, const char *pool, const struct diff_area *area)
{
	bool before = policy_diff_unfiltered(lines->diff, area, BEFORE),
	     after = policy_diff_unfiltered(lines->diff, area, AFTER);
	char hosts[HOSTS_TEXT], what[96];
	int rc = 0;

	if (after)
		return before ? 0
			      : add_line(lines, "opens", pool, hosts_text(area, hosts),
					 "everything: nobody guards it, unlisted: pass");
	if (before)
		rc = add_line(lines, "shuts", pool, hosts_text(area, hosts),
			      "everything but what the pool opens");
	if (rc || (before && is_like_the_rest(lines->diff, area)))
		return rc;
	if (area->n_changes && is_like_the_rest(lines->diff, area)) {
		snprintf(what, sizeof(what), "all %zu openings of the pool", area->n_changes);
		return add_line(lines, area->pool[AFTER] == NO_POOL ? "shuts" : "opens", pool,
				hosts_text(area, hosts), what);
	}
	for (size_t i = 0; i < area->n_changes && !rc; i++)
		rc = add_change(lines, pool, area, &area->changes[i]);
	return rc;
}

/* --- pools */

static const struct policy_pool *pool_at(const struct lines *lines, enum when when, size_t index)
{
	return index == NO_POOL ? NULL : &lines->diff->policies[when]->pools[index];
}

/* Addresses that change hands. */
static int add_move(struct lines *lines, const char *name, const struct diff_area *area)
{
	const struct policy_pool *before = pool_at(lines, BEFORE, area->pool[BEFORE]),
				 *after = pool_at(lines, AFTER, area->pool[AFTER]);
	_cleanup_(text_free) struct text text = {0};
	char hosts[HOSTS_TEXT];

	if (!text_begin(&text))
		return -ENOMEM;
	fprintf(text.out, "%c ", after ? '+' : '-');
	print_addresses(text.out, area);
	if (before && after)
		fprintf(text.out, " (of %s)", before->name);
	else if (after)
		fprintf(text.out, " (%s)", after->guarded ? "newly guarded" : "not guarded");
	else
		fprintf(text.out, " (%s)",
			!before->guarded                                    ? "not guarded"
			: lines->diff->policies[AFTER]->site->unlisted_drop ? "unlisted now"
									    : "unguarded now");
	if (text_end(&text))
		return -ENOMEM;
	return add_line(lines, "addresses", name, hosts_text(area, hosts), text.bytes);
}

static int add_area(struct lines *lines, const char *name, const struct diff_area *area)
{
	int rc = area->stays ? 0 : add_move(lines, name, area);

	return rc ? rc : add_changes(lines, name, area);
}

static int add_roles(struct lines *lines, const char *change, const struct policy_pool *before,
		     const struct policy_pool *after)
{
	static const struct strings none = {0};
	_cleanup_(text_free) struct text text = {0};
	const char *name = after ? after->name : before->name;

	if (!text_begin(&text))
		return -ENOMEM;
	print_added(text.out, before ? &before->roles : &none, after ? &after->roles : &none, '+');
	print_added(text.out, after ? &after->roles : &none, before ? &before->roles : &none, '-');
	if (text_end(&text))
		return -ENOMEM;
	return *text.bytes ? add_line(lines, change, name, NULL, text.bytes) : 0;
}

/* What is different about the pool itself. */
static int add_pool(struct lines *lines, const struct policy_pool *before,
		    const struct policy_pool *after)
{
	_cleanup_free_ char *renamed = NULL;
	int rc = 0;

	if (!before)
		return add_roles(lines, "pool added", NULL, after);
	if (strcmp(before->name, after->name) != 0) {
		if (asprintf(&renamed, "was %s", before->name) < 0) {
			renamed = NULL;
			return -ENOMEM;
		}
		rc = add_line(lines, "pool renamed", after->name, NULL, renamed);
	}
	rc = rc ? rc : add_roles(lines, "roles", before, after);
	if (!rc && before->guarded != after->guarded)
		rc = add_line(lines, "guard", after->name, NULL,
			      after->guarded ? "newly guarded" : "no longer guarded");
	if (!rc && before->ipsec_exempt != after->ipsec_exempt)
		rc = add_line(lines, "ipsec", after->name, NULL,
			      after->ipsec_exempt ? "newly exempt from IPsec"
						  : "no longer exempt from IPsec");
	return rc;
}

/* The areas that a pool has after, or that had it before and have none after. */
static int add_areas(struct lines *lines, enum when when, size_t pool)
{
	const char *name = lines->diff->policies[when]->pools[pool].name;
	int rc = 0;

	for (size_t i = 0; i < lines->diff->n_areas && !rc; i++) {
		const struct diff_area *area = &lines->diff->areas[i];

		if (area->pool[when] == pool && (when == AFTER || area->pool[AFTER] == NO_POOL))
			rc = add_area(lines, name, area);
	}
	return rc;
}

static int add_pools(struct lines *lines)
{
	const struct policy *before = lines->diff->policies[BEFORE],
			    *after = lines->diff->policies[AFTER];
	int rc = 0;

	for (size_t i = 0; i < after->n_pools && !rc; i++) {
		rc = add_pool(lines, pool_at(lines, BEFORE, lines->diff->same[AFTER][i]),
			      &after->pools[i]);
		rc = rc ? rc : add_areas(lines, AFTER, i);
	}
	for (size_t i = 0; before && i < before->n_pools && !rc; i++) {
		if (lines->diff->same[BEFORE][i] == NO_POOL)
			rc = add_roles(lines, "pool removed", &before->pools[i], NULL);
		rc = rc ? rc : add_areas(lines, BEFORE, i);
	}
	return rc;
}

int plan_lines(const struct plan *plan, struct listing *listing)
{
	struct lines lines = {plan, &plan->diff, listing};
	int rc = add_settings(&lines);

	return rc ? rc : add_pools(&lines);
}
