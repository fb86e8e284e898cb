/* SPDX-License-Identifier: MIT */
#include "advice.h"

#include <errno.h>
#include <string.h>

#include "advice_lines.h"
#include "cleanup.h"
#include "resolve.h"
#include "row.h"
#include "string_list.h"

/* --- would a policy let it pass? */

static const struct policy_pool *find_pool(const struct policy *policy, const char *roles)
{
	for (size_t i = 0; i < policy->n_pools && roles; i++) {
		_cleanup_free_ char *text = strings_join(&policy->pools[i].roles, "+");

		if (text && !strcmp(text, roles))
			return &policy->pools[i];
	}
	return NULL;
}

/* POOL NULL: an address of no pool. Prefixes of a row match nobody here: addresses are not known. */
static bool admits(const struct policy *policy, size_t index, const struct policy_pool *pool)
{
	const struct peers *peers = &policy->peers[index];

	if (!index)
		return true;
	for (size_t i = 0; i < peers->n_pools && pool; i++) {
		if (&policy->pools[peers->pools[i]] == pool)
			return true;
	}
	return false;
}

static const struct grant *find_grant(const struct policy *policy, const struct policy_pool *pool,
				      const struct policy_pool *peer, const struct drop_seen *seen,
				      enum direction direction)
{
	for (size_t i = 0; i < pool->n_grants; i++) {
		const struct grant *grant = &pool->grants[i];

		if (grant->direction == direction && grant->transport == seen->transport &&
		    grant->ports.first <= seen->port && grant->ports.last >= seen->port &&
		    admits(policy, grant->peers, peer))
			return grant;
	}
	return NULL;
}

/* The row by which it passes. False: it drops, or this policy has no such pools. */
static bool passes(const struct policy *policy, const struct drop_seen *seen, struct found *found)
{
	const struct policy_pool *source = find_pool(policy, seen->source);
	const struct policy_pool *destination = find_pool(policy, seen->destination);
	const struct grant *grant;

	*found = (struct found){
		.source = source, .destination = destination, .matrix = policy->matrix};
	if ((seen->source && !source) || (seen->destination && !destination))
		return false;
	if (!destination || !destination->guarded)
		return true;
	grant = find_grant(policy, destination, source, seen, DIRECTION_IN);
	if (!grant)
		return false;
	found->row = policy->rows[grant->row];
	found->ports = grant->ports;
	return true;
}

/* --- what could be changed */

/* All drops that are to be explained, and the site as it is. */
struct inquiry {
	const struct policy *policy;
	const struct drop_seen *seen;
	size_t count;
	bool *open, *explained; /* for each of seen */
	struct advice_list list;
};

/* Adds what the site with this change would let pass. */
static int try_change(struct inquiry *inquiry, const struct site *site, enum advice_kind kind,
		      const char *name)
{
	_cleanup_(policy_free) struct policy policy = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	int rc = policy_resolve(inquiry->policy->matrix, site, &policy, &diags);

	if (rc)
		return yaml_fatal(rc) ? rc : 0; /* a change that the site does not bear */
	for (size_t i = 0; i < inquiry->count && !rc; i++) {
		struct found found;

		if (inquiry->open[i] || !passes(&policy, &inquiry->seen[i], &found) || !found.row)
			continue;
		inquiry->explained[i] = true;
		rc = advice_add(&inquiry->list,
				&(struct advice){.kind = kind, .name = (char *)name},
				&inquiry->seen[i], &found);
	}
	return rc;
}

/* WORDS and one more, which borrow everything. */
static int with_word(const struct strings *words, const char *word, struct strings *longer)
{
	*longer = (struct strings){.items = calloc(words->count + 1, sizeof(*longer->items)),
				   .places = calloc(words->count + 1, sizeof(*longer->places)),
				   .count = words->count + 1};
	if (!longer->items || !longer->places) {
		free(longer->items);
		free(longer->places);
		return -ENOMEM;
	}
	for (size_t i = 0; i < words->count; i++)
		longer->items[i] = words->items[i];
	longer->items[words->count] = (char *)word;
	return 0;
}

static int try_overlays(struct inquiry *inquiry)
{
	const struct matrix *matrix = inquiry->policy->matrix;
	int rc = 0;

	for (size_t i = 0; i < matrix->n_overlays && !rc; i++) {
		const char *name = matrix->overlays[i].name;
		struct site site = *inquiry->policy->site;

		if (strings_contain(&site.overlays, name))
			continue;
		rc = with_word(&inquiry->policy->site->overlays, name, &site.overlays);
		if (rc)
			break;
		rc = try_change(inquiry, &site, ADVICE_OVERLAY, name);
		free(site.overlays.items);
		free(site.overlays.places);
	}
	return rc;
}

/* Drops that the changes so far explain are left alone by those that come. */
static void close_round(struct inquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->count; i++)
		inquiry->open[i] = inquiry->open[i] || inquiry->explained[i];
}

static int try_balancing(struct inquiry *inquiry)
{
	struct site site = *inquiry->policy->site;

	site.balancing = site.balancing == BALANCING_DNS ? BALANCING_HARDWARE : BALANCING_DNS;
	return try_change(inquiry, &site, ADVICE_BALANCING, balancing_name(site.balancing));
}

/* The site without one of its moved ranges: somebody still uses the vendor's. */
static int try_media(struct inquiry *inquiry)
{
	const struct site *given = inquiry->policy->site;
	_cleanup_free_ struct site_media *media = calloc(given->n_media + 1, sizeof(*media));
	struct site site = *given;
	int rc = media ? 0 : -ENOMEM;

	for (size_t left_out = 0; left_out < given->n_media && !rc; left_out++) {
		site.media = media;
		site.n_media = 0;
		for (size_t i = 0; i < given->n_media; i++) {
			if (i != left_out)
				media[site.n_media++] = given->media[i];
		}
		rc = try_change(inquiry, &site, ADVICE_MEDIA, given->media[left_out].name);
	}
	return rc;
}

static void count_packets(struct inquiry *inquiry, const bool *open)
{
	for (size_t i = 0; i < inquiry->count; i++) {
		uint64_t *sum = open[i]                 ? &inquiry->list.open
				: inquiry->explained[i] ? &inquiry->list.explained
							: &inquiry->list.unexplained;

		*sum += inquiry->seen[i].packets;
	}
}

static int inquire(struct inquiry *inquiry)
{
	int rc = try_overlays(inquiry);

	close_round(inquiry);
	rc = rc ? rc : try_balancing(inquiry);
	rc = rc ? rc : try_media(inquiry);
	return rc;
}

int advise(const struct policy *policy, const struct drop_seen *seen, size_t count,
	   struct advice_list *list)
{
	_cleanup_free_ bool *open = calloc(count + 1, sizeof(*open));
	_cleanup_free_ bool *open_now = calloc(count + 1, sizeof(*open_now));
	_cleanup_free_ bool *explained = calloc(count + 1, sizeof(*explained));
	struct inquiry inquiry = {policy, seen, count, open, explained, {0}};
	int rc = open && open_now && explained ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !rc; i++) {
		struct found found;

		open[i] = open_now[i] = passes(policy, &seen[i], &found);
	}
	rc = rc ? rc : inquire(&inquiry);
	if (rc) {
		advice_free(&inquiry.list);
		return rc;
	}
	count_packets(&inquiry, open_now);
	advice_sort(&inquiry.list);
	*list = inquiry.list;
	return 0;
}
