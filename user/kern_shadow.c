/* SPDX-License-Identifier: MIT */
/* The shadow in the kernel: its entries put under the links and taken out again, and its counters. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "kern_internal.h"
#include "kern_shadow.h"

#define PARTS_CLOSED                                                                               \
	{                                                                                          \
		.map = {[0 ... N_SHADOW_MAPS - 1] = -1}, .program = {                              \
			[0 ... N_SHADOW_PROGRAMS - 1] = -1                                         \
		}                                                                                  \
	}

static void parts_close(struct shadow_parts *parts)
{
	for (int i = 0; i < N_SHADOW_MAPS; i++)
		close_fd(&parts->map[i]);
	for (int i = 0; i < N_SHADOW_PROGRAMS; i++)
		close_fd(&parts->program[i]);
}

/* --- pins */

static int open_shadow_pin(const struct kernel *kernel, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PIN_SHADOW "/%s", name);
	return open_pin(kernel, path);
}

void kernel_open_shadow(struct kernel *kernel)
{
	kernel->shadow_xdp =
		open_shadow_pin(kernel, shadow_program_names[PROGRAM_rolewall_xdp_shadow]);
	kernel->shadow_tc =
		open_shadow_pin(kernel, shadow_program_names[PROGRAM_rolewall_tc_shadow]);
}

static int pin_one(const struct kernel *kernel, int fd, const char *name)
{
	char path[PATH_MAX], pin[PATH_MAX];
	int err;

	snprintf(pin, sizeof(pin), PIN_SHADOW "/%s", name);
	err = pin_path(kernel, pin, path);
	return err ? err : bpf_obj_pin(fd, path) ? -errno : 0;
}

static int pin_shadow(const struct kernel *kernel, const struct shadow_parts *parts)
{
	char path[PATH_MAX];
	int err = pin_path(kernel, PIN_SHADOW, path);

	unpin_shadow(kernel);
	if (!err && mkdir(path, 0700))
		err = -errno;
	for (int i = 0; i < N_SHADOW_MAPS && !err; i++)
		err = pin_one(kernel, parts->map[i], shadow_map_names[i]);
	for (int i = 0; i <= PROGRAM_rolewall_tc_shadow && !err; i++)
		err = pin_one(kernel, parts->program[i], shadow_program_names[i]);
	return err;
}

void unpin_shadow(const struct kernel *kernel)
{
	char dir[PATH_MAX], path[PATH_MAX], pin[PATH_MAX];
	const char *name;

	if (pin_path(kernel, PIN_SHADOW, dir) || !rmdir(dir) || errno == ENOENT)
		return;
	for (int i = 0; i < N_SHADOW_MAPS + N_SHADOW_PROGRAMS; i++) {
		name = i < N_SHADOW_MAPS ? shadow_map_names[i]
					 : shadow_program_names[i - N_SHADOW_MAPS];
		snprintf(pin, sizeof(pin), PIN_SHADOW "/%s", name);
		if (!pin_path(kernel, pin, path))
			unlink(path);
	}
	rmdir(dir);
}

/* --- start and end */

static const struct {
	enum pinned_map map;
	__u32 key; /* enum more */
	enum shadow_program program;
} behind_entries[] = {
	{MAP_more_xdp, MORE_SHADOW, PROGRAM_rolewall_xdp_shadow_candidate},
	{MAP_more_xdp, MORE_SHADOW_ACTIVE, PROGRAM_rolewall_xdp_shadow_active},
	{MAP_more_tc, MORE_SHADOW, PROGRAM_rolewall_tc_shadow_candidate},
	{MAP_more_tc, MORE_SHADOW_ACTIVE, PROGRAM_rolewall_tc_shadow_active},
};

#define N_BEHIND (sizeof(behind_entries) / sizeof(behind_entries[0]))

static int fill_behind(const struct kernel *kernel, const struct shadow_parts *parts)
{
	for (size_t i = 0; i < N_BEHIND; i++)
		if (bpf_map_update_elem(kernel->map[behind_entries[i].map], &behind_entries[i].key,
					&parts->program[behind_entries[i].program], BPF_ANY))
			return -errno;
	return 0;
}

/* What is being put together when the shadow starts has had its first fragment. */
static int copy_fragments(const struct kernel *kernel, const struct shadow_parts *parts)
{
	struct fragment_bucket bucket;

	for (__u32 i = 0; i < FRAGMENT_BUCKETS; i++)
		if (bpf_map_lookup_elem(kernel->map[MAP_fragments], &i, &bucket) ||
		    bpf_map_update_elem(parts->map[SHADOW_MAP_shadow_frags], &i, &bucket, BPF_ANY))
			return -errno;
	return 0;
}

bool kernel_has_shadow(const struct kernel *kernel)
{
	return kernel->control->shadow < IMAGE_SLOTS;
}

int kernel_end_shadow(struct kernel *kernel)
{
	int err;

	__atomic_store_n(&kernel->control->shadow, NO_SLOT, __ATOMIC_SEQ_CST);
	if (kernel->shadow_xdp < 0 && kernel->shadow_tc < 0) {
		unpin_shadow(kernel); /* of one whose start or end was killed */
		return 0;
	}
	close_fd(&kernel->shadow_xdp);
	close_fd(&kernel->shadow_tc);
	kernel->shadow_xdp = kernel->shadow_tc = -1;
	err = update_links(kernel);
	/* A packet may be between two programs; without the next one it would be lost. */
	if (!err)
		err = kernel_wait(kernel);
	for (size_t i = 0; i < N_BEHIND && !err; i++)
		bpf_map_delete_elem(kernel->map[behind_entries[i].map], &behind_entries[i].key);
	if (err)
		fprintf(stderr, "rolewall: cannot take the shadow off: %s\n", strerror(-err));
	else
		unpin_shadow(kernel);
	return err;
}

static int start(struct kernel *kernel, __u32 slot, struct shadow_parts *parts)
{
	int err = fill_behind(kernel, parts);

	if (!err)
		err = copy_fragments(kernel, parts);
	if (!err)
		err = pin_shadow(kernel, parts);
	if (err)
		return err;
	kernel->shadow_xdp = TAKE_FD(parts->program[PROGRAM_rolewall_xdp_shadow]);
	kernel->shadow_tc = TAKE_FD(parts->program[PROGRAM_rolewall_tc_shadow]);
	err = update_links(kernel);
	if (err)
		return err;
	kernel->control->shadow_since = kernel->control->epoch;
	/* Every interface starts with the next packet. */
	__atomic_store_n(&kernel->control->shadow, slot, __ATOMIC_SEQ_CST);
	return 0;
}

int kernel_start_shadow(struct kernel *kernel, __u32 slot)
{
	_cleanup_(parts_close) struct shadow_parts parts = PARTS_CLOSED;
	int err = load_shadow(kernel, &parts);

	if (!err)
		err = kernel_end_shadow(kernel);
	if (!err)
		err = start(kernel, slot, &parts);
	if (err) {
		fprintf(stderr, "rolewall: cannot start the shadow: %s\n", strerror(-err));
		kernel_end_shadow(kernel);
	}
	return err;
}

/* --- what it counted */

static int open_shadow_map(const struct kernel *kernel, enum shadow_map map)
{
	return open_shadow_pin(kernel, shadow_map_names[map]);
}

static void add_difference(struct shadow_difference *sum, const struct shadow_difference *one)
{
	if (one->packets && one->sample.epoch >= sum->sample.epoch)
		sum->sample = one->sample;
	sum->packets += one->packets;
	sum->bytes += one->bytes;
}

static int read_one(int map, const struct shadow_key *key, struct shadow_finding *finding)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct shadow_difference *values =
		cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;

	if (!values)
		return -ENOMEM;
	*finding = (struct shadow_finding){.key = *key};
	if (bpf_map_lookup_elem(map, key, values))
		return -errno;
	for (int i = 0; i < cpus; i++)
		add_difference(&finding->difference, &values[i]);
	return 0;
}

int kernel_shadow_findings(const struct kernel *kernel, struct shadow_finding **findings,
			   size_t *count)
{
	_cleanup_free_ struct shadow_finding *list = NULL;
	_cleanup_close_ int map = open_shadow_map(kernel, SHADOW_MAP_differences);
	struct shadow_key key, next;
	void *before = NULL;
	size_t n = 0;
	int err = map < 0 ? map : 0;

	while (!err && !bpf_map_get_next_key(map, before, &next)) {
		struct shadow_finding *more = array_grow(list, n, sizeof(*list));

		if (!more)
			return -ENOMEM;
		list = more;
		key = next;
		before = &key;
		err = read_one(map, &key, &list[n]);
		n += !err;
	}
	if (err)
		return err;
	*findings = TAKE_PTR(list);
	*count = n;
	return 0;
}

int kernel_shadow_counters(const struct kernel *kernel, struct shadow_counters *counters)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct shadow_counters *values =
		cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;
	_cleanup_close_ int map = open_shadow_map(kernel, SHADOW_MAP_compared);
	__u32 key = 0;

	*counters = (struct shadow_counters){0};
	if (!values)
		return -ENOMEM;
	if (map < 0)
		return map;
	if (bpf_map_lookup_elem(map, &key, values))
		return -errno;
	for (int i = 0; i < cpus; i++) {
		counters->packets += values[i].packets;
		counters->bytes += values[i].bytes;
		counters->further_packets += values[i].further_packets;
		counters->further_bytes += values[i].further_bytes;
		counters->flows += values[i].flows;
	}
	return 0;
}
