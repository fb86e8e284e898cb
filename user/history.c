/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "cleanup.h"
#include "describe.h"
#include "listing.h"
#include "outcome.h"
#include "plan.h"
#include "settle.h"

#define TIME_TEXT 32
#define WHO_TEXT 128

static const char *time_text(long long when, char text[TIME_TEXT])
{
	time_t seconds = (time_t)when;
	struct tm utc;

	if (!when || !gmtime_r(&seconds, &utc) ||
	    !strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc))
		strcpy(text, "-");
	return text;
}

/* "alice as root" */
static const char *who_text(const struct state_who *who, char text[WHO_TEXT])
{
	if (who->login)
		snprintf(text, WHO_TEXT, "%s as %s", who->login, who->user);
	else
		snprintf(text, WHO_TEXT, "%s", who->user);
	return text;
}

/* A trial that the clock has ended is written down as such by the next command that changes something. */
static void look_closer(struct state_entry *entry, const struct kernel *kernel)
{
	if (!kernel || entry->damaged)
		return;
	entry->outcome = outcome_look(entry, kernel);
	if (entry->generation == generation_in_force(kernel))
		entry->detached = 0; /* a boot has brought it back since */
}

/* --- JSON */

static json_t *text_json(const char *text)
{
	return text ? foreign_text_json(text) : json_null();
}

static json_t *number_json(long long number, bool is_known)
{
	return is_known ? json_integer((json_int_t)number) : json_null();
}

static json_t *file_json(size_t bytes, __u32 crc)
{
	char text[12];

	snprintf(text, sizeof(text), "%08x", crc);
	return json_pack("{s:I, s:s}", "bytes", (json_int_t)bytes, "crc32", text);
}

static json_t *entry_json(const struct state_entry *entry)
{
	char when[TIME_TEXT], policy[12];

	if (entry->damaged)
		return json_pack("{s:I, s:b, s:b}", "generation", (json_int_t)entry->generation,
				 "current", entry->is_current, "damaged", true);
	snprintf(policy, sizeof(policy), "%08x", entry->policy);
	return json_pack(
		"{s:I, s:b, s:b, s:s, s:s, s:I, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:{s:o, s:o}}",
		"generation", (json_int_t)entry->generation, "current", entry->is_current,
		"damaged", false, "outcome", state_outcome_name(entry->outcome), "time",
		time_text(entry->when, when), "epoch", (json_int_t)entry->when, "settled",
		number_json(entry->settled, entry->settled), "detached",
		number_json(entry->detached, entry->detached), "user", text_json(entry->who.user),
		"uid", (json_int_t)entry->who.uid, "login", text_json(entry->who.login),
		"login_uid", number_json(entry->who.login_uid, entry->who.login), "comment",
		text_json(entry->comment), "based_on",
		number_json(entry->based_on, entry->based_on), "version", text_json(entry->version),
		"site", text_json(entry->site), "matrix", text_json(entry->matrix), "policy",
		policy, "files", "site.yaml", file_json(entry->site_bytes, entry->site_crc),
		"matrix.yaml", file_json(entry->matrix_bytes, entry->matrix_crc));
}

static int print_list_json(const struct state *state, const struct state_entry *list, size_t count)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < count && ok; i++)
		ok = json_append(array, entry_json(&list[i]));
	if (!ok) {
		json_decref(array);
		return -ENOMEM;
	}
	return json_print(json_pack("{s:o, s:o}", "directory", foreign_text_json(state_path(state)),
				    "generations", array));
}

/* --- the list */

/* What it is beside its comment. The entry before may be NULL. */
static void note_text(const struct state_entry *entry, const struct state_entry *before,
		      char text[WHO_TEXT])
{
	char when[TIME_TEXT], detached[TIME_TEXT + 16] = "";
	const char *and;

	if (entry->detached)
		snprintf(detached, sizeof(detached), "detached %s",
			 time_text(entry->detached, when));
	and = entry->detached ? ", " : "";
	if (entry->based_on)
		snprintf(text, WHO_TEXT, "back to %u%s%s", entry->based_on, and, detached);
	else if (before && !before->damaged && state_same(before, entry))
		snprintf(text, WHO_TEXT, "same as %u%s%s", before->generation, and, detached);
	else
		snprintf(text, WHO_TEXT, "%s", detached);
}

static int add_entry(struct listing *listing, const struct state_entry *entry,
		     const struct state_entry *before)
{
	char number[16], when[TIME_TEXT], who[WHO_TEXT], note[WHO_TEXT];
	const char *current = entry->is_current ? "current" : "";

	snprintf(number, sizeof(number), "%u", entry->generation);
	if (entry->damaged)
		return listing_add(listing, (const char *const[]){number, current, "-", "-",
								  "damaged", "", "", ""});
	note_text(entry, before, note);
	return listing_add(listing,
			   (const char *const[]){number, current, time_text(entry->when, when),
						 who_text(&entry->who, who),
						 state_outcome_name(entry->outcome), note,
						 entry->site, entry->comment});
}

static int print_list(const struct state_entry *list, size_t count, enum format format)
{
	static const struct column columns[] = {
		{"GENERATION", true, false}, {"CURRENT", false, false}, {"TIME", false, false},
		{"WHO", false, false},       {"OUTCOME", false, false}, {"NOTE", false, false},
		{"SITE", false, true},       {"COMMENT", false, true},
	};
	_cleanup_(listing_free) struct listing listing = {columns, 8, NULL, 0};

	for (size_t i = 0; i < count; i++) {
		int rc = add_entry(&listing, &list[i], i ? &list[i - 1] : NULL);

		if (rc)
			return rc;
	}
	return listing_print(&listing, format);
}

int history_list(const struct state *state, const struct kernel *kernel, enum format format)
{
	struct state_entry *list;
	size_t count;
	int rc = state_list(state, &list, &count);

	if (rc)
		return rc;
	if (!state_exists(state))
		fprintf(stderr, "rolewall: there is no state directory %s\n", state_path(state));
	else if (!count)
		fprintf(stderr, "rolewall: %s has no generations yet\n", state_path(state));
	for (size_t i = 0; i < count; i++)
		look_closer(&list[i], kernel);
	rc = format == FORMAT_JSON ? print_list_json(state, list, count)
				   : print_list(list, count, format);
	state_list_free(list, count);
	return rc;
}

/* --- one of them */

static int list_facts(struct listing *listing, const struct state_entry *entry)
{
	char when[TIME_TEXT], settled[TIME_TEXT], who[WHO_TEXT];
	int rc = listing_add_fact(listing, "generation", "%u", entry->generation);

	rc |= listing_add_fact(listing, "time", "%s", time_text(entry->when, when));
	rc |= listing_add_fact(listing, "who", "%s", who_text(&entry->who, who));
	rc |= listing_add_fact(listing, "outcome", "%s", state_outcome_name(entry->outcome));
	rc |= listing_add_fact(listing, "settled", "%s", time_text(entry->settled, settled));
	if (entry->detached)
		rc |= listing_add_fact(listing, "detached", "%s",
				       time_text(entry->detached, settled));
	if (entry->comment)
		rc |= listing_add_fact(listing, "comment", "%s", entry->comment);
	if (entry->based_on)
		rc |= listing_add_fact(listing, "back to", "%u", entry->based_on);
	rc |= listing_add_fact(listing, "site", "%s", entry->site);
	rc |= listing_add_fact(listing, "matrix", "%s", entry->matrix);
	rc |= listing_add_fact(listing, "policy", "%08x", entry->policy);
	rc |= listing_add_fact(listing, "version", "%s", entry->version);
	return rc ? -ENOMEM : 0;
}

static int print_entry(const struct state_entry *entry, const struct source_text *site,
		       enum format format)
{
	static const struct column columns[] = {{"WHAT", false, false}, {"VALUE", false, true}};
	_cleanup_(listing_free) struct listing listing = {columns, 2, NULL, 0};
	int rc = list_facts(&listing, entry);

	if (!rc && format == FORMAT_CSV)
		rc = listing_add_fact(&listing, "site text", "%.*s", (int)site->size, site->bytes);
	rc = rc ? rc : listing_print(&listing, format);
	if (rc || format == FORMAT_CSV)
		return rc;
	putchar('\n');
	fwrite(site->bytes, 1, site->size, stdout);
	if (site->size && site->bytes[site->size - 1] != '\n')
		putchar('\n');
	return 0;
}

static int print_entry_json(const struct state_entry *entry, const struct source_text *site)
{
	json_t *json = entry_json(entry), *text = json_stringn(site->bytes, site->size);

	/* a site may be UTF-16 */
	if (!json || json_object_set_new(json, "site_text", text ? text : json_null())) {
		json_decref(json);
		return -ENOMEM;
	}
	return json_print(json);
}

int history_show(const struct state *state, const struct kernel *kernel, __u32 generation,
		 enum format format)
{
	_cleanup_(state_entry_free) struct state_entry entry = {0};
	struct input input = {0};
	int rc = state_read(state, generation, &entry);

	if (rc)
		return rc;
	look_closer(&entry, kernel);
	rc = state_load(state, generation, &input);
	if (!rc)
		rc = format == FORMAT_JSON ? print_entry_json(&entry, &input.site.text)
					   : print_entry(&entry, &input.site.text, format);
	input_free(&input);
	return rc;
}

/* --- two of them */

static int name_both(struct plan *plan, const __u32 generations[2])
{
	for (int when = 0; when < N_WHENS; when++) {
		if (asprintf(&plan->names[when], "generation %u", generations[when]) < 0) {
			plan->names[when] = NULL;
			return -ENOMEM;
		}
	}
	return 0;
}

int history_diff(const struct state *state, const __u32 generations[2], enum format format)
{
	struct input inputs[N_WHENS] = {0};
	struct plan plan = {0};
	int rc = 0;

	for (int when = 0; when < N_WHENS && !rc; when++)
		rc = state_load(state, generations[when], &inputs[when]);
	rc = rc ? rc : name_both(&plan, generations);
	if (!rc)
		rc = policy_diff(&inputs[BEFORE].policy, &inputs[AFTER].policy, &plan.diff);
	rc = rc ? rc : plan_list(&plan, format);
	if (!rc && policy_diff_any(&plan.diff))
		rc = ERR_CHANGES;
	plan_free(&plan);
	input_free(&inputs[BEFORE]);
	input_free(&inputs[AFTER]);
	return rc;
}
