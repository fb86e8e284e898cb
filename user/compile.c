/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "cleanup.h"
#include "compile.h"
#include "description.h"
#include "port_tables.h"
#include "records.h"
#include "role_sets.h"
#include "sources.h"
#include "string_list.h"
#include "tries.h"

int registries_init(struct registries *registries)
{
	int err;

	memset(registries, 0, sizeof(*registries));
	err = registry_init(&registries->rows, ROW_IDS_MAX);
	if (!err)
		err = registry_init(&registries->pools, POOL_IDS_MAX);
	return err ? err : role_sets_init(&registries->role_sets);
}

void registries_free(struct registries *registries)
{
	registry_free(&registries->rows);
	registry_free(&registries->pools);
	registry_free(&registries->role_sets);
}

static int number_rows(const struct policy *policy, struct registries *registries, __u32 *ids,
		       struct diagnostics *diags)
{
	for (size_t i = 0; i < policy->n_rows; i++) {
		const struct row *row = policy->rows[i];

		if (!row->opens)
			continue;
		ids[i] = registry_id(&registries->rows, row->id);
		if (!ids[i]) {
			diag_error(
				diags, row->place,
				"row %s: no counter id left; an instance counts at most %u rows over its life",
				row->id, ROW_IDS_MAX - 1);
			return -EINVAL;
		}
	}
	return 0;
}

/*
 * Records alike in all that decides tell the same: their tables are made for the first of them and
 * copied for the others. A registry of descriptions numbers what is alike.
 */
struct alikes {
	struct registry names;
	size_t *first; /* id of the first record, by number */
	bool *matters; /* for each of policy.peers: it says something of the record's own end */
	char *name; /* room for a description */
};

static int alikes_init(const struct policy *policy, size_t n_records, struct alikes *alikes)
{
	alikes->first = calloc(n_records + 2, sizeof(*alikes->first));
	alikes->matters = calloc(policy->n_peers + 1, sizeof(*alikes->matters));
	alikes->name = malloc(policy->n_peers + 32);
	if (!alikes->first || !alikes->matters || !alikes->name)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_ipsec; i++)
		for (size_t end = 0; end < 2; end++)
			alikes->matters[policy->ipsec[i].peers[end]] = true;
	for (size_t i = 0; i < policy->n_pools && policy->site->outbound_matrix; i++)
		for (size_t j = 0; j < policy->pools[i].n_grants; j++)
			alikes->matters[policy->pools[i].grants[j].initiators] = true;
	return registry_init(&alikes->names, n_records + 2);
}

static void alikes_free(struct alikes *alikes)
{
	registry_free(&alikes->names);
	free(alikes->first);
	free(alikes->matters);
	free(alikes->name);
}

/* The id of the first record that is like record ID in all that decides, maybe its own. */
static int find_alike(const struct port_sources *sources, struct alikes *alikes, size_t id,
		      size_t *first)
{
	const struct policy_pool *pool = guarded_pool(sources, id);
	char *end = stpcpy(alikes->name, "unguarded");
	__u32 number;

	if (pool) {
		end = alikes->name +
		      sprintf(alikes->name, "%zu ",
			      sources->kinds->of_pool[pool - sources->policy->pools]);
		for (size_t i = 1; i < sources->policy->n_peers; i++)
			if (alikes->matters[i])
				*end++ = records_admit(sources->records, i, id) ? '1' : '0';
	}
	*end = '\0';
	number = registry_id(&alikes->names, alikes->name);
	if (!number)
		return -ENOMEM;
	if (number == alikes->names.count - 1 && !alikes->first[number])
		alikes->first[number] = id + 1;
	*first = alikes->first[number] - 1;
	return 0;
}

static void copy_tables(struct pages *pages, __u32 from, __u32 to)
{
	static const enum image_record cells[] = {RECORD_OUT_TCP, RECORD_OUT_UDP, RECORD_IPSEC_IN,
						  RECORD_IPSEC_OUT};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		*pages_cell(pages, to + cells[i]) = *pages_cell(pages, from + cells[i]);
	for (__u32 table = RECORD_TCP; table <= RECORD_UDP; table += PAGE_CELLS)
		pages->page[(to + table) >> PAGE_SHIFT] = pages->page[(from + table) >> PAGE_SHIFT];
}

static int write_tables(const struct port_sources *sources, struct alikes *alikes, size_t id)
{
	size_t first;
	int err = find_alike(sources, alikes, id, &first);

	if (err)
		return err;
	if (first != id) {
		copy_tables(sources->tables->pages, record_address(first), record_address(id));
		return 0;
	}
	err = inbound_write(sources, id);
	return err ? err : outbound_write(sources, id);
}

/* Between two hosts that nobody guards, ports matter only where failsafe is the one that opens. */
static bool is_judged(const struct port_sources *sources, size_t id)
{
	const struct policy *policy = sources->policy;

	return guarded_pool(sources, id) || (policy->failsafe && policy->site->unlisted_drop);
}

static int write_record(const struct port_sources *sources, struct registries *registries,
			struct alikes *alikes, size_t id)
{
	size_t pool = sources->records->items[id].pool;
	const struct policy_pool *held;
	__u32 cell = 0, pool_id;

	if (pool != NO_POOL) {
		held = &sources->policy->pools[pool];
		pool_id = registry_id(&registries->pools, held->name);
		if (!pool_id)
			return -EDQUOT;
		cell = POOL_CELL(pool_id, role_set_id(&registries->role_sets, &held->roles));
	}
	*pages_cell(sources->tables->pages, record_address(id) + RECORD_POOL) = cell;
	return is_judged(sources, id) ? write_tables(sources, alikes, id) : 0;
}

static int write_records(const struct port_sources *sources, struct registries *registries)
{
	_cleanup_(alikes_free) struct alikes alikes = {0};
	int err = alikes_init(sources->policy, sources->records->count, &alikes);

	for (size_t id = 0; id < sources->records->count && !err; id++)
		err = write_record(sources, registries, &alikes, id);
	return err;
}

static __u32 site_options(const struct site *site)
{
	return (site->mode == MODE_AUDIT ? (__u32)OPTION_AUDIT : 0) |
	       (site->unlisted_drop ? (__u32)OPTION_UNLISTED_DROP : 0) |
	       (site->echo_allow ? (__u32)OPTION_ECHO_ALLOW : 0) |
	       (site->asymmetric ? (__u32)OPTION_ASYMMETRIC : 0) |
	       (site->outbound_matrix ? (__u32)OPTION_OUTBOUND_MATRIX : 0) |
	       (site->forward_xdp ? (__u32)OPTION_FORWARD : 0);
}

static void write_header(const struct policy *policy, const struct records *records,
			 const __u32 header[HEADER_CELLS], struct pages *pages)
{
	__u32 *cells = pages->page[0].cell;

	memcpy(cells, header, HEADER_CELLS * sizeof(*cells));
	cells[HEADER_UNREAD] = POOL_CELL(0, ROLES_UNREAD);
	cells[HEADER_MAGIC] = IMAGE_MAGIC;
	cells[HEADER_LAYOUT] = IMAGE_LAYOUT;
	cells[HEADER_PAGES] = (__u32)pages->count;
	cells[HEADER_OPTIONS] = site_options(policy->site);
	cells[HEADER_N_RECORDS] = (__u32)records->count;
	for (int i = 0; i < N_TIMEOUTS; i++)
		cells[timeout_kinds[i].cell] = policy->site->timeouts.seconds[i];
}

static int write_description(const struct port_sources *sources, struct pages *pages,
			     __u32 header[HEADER_CELLS])
{
	_cleanup_free_ void *bytes = NULL;
	size_t size;
	int err;

	err = description_pack(sources->policy, sources->records, sources->kinds, &bytes, &size);
	if (err)
		return err;
	header[HEADER_DESCRIPTION] = pages_add(
		pages, (size + sizeof(struct image_page) - 1) / sizeof(struct image_page), &err);
	if (err)
		return err;
	header[HEADER_DESCRIPTION_BYTES] = (__u32)size;
	memcpy(&pages->page[header[HEADER_DESCRIPTION] >> PAGE_SHIFT], bytes, size);
	return 0;
}

static int write_image(const struct policy *policy, const struct records *records,
		       struct registries *registries, const __u32 *row_ids, struct pages *pages)
{
	_cleanup_(by_record_free) struct by_record tables = {0};
	_cleanup_(pool_kinds_free) struct pool_kinds kinds = {0};
	const struct port_sources sources = {policy, records, &kinds, row_ids, &tables};
	__u32 header[HEADER_CELLS] = {0};
	int err = pool_kinds_make(policy, &kinds);

	if (!err)
		err = by_record_init(&tables, pages, records->count);
	if (err)
		return err;
	/* What has a fixed place: header, IPv4 root, records. */
	pages_add(pages, (IMAGE_RECORDS + records->count * RECORD_CELLS) / PAGE_CELLS, &err);
	if (!err)
		err = trie4_write(records, pages);
	if (!err)
		err = trie6_write(records, pages, &header[HEADER_ROOT6]);
	if (!err)
		err = write_records(&sources, registries);
	if (!err)
		err = write_description(&sources, pages, header);
	if (!err)
		err = sources_write(policy, pages, header);
	if (err)
		return err;
	write_header(policy, records, header, pages);
	image_seal(pages, 0);
	return 0;
}

/* The pool with the most of what COUNTS has by pool. */
static const struct site_pool *largest_pool(const struct policy *policy, const size_t *counts,
					    size_t *count)
{
	size_t largest = 0;

	for (size_t i = 1; i < policy->n_pools; i++)
		if (counts[i] > counts[largest])
			largest = i;
	*count = counts[largest];
	return &policy->site->pools[largest];
}

static int refuse_records(const struct policy *policy, const struct records *records,
			  struct diagnostics *diags)
{
	_cleanup_free_ size_t *counts = calloc(policy->n_pools + 1, sizeof(*counts));
	const struct site_pool *pool;
	size_t count;

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < records->count; i++)
		if (records->items[i].pool != NO_POOL)
			counts[records->items[i].pool]++;
	pool = largest_pool(policy, counts, &count);
	diag_error(
		diags, pool->place,
		"%zu combinations of pool and `from:` prefix, most of them (%zu) in pool \"%s\"; at "
		"most %u are accepted",
		records->count - 1, count, pool->name, RECORDS_MAX - 1);
	return -EINVAL;
}

static int refuse_pages(const struct policy *policy, struct diagnostics *diags)
{
	_cleanup_free_ size_t *counts = calloc(policy->n_pools + 1, sizeof(*counts));
	const struct site_pool *pool;
	size_t count;

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_prefixes; i++)
		counts[policy->prefixes[i].pool]++;
	pool = largest_pool(policy, counts, &count);
	diag_error(
		diags, pool->place,
		"the image of %zu prefixes, most of them (%zu) in pool \"%s\", is larger than %u "
		"pages of 1 KiB; use fewer or shorter prefixes",
		policy->n_prefixes, count, pool->name, IMAGE_PAGES_MAX);
	return -EINVAL;
}

/* Names the first pool for which no id is left. */
static int refuse_pool_ids(const struct policy *policy, struct registries *registries,
			   struct diagnostics *diags)
{
	size_t i = 0;

	while (i + 1 < policy->n_pools && registry_id(&registries->pools, policy->pools[i].name))
		i++;
	diag_error(diags, policy->site->pools[i].place,
		   "pool \"%s\": no counter id left; an instance counts at most %u pool names over "
		   "its life",
		   policy->pools[i].name, POOL_IDS_MAX - 1);
	return -EINVAL;
}

int policy_compile(const struct policy *policy, struct registries *registries, struct pages *image,
		   struct diagnostics *diags)
{
	_cleanup_free_ __u32 *row_ids = calloc(policy->n_rows + 1, sizeof(*row_ids));
	_cleanup_(pages_free) struct pages pages = {0};
	_cleanup_(records_free) struct records records = {0};
	int err;

	if (!row_ids)
		return -ENOMEM;
	err = number_rows(policy, registries, row_ids, diags);
	if (err)
		return err;
	err = records_make(policy, &records);
	if (err)
		return err == -E2BIG ? refuse_records(policy, &records, diags) : err;
	err = write_image(policy, &records, registries, row_ids, &pages);
	if (err == -ENOSPC)
		return refuse_pages(policy, diags);
	if (err == -EDQUOT)
		return refuse_pool_ids(policy, registries, diags);
	if (err)
		return err;
	*image = pages;
	pages = (struct pages){0};
	return 0;
}

__u32 image_checksum(const struct image_page *page, size_t count)
{
	struct image_page first = page[0];
	uLong crc = crc32(0, NULL, 0);

	first.cell[HEADER_GENERATION] = 0;
	first.cell[HEADER_CHECKSUM] = 0;
	first.cell[HEADER_TIME] = first.cell[HEADER_TIME_HIGH] = 0;
	first.cell[HEADER_SLOT] = 0;
	crc = crc32_z(crc, (const Bytef *)&first, sizeof(first));
	return (__u32)crc32_z(crc, (const Bytef *)(page + 1), (count - 1) * sizeof(*page));
}

void image_number(struct pages *image, __u32 generation)
{
	__u64 now = generation ? (__u64)time(NULL) : 0;
	__u32 *header = image->page[0].cell;

	header[HEADER_GENERATION] = generation;
	header[HEADER_TIME] = (__u32)now;
	header[HEADER_TIME_HIGH] = (__u32)(now >> 32);
}

void image_seal(struct pages *image, __u32 generation)
{
	image_number(image, generation);
	image->page[0].cell[HEADER_CHECKSUM] = image_checksum(image->page, image->count);
}
