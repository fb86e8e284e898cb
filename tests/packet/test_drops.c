/* SPDX-License-Identifier: MIT */
/*
 * What is counted of a drop beside its reason: port, roles, source and service, through both
 * programs, enforced and audited; the sampling of a flood; and the events that a watcher gets.
 */
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "drop_detail.h"
#include "event.h"

#define ACK 0x10
#define FLOOD 20000 /* more than a CPU looks at one by one */
#define MORE 100 /* drops that are surely looked at: a CPU's first of a second */

/* One drop and what must have been counted for it. */
struct drop_case {
	const char *name;
	struct recipe recipe;
	__u32 port; /* of the recipe, as detail.h has it */
	const char *source, *destination; /* role sets */
	enum reason reason;
	bool service; /* a refused service */
};

static const struct drop_case cases[] = {
	{"a shut TCP port",
	 {.destination_port = PORT_SHUT},
	 PORT_SHUT,
	 "(unlisted)",
	 NULL,
	 REASON_port_not_in_matrix,
	 true},
	{"the same without SYN",
	 {.destination_port = PORT_SHUT, .flags = ACK},
	 PORT_SHUT,
	 "(unlisted)",
	 NULL,
	 REASON_port_not_in_matrix,
	 false},
	{"a shut UDP port",
	 {.destination_port = PORT_SHUT, .protocol = IPPROTO_UDP},
	 PORT_UDP | PORT_SHUT,
	 "(unlisted)",
	 NULL,
	 REASON_port_not_in_matrix,
	 true},
	{"the highest port",
	 {.destination_port = 65535, .destination = &WEB_APPS},
	 65535,
	 "(unlisted)",
	 "office-web-apps",
	 REASON_port_not_in_matrix,
	 true},
	{"between pools",
	 {.source = &DIRECTOR, .destination = &WEB_APPS, .destination_port = 81},
	 81,
	 "director",
	 "office-web-apps",
	 REASON_port_not_in_matrix,
	 true},
	{"another source",
	 {.destination = &DIRECTOR, .destination_port = 7000},
	 7000,
	 "(unlisted)",
	 "director",
	 REASON_source_not_allowed,
	 true},
	{"an echo request",
	 {.message = MESSAGE_REQUEST, .destination = &DIRECTOR},
	 PORT_NONE,
	 "(unlisted)",
	 "director",
	 REASON_icmp_echo,
	 false},
	{"a cut TCP header",
	 {.data_offset = 4, .destination = &DIRECTOR},
	 PORT_NONE,
	 "(not read)",
	 "(not read)",
	 REASON_tcp_header_length,
	 false},
	{"flags that no connection has",
	 {.flags = 0x03, .destination = &DIRECTOR, .destination_port = 99},
	 99,
	 "(unlisted)",
	 "director",
	 REASON_tcp_flags,
	 false},
};

/* --- what is counted */

struct seen {
	__u64 port, pair, source, service; /* of the case */
	__u64 ports, pairs, sources, services; /* of all */
};

static __u32 set_id(const struct role_set *sets, const char *roles)
{
	for (__u32 id = 0; id < ROLE_SETS_MAX; id++)
		if (!strcmp(sets[id].roles, roles))
			return id;
	fail_msg("no role set %s", roles);
	return 0;
}

static void see_tables(const struct kernel *kernel, const struct drop_case *drop,
		       const union address *source, struct seen *seen)
{
	struct drop_source *sources;
	struct drop_service *services;
	size_t count;

	assert_int_equal(drop_sources(kernel, &sources, &count), 0);
	for (size_t i = 0; i < count; i++) {
		seen->sources += sources[i].count.packets;
		if (!memcmp(&sources[i].address.address, source, sizeof(*source)))
			seen->source += sources[i].count.packets;
	}
	free(sources);
	assert_int_equal(drop_services(kernel, &services, &count), 0);
	for (size_t i = 0; i < count; i++) {
		__u32 port = services[i].port | (services[i].udp ? PORT_UDP : 0);

		seen->services += services[i].count.packets;
		if (port == drop->port)
			seen->service += services[i].count.packets;
	}
	free(services);
}

static void see(const struct kernel *kernel, const struct drop_case *drop,
		const union address *source, struct seen *seen)
{
	struct role_set *sets;
	struct counter *pairs;
	__u64 *ports;

	*seen = (struct seen){0};
	assert_int_equal(drop_role_sets(kernel, &sets), 0);
	assert_int_equal(drop_role_pairs(kernel, &pairs), 0);
	assert_int_equal(drop_ports(kernel, &ports), 0);
	for (size_t i = 0; i <= PORT_NONE; i++)
		seen->ports += ports[i];
	for (size_t i = 0; i < ROLE_PAIRS; i++)
		seen->pairs += pairs[i].packets;
	seen->port = ports[drop->port];
	if (drop->destination)
		seen->pair = pairs[set_id(sets, drop->source) * ROLE_SETS_MAX +
				   set_id(sets, drop->destination)]
				     .packets;
	free(sets);
	free(pairs);
	free(ports);
	see_tables(kernel, drop, source, seen);
}

static void source_of(const struct frame *frame, enum family family, union address *source)
{
	*source = (union address){0};
	memcpy(source->byte, frame->bytes + frame->ip + (family == FAMILY_IPV4 ? 12 : 8),
	       family == FAMILY_IPV4 ? 4 : 16);
}

static void test_case(void **state)
{
	const struct task *task = *state;
	const struct drop_case *drop = task->row;
	const struct kernel *kernel = &task->bench->world->kernel;
	const struct serving serving = {
		.family = task->family,
		.tagging = task->tagging,
		.variation = next_variation(task->bench),
	};
	const struct expectation e = {
		.frame = &(struct frame){.length = 0}, .tc = task->tc, .reason = drop->reason};
	struct seen before, after;
	union address source;

	make_frame(&drop->recipe, &serving, (struct frame *)e.frame);
	source_of(e.frame, task->family, &source);
	see(kernel, drop, &source, &before);
	expect(task->bench, &e); /* a probe, which must not count, and a packet */
	see(kernel, drop, &source, &after);
	assert_int_equal(after.port, before.port + 1);
	assert_int_equal(after.ports, before.ports + 1);
	assert_int_equal(after.pair, before.pair + (drop->destination != NULL));
	assert_int_equal(after.pairs, before.pairs + 1);
	assert_int_equal(after.source, before.source + 1);
	assert_int_equal(after.sources, before.sources + 1);
	assert_int_equal(after.service, before.service + drop->service);
	assert_int_equal(after.services, before.services + drop->service);
}

static void add_cases(struct suite *suite)
{
	struct task task = {0};
	char *name;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int variant = 0; variant < 8; variant++) {
			task.row = &cases[i];
			task.family = variant & 1 ? FAMILY_IPV6 : FAMILY_IPV4;
			task.tc = variant & 2;
			task.tagging = variant & 4 ? TAG_8100 : UNTAGGED;
			if (asprintf(&name, "%s, %s, %s, %s", cases[i].name,
				     family_name(task.family), task.tc ? "TC" : "XDP",
				     tagging_name(task.tagging)) < 0)
				abort();
			add_task(suite, name, test_case, &task);
		}
}

/* --- a flood */

static void send_shut(struct bench *bench, int packets, bool tc)
{
	const struct recipe recipe = {.destination_port = PORT_SHUT};
	const struct serving serving = {.family = FAMILY_IPV4, .variation = next_variation(bench)};
	struct frame frame;
	struct shot shot = {.bytes = frame.bytes, .tc = tc};
	struct outcome outcome;

	make_frame(&recipe, &serving, &frame);
	shot.length = frame.length;
	for (int i = 0; i < packets; i++)
		assert_int_equal(world_send(bench->world, &shot, &outcome), 0);
	bench->sent += (__u64)packets;
}

/* Beyond DETAIL_EXACT a CPU picks some, which stand for all but less than one gap. */
static void test_flood(void **state)
{
	const struct task *task = *state;
	const struct kernel *kernel = &task->bench->world->kernel;
	const struct drop_case drop = {.port = PORT_SHUT};
	const union address nobody = {0};
	struct seen before, after;
	__u64 missing, slack;

	world_wait(task->bench->world, 1);
	see(kernel, &drop, &nobody, &before);
	send_shut(task->bench, FLOOD, task->tc);
	see(kernel, &drop, &nobody, &after);
	/* What was pending before may have come in addition. */
	slack = (__u64)libbpf_num_possible_cpus() * DETAIL_GAP;
	missing = before.port + FLOOD - after.port;
	assert_true(missing + slack < 2 * slack);
	missing = before.sources + FLOOD - after.sources;
	assert_true(missing + slack < 2 * slack);
	/* The first drop of a second brings what is pending, so that the next test starts even. */
	world_wait(task->bench->world, 1);
	send_shut(task->bench, 1, task->tc);
	see(kernel, &drop, &nobody, &after);
	assert_int_equal(after.port, before.port + FLOOD + 1);
}

/* --- events */

struct caught {
	unsigned int events;
	struct drop_event last;
};

static int catch (void *context, void *data, size_t size)
{
	struct caught *caught = context;

	assert_int_equal(size, sizeof(struct drop_event));
	caught->events++;
	memcpy(&caught->last, data, sizeof(caught->last));
	return 0;
}

static unsigned int catch_all(const struct kernel *kernel, struct caught *caught)
{
	struct ring_buffer *ring = ring_buffer__new(kernel->map[MAP_events], catch, caught, NULL);

	assert_non_null(ring);
	*caught = (struct caught){0};
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
	return caught->events;
}

/* None without a watcher, RATE a CPU and second with one, none once its lease has ended. */
static void test_events(void **state)
{
	const struct task *task = *state;
	struct world *world = task->bench->world;
	struct control *control = world->kernel.control;
	unsigned int cpus = (unsigned int)libbpf_num_possible_cpus(), got;
	struct caught caught;

	world_wait(world, 1);
	send_shut(task->bench, MORE, task->tc);
	assert_int_equal(catch_all(&world->kernel, &caught), 0);
	control->watch_rate = 10;
	control->watch_until = control->epoch + 3;
	for (int second = 0; second < 2; second++) {
		world_wait(world, 1);
		send_shut(task->bench, MORE, task->tc);
		got = catch_all(&world->kernel, &caught);
		assert_in_range(got, 10, 10 * cpus);
		assert_int_equal(caught.last.reason, REASON_port_not_in_matrix);
		assert_int_equal(caught.last.tc, task->tc);
		assert_int_equal(caught.last.ifindex, world->ifindex[DEVICE_ANY]);
		assert_int_equal(caught.last.captured, caught.last.length);
		assert_int_equal(ROLES_OF(caught.last.source), ROLES_UNLISTED);
		assert_int_not_equal(POOL_OF(caught.last.destination), 0);
		assert_int_equal(caught.last.audited, task->bench->audit);
		assert_int_not_equal(caught.last.generation, 0);
	}
	world_wait(world, 1);
	send_shut(task->bench, MORE, task->tc);
	assert_int_equal(catch_all(&world->kernel, &caught), 0);
	control->watch_until = 0;
}

static void add_more(struct suite *suite)
{
	for (int tc = 0; tc < 2; tc++) {
		const struct task task = {.tc = tc};

		add_task(suite, strdup(tc ? "a flood, TC" : "a flood, XDP"), test_flood, &task);
		add_task(suite, strdup(tc ? "events, TC" : "events, XDP"), test_events, &task);
	}
}

static int run(struct world *world, void *unused)
{
	static const char *const options[] = {"", "mode: audit\n"};
	bool failed = false;
	__u64 sent = 0;

	(void)unused;
	for (int audit = 0; audit < 2; audit++) {
		struct suite suite = {.name = audit ? "audited" : "enforced",
				      .bench = {world, sent, 0, audit}};
		char *site = site_text(options[audit]);
		int err = world_apply(world, site);

		free(site);
		if (err || world_stop_clock(world))
			return 1;
		add_cases(&suite);
		add_more(&suite);
		failed |= run_suite(&suite, true) != 0;
		sent = suite.bench.sent;
	}
	return failed;
}

/* On one CPU: what is pending of a flood belongs to the CPU that counted it. */
static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET((size_t)sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		perror("sched_setaffinity");
}

int main(void)
{
	stay_here();
	return world_run(run, NULL);
}
