/* SPDX-License-Identifier: MIT */
#include "protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY(word, number) {#word, number},

static const struct {
	const char *word;
	uint8_t number;
} protocols[] = {PROTOCOLS(ENTRY)};

#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

int protocol_read(const char *word, uint8_t *protocol)
{
	unsigned long number;
	char *end;

	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (!strcmp(word, protocols[i].word)) {
			*protocol = protocols[i].number;
			return 0;
		}
	number = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || number > 255)
		return -EINVAL;
	*protocol = (uint8_t)number;
	return 0;
}

const char *protocol_word(unsigned int protocol)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == protocol)
			return protocols[i].word;
	return NULL;
}
