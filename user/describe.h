/* SPDX-License-Identifier: MIT */
/* Parts of a policy as JSON. All return a new reference, NULL = out of memory. */
#ifndef ROLEWALL_DESCRIBE_H
#define ROLEWALL_DESCRIBE_H

#include <jansson.h>

#include "policy.h"

json_t *strings_json(const struct strings *strings);
json_t *ports_json(struct port_range range); /* [first, last] */
json_t *directions_json(unsigned int directions); /* ["in", "out"] */
json_t *transports_json(unsigned int transports); /* ["tcp", "udp"] */
/* Text from outside, which need not be UTF-8: what is not becomes "?". */
json_t *foreign_text_json(const char *text);
/* Appends and gives up value, which may be NULL. False = out of memory. */
bool json_append(json_t *array, json_t *value);

#endif
