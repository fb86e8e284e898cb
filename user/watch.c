/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol.h"
#include "running.h"
#include "site.h"

#define NANOSECONDS 1000000000ULL

/* --- the filter */

/* ROLE is one of "a+b+c". */
static bool holds_role(const char *roles, const char *role)
{
	size_t length = strlen(role);

	for (const char *at = roles; at; at = strchr(at, '+')) {
		at += *at == '+';
		if (!strncmp(at, role, length) && (at[length] == '+' || !at[length]))
			return true;
	}
	return false;
}

static bool is_inside(const struct prefix *prefix, const struct frame_facts *facts,
		      const union address *address)
{
	const struct prefix single = {
		.address = *address,
		.family = (uint8_t)facts->family,
		.length = facts->family == FAMILY_IPV4 ? 32 : 128,
	};

	return !prefix || (facts->addressed && prefix_covers(prefix, &single));
}

static bool matches_ends(const struct watch_filter *filter, const struct sight *sight)
{
	const char *pools[2] = {sight->source_pool, sight->destination_pool};

	if (filter->pool && !(pools[0] && !strcmp(pools[0], filter->pool)) &&
	    !(pools[1] && !strcmp(pools[1], filter->pool)))
		return false;
	return !filter->role || holds_role(sight->source_roles, filter->role) ||
	       holds_role(sight->destination_roles, filter->role);
}

bool watch_matches(const struct watch_filter *filter, const struct sight *sight)
{
	const struct frame_facts *facts = &sight->facts;

	if (filter->by_reason && filter->reason != (enum reason)sight->event->reason)
		return false;
	if (filter->interface && strcmp(filter->interface, sight->interface) != 0)
		return false;
	if (!is_inside(filter->source, facts, &facts->source) ||
	    !is_inside(filter->destination, facts, &facts->destination))
		return false;
	if (filter->protocol >= 0 && (!facts->addressed || facts->protocol != filter->protocol))
		return false;
	if (filter->port && (!facts->ported || (facts->source_port != filter->port &&
						facts->destination_port != filter->port)))
		return false;
	return matches_ends(filter, sight);
}

/* --- text */

static void protocol_text(const struct frame_facts *facts, char text[16])
{
	const char *word;

	if (!facts->addressed) {
		snprintf(text, 16, facts->ethertype ? "type %04x" : "short", facts->ethertype);
		return;
	}
	word = protocol_word(facts->protocol);
	if (word)
		snprintf(text, 16, "%s", word);
	else
		snprintf(text, 16, "protocol %u", facts->protocol);
}

static const char *address_text(const struct frame_facts *facts, const union address *address,
				char text[PREFIX_TEXT])
{
	const struct prefix single = {
		.address = *address,
		.family = (uint8_t)facts->family,
		.length = facts->family == FAMILY_IPV4 ? 32 : 128,
	};

	return prefix_format(&single, text, PREFIX_TEXT);
}

static void end_text(const struct frame_facts *facts, bool source, char text[PREFIX_TEXT + 16])
{
	char address[PREFIX_TEXT];
	unsigned int port = source ? facts->source_port : facts->destination_port;

	if (!facts->addressed) {
		snprintf(text, PREFIX_TEXT + 16, "?");
		return;
	}
	address_text(facts, source ? &facts->source : &facts->destination, address);
	if (!facts->ported)
		snprintf(text, PREFIX_TEXT + 16, "%s", address);
	else if (facts->family == FAMILY_IPV4)
		snprintf(text, PREFIX_TEXT + 16, "%s:%u", address, port);
	else
		snprintf(text, PREFIX_TEXT + 16, "[%s]:%u", address, port);
}

/* The pool the program counts the drop for: that of the destination first. */
static const char *pool_text(const struct sight *sight)
{
	if (sight->destination_pool)
		return sight->destination_pool;
	return sight->source_pool ? sight->source_pool : "-";
}

static void time_text(uint64_t time, char text[40])
{
	time_t seconds = (time_t)(time / NANOSECONDS);
	struct tm local;
	size_t length;

	localtime_r(&seconds, &local);
	length = strftime(text, 40, "%H:%M:%S", &local);
	snprintf(text + length, 40 - length, ".%06u", (unsigned int)(time % NANOSECONDS / 1000));
}

void watch_line(const struct sight *sight, char *text, size_t size)
{
	char time[40], protocol[16], source[PREFIX_TEXT + 16], destination[PREFIX_TEXT + 16];
	const struct drop_event *event = sight->event;

	time_text(sight->time, time);
	protocol_text(&sight->facts, protocol);
	end_text(&sight->facts, true, source);
	end_text(&sight->facts, false, destination);
	snprintf(text, size, "%s %s %s %s %s %s -> %s %s pool %s generation %u length %u%s", time,
		 sight->interface, reason_name(event->reason), protocol, source,
		 sight->source_roles, destination, sight->destination_roles, pool_text(sight),
		 event->generation, event->length, event->audited ? " audited" : "");
}

void watch_comment(const struct sight *sight, char *text, size_t size)
{
	const struct drop_event *event = sight->event;

	snprintf(text, size, "%s%s: %s -> %s, pool %s, generation %u, %s",
		 reason_name(event->reason), event->audited ? " (audited, passed)" : "",
		 sight->source_roles, sight->destination_roles, pool_text(sight), event->generation,
		 event->tc ? "tc" : "xdp");
}

/* --- JSON */

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* "source", "source_port", "source_roles", "source_pool". */
static int set_end(json_t *object, const struct sight *sight, bool source)
{
	const struct frame_facts *facts = &sight->facts;
	const char *side = source ? "source" : "destination";
	char address[PREFIX_TEXT], key[32];
	int err = 0;

	if (facts->addressed)
		err |= json_object_set_new(
			object, side,
			json_string(address_text(
				facts, source ? &facts->source : &facts->destination, address)));
	snprintf(key, sizeof(key), "%s_port", side);
	if (facts->ported)
		err |= json_object_set_new(
			object, key,
			json_integer(source ? facts->source_port : facts->destination_port));
	snprintf(key, sizeof(key), "%s_roles", side);
	err |= json_object_set_new(
		object, key, json_string(source ? sight->source_roles : sight->destination_roles));
	snprintf(key, sizeof(key), "%s_pool", side);
	err |= json_object_set_new(
		object, key, text_or_null(source ? sight->source_pool : sight->destination_pool));
	return err;
}

json_t *watch_json(const struct sight *sight)
{
	const struct drop_event *event = sight->event;
	char protocol[16];
	json_t *object;

	protocol_text(&sight->facts, protocol);
	object = json_pack("{s:f, s:s, s:s, s:s, s:I, s:I, s:b, s:s}", "time",
			   (double)sight->time / (double)NANOSECONDS, "interface", sight->interface,
			   "reason", reason_name(event->reason), "protocol", protocol, "generation",
			   (json_int_t)event->generation, "length", (json_int_t)event->length,
			   "audited", (int)event->audited, "hook", event->tc ? "tc" : "xdp");
	if (object && !set_end(object, sight, true) && !set_end(object, sight, false))
		return object;
	json_decref(object);
	return NULL;
}
