/* SPDX-License-Identifier: MIT */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "cleanup.h"
#include "snapshot.h"

/* Element 0 of a per-CPU array of __u64, summed over the CPUs. */
static int sum_element(int fd, __u64 *sum, size_t size)
{
	int cpus = libbpf_num_possible_cpus();
	size_t n = size / sizeof(*sum);
	_cleanup_free_ __u64 *values = cpus > 0 ? calloc((size_t)cpus, size) : NULL;
	__u32 key = 0;

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &key, values))
		return -errno;
	memcpy(sum, values, size);
	for (size_t i = n; i < n * (size_t)cpus; i++)
		sum[i % n] += values[i];
	return 0;
}

/* Adds all rows to SUM: a packet that a row lets in counts there alone. */
static int add_rows(int fd, size_t n_rows, struct counter *sum)
{
	int cpus = libbpf_num_possible_cpus();
	size_t n = cpus > 0 ? n_rows * (size_t)cpus : 0;
	_cleanup_free_ struct row_counter *rows = n ? calloc(n, sizeof(*rows)) : NULL;
	_cleanup_free_ __u32 *keys = n ? calloc(n_rows, sizeof(*keys)) : NULL;
	__u32 count = (__u32)n_rows, next;

	if (!n)
		return 0;
	if (!rows || !keys)
		return -ENOMEM;
	if (bpf_map_lookup_batch(fd, NULL, &next, keys, rows, &count, NULL) && errno != ENOENT)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		sum->packets += rows[i].packets;
		sum->bytes += rows[i].bytes;
	}
	return 0;
}

int snapshot_read(const struct kernel *kernel, size_t n_rows, struct counters *counters)
{
	struct counter *matrix = &counters->passes[REASON_matrix - FIRST_PASS_REASON];
	struct drop_counters drops;
	int err = sum_element(kernel->map[MAP_drops], (__u64 *)&drops, sizeof(drops));

	memcpy(counters->drops, &drops, sizeof(counters->drops));
	if (!err)
		err = sum_element(kernel->map[MAP_passes], (__u64 *)counters->passes,
				  sizeof(counters->passes));
	if (!err)
		err = sum_element(kernel->map[MAP_tables], (__u64 *)&counters->tables,
				  sizeof(counters->tables));
	*matrix = (struct counter){0};
	return err ? err : add_rows(kernel->map[MAP_rows], n_rows, matrix);
}
