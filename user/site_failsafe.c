/* SPDX-License-Identifier: MIT */
/* `failsafe:` of a site file: ports that some sources always reach. */
#include "cleanup.h"
#include "row.h"
#include "site_parts.h"
#include "string_list.h"

#define FAILSAFE_PORTS_MAX 256U

static int read_source(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct strings *from = target;
	const char *text = yaml_text(doc, node);
	struct place place = yaml_place(doc, node);
	struct prefix prefix;
	char right[PREFIX_TEXT];
	int rc = text ? prefix_parse(text, &prefix) : -ENOENT;

	if (rc == -EINVAL)
		diag_error(doc->diags, place,
			   "from: \"%s\" is no prefix; accepted: 10.9.0.0/24, 10.9.0.7, "
			   "2001:db8:9::/64",
			   text);
	else if (rc == -EDOM)
		diag_error(doc->diags, place, "%s: host bits set; %s is the prefix", text,
			   prefix_format(&prefix, right, sizeof(right)));
	else if (!rc && !prefix.length)
		diag_error(doc->diags, place,
			   "from: %s is every address there is; accepted: longer prefixes", text);
	else if (!rc && prefix_is_mapped(&prefix))
		diag_error(doc->diags, place, "%s: IPv4-mapped; accepted: the IPv4 prefix", text);
	else if (!rc && strings_contain(from, text))
		diag_error(doc->diags, place, "from: \"%s\" is listed twice; once is enough", text);
	else if (!rc)
		return strings_add(from, text, place);
	return -EINVAL;
}

static int read_sources(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;

	return yaml_values(doc, node, read_source, &site->failsafe_from);
}

/* "22/tcp", "5900-5910/tcp": the part before the slash is a port range as a row has it. */
static int read_port(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	const char *text = yaml_text(doc, node), *slash;
	struct failsafe_port port = {0}, *ports;

	if (!text)
		return -EINVAL;
	slash = strrchr(text, '/');
	if (slash && !strcmp(slash, "/tcp"))
		port.transport = TRANSPORT_TCP;
	else if (slash && !strcmp(slash, "/udp"))
		port.transport = TRANSPORT_UDP;
	if (!port.transport) {
		diag_error(
			doc->diags, yaml_place(doc, node),
			"ports: \"%s\" has no protocol; accepted: N/tcp, A-B/tcp, N/udp, A-B/udp",
			text);
		return -EINVAL;
	}
	if (port_range_text(doc, node, (size_t)(slash - text), &port.ports))
		return -EINVAL;
	if (site->n_failsafe_ports == FAILSAFE_PORTS_MAX) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "ports: too many; failsafe has at most %u", FAILSAFE_PORTS_MAX);
		return -EINVAL;
	}
	ports = array_grow(site->failsafe_ports, site->n_failsafe_ports, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	site->failsafe_ports = ports;
	ports[site->n_failsafe_ports++] = port;
	return 0;
}

static int read_ports(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_values(doc, node, read_port, target);
}

int site_read_failsafe(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const struct yaml_key keys[] = {
		{"from", read_sources, 0, true},
		{"ports", read_ports, 0, true},
		{NULL, NULL, 0, false},
	};

	return yaml_mapping(doc, node, "failsafe", keys, target);
}
