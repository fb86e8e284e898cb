/* SPDX-License-Identifier: MIT */
/* Exceptions from IPsec for strongSwan: pass shunts in a connection of their own (swanctl.conf). */
#include <string.h>

#include "exceptions.h"
#include "row.h"

/*
 * The next block of RANGE from PORT on that a port and a mask stand for: that is what the kernel
 * has, and strongSwan would widen any other range to the next block around it.
 */
static struct port_range next_block(struct port_range range, unsigned int port)
{
	unsigned int size = 1;

	while (!(port & size) && size <= UINT16_MAX && port + 2 * size - 1 <= range.last)
		size *= 2;
	return (struct port_range){(uint16_t)port, (uint16_t)(port + size - 1)};
}

/* "10.1.2.0/28[udp/1024-2047]" for each block, or "10.1.2.0/28[udp]". */
static void print_selectors(const struct prefix *prefix, const char *transport,
			    const struct ports *ports, const char **between, FILE *out)
{
	char text[PREFIX_TEXT], numbers[PORT_RANGE_TEXT];

	prefix_format(prefix, text, sizeof(text));
	if (!ports->count) {
		fprintf(out, "%s%s[%s]", *between, text, transport);
		*between = ", ";
	}
	for (size_t i = 0; i < ports->count; i++) {
		struct port_range block;

		for (unsigned int port = ports->items[i].first; port <= ports->items[i].last;
		     port = block.last + 1U) {
			block = next_block(ports->items[i], port);
			fprintf(out, "%s%s[%s/%s]", *between, text, transport,
				port_range_format(block, numbers, sizeof(numbers)));
			*between = ", ";
		}
	}
}

static void print_side(const char *key, const struct rule *rule, const struct space *space,
		       const struct ports *ports, FILE *out)
{
	const char *between = "";

	fprintf(out, "        %s = ", key);
	for (size_t i = 0; i < space->count; i++)
		print_selectors(&space->items[i], transports_name(rule->transport), ports, &between,
				out);
	fputc('\n', out);
}

/* A dot would end the name of a section; no pool has a plus in its name. */
static void print_name(const char *name, FILE *out)
{
	for (; *name; name++)
		fputc(*name == '.' ? '+' : *name, out);
}

/* BACK: for the answers, where strongSwan sits at the other end. */
static void print_child(const struct rule *rule, bool back, FILE *out)
{
	fputs("      ", out);
	print_name(rule->name, out);
	fprintf(out, "%s {\n        # ", back ? "-back" : "");
	export_plain(rule->row->service, out);
	fputs("\n        mode = pass\n        start_action = trap\n", out);
	print_side("local_ts", rule, rule_source(rule, back), rule_source_ports(rule, back), out);
	print_side("remote_ts", rule, rule_destination(rule, back),
		   rule_destination_ports(rule, back), out);
	fputs("      }\n", out);
}

int export_strongswan(const struct exceptions *exceptions, FILE *out)
{
	static const char *const how[] = {
		"Install as /etc/swanctl/conf.d/rolewall-ipsec.conf, then: swanctl --load-conns",
		"Show: swanctl --list-pols --pass. Remove: delete the file, then swanctl --load-conns",
		"Local is the sender, remote the receiver; each end and each gateway between them can",
		"load the file as it is. Shunts come before every other policy of strongSwan's.",
		NULL,
	};
	static const struct head head = {"strongswan", "# ", "\n", how};

	export_head(exceptions, &head, out);
	fputs("\nconnections {\n  rolewall-ipsec {\n"
	      "    remote_addrs = 127.0.0.1  # nobody: this connection is never negotiated\n"
	      "    children {\n",
	      out);
	for (size_t i = 0; i < exceptions->n_rules; i++) {
		const struct rule *rule = &exceptions->rules[i];

		print_child(rule, false, out);
		if (!rule_is_answered(exceptions, rule))
			print_child(rule, true, out);
	}
	fputs("    }\n  }\n}\n", out);
	return 0;
}
