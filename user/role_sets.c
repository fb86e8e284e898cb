/* SPDX-License-Identifier: MIT */
#include "role_sets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "cleanup.h"
#include "string_list.h"

int role_sets_init(struct registry *registry)
{
	int err = registry_init(registry, ROLES_FURTHER);

	return err ? err : registry_put(registry, ROLES_UNREAD, ROLES_UNREAD_TEXT);
}

int role_set_text(const struct strings *roles, char text[ROLE_SET_TEXT])
{
	_cleanup_free_ char *whole = strings_join(roles, "+");
	size_t length = whole ? strlen(whole) : 0;

	if (!whole)
		return -ENOMEM;
	if (length < ROLE_SET_TEXT) {
		memcpy(text, whole, length + 1);
		return 0;
	}
	snprintf(text, ROLE_SET_TEXT, "%.*s...%08lx", ROLE_SET_TEXT - 16, whole,
		 crc32_z(0, (const Bytef *)whole, length));
	return 0;
}

__u32 role_set_id(struct registry *registry, const struct strings *roles)
{
	char text[ROLE_SET_TEXT];
	__u32 id = role_set_text(roles, text) ? 0 : registry_id(registry, text);

	return id ? id : ROLES_FURTHER;
}

void role_pair_text(const char *roles, __u32 id, char text[ROLE_PAIR_TEXT])
{
	if (strlen(roles) < ROLE_PAIR_TEXT)
		snprintf(text, ROLE_PAIR_TEXT, "%s", roles);
	else
		snprintf(text, ROLE_PAIR_TEXT, "%.*s...#%u", ROLE_PAIR_TEXT - 8, roles, id);
}
