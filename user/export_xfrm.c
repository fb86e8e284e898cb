/* SPDX-License-Identifier: MIT */
/* Exceptions from IPsec for the kernel itself: a shell script of ip xfrm policy commands. */
#include "exceptions.h"
#include "row.h"

/* `ip xfrm` knows single ports only, so a range takes a command for each port and direction. */
#define PORTS_MAX 1024U

static unsigned int count_ports(const struct ports *ports)
{
	unsigned int count = 0;

	for (size_t i = 0; i < ports->count; i++)
		count += ports->items[i].last - ports->items[i].first + 1U;
	return count;
}

/* Port number INDEX of the list. */
static unsigned int port_at(const struct ports *ports, unsigned int index)
{
	for (size_t i = 0; i < ports->count; i++) {
		unsigned int size = ports->items[i].last - ports->items[i].first + 1U;

		if (index < size)
			return ports->items[i].first + index;
		index -= size;
	}
	return 0;
}

/* What one policy selects. */
struct selector {
	const struct prefix *source, *destination;
	const char *transport;
	unsigned int source_port, destination_port; /* 0 = any */
};

static void print_policies(const struct selector *selector, FILE *out)
{
	/* at the sender, at the receiver, at a gateway between them */
	static const char *const directions[] = {"out", "in", "fwd"};
	char source[PREFIX_TEXT], destination[PREFIX_TEXT];

	prefix_format(selector->source, source, sizeof(source));
	prefix_format(selector->destination, destination, sizeof(destination));
	for (size_t i = 0; i < 3; i++) {
		fprintf(out, "ip xfrm policy update dir %s src %s dst %s proto %s", directions[i],
			source, destination, selector->transport);
		if (selector->source_port)
			fprintf(out, " sport %u", selector->source_port);
		if (selector->destination_port)
			fprintf(out, " dport %u", selector->destination_port);
		fputs(" action allow priority 100\n", out);
	}
}

static void print_direction(const struct rule *rule, bool back, FILE *out)
{
	const struct space *sources = rule_source(rule, back);
	const struct space *destinations = rule_destination(rule, back);
	const struct ports *from = rule_source_ports(rule, back);
	const struct ports *to = rule_destination_ports(rule, back);
	unsigned int n_from = from->count ? count_ports(from) : 1;
	unsigned int n_to = to->count ? count_ports(to) : 1;

	for (size_t i = 0; i < sources->count * destinations->count; i++) {
		struct selector selector = {
			.source = &sources->items[i / destinations->count],
			.destination = &destinations->items[i % destinations->count],
			.transport = transports_name(rule->transport),
		};

		for (unsigned int j = 0; j < n_from * n_to; j++) {
			selector.source_port = port_at(from, j / n_to);
			selector.destination_port = port_at(to, j % n_to);
			print_policies(&selector, out);
		}
	}
}

/* True if the rule's ports are more than commands can name; says so. */
static bool has_too_many_ports(const struct rule *rule, FILE *out)
{
	unsigned int from = count_ports(&rule->source_ports);
	unsigned int to = count_ports(&rule->destination_ports);
	unsigned long count = (from ? from : 1UL) * (to ? to : 1UL);

	if (count <= PORTS_MAX)
		return false;
	fprintf(out,
		"# left out: %lu ports, and ip xfrm takes them one by one; %u are the most that "
		"are written.\n# Narrow the media ranges and say so in the site (media:).\n",
		count, PORTS_MAX);
	fprintf(stderr, "rolewall: %s is left out: %lu ports, at most %u in this format\n",
		rule->name, count, PORTS_MAX);
	return true;
}

static void print_rule(const struct exceptions *exceptions, const struct rule *rule, FILE *out)
{
	const struct rule *before = rule_before(exceptions, rule);

	fprintf(out, "\n# %s: ", rule->name);
	export_plain(rule->row->service, out);
	fputc('\n', out);
	if (before) {
		fprintf(out, "# as %s\n", before->name);
		return;
	}
	if (has_too_many_ports(rule, out))
		return;
	print_direction(rule, false, out);
	if (!rule_is_answered(exceptions, rule))
		print_direction(rule, true, out);
}

int export_xfrm(const struct exceptions *exceptions, FILE *out)
{
	static const char *const how[] = {
		"Load, once or again: sh THIS-FILE. Show: ip xfrm policy",
		"The same, much faster: sed -n 's/^ip //p' THIS-FILE | ip -batch -",
		"Remove: sed -n 's/^ip \\(xfrm policy \\)update\\(.*\\) action.*/\\1delete\\2/p' THIS-FILE | ip -batch -",
		"Each end and each gateway between them can load the file as it is. The priority is 100:",
		"policies that require IPsec need a higher number to come after these.",
		NULL,
	};
	static const struct head head = {"xfrm", "# ", "\n", how};

	fputs("#!/bin/sh\n", out);
	export_head(exceptions, &head, out);
	for (size_t i = 0; i < exceptions->n_rules; i++)
		print_rule(exceptions, &exceptions->rules[i], out);
	return 0;
}
