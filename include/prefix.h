/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Addresses and prefixes as every step of the program holds them. */
#ifndef ROLEWALL_PREFIX_H
#define ROLEWALL_PREFIX_H

#include <linux/types.h>

enum family {
	FAMILY_NONE = 0,
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

/* Network byte order. An IPv4 address lies in the first word, the others are zero. */
union address {
	__u8 byte[16];
	__u32 word[4];
};

struct prefix {
	union address address; /* host bits are zero */
	__u8 family; /* enum family */
	__u8 length; /* bits: 0..32 or 0..128 */
};

#endif
