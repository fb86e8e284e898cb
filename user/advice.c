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

/* Where the hosts of a drop are: pools of the policy, or none. A change of the site moves no pool. */
struct ends {
	size_t source, destination; /* indexes into policy.pools, or UNLISTED */
	bool known; /* false: the site has no pool with these roles any more */
};

#define UNLISTED SIZE_MAX

static int find_pool(const struct policy *policy, const char *roles, size_t *index)
{
	*index = UNLISTED;
	for (size_t i = 0; i < policy->n_pools && roles && *index == UNLISTED; i++) {
		_cleanup_free_ char *text = strings_join(&policy->pools[i].roles, "+");

		if (!text)
			return -ENOMEM;
		if (!strcmp(text, roles))
			*index = i;
	}
	return 0;
}

static int find_ends(const struct policy *policy, const struct drop_seen *seen, struct ends *ends)
{
	int rc = find_pool(policy, seen->source, &ends->source);

	rc = rc ? rc : find_pool(policy, seen->destination, &ends->destination);
	ends->known = !seen->source == (ends->source == UNLISTED) &&
		      !seen->destination == (ends->destination == UNLISTED);
	return rc;
}

static const struct policy_pool *pool_at(const struct policy *policy, size_t index)
{
	return index == UNLISTED ? NULL : &policy->pools[index];
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

static bool covers(const struct grant *grant, const struct drop_seen *seen)
{
	return grant->transport == seen->transport && grant->ports.first <= seen->port &&
	       grant->ports.last >= seen->port;
}

static const struct grant *find_grant(const struct policy *policy, const struct policy_pool *pool,
				      const struct policy_pool *peer, const struct drop_seen *seen,
				      enum direction direction)
{
	for (size_t i = 0; i < pool->n_grants; i++) {
		const struct grant *grant = &pool->grants[i];

		if (grant->direction == direction && covers(grant, seen) &&
		    admits(policy, grant->peers, peer))
			return grant;
	}
	return NULL;
}

/* Does the matrix know the source as one that starts such connections with the destination? */
static const struct grant *find_initiated(const struct policy *policy,
					  const struct policy_pool *source,
					  const struct policy_pool *destination,
					  const struct drop_seen *seen)
{
	for (size_t i = 0; i < destination->n_grants && destination->guarded; i++) {
		const struct grant *grant = &destination->grants[i];

		if (grant->direction == DIRECTION_IN && covers(grant, seen) &&
		    admits(policy, grant->initiators, source))
			return grant;
	}
	return NULL;
}

static const struct grant *find_outbound(const struct policy *policy, const struct drop_seen *seen,
					 const struct policy_pool *source,
					 const struct policy_pool *destination)
{
	const struct grant *grant = find_grant(policy, source, destination, seen, DIRECTION_OUT);

	return grant || !destination ? grant : find_initiated(policy, source, destination, seen);
}

static void note_row(const struct policy *policy, const struct grant *grant, struct found *found)
{
	found->row = policy->rows[grant->row];
	found->ports = grant->ports;
}

/* By which row it passes. False: it drops. */
static bool passes(const struct policy *policy, const struct drop_seen *seen,
		   const struct ends *ends, struct found *found)
{
	const struct policy_pool *source = pool_at(policy, ends->source);
	const struct policy_pool *destination = pool_at(policy, ends->destination);
	const struct grant *in = NULL, *out = NULL;

	*found = (struct found){
		.source = source, .destination = destination, .matrix = policy->matrix};
	if (!ends->known)
		return false;
	if (source && source->guarded && policy->site->outbound_matrix) {
		out = find_outbound(policy, seen, source, destination);
		if (!out)
			return false;
		note_row(policy, out, found);
	}
	if (destination && destination->guarded) {
		in = find_grant(policy, destination, source, seen, DIRECTION_IN);
		if (!in)
			return false;
		/* the overlay that lets it out is the news, not the row that always let it in */
		if (!out || !found->row->overlay)
			note_row(policy, in, found);
	}
	return true;
}

/* --- what could be changed */

/* All drops that are to be explained, and the site as it is. */
struct inquiry {
	const struct policy *policy;
	const struct drop_seen *seen;
	const struct ends *ends; /* of seen */
	size_t count;
	bool *open, *explained; /* for each of seen */
	struct advice_list list;
};

/* What `features:` calls an optional row. */
static char *feature_of(const struct row *row)
{
	return row->feature ? row->feature : row->id;
}

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
		struct advice change = {.kind = kind, .name = (char *)name};
		struct found found;

		if (inquiry->open[i] ||
		    !passes(&policy, &inquiry->seen[i], &inquiry->ends[i], &found) || !found.row ||
		    (kind == ADVICE_PROFILE && !advice_expects(&found)))
			continue;
		inquiry->explained[i] = true;
		if (kind == ADVICE_OVERLAY && site->least_privilege && found.row->optional)
			change.feature = feature_of(found.row);
		rc = advice_add(&inquiry->list, &change, &inquiry->seen[i], &found);
	}
	return rc;
}

/* A list with room for MORE words, which borrows those that WORDS has. */
static int start_list(const struct strings *words, size_t more, struct strings *list)
{
	*list = (struct strings){.items = calloc(words->count + more, sizeof(*list->items)),
				 .places = calloc(words->count + more, sizeof(*list->places)),
				 .count = words->count};
	if (!list->items || !list->places)
		return -ENOMEM;
	for (size_t i = 0; i < words->count; i++)
		list->items[i] = words->items[i];
	return 0;
}

static void end_list(struct strings *list)
{
	free(list->items);
	free(list->places);
}

/* An overlay, with the features that least-privilege wants to hear for all of it. */
static int try_overlay(struct inquiry *inquiry, const struct overlay *overlay)
{
	const struct site *given = inquiry->policy->site;
	_cleanup_(end_list) struct strings overlays = {0}, features = {0};
	struct site site = *given;
	int rc = start_list(&given->overlays, 1, &overlays);

	rc = rc ? rc : start_list(&given->features, overlay->n_rows + 1, &features);
	if (rc)
		return rc;
	overlays.items[overlays.count++] = overlay->name;
	for (size_t i = 0; i < overlay->n_rows; i++) {
		if (overlay->rows[i].optional)
			features.items[features.count++] = overlay->rows[i].id;
	}
	site.overlays = overlays;
	site.features = features;
	return try_change(inquiry, &site, ADVICE_OVERLAY, overlay->name);
}

static int try_overlays(struct inquiry *inquiry)
{
	const struct matrix *matrix = inquiry->policy->matrix;
	int rc = 0;

	for (size_t i = 0; i < matrix->n_overlays && !rc; i++) {
		if (!strings_contain(&inquiry->policy->site->overlays, matrix->overlays[i].name))
			rc = try_overlay(inquiry, &matrix->overlays[i]);
	}
	return rc;
}

static int try_features(struct inquiry *inquiry)
{
	const struct policy *policy = inquiry->policy;
	_cleanup_(end_list) struct strings tried = {0};
	size_t given = policy->site->features.count;
	struct site site = *policy->site;
	int rc = start_list(&site.features, policy->n_rows + 1, &tried);

	for (size_t i = 0; i < policy->n_rows && !rc; i++) {
		const struct row *row = policy->rows[i];
		char *name = feature_of(row);

		if (!row->optional || strings_contain(&tried, name))
			continue;
		/* what the site names, and this one alone; the others stay behind it */
		tried.items[tried.count++] = tried.items[given];
		tried.items[given] = name;
		site.features = tried;
		site.features.count = given + 1;
		rc = try_change(inquiry, &site, ADVICE_FEATURE, name);
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

/* Literal opens to everybody; it is the answer only where the vendor's row means the source. */
static int try_profile(struct inquiry *inquiry)
{
	struct site site = *inquiry->policy->site;

	site.least_privilege = false;
	return try_change(inquiry, &site, ADVICE_PROFILE, "literal");
}

/* What costs least first: a drop that an overlay or a feature explains needs no other profile. */
static int inquire(struct inquiry *inquiry)
{
	bool least = inquiry->policy->site->least_privilege;
	int rc = try_overlays(inquiry);

	if (!rc && least)
		rc = try_features(inquiry);
	close_round(inquiry);
	rc = rc ? rc : try_balancing(inquiry);
	rc = rc ? rc : try_media(inquiry);
	close_round(inquiry);
	return !rc && least ? try_profile(inquiry) : rc;
}

int advise(const struct policy *policy, const struct drop_seen *seen, size_t count,
	   struct advice_list *list)
{
	_cleanup_free_ struct ends *ends = calloc(count + 1, sizeof(*ends));
	_cleanup_free_ bool *open = calloc(count + 1, sizeof(*open));
	_cleanup_free_ bool *open_now = calloc(count + 1, sizeof(*open_now));
	_cleanup_free_ bool *explained = calloc(count + 1, sizeof(*explained));
	struct inquiry inquiry = {policy, seen, ends, count, open, explained, {0}};
	int rc = ends && open && open_now && explained ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !rc; i++) {
		struct found found;

		rc = find_ends(policy, &seen[i], &ends[i]);
		open[i] = open_now[i] = !rc && passes(policy, &seen[i], &ends[i], &found);
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
