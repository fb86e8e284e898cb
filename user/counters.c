/* SPDX-License-Identifier: MIT */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "cleanup.h"
#include "counters.h"
#include "drop_detail.h"
#include "flow.h"

/* Everything a per-CPU array counts is made of __u64, and so are times. */
static void add_words(void *sum, const void *value, size_t size)
{
	__u64 *to = sum;
	const __u64 *from = value;

	for (size_t i = 0; i < size / sizeof(*to); i++)
		to[i] += from[i];
}

static void latest_words(void *latest, const void *value, size_t size)
{
	__u64 *to = latest;
	const __u64 *from = value;

	for (size_t i = 0; i < size / sizeof(*to); i++)
		if (from[i] > to[i])
			to[i] = from[i];
}

/* The sum over the CPUs of element KEY, whose first NAME bytes are the same on each. */
static int read_element(int fd, __u32 key, void *sum, size_t size, size_t name)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ char *values = cpus > 0 ? calloc((size_t)cpus, size) : NULL;

	if (!values)
		return cpus > 0 ? -ENOMEM : cpus;
	if (bpf_map_lookup_elem(fd, &key, values))
		return -errno;
	memset(sum, 0, size);
	memcpy(sum, values, name);
	for (int cpu = 0; cpu < cpus; cpu++)
		add_words((char *)sum + name, values + (size_t)cpu * size + name, size - name);
	return 0;
}

/* The program counts a pass by a row under the row alone. */
static int sum_rows(const struct kernel *kernel, struct counter *sum)
{
	_cleanup_free_ struct row_counter *rows = NULL;
	size_t count;
	int err = counters_rows(kernel, &rows, &count);

	*sum = (struct counter){0};
	for (size_t i = 1; i < count && !err; i++) {
		sum->packets += rows[i].packets;
		sum->bytes += rows[i].bytes;
	}
	return err;
}

int counters_read(const struct kernel *kernel, struct counters *counters)
{
	struct drop_counters drops;
	int err = read_element(kernel->map[MAP_drops], 0, &drops, sizeof(drops), 0);

	memcpy(counters->drops, &drops, sizeof(counters->drops)); /* not the gate behind them */
	if (!err)
		err = read_element(kernel->map[MAP_passes], 0, counters->passes,
				   sizeof(counters->passes), 0);
	if (!err)
		err = read_element(kernel->map[MAP_tables], 0, &counters->tables,
				   sizeof(counters->tables), 0);
	if (!err)
		err = read_element(kernel->map[MAP_forwarding], 0, &counters->forwarding,
				   sizeof(counters->forwarding), 0);
	if (!err)
		err = sum_rows(kernel, &counters->passes[REASON_matrix - FIRST_PASS_REASON]);
	return err;
}

#define NAMED_CHUNK 256U /* elements of a named map that are read with one call */

/* An element of a named map: its name, what is summed over the CPUs, and words that are times. */
struct named {
	size_t size, name, times;
};

/* Adds up an element of a named map from what one call has read. False: it has no name. */
static bool sum_named(const char *values, struct named named, char *sum)
{
	size_t times = named.size - named.times;
	int cpus = libbpf_num_possible_cpus();

	if (!*values)
		return false;
	memcpy(sum, values, named.name);
	for (int cpu = 0; cpu < cpus; cpu++, values += named.size) {
		add_words(sum + named.name, values + named.name, times - named.name);
		latest_words(sum + times, values + times, named.times);
	}
	return true;
}

/*
 * A whole named map: ids from 1 up to the first without a name, which is where ids end. Element 0
 * is nobody's.
 */
static int read_named(int fd, size_t limit, struct named named, void **elements, size_t *count)
{
	int cpus = libbpf_num_possible_cpus();
	size_t each = cpus > 0 ? (size_t)cpus * named.size : 0, id = 0;
	_cleanup_free_ char *all = calloc(limit, named.size), *values = calloc(NAMED_CHUNK, each);
	__u32 keys[NAMED_CHUNK], place, got;
	bool more = true;

	if (!each || !all || !values)
		return cpus < 0 ? cpus : -ENOMEM;
	while (more && id < limit) {
		got = NAMED_CHUNK;
		if (bpf_map_lookup_batch(fd, id ? &place : NULL, &place, keys, values, &got,
					 NULL)) {
			if (errno != ENOENT)
				return -errno;
			more = false; /* these were the last */
		}
		for (__u32 i = 0; i < got && id < limit; i++, id++)
			if (!sum_named(values + i * each, named, all + id * named.size) && id) {
				more = false;
				break;
			}
	}
	*elements = TAKE_PTR(all);
	*count = id;
	return 0;
}

int counters_rows(const struct kernel *kernel, struct row_counter **rows, size_t *count)
{
	const struct named named = {sizeof(**rows), ROW_NAME, sizeof((*rows)->last)};

	return read_named(kernel->map[MAP_rows], ROW_IDS_MAX, named, (void **)rows, count);
}

int counters_pools(const struct kernel *kernel, struct pool_counter **pools, size_t *count)
{
	const struct named named = {sizeof(**pools), POOL_NAME, 0};

	return read_named(kernel->map[MAP_pools], POOL_IDS_MAX, named, (void **)pools, count);
}

int counters_registries(const struct kernel *kernel, struct registries *registries)
{
	_cleanup_free_ struct row_counter *rows = NULL;
	_cleanup_free_ struct pool_counter *pools = NULL;
	size_t n_rows = 0, n_pools = 0, i;
	int err = registries_init(registries);

	if (!err)
		err = counters_rows(kernel, &rows, &n_rows);
	if (!err)
		err = counters_pools(kernel, &pools, &n_pools);
	for (i = 1; i < n_rows && !err; i++)
		err = registry_put(&registries->rows, (uint32_t)i, rows[i].row);
	for (i = 1; i < n_pools && !err; i++)
		err = registry_put(&registries->pools, (uint32_t)i, pools[i].pool);
	registries->rows.named = registries->rows.count;
	registries->pools.named = registries->pools.count;
	return err ? err : drop_registry(kernel, &registries->role_sets);
}

/* Names ids that have none in the kernel; a named one is counting and is not touched. */
static int name_ids(int fd, const struct registry *registry, size_t size, size_t name)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ char *values = cpus > 0 ? calloc((size_t)cpus, size) : NULL;

	if (!values)
		return cpus > 0 ? -ENOMEM : cpus;
	for (__u32 id = registry->named ? (__u32)registry->named : 1; id < registry->count; id++) {
		if (bpf_map_lookup_elem(fd, &id, values))
			return -errno;
		if (values[0])
			continue;
		memset(values, 0, (size_t)cpus * size);
		for (int cpu = 0; cpu < cpus; cpu++)
			strncpy(values + (size_t)cpu * size, registry->names[id], name - 1);
		if (bpf_map_update_elem(fd, &id, values, BPF_ANY))
			return -errno;
	}
	return 0;
}

int counters_name(const struct kernel *kernel, const struct registries *registries)
{
	int err = name_ids(kernel->map[MAP_rows], &registries->rows, sizeof(struct row_counter),
			   ROW_NAME);

	if (!err)
		err = name_ids(kernel->map[MAP_pools], &registries->pools,
			       sizeof(struct pool_counter), POOL_NAME);
	return err ? err : drop_name_sets(kernel, &registries->role_sets);
}

/* Where a bucket of each table keeps its deadlines. */
struct table_shape {
	__u32 buckets;
	size_t size, deadline;
};

static struct table_shape shape_of(enum pinned_map map)
{
	switch (map) {
	case MAP_flows4:
		return (struct table_shape){FLOW_BUCKETS, sizeof(struct flow_bucket4),
					    offsetof(struct flow_bucket4, deadline)};
	case MAP_flows6:
		return (struct table_shape){FLOW_BUCKETS, sizeof(struct flow_bucket6),
					    offsetof(struct flow_bucket6, deadline)};
	default:
		return (struct table_shape){FRAGMENT_BUCKETS, sizeof(struct fragment_bucket),
					    offsetof(struct fragment_bucket, deadline)};
	}
}

int counters_fill(const struct kernel *kernel, enum pinned_map map, struct table_fill *fill)
{
	struct table_shape shape = shape_of(map);
	_cleanup_free_ char *buckets = calloc(shape.buckets, shape.size);
	_cleanup_free_ __u32 *keys = calloc(shape.buckets, sizeof(*keys));
	__u32 count = shape.buckets, next, epoch = kernel->control->epoch, deadlines[WAYS];

	*fill = (struct table_fill){.size = (size_t)shape.buckets * WAYS};
	if (!buckets || !keys)
		return -ENOMEM;
	if (bpf_map_lookup_batch(kernel->map[map], NULL, &next, keys, buckets, &count, NULL) &&
	    errno != ENOENT)
		return -errno;
	for (__u32 i = 0; i < count; i++) {
		memcpy(deadlines, buckets + i * shape.size + shape.deadline, sizeof(deadlines));
		for (unsigned int way = 0; way < WAYS; way++)
			fill->used += deadlines[way] > epoch;
	}
	return 0;
}
