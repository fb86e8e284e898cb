/* SPDX-License-Identifier: MIT */
/* Ports as a row, a media range or failsafe write them: "N" or "A-B". */
#include "row.h"

#include "cleanup.h"

/* Digits without sign, blank or leading zero. Returns 0, -EINVAL or -ERANGE. */
static int parse_port(const char *text, size_t length, unsigned int *port)
{
	unsigned int value = 0;

	if (!length || (length > 1 && *text == '0'))
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (value <= UINT16_MAX)
			value = value * 10 + (unsigned int)(text[i] - '0');
	}
	*port = value;
	return value > UINT16_MAX ? -ERANGE : 0;
}

static int parse_range(const char *text, unsigned int *first, unsigned int *last)
{
	size_t length = strcspn(text, "-");
	int rc = parse_port(text, length, first);
	int rc_last = 0;

	*last = *first;
	if (rc == -EINVAL)
		return rc;
	if (text[length])
		rc_last = parse_port(text + length + 1, strlen(text + length + 1), last);
	return rc_last == -EINVAL ? rc_last : rc ? rc : rc_last;
}

static int check_range(struct yaml_doc *doc, const yaml_node_t *node, const char *text,
		       unsigned int lowest, struct port_range *range)
{
	unsigned int first = 0, last = 0;
	int rc = parse_range(text, &first, &last);
	if (rc == -EINVAL)
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: \"%s\" is no port; accepted: N or A-B within %u-65535", doc->key,
			   text, lowest);
	else if (rc || first < lowest || last < lowest)
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: \"%s\" is out of range; accepted: %u-65535", doc->key, text,
			   lowest);
	else if (first > last)
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: \"%s\" is reversed; accepted: %u-%u", doc->key, text, last, first);
	else {
		*range = (struct port_range){(uint16_t)first, (uint16_t)last};
		return 0;
	}
	return -EINVAL;
}

int yaml_port_range(struct yaml_doc *doc, const yaml_node_t *node, unsigned int lowest,
		    struct port_range *range)
{
	const char *text = yaml_text(doc, node);

	return text ? check_range(doc, node, text, lowest, range) : -EINVAL;
}

int port_range_text(struct yaml_doc *doc, const yaml_node_t *node, size_t length,
		    struct port_range *range)
{
	_cleanup_free_ char *part = strndup((const char *)node->data.scalar.value, length);

	return part ? check_range(doc, node, part, 1, range) : -ENOMEM;
}

const char *port_range_format(struct port_range range, char *text, size_t size)
{
	if (range.first == range.last)
		snprintf(text, size, "%u", range.first);
	else
		snprintf(text, size, "%u-%u", range.first, range.last);
	return text;
}

/* A row whose ports are being read. */
struct port_list {
	struct row *row;
	unsigned int lowest;
};

static bool overlaps_another(struct yaml_doc *doc, const yaml_node_t *node, const struct row *row,
			     struct port_range range)
{
	char text[PORT_RANGE_TEXT], other[PORT_RANGE_TEXT];

	for (size_t i = 0; i < row->n_ports; i++) {
		if (range.first > row->ports[i].last || range.last < row->ports[i].first)
			continue;
		diag_error(doc->diags, yaml_place(doc, node), "%s: %s overlaps %s of the same row",
			   doc->key, port_range_format(range, text, sizeof(text)),
			   port_range_format(row->ports[i], other, sizeof(other)));
		return true;
	}
	return false;
}

static int read_port(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct port_list *list = target;
	struct row *row = list->row;
	struct port_range range, *ports;
	int rc = yaml_port_range(doc, node, list->lowest, &range);

	if (rc)
		return rc;
	if (row->n_ports == PORT_RANGES_MAX) {
		diag_error(doc->diags, yaml_place(doc, node), "%s: too many; a row has at most %u",
			   doc->key, PORT_RANGES_MAX);
		return -EINVAL;
	}
	if (overlaps_another(doc, node, row, range))
		return -EINVAL;
	ports = array_grow(row->ports, row->n_ports, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	row->ports = ports;
	ports[row->n_ports++] = range;
	return 0;
}

int row_read_vendor_ports(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_values(doc, node, read_port, &(struct port_list){target, 0});
}

int row_read_site_ports(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_values(doc, node, read_port, &(struct port_list){target, 1});
}
