/* SPDX-License-Identifier: MIT */
/* Who holds a lock that could not be taken. */
#ifndef ROLEWALL_LOCK_OWNER_H
#define ROLEWALL_LOCK_OWNER_H

#include <stddef.h>

/*
 * The holder of the flock(2) on what FD has open, as "process 4711 (rolewall apply -c site.yaml)"
 * into TEXT; "another process" where it cannot be told, as from within a PID namespace.
 */
const char *lock_owner(int fd, char *text, size_t size);

#define LOCK_OWNER_TEXT 160

#endif
