/* SPDX-License-Identifier: MIT */
/* Packets that build on each other: what one leaves behind decides on the next. */
#ifndef ROLEWALL_TESTS_SCRIPT_H
#define ROLEWALL_TESTS_SCRIPT_H

#include "check.h"

#define STEPS_MAX 16

/* One packet, or a pause before it. */
struct step {
	struct recipe recipe;
	enum device device;
	enum reason reason; /* in both families, unless... */
	enum reason ip6; /* ...this is set */
	unsigned int flows, fragments; /* entries it makes */
	unsigned int wait; /* seconds before it */
};

struct script {
	const char *name;
	bool ip4_only, ip6_only;
	struct step steps[STEPS_MAX]; /* up to the first with reason undecided */
};

/* Which program each packet goes through: they share flows and fragments. */
enum path { PATH_XDP, PATH_TC, PATH_BOTH_IN_TURN, N_PATHS };

/*
 * Adds the scripts in both families and on all paths. Every run has a client of its own, and a
 * fragment id of its own in every step that has one.
 */
void add_scripts(struct suite *suite, const struct script *scripts, size_t count);

#define OUTWARD .source = &FRONT_END, .destination = &CLIENT, .source_port = 40000
#define INWARD .source = &CLIENT, .destination = &FRONT_END, .destination_port = 40000
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

#endif
