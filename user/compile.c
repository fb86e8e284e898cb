/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cleanup.h"
#include "compile.h"
#include "description.h"
#include "port_tables.h"
#include "records.h"
#include "string_list.h"
#include "tries.h"

int registries_init(struct registries *registries)
{
	int err;

	memset(registries, 0, sizeof(*registries));
	err = registry_init(&registries->rows, ROW_IDS_MAX);
	return err ? err : registry_init(&registries->pools, POOL_IDS_MAX);
}

void registries_free(struct registries *registries)
{
	registry_free(&registries->rows);
	registry_free(&registries->pools);
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
 * Pools with the same roles open the same ports: the tables are made for the first of a kind and
 * copied for the others. A registry of role lists numbers the kinds.
 */
struct kinds {
	struct registry names;
	__u32 *record; /* address of the first record, by kind; 0 = none yet */
};

static int kinds_init(struct kinds *kinds, size_t n_pools)
{
	kinds->record = calloc(n_pools + 2, sizeof(*kinds->record));
	return kinds->record ? registry_init(&kinds->names, n_pools + 2) : -ENOMEM;
}

static void kinds_free(struct kinds *kinds)
{
	registry_free(&kinds->names);
	free(kinds->record);
}

static void copy_tables(struct pages *pages, __u32 from, __u32 to)
{
	for (__u32 table = RECORD_TCP; table <= RECORD_UDP; table += PAGE_CELLS)
		pages->page[(to + table) >> PAGE_SHIFT] = pages->page[(from + table) >> PAGE_SHIFT];
}

static int write_tables(const struct port_sources *sources, const struct policy_pool *pool,
			struct kinds *kinds, __u32 record, struct pages *pages)
{
	_cleanup_free_ char *roles = strings_join(&pool->roles, " ");
	__u32 kind = roles ? registry_id(&kinds->names, roles) : 0;

	if (!kind)
		return -ENOMEM;
	if (kinds->record[kind]) {
		copy_tables(pages, kinds->record[kind], record);
		return 0;
	}
	kinds->record[kind] = record;
	return port_tables_write(sources, pool, record, pages);
}

static int write_record(const struct port_sources *sources, struct registries *registries,
			struct kinds *kinds, size_t id, struct pages *pages)
{
	const struct record *record = &sources->records->items[id];
	__u32 address = IMAGE_RECORDS + (__u32)id * RECORD_CELLS, pool_id;
	const struct policy_pool *pool;

	if (record->pool == NO_POOL)
		return 0;
	pool = &sources->policy->pools[record->pool];
	pool_id = registry_id(&registries->pools, pool->name);
	if (!pool_id)
		return -EDQUOT;
	*pages_cell(pages, address + RECORD_POOL) = pool_id;
	return write_tables(sources, pool, kinds, address, pages);
}

static int write_records(const struct port_sources *sources, struct registries *registries,
			 struct pages *pages)
{
	_cleanup_(kinds_free) struct kinds kinds = {0};
	int err = kinds_init(&kinds, sources->policy->n_pools);

	for (size_t id = 1; id < sources->records->count && !err; id++)
		err = write_record(sources, registries, &kinds, id, pages);
	return err;
}

static __u32 site_options(const struct site *site)
{
	return (site->mode == MODE_AUDIT ? (__u32)OPTION_AUDIT : 0) |
	       (site->unlisted_drop ? (__u32)OPTION_UNLISTED_DROP : 0) |
	       (site->echo_allow ? (__u32)OPTION_ECHO_ALLOW : 0) |
	       (site->asymmetric ? (__u32)OPTION_ASYMMETRIC : 0);
}

static void write_header(const struct policy *policy, const struct records *records,
			 const __u32 header[HEADER_CELLS], struct pages *pages)
{
	__u32 *cells = pages->page[0].cell;

	memcpy(cells, header, HEADER_CELLS * sizeof(*cells));
	cells[HEADER_MAGIC] = IMAGE_MAGIC;
	cells[HEADER_LAYOUT] = IMAGE_LAYOUT;
	cells[HEADER_PAGES] = (__u32)pages->count;
	cells[HEADER_OPTIONS] = site_options(policy->site);
	cells[HEADER_N_RECORDS] = (__u32)records->count;
	for (int i = 0; i < N_TIMEOUTS; i++)
		cells[timeout_kinds[i].cell] = policy->site->timeouts.seconds[i];
}

static int write_description(const struct policy *policy, const struct records *records,
			     struct pages *pages, __u32 header[HEADER_CELLS])
{
	_cleanup_free_ void *bytes = NULL;
	size_t size;
	int err;

	err = description_pack(policy, records, &bytes, &size);
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
	const struct port_sources sources = {policy, records, row_ids};
	__u32 header[HEADER_CELLS] = {0};
	int err;

	/* What has a fixed place: header, IPv4 root, records. */
	pages_add(pages, (IMAGE_RECORDS + records->count * RECORD_CELLS) / PAGE_CELLS, &err);
	if (!err)
		err = trie4_write(records, pages);
	if (!err)
		err = trie6_write(records, pages, &header[HEADER_ROOT6]);
	if (!err)
		err = write_records(&sources, registries, pages);
	if (!err)
		err = write_description(policy, records, pages, header);
	if (err)
		return err;
	write_header(policy, records, header, pages);
	image_seal(pages, 0);
	return 0;
}

/* Says which limit a -errno of the writers stands for. */
static int explain_limit(const struct policy *policy, int err, struct diagnostics *diags)
{
	struct place place = {.file = policy->site->path};

	switch (err) {
	case -E2BIG:
		diag_error(
			diags, place,
			"too many kinds of addresses; at most %u combinations of pool and `from:` prefix",
			RECORDS_MAX - 1);
		return -EINVAL;
	case -ENOSPC:
		diag_error(
			diags, place,
			"the image is larger than %u pages of 1 KiB; use fewer or shorter prefixes",
			IMAGE_PAGES_MAX);
		return -EINVAL;
	case -EDQUOT:
		diag_error(
			diags, place,
			"no counter id left; an instance counts at most %u pool names over its life",
			POOL_IDS_MAX - 1);
		return -EINVAL;
	default:
		return err;
	}
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
	if (!err)
		err = write_image(policy, &records, registries, row_ids, &pages);
	if (err)
		return explain_limit(policy, err, diags);
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
	crc = crc32_z(crc, (const Bytef *)&first, sizeof(first));
	return (__u32)crc32_z(crc, (const Bytef *)(page + 1), (count - 1) * sizeof(*page));
}

void image_seal(struct pages *image, __u32 generation)
{
	__u32 *header = image->page[0].cell;

	header[HEADER_GENERATION] = generation;
	header[HEADER_CHECKSUM] = image_checksum(image->page, image->count);
}
