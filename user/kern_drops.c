/* SPDX-License-Identifier: MIT */
/* The maps of bpf/drop_detail.h, read in batches and summed over the CPUs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "drop_detail.h"

#define BATCH 64U /* elements of one system call */

/* --- reading a per-CPU array */

/* What one CPU has under a key. */
typedef int visit_value(void *context, __u32 key, const void *value);

struct reader {
	int fd;
	size_t size; /* of a value, a multiple of 8 */
	visit_value *visit;
	void *context;
};

static int visit_batch(const struct reader *reader, const __u32 *keys, __u32 count,
		       const char *values)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	int err = 0;

	for (size_t i = 0; i < count * cpus && !err; i++)
		err = reader->visit(reader->context, keys[i / cpus], values + i * reader->size);
	return err;
}

static int read_values(const struct reader *reader)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ char *values = cpus > 0 ? calloc((size_t)cpus * BATCH, reader->size) : NULL;
	__u32 keys[BATCH], position = 0, next = 0, count;
	bool first = true, last = false;
	int err = 0;

	if (!values)
		return cpus > 0 ? -ENOMEM : cpus;
	while (!last && !err) {
		count = BATCH;
		if (bpf_map_lookup_batch(reader->fd, first ? NULL : &position, &next, keys, values,
					 &count, NULL)) {
			if (errno != ENOENT)
				return -errno;
			last = true;
		}
		err = visit_batch(reader, keys, count, values);
		position = next;
		first = false;
	}
	return err;
}

/* --- ports and role pairs */

static int add_ports(void *context, __u32 key, const void *value)
{
	const struct port_page *page = value;
	__u64 *packets = context;

	for (__u32 i = 0; i < PORT_PAGE && key * PORT_PAGE + i <= PORT_NONE; i++)
		packets[key * PORT_PAGE + i] += page->packets[i];
	return 0;
}

int drop_ports(const struct kernel *kernel, __u64 **packets)
{
	_cleanup_free_ __u64 *sums = calloc(PORT_NONE + 1, sizeof(*sums));
	const struct reader reader = {kernel->map[MAP_drop_ports], sizeof(struct port_page),
				      add_ports, sums};
	int err = sums ? read_values(&reader) : -ENOMEM;

	if (!err)
		*packets = TAKE_PTR(sums);
	return err;
}

static int add_pair(void *context, __u32 key, const void *value)
{
	const struct role_pair *pair = value;
	struct counter *sum = context;

	sum[key].packets += pair->packets;
	sum[key].bytes += pair->bytes;
	return 0;
}

int drop_role_pairs(const struct kernel *kernel, struct counter **pairs)
{
	_cleanup_free_ struct counter *sums = calloc(ROLE_PAIRS, sizeof(*sums));
	const struct reader reader = {kernel->map[MAP_role_pairs], sizeof(struct role_pair),
				      add_pair, sums};
	int err = sums ? read_values(&reader) : -ENOMEM;

	if (!err)
		*pairs = TAKE_PTR(sums);
	return err;
}

/* --- the bounded tables */

/* What all CPUs have, as it comes; later sorted by key, merged, and sorted by count. */
struct tally {
	union address key; /* a service's is in the first word */
	enum family family; /* of a source */
	struct bounded count;
};

struct tallies {
	struct tally *items;
	size_t count;
};

static int add_tally(struct tallies *tallies, const struct tally *tally)
{
	struct tally *items;

	if (!tally->count.packets)
		return 0;
	items = array_grow(tallies->items, tallies->count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	tallies->items = items;
	tallies->items[tallies->count++] = *tally;
	return 0;
}

static int add_source4(void *context, __u32 key, const void *value)
{
	const struct source4_set *set = value;
	int err = 0;

	(void)key;
	for (unsigned int i = 0; i < DETAIL_WAYS && !err; i++) {
		struct tally tally = {.family = FAMILY_IPV4,
				      .count = {set->packets[i], set->before[i]}};

		tally.key.word[0] = set->address[i];
		err = add_tally(context, &tally);
	}
	return err;
}

static int add_source6(void *context, __u32 key, const void *value)
{
	const struct source6_set *set = value;
	int err = 0;

	(void)key;
	for (unsigned int i = 0; i < DETAIL_WAYS && !err; i++)
		err = add_tally(context,
				&(struct tally){.key = set->address[i],
						.family = FAMILY_IPV6,
						.count = {set->packets[i], set->before[i]}});
	return err;
}

static int add_service(void *context, __u32 key, const void *value)
{
	const struct service_set *set = value;
	int err = 0;

	(void)key;
	for (unsigned int i = 0; i < DETAIL_WAYS && !err; i++) {
		struct tally tally = {.count = {set->packets[i], set->before[i]}};

		tally.key.word[0] = set->key[i];
		err = add_tally(context, &tally);
	}
	return err;
}

static int compare_keys(const void *a, const void *b)
{
	const struct tally *left = a, *right = b;
	int order = (int)left->family - (int)right->family;

	return order ? order : memcmp(&left->key, &right->key, sizeof(left->key));
}

/* By what was counted for sure, then by what may have been, then by key. */
static int compare_counts(const void *a, const void *b)
{
	const struct bounded *left = &((const struct tally *)a)->count;
	const struct bounded *right = &((const struct tally *)b)->count;
	__u64 sure_left = left->packets - left->before, sure_right = right->packets - right->before;

	if (sure_left != sure_right)
		return sure_left > sure_right ? -1 : 1;
	if (left->packets != right->packets)
		return left->packets > right->packets ? -1 : 1;
	return compare_keys(a, b);
}

/* One for each key: the CPUs' bounds add up. */
static void merge_tallies(struct tallies *tallies)
{
	size_t kept = 0;

	if (!tallies->count)
		return;
	qsort(tallies->items, tallies->count, sizeof(*tallies->items), compare_keys);
	for (size_t i = 1; i < tallies->count; i++) {
		struct tally *last = &tallies->items[kept], *tally = &tallies->items[i];

		if (compare_keys(last, tally) != 0) {
			tallies->items[++kept] = *tally;
			continue;
		}
		last->count.packets += tally->count.packets;
		last->count.before += tally->count.before;
	}
	tallies->count = kept + 1;
	qsort(tallies->items, tallies->count, sizeof(*tallies->items), compare_counts);
}

static void free_tallies(struct tallies *tallies)
{
	free(tallies->items);
}

int drop_sources(const struct kernel *kernel, struct drop_source **list, size_t *count)
{
	_cleanup_(free_tallies) struct tallies tallies = {0};
	const struct reader readers[] = {
		{kernel->map[MAP_drop_sources4], sizeof(struct source4_set), add_source4, &tallies},
		{kernel->map[MAP_drop_sources6], sizeof(struct source6_set), add_source6, &tallies},
	};
	struct drop_source *sources;
	int err = read_values(&readers[0]);

	if (!err)
		err = read_values(&readers[1]);
	if (err)
		return err;
	merge_tallies(&tallies);
	sources = calloc(tallies.count + 1, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	for (size_t i = 0; i < tallies.count; i++) {
		const struct tally *tally = &tallies.items[i];

		sources[i].address =
			(struct prefix){.family = (__u8)tally->family,
					.length = tally->family == FAMILY_IPV4 ? 32 : 128,
					.address = tally->key};
		sources[i].count = tally->count;
	}
	*list = sources;
	*count = tallies.count;
	return 0;
}

int drop_services(const struct kernel *kernel, struct drop_service **list, size_t *count)
{
	_cleanup_(free_tallies) struct tallies tallies = {0};
	const struct reader reader = {kernel->map[MAP_drop_services], sizeof(struct service_set),
				      add_service, &tallies};
	struct drop_service *services;
	int err = read_values(&reader);

	if (err)
		return err;
	merge_tallies(&tallies);
	services = calloc(tallies.count + 1, sizeof(*services));
	if (!services)
		return -ENOMEM;
	for (size_t i = 0; i < tallies.count; i++) {
		__u32 key = tallies.items[i].key.word[0];

		services[i] = (struct drop_service){
			.udp = SERVICE_PORT(key) & PORT_UDP,
			.port = (__u16)SERVICE_PORT(key),
			.source = SERVICE_SOURCE(key),
			.destination = SERVICE_DESTINATION(key),
			.count = tallies.items[i].count,
		};
	}
	*list = services;
	*count = tallies.count;
	return 0;
}

/* --- names of role sets */

int drop_role_sets(const struct kernel *kernel, struct role_set **sets)
{
	_cleanup_free_ struct role_set *all = calloc(ROLE_SETS_MAX, sizeof(*all));
	__u32 keys[ROLE_SETS_MAX], count = ROLE_SETS_MAX, next;

	if (!all)
		return -ENOMEM;
	if (bpf_map_lookup_batch(kernel->map[MAP_role_sets], NULL, &next, keys, all, &count,
				 NULL) &&
	    errno != ENOENT)
		return -errno;
	*sets = TAKE_PTR(all);
	return 0;
}

int drop_registry(const struct kernel *kernel, struct registry *registry)
{
	_cleanup_free_ struct role_set *sets = NULL;
	int err = drop_role_sets(kernel, &sets);

	for (__u32 id = ROLES_FIRST; id < ROLES_FURTHER && !err && sets[id].roles[0]; id++)
		err = registry_put(registry, id, sets[id].roles);
	return err;
}

/* The text of an id that has one by now. */
static const char *set_text(const struct registry *registry, __u32 id)
{
	if (id == ROLES_UNLISTED)
		return ROLES_UNLISTED_TEXT;
	return id == ROLES_FURTHER ? ROLES_FURTHER_TEXT : registry->names[id];
}

static int name_pair(int fd, const struct registry *registry, __u32 source, __u32 destination)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	_cleanup_free_ struct role_pair *values = calloc(cpus, sizeof(*values));
	__u32 key = source * ROLE_SETS_MAX + destination;
	struct role_pair pair = {0};

	if (!values)
		return -ENOMEM;
	role_pair_text(set_text(registry, source), source, pair.source);
	role_pair_text(set_text(registry, destination), destination, pair.destination);
	for (size_t cpu = 0; cpu < cpus; cpu++)
		values[cpu] = pair;
	return bpf_map_update_elem(fd, &key, values, BPF_ANY) ? -errno : 0;
}

/* Ids in use: those of the registry, and the two outside it. Unread ends pair with each other alone. */
static bool is_pair(const struct registry *registry, __u32 source, __u32 destination)
{
	if ((source == ROLES_UNREAD) != (destination == ROLES_UNREAD))
		return false;
	return (source < registry->count || source == ROLES_FURTHER) &&
	       (destination < registry->count || destination == ROLES_FURTHER);
}

/* The pairs of a new SET with every set, new or not. */
static int name_pairs(int fd, const struct registry *registry, __u32 set)
{
	int err = 0;

	for (__u32 other = 0; other < ROLE_SETS_MAX && !err; other++) {
		if (!is_pair(registry, set, other))
			continue;
		err = name_pair(fd, registry, set, other);
		if (!err && other != set)
			err = name_pair(fd, registry, other, set);
	}
	return err;
}

/* A set that has its name in `role_sets` has its pairs named, and they may be counting. */
int drop_name_sets(const struct kernel *kernel, const struct registry *registry)
{
	_cleanup_free_ struct role_set *sets = NULL;
	struct role_set set;
	int err = drop_role_sets(kernel, &sets);

	for (__u32 id = 0; id < ROLE_SETS_MAX && !err; id++) {
		if (sets[id].roles[0] || (id >= registry->count && id != ROLES_FURTHER))
			continue;
		err = name_pairs(kernel->map[MAP_role_pairs], registry, id);
		set = (struct role_set){0};
		snprintf(set.roles, sizeof(set.roles), "%s", set_text(registry, id));
		if (!err && bpf_map_update_elem(kernel->map[MAP_role_sets], &id, &set, BPF_ANY))
			err = -errno;
	}
	return err;
}
