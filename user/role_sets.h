/* SPDX-License-Identifier: MIT */
/*
 * Role sets: what the pools of a site hold, as ids that stay while an instance lives, so that drops
 * can be counted by the roles of both ends (include/detail.h).
 */
#ifndef ROLEWALL_ROLE_SETS_H
#define ROLEWALL_ROLE_SETS_H

#include "detail.h"
#include "matrix.h"
#include "registry.h"

/* What the ids stand for that no pool has; a role's id has no brackets. */
#define ROLES_UNLISTED_TEXT "(unlisted)"
#define ROLES_UNREAD_TEXT "(not read)"
#define ROLES_FURTHER_TEXT "(further)"

/* A registry that has given out the ids below ROLES_FIRST. 0 or -ENOMEM. */
int role_sets_init(struct registry *registry);
/* The id of a pool's roles; ROLES_FURTHER where all ids are taken. */
__u32 role_set_id(struct registry *registry, const struct strings *roles);
/* "front-end+mediation", the same for the same roles; a long one ends in a checksum. */
int role_set_text(const struct strings *roles, char text[ROLE_SET_TEXT]);
/* The same text, cut to what bpftool's view has room for, with the id behind a cut. */
void role_pair_text(const char *roles, __u32 id, char text[ROLE_PAIR_TEXT]);

#endif
