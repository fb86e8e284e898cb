/* SPDX-License-Identifier: MIT */
/*
 * The list of odd packets, case by case, through the loaded programs: both families, no tag, one
 * and two, XDP and TC; in XDP also with the first buffer cut short. Numbers: docs/packets.md.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "check.h"

/* First buffers that end in Ethernet, in the IP header, and behind it. */
static const size_t linear_lengths[] = {14, 16, 30, 60, 90};

static const size_t n_tags[N_TAGGINGS] = {0, 1, 2, 1};

static void test_case(void **state)
{
	const struct task *task = *state;
	const struct packet_case *packet_case = task->row;
	const struct serving serving = {
		.family = task->family,
		.tagging = task->tagging,
		.variation = next_variation(task->bench),
	};
	struct frame frame;
	struct expectation e = {
		.frame = &frame,
		.device = packet_case->device,
		.tc = task->tc,
		.gso_size = packet_case->gso_size,
		.reason = task->family == FAMILY_IPV4 ? packet_case->ip4 : packet_case->ip6,
	};

	make_case_frame(packet_case, &serving, &frame);
	if (packet_case->tags && packet_case->tags + n_tags[task->tagging] > 2)
		e.reason = REASON_vlan_depth;
	expect(task->bench, &e);
	for (size_t i = 0; !task->tc && i < sizeof(linear_lengths) / sizeof(*linear_lengths); i++) {
		e.linear = linear_lengths[i];
		if (e.linear < frame.length)
			expect(task->bench, &e);
	}
}

static void add_case(struct suite *suite, const struct packet_case *packet_case, enum family family,
		     enum tagging tagging)
{
	struct task task = {.row = packet_case, .family = family, .tagging = tagging};
	const struct serving serving = {family, tagging, 1};
	struct frame frame;
	char *name;

	make_case_frame(packet_case, &serving, &frame);
	for (int tc = packet_case->gso_size != 0; tc < 2; tc++) {
		if (tc && !tc_takes(&frame))
			continue;
		task.tc = tc;
		if (asprintf(&name, "%s, %s, %s, %s", packet_case->name, family_name(family),
			     tagging_name(tagging), tc ? "TC" : "XDP") < 0)
			abort();
		add_task(suite, name, test_case, &task);
	}
}

static void add_table(struct suite *suite, const struct case_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct packet_case *packet_case = &table->cases[i];

		for (int tagging = 0; tagging < N_TAGGINGS; tagging++) {
			if (packet_case->ip4 != NO_PACKET)
				add_case(suite, packet_case, FAMILY_IPV4, (enum tagging)tagging);
			if (packet_case->ip6 != NO_PACKET)
				add_case(suite, packet_case, FAMILY_IPV6, (enum tagging)tagging);
		}
	}
}

static int run(struct world *world, void *unused)
{
	static const struct case_table *const tables[] = {
		&cases_link,      &cases_ip4,  &cases_addresses, &cases_ip6,
		&cases_transport, &cases_icmp, &cases_protocols,
	};
	struct suite suite = {.name = "packets", .bench = {.world = world}};
	char *site = site_text("");
	int err = world_apply(world, site);

	(void)unused;
	free(site);
	if (err)
		return 1;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		add_table(&suite, tables[i]);
	return run_suite(&suite, true) != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
