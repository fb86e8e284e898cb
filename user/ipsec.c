/* SPDX-License-Identifier: MIT */
/* Who is exempt from IPsec by the matrix, and between whom the site permits it. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "resolve.h"
#include "row.h"

int check_ipsec(const struct resolution *resolution)
{
	const struct matrix *matrix = resolution->matrix;
	const struct site *site = resolution->site;

	for (size_t i = 0; i < site->n_ipsec; i++) {
		for (size_t end = 0; end < 2; end++) {
			const char *word = site->ipsec[i].ends[end];
			int rc;

			if (!word || peer_is_prefix(word) || matrix_role(matrix, word) ||
			    matrix_group(matrix, word))
				continue;
			rc = report_unknown_role(matrix, word, true, site->ipsec[i].places[end],
						 resolution->diags);
			if (rc == -ENOMEM)
				return rc;
		}
	}
	return 0;
}

static void mark_exempt(struct resolution *resolution)
{
	struct policy *policy = &resolution->policy;
	struct role_set exempt = {0};

	for (size_t i = 0; i < policy->n_rows; i++) {
		if (row_is_exception(policy->rows[i]))
			role_set_unite(&exempt, &resolution->needed[i]);
	}
	for (size_t i = 0; i < policy->n_pools; i++)
		policy->pools[i].ipsec_exempt = role_set_meets(&resolution->held[i], &exempt);
}

/* True if a guarded host is among the peers. */
static bool names_guarded(const struct policy *policy, const struct peers *peers)
{
	for (size_t i = 0; i < peers->n_pools; i++) {
		if (policy->pools[peers->pools[i]].guarded)
			return true;
	}
	for (size_t i = 0; i < policy->n_prefixes; i++) {
		const struct policy_prefix *owned = &policy->prefixes[i];

		for (size_t j = 0; j < peers->n_prefixes && policy->pools[owned->pool].guarded; j++)
			if (prefix_covers(&owned->prefix, &peers->prefixes[j]) ||
			    prefix_covers(&peers->prefixes[j], &owned->prefix))
				return true;
	}
	return false;
}

static int resolve_pair(struct resolution *resolution, const struct site_ipsec *written)
{
	struct policy *policy = &resolution->policy;
	struct ipsec_pair *pair = &policy->ipsec[policy->n_ipsec];

	for (size_t end = 0; end < 2; end++) {
		const struct strings words = {
			.items = (char **)&written->ends[end],
			.count = 1,
			.places = (struct place *)&written->places[end],
		};
		const struct condition condition = {&words, written->place, false};
		int rc = resolve_words(resolution, &condition, &pair->peers[end]);

		if (rc)
			return rc;
	}
	policy->n_ipsec++;
	return 0;
}

static void warn_of_pairs(const struct resolution *resolution)
{
	const struct policy *policy = &resolution->policy;

	for (size_t i = 0; i < policy->n_ipsec; i++) {
		const struct site_ipsec *written = &resolution->site->ipsec[i];
		const size_t *peers = policy->ipsec[i].peers;

		if (!names_guarded(policy, &policy->peers[peers[0]]) &&
		    !names_guarded(policy, &policy->peers[peers[1]]))
			diag_warning(resolution->diags, written->place,
				     "ipsec: neither \"%s\" nor \"%s\" is a guarded host, so this "
				     "permits nothing",
				     written->ends[0], written->ends[1]);
	}
}

static bool opens_ike(const struct row *row)
{
	for (size_t i = 0; i < row->n_ports && row->transports & TRANSPORT_UDP; i++) {
		if ((row->ports[i].first <= 500 && row->ports[i].last >= 500) ||
		    (row->ports[i].first <= 4500 && row->ports[i].last >= 4500))
			return true;
	}
	return false;
}

/* A row of the site that lets IKE in where the matrix exempts the host; the first pool that shows it is told. */
static void warn_of_rows(const struct resolution *resolution)
{
	const struct policy *policy = &resolution->policy;

	for (size_t i = policy->n_rows - resolution->site->n_extra; i < policy->n_rows; i++) {
		const struct row *row = policy->rows[i];

		for (size_t j = 0; j < policy->n_pools && opens_ike(row); j++) {
			const struct policy_pool *pool = &policy->pools[j];

			if (!pool->guarded || !pool->ipsec_exempt ||
			    !role_set_meets(&resolution->held[j], &resolution->needed[i]))
				continue;
			diag_warning(resolution->diags, row->place,
				     "row %s opens udp 500 or 4500 on pool \"%s\", which is exempt "
				     "from IPsec: IKE gets in by it, ESP does not; ipsec: permits "
				     "both between two ends",
				     row->id, pool->name);
			break;
		}
	}
}

int resolve_ipsec(struct resolution *resolution)
{
	const struct site *site = resolution->site;
	struct policy *policy = &resolution->policy;
	int rc = 0;

	policy->ipsec = calloc(site->n_ipsec + 1, sizeof(*policy->ipsec));
	if (!policy->ipsec)
		return -ENOMEM;
	mark_exempt(resolution);
	for (size_t i = 0; i < site->n_ipsec && !rc; i++)
		rc = resolve_pair(resolution, &site->ipsec[i]);
	if (rc)
		return rc;
	warn_of_pairs(resolution);
	warn_of_rows(resolution);
	return 0;
}
