/* SPDX-License-Identifier: MIT */
/* What torrent.c and torrent.bpf.c share. */
#ifndef ROLEWALL_E2E_TORRENT_H
#define ROLEWALL_E2E_TORRENT_H

#include <linux/types.h>

#define FRAME_BYTES 60
#define HEADER_BYTES 42 /* Ethernet, IPv4, UDP; then the number of the frame and the mark */
#define MARK 0x70ff3a11U
#define KINDS 8U /* of frames, in turn */
#define WINDOW 16U /* frames of a kind that must arrive on their way at once: no ring overflows */

/* Under which of the two policies a frame passes, as bits. */
#define UNDER_A 1U
#define UNDER_B 2U

struct kind {
	__u8 header[HEADER_BYTES];
	__u8 spare;
	__u8 passes;
};

/* What was sent and what it came to. Each word has one writer. */
struct tally {
	__u64 sent;
	__u64 must_sent, must_arrived; /* of those that pass under both */
	__u64 next; /* the frame that is expected */
	__u64 arrived;
	__u64 leaks; /* arrived though no policy lets them */
	__u64 false_drops; /* did not though both do */
	__u64 switches; /* verdicts of another policy than the one before */
	__u64 disorder; /* a frame came late: the test itself is wrong */
	__u64 gaps; /* too many did not arrive in a row */
	__u32 policy; /* of the last verdict */
};

#endif
