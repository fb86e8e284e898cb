/* SPDX-License-Identifier: MIT */
/* The address tries of an image (include/image.h). */
#ifndef ROLEWALL_TRIES_H
#define ROLEWALL_TRIES_H

#include "pages.h"
#include "records.h"

/* Writes the IPv4 trie; *root is the address of its 65,536 cells. 0, -ENOSPC or -ENOMEM. */
int trie4_write(const struct records *records, struct pages *pages, __u32 *root);
/* Writes the IPv6 trie; *root is a trie cell. 0, -ENOSPC or -ENOMEM. */
int trie6_write(const struct records *records, struct pages *pages, __u32 *root);

#endif
