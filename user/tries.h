/* SPDX-License-Identifier: MIT */
/* The address tries of an image (include/image.h). */
#ifndef ROLEWALL_TRIES_H
#define ROLEWALL_TRIES_H

#include "pages.h"
#include "records.h"

/* Writes the IPv4 trie, its root at IMAGE_ROOT4. 0, -ENOSPC or -ENOMEM. */
int trie4_write(const struct records *records, struct pages *pages);
/* Writes the IPv6 trie; *root is a trie cell. 0, -ENOSPC or -ENOMEM. */
int trie6_write(const struct records *records, struct pages *pages, __u32 *root);

#endif
