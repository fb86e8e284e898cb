/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's BPF compiler and a host compiler spell differently. */
#ifndef ROLEWALL_COMPILER_H
#define ROLEWALL_COMPILER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/*
 * A function that is not static: the kernel verifies it once for any argument instead of again for
 * each path that leads to it. It can take scalars and pointers to plain structs, which it must
 * check for NULL; docs/performance.md has what that saves.
 */
#define verified_once __attribute__((noinline))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Keeps the compiler from computing the value again elsewhere, where the verifier knows no bounds. */
#define keep(variable) __asm__ volatile("" : "+r"(variable))

#define read_once(variable) (*(volatile __typeof__(variable) *)&(variable))
#define write_once(variable, value) (*(volatile __typeof__(variable) *)&(variable) = (value))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define host16(x) __builtin_bswap16(x)
#define host32(x) __builtin_bswap32(x)
#define net16(x) __builtin_bswap16(x)
#define net32(x) __builtin_bswap32(x)
/* Of an IPv4 address as it lies in a packet: its first two bytes in memory order, third, fourth. */
#define first_half(x) ((x)&0xffffU)
#define third_byte(x) ((x) >> 16 & 0xffU)
#define fourth_byte(x) ((x) >> 24)
#define first_byte(x) ((x)&0xffU)
/* Of a port as it lies in a packet. */
#define high_byte(x) ((x)&0xffU)
#define low_byte(x) ((x) >> 8)
/* Two words side by side in memory, and byte N of such a pair. */
#define memory_pair(first, second) ((__u64)(second) << 32 | (first))
#define memory_byte(pair, n) ((__u32)((pair) >> ((n)*8)) & 0xffU)
#else
#define host16(x) ((__u16)(x))
#define host32(x) ((__u32)(x))
#define net16(x) ((__u16)(x))
#define net32(x) ((__u32)(x))
#define first_half(x) ((x) >> 16)
#define third_byte(x) ((x) >> 8 & 0xffU)
#define fourth_byte(x) ((x)&0xffU)
#define first_byte(x) ((x) >> 24)
#define high_byte(x) ((x) >> 8)
#define low_byte(x) ((x)&0xffU)
#define memory_pair(first, second) ((__u64)(first) << 32 | (second))
#define memory_byte(pair, n) ((__u32)((pair) >> (56 - (n)*8)) & 0xffU)
#endif

#endif
