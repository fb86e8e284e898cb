/* SPDX-License-Identifier: MIT */
/*
 * Capture files: pcapng (draft-ietf-opsawg-pcapng), whose packets carry a comment and the name of
 * their interface, and plain pcap, which has room for neither. libpcap cannot write comments.
 */
#ifndef ROLEWALL_CAPTURE_H
#define ROLEWALL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct capture {
	FILE *file;
	bool ng;
	unsigned int *interfaces; /* ifindexes, in the order of their blocks */
	size_t n_interfaces;
};

struct captured {
	uint64_t time; /* ns since 1970 */
	unsigned int ifindex;
	const char *interface; /* its name */
	const void *bytes;
	size_t captured, length; /* of bytes, and of the frame */
	const char *comment;
};

/* True for a name that ends in .pcapng or .pcap; *ng says which. */
bool capture_is_name(const char *path, bool *ng);
/* Makes the file anew. Returns 0 or -errno. */
int capture_open(const char *path, bool ng, struct capture *capture);
/* 0, -ENOMEM or -EIO. */
int capture_add(struct capture *capture, const struct captured *packet);
/* Returns 0 or -EIO: what was written may have failed only now. */
int capture_close(struct capture *capture);

#endif
