/* SPDX-License-Identifier: MIT */
#include "describe.h"

#include "cleanup.h"

bool json_append(json_t *array, json_t *value)
{
	return !json_array_append_new(array, value);
}

/* The array, or NULL once it is incomplete. */
static json_t *complete(json_t *array, bool ok)
{
	if (ok)
		return array;
	json_decref(array);
	return NULL;
}

json_t *strings_json(const struct strings *strings)
{
	json_t *array = json_array();
	bool ok = array;

	for (size_t i = 0; i < strings->count && ok; i++)
		ok = json_append(array, json_string(strings->items[i]));
	return complete(array, ok);
}

json_t *ports_json(struct port_range range)
{
	return json_pack("[i, i]", range.first, range.last);
}

static json_t *bits_json(unsigned int bits, const char *first, const char *second)
{
	json_t *array = json_array();
	bool ok = array;

	if (bits & 1)
		ok = ok && json_append(array, json_string(first));
	if (bits & 2)
		ok = ok && json_append(array, json_string(second));
	return complete(array, ok);
}

json_t *directions_json(unsigned int directions)
{
	return bits_json(directions, "in", "out");
}

json_t *transports_json(unsigned int transports)
{
	return bits_json(transports, "tcp", "udp");
}

json_t *foreign_text_json(const char *text)
{
	_cleanup_free_ char *plain = NULL;
	json_t *string = json_string(text);

	if (string)
		return string;
	plain = strdup(text);
	for (char *byte = plain; byte && *byte; byte++) {
		if (*byte & 0x80)
			*byte = '?';
	}
	return plain ? json_string(plain) : NULL;
}
