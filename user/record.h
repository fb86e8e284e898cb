/* SPDX-License-Identifier: MIT */
/*
 * What an apply, a trial's end, and whoever comes after a kill write into the history (state.h).
 * The kernel is the truth: an entry without an end gets the one that the kernel tells of.
 */
#ifndef ROLEWALL_RECORD_H
#define ROLEWALL_RECORD_H

#include "apply.h"
#include "state.h"

/* The entry of one apply on its way. */
struct record {
	struct state *state; /* NULL: nothing is recorded */
	__u32 generation; /* 0: no entry yet */
	bool edits; /* it says which site file is to be replaced */
};

/* Opens the history for this apply. 0 or -errno with a message. */
int record_open(const struct apply_request *request, struct record *record);
/* The next number above NEWEST, which the kernel has. -EOVERFLOW, with a message: none is left. */
int record_next(const struct record *record, __u32 newest, __u32 *generation);
/* Writes the entry, and which site file is to have its text, so that nothing can fail any more behind the flip. POLICY: the image's checksum. */
int record_prepare(const struct apply_request *request, struct record *record, __u32 generation,
		   __u32 policy);
/* How it came out. 0 or -errno with a message: record_settle() tries again. */
int record_end(struct record *record, enum state_outcome outcome);
/* The site file has its text, or does not get it. */
void record_edited(struct record *record);
void record_close(struct record *record);

/*
 * Gives every entry without an end the one it had. KERNEL: what is loaded, settled; NULL: nothing is.
 * 0, or -errno with a message where the directory cannot be used: no need to say so again.
 */
int record_settle(const struct common *common, const struct kernel *kernel);
/* All was taken away while this one was in force. 0, also if it is not in the history, or -errno. */
int record_detached(const struct common *common, __u32 generation);
/* The outcome of one generation. 0 or -errno with a message. */
int record_outcome(const struct common *common, __u32 generation, enum state_outcome outcome);

#endif
