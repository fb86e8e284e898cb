/* SPDX-License-Identifier: MIT */
/* The site file as a file that a command changes: read, and replaced as a whole or not at all. */
#ifndef ROLEWALL_SITE_FILE_H
#define ROLEWALL_SITE_FILE_H

#include <sys/stat.h>

#include "source_text.h"

struct site_file {
	char *path; /* what a symbolic link leads to */
	char *next; /* the file that is to take its place; NULL = none yet */
	int fd; /* locked; -1 = closed */
	struct stat status;
	struct source_text text;
};

/*
 * Opens, locks and reads it. What cannot be replaced is refused: what is no plain file, and a file
 * with several names. Return 0 or -errno; messages on stderr.
 */
int site_file_open(const char *path, struct site_file *file);
/*
 * Writes TEXT to the disk beside the file, with its owner, mode and attributes. All that is likely
 * to fail fails here.
 */
int site_file_prepare(struct site_file *file, const struct source_text *text);
/*
 * Removes what somebody who was killed has left beside PATH; not while somebody edits it. Silent:
 * whoever wants to know what PATH is reads it.
 */
void site_file_tidy(const char *path);
/* Puts that in the file's place, unless somebody has changed the file meanwhile. */
int site_file_replace(struct site_file *file);
/* What was prepared and not put in place goes. */
void site_file_close(struct site_file *file);

#endif
