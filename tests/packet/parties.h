/* SPDX-License-Identifier: MIT */
/* The site that the packet tests apply, and who is who in it. */
#ifndef ROLEWALL_TESTS_PARTIES_H
#define ROLEWALL_TESTS_PARTIES_H

#include "recipe.h"

/* Ports that the tests know by the table: open on front ends and directors alike... */
#define PORT_OPEN 443
#define PORT_OPEN_UDP 1434
/* ... and shut on all of them. */
#define PORT_SHUT 4242

extern const struct party STRANGER; /* like the client, but always the same */
extern const struct party FRONT_END, FRONT_END_TWO, DIRECTOR, CHAT, WEB_APPS; /* guarded */
extern const struct party PHONE_GATEWAY; /* of a peer role: listed, not guarded */
extern const struct party TRUSTED; /* in a prefix that a row names, in no pool */

/*
 * Texts of the site, to be freed: with more lines in it, as "mode: audit\n"; with other interfaces;
 * with more rows behind its own.
 */
char *site_text(const char *options);
char *site_with_interfaces(const char *interfaces);
char *site_with_rows(const char *rows);

#endif
