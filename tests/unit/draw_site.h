/* SPDX-License-Identifier: MIT */
/* Random sites, the same for the same seed. */
#ifndef ROLEWALL_TESTS_DRAW_SITE_H
#define ROLEWALL_TESTS_DRAW_SITE_H

#include "compile.h"
#include "input.h"

extern __u32 seed;

/* A number below BELOW. */
__u32 draw(__u32 below);
/* A site of this seed that resolves; drawn anew where prefixes of two pools collide. */
void draw_input(struct input *input);
/* An address at, beside or inside a prefix of the site, or anywhere near. */
void draw_address(const struct policy *policy, struct prefix *address);
/* Its image, with registries of its own. */
void compile_input(const struct input *input, struct registries *registries, struct pages *image);

#endif
