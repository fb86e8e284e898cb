/* SPDX-License-Identifier: MIT */
/* Validates an image before it is loaded: no cell may lead out of it or round in it. */
#ifndef ROLEWALL_IMAGE_CHECK_H
#define ROLEWALL_IMAGE_CHECK_H

#include <stddef.h>

#include "image.h"

#define IMAGE_FAULT_TEXT 128

/* Returns 0, or -EBADMSG with the first fault in text, or -ENOMEM. */
int image_check(const struct image_page *page, size_t count, char text[IMAGE_FAULT_TEXT]);

#endif
