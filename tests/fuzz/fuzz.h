/* SPDX-License-Identifier: MIT */
/* What the fuzzers share: each file is one, its input the bytes that it says. */
#ifndef ROLEWALL_TESTS_FUZZ_H
#define ROLEWALL_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
