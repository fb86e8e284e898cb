/* SPDX-License-Identifier: MIT */
#include "diff_changes.h"

#include <errno.h>

#include "cleanup.h"

/* The openings of one pool of one policy in one direction, and where the walk is. */
struct track {
	struct opening *openings;
	size_t count, next;
};

/* The two tracks at a stretch of ports in which neither changes. */
struct stretch {
	struct comparison *comparison;
	struct diff_area *area;
	enum direction direction;
	enum transport transport;
	struct port_range ports;
	const struct opening *at[N_WHENS]; /* NULL: shut */
	__u64 *in[N_WHENS]; /* who is admitted; rooms for a set */
	__u64 *start[N_WHENS]; /* who may start, too */
	__u64 *set;
};

/* --- sets */

static size_t n_words(const struct stretch *stretch)
{
	return stretch->comparison->cells.n_words;
}

static void unite(__u64 *set, const __u64 *with, size_t words)
{
	for (size_t i = 0; i < words; i++)
		set[i] |= with[i];
}

/* SET = a without b; true if that is anything. */
static bool subtract(__u64 *set, const __u64 *a, const __u64 *b, size_t words)
{
	__u64 any = 0;

	for (size_t i = 0; i < words; i++)
		any |= set[i] = a[i] & ~b[i];
	return any != 0;
}

static bool meet(const __u64 *a, const __u64 *b, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (a[i] & b[i])
			return true;
	return false;
}

static const __u64 *admitted(const struct stretch *stretch, enum when when, size_t peers)
{
	return &stretch->comparison->admitted[when][peers * n_words(stretch)];
}

/* --- changes */

static const __u64 *set_of(const struct stretch *stretch, enum when when, enum diff_way way,
			   const struct grant *grant)
{
	return admitted(stretch, when, way == WAY_START ? grant->initiators : grant->peers);
}

/* The rows of an opening by which anybody of SET gets there. */
static int find_rows(const struct stretch *stretch, enum when when, const __u64 *set,
		     struct diff_change *change)
{
	const struct opening *opening = stretch->at[when];
	size_t count = opening ? opening->n_grants : 0;

	change->rows = calloc(count + 1, sizeof(*change->rows));
	if (!change->rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct grant *grant = opening->grants[i];

		if (change->n_rows && change->rows[change->n_rows - 1] == grant->row)
			continue;
		if (meet(set_of(stretch, when, change->way, grant), set, n_words(stretch)))
			change->rows[change->n_rows++] = grant->row;
	}
	return 0;
}

static bool continues(const struct diff_change *last, const struct diff_change *change)
{
	return last->kind == change->kind && last->way == change->way &&
	       last->transport == change->transport && last->peers == change->peers &&
	       last->ports.last + 1U == change->ports.first && last->n_rows == change->n_rows &&
	       !memcmp(last->rows, change->rows, last->n_rows * sizeof(*last->rows));
}

/* Neighbouring ports with the same change are one; of another kind they may lie in between. */
static int add_change(struct diff_area *area, struct diff_change *change)
{
	struct diff_change *changes;

	for (size_t i = area->n_changes, back = 0; i-- > 0 && back < N_WAYS + 1; back++) {
		if (!continues(&area->changes[i], change))
			continue;
		area->changes[i].ports.last = change->ports.last;
		free(change->rows);
		return 0;
	}
	changes = array_grow(area->changes, area->n_changes, sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	area->changes = changes;
	changes[area->n_changes++] = *change;
	return 0;
}

static int report(struct stretch *stretch, enum diff_kind kind, enum diff_way way, const __u64 *set)
{
	enum when when = kind == DIFF_SHUTS ? BEFORE : AFTER;
	struct diff_change change = {
		.kind = kind,
		.way = way,
		.transport = stretch->transport,
		.ports = stretch->ports,
	};
	int rc = naming_find(&stretch->comparison->naming, set, when, &change.peers);

	rc = rc ? rc : find_rows(stretch, when, set, &change);
	rc = rc ? rc : add_change(stretch->area, &change);
	if (rc)
		free(change.rows);
	return rc;
}

/* Rows by which anybody gets there, by name: an index is another one in another policy. */
static bool same_rows(const struct stretch *stretch, const struct diff_change rows[N_WHENS])
{
	if (rows[BEFORE].n_rows != rows[AFTER].n_rows)
		return false;
	for (size_t i = 0; i < rows[BEFORE].n_rows; i++)
		if (strcmp(stretch->comparison->policies[BEFORE]->rows[rows[BEFORE].rows[i]]->id,
			   stretch->comparison->policies[AFTER]->rows[rows[AFTER].rows[i]]->id) !=
		    0)
			return false;
	return true;
}

/* What is open before and after may be so by other rows, which then count it. */
static int compare_rows(struct stretch *stretch, enum diff_way way)
{
	struct diff_change rows[N_WHENS] = {{.way = way}, {.way = way}};
	size_t words = n_words(stretch);
	int rc = 0;

	for (size_t i = 0; i < words; i++)
		stretch->set[i] = stretch->in[BEFORE][i] & stretch->in[AFTER][i];
	if (!meet(stretch->set, stretch->set, words))
		return 0;
	for (int when = 0; when < N_WHENS && !rc; when++)
		rc = find_rows(stretch, (enum when)when, stretch->set, &rows[when]);
	if (!rc && !same_rows(stretch, rows))
		rc = report(stretch, DIFF_COUNTS, way, stretch->set);
	free(rows[BEFORE].rows);
	free(rows[AFTER].rows);
	return rc;
}

/* Guarded hosts that are let in before and after, but may start it at only one of these times. */
static int compare_starts(struct stretch *stretch)
{
	const __u64 *guarded = stretch->comparison->guarded;
	int rc = 0;

	for (int kind = DIFF_OPENS; kind <= DIFF_SHUTS && !rc; kind++) {
		int to = kind == DIFF_OPENS ? AFTER : BEFORE, from = 1 - to;
		__u64 any = 0;

		for (size_t i = 0; i < n_words(stretch); i++)
			any |= stretch->set[i] = guarded[i] & stretch->in[to][i] &
						 stretch->in[from][i] & stretch->start[to][i] &
						 ~stretch->start[from][i];
		rc = any ? report(stretch, (enum diff_kind)kind, WAY_START, stretch->set) : 0;
	}
	return rc;
}

static int compare_stretch(struct stretch *stretch)
{
	enum diff_way way = stretch->direction == DIRECTION_IN ? WAY_IN : WAY_OUT;
	size_t words = n_words(stretch);
	int rc = 0;

	for (int when = 0; when < N_WHENS; when++) {
		const struct opening *opening = stretch->at[when];

		memset(stretch->in[when], 0, words * sizeof(__u64));
		memset(stretch->start[when], 0, words * sizeof(__u64));
		for (size_t i = 0; opening && i < opening->n_grants; i++) {
			const struct grant *grant = opening->grants[i];

			unite(stretch->in[when], admitted(stretch, (enum when)when, grant->peers),
			      words);
			unite(stretch->start[when],
			      admitted(stretch, (enum when)when, grant->initiators), words);
		}
	}
	if (subtract(stretch->set, stretch->in[AFTER], stretch->in[BEFORE], words))
		rc = report(stretch, DIFF_OPENS, way, stretch->set);
	if (!rc && subtract(stretch->set, stretch->in[BEFORE], stretch->in[AFTER], words))
		rc = report(stretch, DIFF_SHUTS, way, stretch->set);
	if (!rc)
		rc = compare_rows(stretch, way);
	if (!rc && way == WAY_IN && stretch->comparison->guarded)
		rc = compare_starts(stretch);
	return rc;
}

/* --- the walk over all ports */

/* The opening that the track has at PORT, and in *last how far that answer holds. */
static const struct opening *track_at(struct track *track, enum direction direction,
				      enum transport transport, unsigned int port,
				      unsigned int *last)
{
	for (; track->next < track->count; track->next++) {
		const struct opening *opening = &track->openings[track->next];

		if (opening->direction != direction || opening->transport != transport ||
		    opening->ports.last < port)
			continue;
		if (opening->ports.first > port) {
			if (opening->ports.first - 1U < *last)
				*last = opening->ports.first - 1U;
			return NULL;
		}
		if (opening->ports.last < *last)
			*last = opening->ports.last;
		return opening;
	}
	return NULL;
}

static int compare_ports(struct stretch *stretch, struct track tracks[N_WHENS])
{
	int rc = 0;

	tracks[BEFORE].next = tracks[AFTER].next = 0;
	for (unsigned int port = 0, last; port <= UINT16_MAX && !rc; port = last + 1) {
		last = UINT16_MAX;
		for (int when = 0; when < N_WHENS; when++)
			stretch->at[when] = track_at(&tracks[when], stretch->direction,
						     stretch->transport, port, &last);
		stretch->ports = (struct port_range){(uint16_t)port, (uint16_t)last};
		if (stretch->at[BEFORE] || stretch->at[AFTER])
			rc = compare_stretch(stretch);
	}
	return rc;
}

/* With `outbound: open` servers start what they like: rows say nothing about it. */
static bool is_ruled(const struct comparison *comparison, enum direction direction)
{
	for (int when = 0; when < N_WHENS && direction == DIRECTION_OUT; when++)
		if (comparison->policies[when] &&
		    !comparison->policies[when]->site->outbound_matrix)
			return false;
	return true;
}

static int compare_tracks(struct stretch *stretch, struct track tracks[N_WHENS])
{
	static const enum direction directions[] = {DIRECTION_IN, DIRECTION_OUT};
	static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_UDP};
	int rc = 0;

	for (int way = 0; way < 2; way++) {
		if (!is_ruled(stretch->comparison, directions[way]))
			continue;
		for (int i = 0; i < 2 && !rc; i++) {
			stretch->direction = directions[way];
			stretch->transport = transports[i];
			rc = compare_ports(stretch, tracks);
		}
	}
	return rc;
}

int diff_changes(struct comparison *comparison, struct diff_area *area)
{
	size_t words = comparison->cells.n_words;
	_cleanup_free_ __u64 *room = calloc(5 * words, sizeof(*room));
	struct stretch stretch = {
		.comparison = comparison,
		.area = area,
		.in = {room, room + words},
		.start = {room + 2 * words, room + 3 * words},
		.set = room + 4 * words,
	};
	struct track tracks[N_WHENS] = {0};
	int rc = room ? 0 : -ENOMEM;

	for (int when = 0; when < N_WHENS && !rc; when++) {
		const struct policy *policy = comparison->policies[when];
		struct track *track = &tracks[when];

		if (area->pool[when] != NO_POOL && policy->pools[area->pool[when]].guarded)
			rc = policy_openings(&policy->pools[area->pool[when]], &track->openings,
					     &track->count);
	}
	rc = rc ? rc : compare_tracks(&stretch, tracks);
	openings_free(tracks[BEFORE].openings, tracks[BEFORE].count);
	openings_free(tracks[AFTER].openings, tracks[AFTER].count);
	return rc;
}
