/* SPDX-License-Identifier: MIT */
/* Words for IP protocols, on command lines and in what is printed. */
#ifndef ROLEWALL_PROTOCOL_H
#define ROLEWALL_PROTOCOL_H

#include <netinet/in.h>
#include <stdint.h>

/* X(word, number) */
#define PROTOCOLS(X)                                                                               \
	X(tcp, IPPROTO_TCP)                                                                        \
	X(udp, IPPROTO_UDP)                                                                        \
	X(icmp, IPPROTO_ICMP)                                                                      \
	X(icmp6, IPPROTO_ICMPV6)                                                                   \
	X(esp, IPPROTO_ESP)                                                                        \
	X(ah, IPPROTO_AH)                                                                          \
	X(gre, IPPROTO_GRE)                                                                        \
	X(sctp, IPPROTO_SCTP)

/* What protocol_read() accepts. */
#define PROTOCOL_WORD(word, number) #word ", "
#define PROTOCOL_ACCEPTED PROTOCOLS(PROTOCOL_WORD) "or a number up to 255"

/* -EINVAL: WORD is none of them. */
int protocol_read(const char *word, uint8_t *protocol);
/* NULL: it has a number alone. */
const char *protocol_word(unsigned int protocol);

#endif
