/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What is counted of drops beside their reason: by destination port, by the roles of both ends,
 * by source, and by service. docs/counters.md says which of these are exact.
 */
#ifndef ROLEWALL_DETAIL_H
#define ROLEWALL_DETAIL_H

#include "prefix.h"

/* --- by port */

/* protocol << 16 | destination port; one more for packets without one. */
#define PORT_UDP 0x10000U
#define PORT_NONE 0x20000U
#define PORT_IN_PACKET (PORT_NONE + 1) /* nobody has read it yet; never counted */
#define PORT_PAGE 256U
#define PORT_PAGES (PORT_NONE / PORT_PAGE + 1)

/* 256 ports: element 0 is TCP 0 to 255, element 256 UDP 0 to 255, element 512 has PORT_NONE alone. */
struct port_page {
	__u64 packets[PORT_PAGE];
};

/* --- by role pair */

/*
 * A role set is what the pools of one kind hold. Its id stays while the instance lives. Sets
 * beyond the last id count together as ROLES_FURTHER.
 */
#define ROLE_SETS_MAX 64U
#define ROLES_UNLISTED 0U /* an address that no pool holds */
#define ROLES_UNREAD 1U /* the packet dropped before its addresses were looked up */
#define ROLES_FIRST 2U
#define ROLES_FURTHER (ROLE_SETS_MAX - 1U)

#define ROLE_SET_TEXT 256
#define ROLE_PAIR_TEXT 40
#define ROLE_PAIRS (ROLE_SETS_MAX * ROLE_SETS_MAX)

/* By id; an empty text is an id that is not in use. */
struct role_set {
	char roles[ROLE_SET_TEXT];
};

/* By source << 6 | destination. */
struct role_pair {
	char source[ROLE_PAIR_TEXT], destination[ROLE_PAIR_TEXT];
	__u64 packets;
	__u64 bytes;
};

/* --- by source, and by service: bounded */

/*
 * Tables of sets of eight ways, one table a CPU. Who finds no way takes that of the smallest count
 * and goes on counting from there; `before` is what that count was (Metwally's space saving). So
 * packets - before <= what was seen of the key <= packets. A way with no packets is free.
 *
 * A CPU counts the first DETAIL_EXACT drops of a second like this one by one. Of those beyond, it
 * picks one at a random distance, at most DETAIL_GAP, which stands for all since the one before.
 */
#define DETAIL_WAYS 8U
#define DETAIL_EXACT 8192U
#define DETAIL_GAP 128U

#define SOURCE_SETS 128U
#define SERVICE_SETS 64U

struct source4_set {
	__u32 address[DETAIL_WAYS]; /* network byte order */
	__u64 packets[DETAIL_WAYS];
	__u64 before[DETAIL_WAYS];
};

struct source6_set {
	union address address[DETAIL_WAYS];
	__u64 packets[DETAIL_WAYS];
	__u64 before[DETAIL_WAYS];
};

/* A service that was asked for and refused: ends and port, as SERVICE_KEY has them. */
struct service_set {
	__u32 key[DETAIL_WAYS];
	__u64 packets[DETAIL_WAYS];
	__u64 before[DETAIL_WAYS];
};

/* PORT as for PORT_UDP, below PORT_NONE. */
#define SERVICE_KEY(port, source, destination) ((port) | (source) << 17 | (destination) << 23)
#define SERVICE_PORT(key) ((key)&0x1ffffU)
#define SERVICE_SOURCE(key) ((key) >> 17 & (ROLE_SETS_MAX - 1))
#define SERVICE_DESTINATION(key) ((key) >> 23 & (ROLE_SETS_MAX - 1))

_Static_assert(ROLE_SETS_MAX == 64, "a role set's id has 6 bits in pairs and keys");

#endif
