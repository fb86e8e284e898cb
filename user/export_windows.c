/* SPDX-License-Identifier: MIT */
/* Exceptions from IPsec for Windows: connection security rules, by netsh or by PowerShell. */
#include <string.h>

#include "exceptions.h"
#include "row.h"

#define END "\r\n"
#define GROUP "rolewall-ipsec"

/* How a syntax writes lists: "'a', 'b'" or "a,b". */
struct style {
	const char *quote, *between;
};

static struct prefix single(const struct prefix *prefix, bool last)
{
	struct prefix address = *prefix;
	unsigned int bits = prefix->family == FAMILY_IPV4 ? 32 : 128;

	for (unsigned int bit = prefix->length; bit < bits && last; bit++)
		address.address.byte[bit / 8] |= (__u8)(0x80 >> bit % 8);
	address.length = (__u8)bits;
	return address;
}

/* Does B start right behind the last address of A? */
static bool is_next(const struct prefix *a, const struct prefix *b)
{
	struct prefix last = single(a, true);
	int i = last.length / 8 - 1;

	while (i >= 0 && last.address.byte[i] == 0xff)
		last.address.byte[i--] = 0;
	if (i < 0)
		return false;
	last.address.byte[i]++;
	return !memcmp(&last.address, &b->address, sizeof(last.address));
}

/* Prefixes that follow on each other become one range: what a pair leaves is two of them. */
static void print_addresses(const struct space *space, const struct style *style, FILE *out)
{
	size_t end;

	if (space->count && !space->items[0].length) {
		fprintf(out, "%sany%s", style->quote, style->quote);
		return;
	}
	for (size_t i = 0; i < space->count; i = end) {
		char first[PREFIX_TEXT], last[PREFIX_TEXT] = "";
		struct prefix ends[2] = {single(&space->items[i], false)};

		for (end = i + 1; end < space->count; end++) {
			if (!is_next(&space->items[end - 1], &space->items[end]))
				break;
		}
		ends[1] = single(&space->items[end - 1], true);
		if (end == i + 1)
			prefix_format(&space->items[i], first, sizeof(first));
		else
			prefix_format(&ends[0], first, sizeof(first));
		if (end != i + 1)
			prefix_format(&ends[1], last, sizeof(last));
		fprintf(out, "%s%s%s%s%s%s", i ? style->between : "", style->quote, first,
			*last ? "-" : "", last, style->quote);
	}
}

static void print_ports(const struct ports *ports, const struct style *style, FILE *out)
{
	char text[PORT_RANGE_TEXT];

	if (!ports->count)
		fprintf(out, "%sany%s", style->quote, style->quote);
	for (size_t i = 0; i < ports->count; i++)
		fprintf(out, "%s%s%s%s", i ? style->between : "", style->quote,
			port_range_format(ports->items[i], text, sizeof(text)), style->quote);
}

#define SIDES                                                                                      \
	"A rule holds between its two end points in either direction, so the file can be loaded "  \
	"at",                                                                                      \
		"both ends. IKE itself is exempt from IPsec without a rule."

/* --- netsh */

/* A line of a .cmd file has at most 8,191 characters, so long lists go to several rules. */
#define PART 40U /* of addresses, 80 characters each */

/* Part INDEX of a list. */
static struct space part(const struct space *space, size_t index)
{
	size_t first = index * PART, left = space->count - first;

	return (struct space){&space->items[first], left < PART ? left : PART};
}

static size_t parts(const struct space *space)
{
	return (space->count + PART - 1) / PART;
}

static void print_netsh(const struct rule *rule, const struct space *source,
			const struct space *destination, const char *name, FILE *out)
{
	static const struct style style = {"", ","};

	fprintf(out,
		"netsh advfirewall consec delete rule name=\"%s\" >nul 2>&1" END
		"netsh advfirewall consec add rule name=\"%s\" endpoint1=",
		name, name);
	print_addresses(source, &style, out);
	fputs(" endpoint2=", out);
	print_addresses(destination, &style, out);
	fprintf(out, " protocol=%s port1=", transports_name(rule->transport));
	print_ports(rule_source_ports(rule, false), &style, out);
	fputs(" port2=", out);
	print_ports(rule_destination_ports(rule, false), &style, out);
	fputs(" action=noauthentication" END, out);
}

static void print_netsh_parts(const struct rule *rule, FILE *out)
{
	const struct space *source = rule_source(rule, false);
	const struct space *destination = rule_destination(rule, false);
	size_t wide = parts(destination);

	fprintf(out, END "rem %s: ", rule->name);
	export_plain(rule->row->service, out);
	fputs(END, out);
	for (size_t i = 0; i < parts(source) * wide; i++) {
		struct space from = part(source, i / wide), to = part(destination, i % wide);
		char name[256];

		if (i)
			snprintf(name, sizeof(name), "%s-part%zu", rule->name, i + 1);
		else
			snprintf(name, sizeof(name), "%s", rule->name);
		print_netsh(rule, &from, &to, name, out);
	}
}

int export_netsh(const struct exceptions *exceptions, FILE *out)
{
	static const char *const how[] = {
		"Save as rolewall-ipsec.cmd and run it as administrator, once or again.",
		"Show: netsh advfirewall consec show rule name=all",
		"Remove: keep the lines with \"delete rule\" and run those; rules are kept by name.",
		SIDES,
		NULL,
	};
	static const struct head head = {"netsh", "rem ", END, how};

	fputs("@echo off" END, out);
	export_head(exceptions, &head, out);
	for (size_t i = 0; i < exceptions->n_rules; i++)
		print_netsh_parts(&exceptions->rules[i], out);
	return 0;
}

/* --- PowerShell */

static void print_powershell(const struct rule *rule, FILE *out)
{
	static const struct style style = {"'", ", "};

	fprintf(out,
		END "New-NetIPsecRule -IPsecRuleName '%s' -DisplayName '%s' -Group '" GROUP
		    "' -Description '%s ",
		rule->name, rule->name, rule->row->id);
	export_plain(rule->row->service, out);
	fputs("' -InboundSecurity None -OutboundSecurity None -LocalAddress ", out);
	print_addresses(rule_source(rule, false), &style, out);
	fputs(" -RemoteAddress ", out);
	print_addresses(rule_destination(rule, false), &style, out);
	fprintf(out, " -Protocol '%s' -LocalPort ", transports_name(rule->transport));
	print_ports(rule_source_ports(rule, false), &style, out);
	fputs(" -RemotePort ", out);
	print_ports(rule_destination_ports(rule, false), &style, out);
	fputs(" | Out-Null" END, out);
}

int export_powershell(const struct exceptions *exceptions, FILE *out)
{
	static const char *const how[] = {
		"Save as rolewall-ipsec.ps1 and run it as administrator, once or again.",
		"Show: Get-NetIPsecRule -Group '" GROUP "'",
		"Remove: Remove-NetIPsecRule -Group '" GROUP "'",
		SIDES,
		NULL,
	};
	static const struct head head = {"powershell", "# ", END, how};

	export_head(exceptions, &head, out);
	fputs(END "$ErrorActionPreference = 'Stop'" END "Remove-NetIPsecRule -Group '" GROUP
		  "' -ErrorAction SilentlyContinue" END,
	      out);
	for (size_t i = 0; i < exceptions->n_rules; i++)
		print_powershell(&exceptions->rules[i], out);
	return 0;
}
