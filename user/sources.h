/* SPDX-License-Identifier: MIT */
/*
 * What an image was made of: the bytes of its site and its matrix, packed into it, so that what
 * runs can be compared with a candidate though no file of it is left (docs/image.md).
 */
#ifndef ROLEWALL_SOURCES_H
#define ROLEWALL_SOURCES_H

#include "input.h"
#include "pages.h"

/* Adds them to an image and says so in its header. 0, -ENOSPC or -ENOMEM. */
int sources_write(const struct policy *policy, struct pages *pages, __u32 header[HEADER_CELLS]);
/*
 * The policy of an image, resolved anew. Returns 0; -ENODATA: the image does not say; -EBADMSG or
 * -EINVAL, with messages on stderr, where it cannot be read; -ENOMEM. In any case input is set and
 * to be freed. KNOWN: a matrix that has been read and outlives the input; it is borrowed where the
 * image was made of the same text, which spares reading it again. NULL: none.
 */
int sources_load(const struct image_page *page, size_t count, const struct matrix *known,
		 struct input *input);

#endif
