/* SPDX-License-Identifier: MIT */
#include "drop_views.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "counters.h"
#include "describe.h"
#include "drop_detail.h"
#include "running.h"

/* Adds one line, or nothing once memory is gone. */
static int add_line(json_t *lines, json_t *line)
{
	return line && json_append(lines, line) ? 0 : -ENOMEM;
}

/* --- reasons */

static json_t *drop_json(enum reason reason, const struct drop_counter *counter)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "verdict", "drop", "reason",
			 reason_name(reason), "packets", (json_int_t)counter->packets, "bytes",
			 (json_int_t)counter->bytes, "audited", (json_int_t)counter->audited,
			 "meaning", reason_text(reason));
}

static json_t *pass_json(enum reason reason, const struct counter *counter)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "verdict", "pass", "reason",
			 reason_name(reason), "packets", (json_int_t)counter->packets, "bytes",
			 (json_int_t)counter->bytes, "audited", (json_int_t)0, "meaning",
			 reason_text(reason));
}

/* The contract's form: an object with every reason. */
static int answer_reasons(const struct kernel *kernel, const struct counters *counters,
			  json_t *answer)
{
	json_t *reasons = json_object(), *passes = json_object();
	int err = 0;

	for (enum reason i = 0; i < N_DROP_REASONS; i++)
		err |= json_object_set_new(reasons, reason_name(i),
					   json_pack("{s:I, s:I, s:I}", "packets",
						     (json_int_t)counters->drops[i].packets,
						     "bytes", (json_int_t)counters->drops[i].bytes,
						     "audited",
						     (json_int_t)counters->drops[i].audited));
	for (unsigned int i = 0; i < N_PASS_REASONS; i++)
		err |= json_object_set_new(
			passes, reason_name(FIRST_PASS_REASON + i),
			json_pack("{s:I, s:I}", "packets", (json_int_t)counters->passes[i].packets,
				  "bytes", (json_int_t)counters->passes[i].bytes));
	err |= json_object_set_new(answer, "reasons", reasons);
	err |= json_object_set_new(answer, "passes", passes);
	err |= json_object_set_new(answer, "seconds", json_integer(kernel->control->epoch));
	return err ? -ENOMEM : 0;
}

static int read_reasons(const struct kernel *kernel, json_t *answer, json_t *lines, __u64 *dropped)
{
	struct counters counters;
	int err = counters_read(kernel, &counters);

	for (enum reason i = 0; i < N_DROP_REASONS && !err; i++) {
		*dropped += counters.drops[i].packets;
		err = add_line(lines, drop_json(i, &counters.drops[i]));
	}
	for (unsigned int i = 0; i < N_PASS_REASONS && !err; i++)
		err = add_line(lines, pass_json(FIRST_PASS_REASON + i, &counters.passes[i]));
	return err ? err : answer_reasons(kernel, &counters, answer);
}

/* --- pools and rows */

static int read_pools(const struct kernel *kernel, json_t *answer, json_t *lines, __u64 *dropped)
{
	_cleanup_free_ struct pool_counter *pools = NULL;
	size_t count = 0;
	int err = counters_pools(kernel, &pools, &count);

	(void)answer;
	for (size_t id = 1; id < count && !err; id++) {
		*dropped += pools[id].dropped_packets;
		err = add_line(lines, json_pack("{s:s, s:I, s:I}", "pool", pools[id].pool,
						"packets", (json_int_t)pools[id].dropped_packets,
						"bytes", (json_int_t)pools[id].dropped_bytes));
	}
	return err;
}

static int read_rows(const struct kernel *kernel, json_t *answer, json_t *lines, __u64 *dropped)
{
	_cleanup_free_ struct row_counter *rows = NULL;
	size_t count = 0;
	int err = counters_rows(kernel, &rows, &count);

	(void)answer;
	(void)dropped;
	for (size_t id = 1; id < count && !err; id++)
		err = add_line(lines, json_pack("{s:s, s:I, s:I}", "row", rows[id].row, "packets",
						(json_int_t)rows[id].packets, "bytes",
						(json_int_t)rows[id].bytes));
	return err;
}

/* --- role pairs */

static const char *set_text(const struct role_set *sets, __u32 id)
{
	return id < ROLE_SETS_MAX && sets[id].roles[0] ? sets[id].roles : ROLES_UNREAD_TEXT;
}

static int read_role_pairs(const struct kernel *kernel, json_t *answer, json_t *lines,
			   __u64 *dropped)
{
	_cleanup_free_ struct role_set *sets = NULL;
	_cleanup_free_ struct counter *pairs = NULL;
	int err = drop_role_sets(kernel, &sets);

	(void)answer;
	if (!err)
		err = drop_role_pairs(kernel, &pairs);
	for (__u32 i = 0; i < ROLE_PAIRS && !err; i++) {
		*dropped += pairs[i].packets;
		if (pairs[i].packets)
			err = add_line(lines,
				       json_pack("{s:s, s:s, s:I, s:I}", "source",
						 set_text(sets, i / ROLE_SETS_MAX), "destination",
						 set_text(sets, i % ROLE_SETS_MAX), "packets",
						 (json_int_t)pairs[i].packets, "bytes",
						 (json_int_t)pairs[i].bytes));
	}
	return err;
}

/* --- ports */

static int read_ports(const struct kernel *kernel, json_t *answer, json_t *lines, __u64 *dropped)
{
	_cleanup_free_ __u64 *packets = NULL;
	int err = drop_ports(kernel, &packets);

	for (__u32 i = 0; i < PORT_NONE && !err; i++) {
		*dropped += packets[i];
		if (packets[i])
			err = add_line(lines, json_pack("{s:s, s:i, s:I}", "protocol",
							i & PORT_UDP ? "udp" : "tcp", "port",
							(int)(i & ~PORT_UDP), "packets",
							(json_int_t)packets[i]));
	}
	if (err)
		return err;
	*dropped += packets[PORT_NONE];
	if (packets[PORT_NONE])
		err = add_line(lines, json_pack("{s:n, s:n, s:I}", "protocol", "port", "packets",
						(json_int_t)packets[PORT_NONE]));
	return err ? err
		   : json_object_set_new(answer, "without_port",
					 json_integer((json_int_t)packets[PORT_NONE]));
}

/* --- sources and services */

static int read_sources(const struct kernel *kernel, json_t *answer, json_t *lines, __u64 *dropped)
{
	_cleanup_free_ struct drop_source *list = NULL;
	char text[PREFIX_TEXT];
	size_t count = 0;
	int err = drop_sources(kernel, &list, &count);

	(void)answer;
	for (size_t i = 0; i < count && !err; i++) {
		const struct bounded *bounds = &list[i].count;

		*dropped += bounds->packets;
		err = add_line(lines, json_pack("{s:s, s:I, s:I}", "source",
						prefix_format(&list[i].address, text, sizeof(text)),
						"packets", (json_int_t)bounds->packets, "at_least",
						(json_int_t)(bounds->packets - bounds->before)));
	}
	return err;
}

static int read_services(const struct kernel *kernel, json_t *answer, json_t *lines, __u64 *dropped)
{
	_cleanup_free_ struct drop_service *list = NULL;
	_cleanup_free_ struct role_set *sets = NULL;
	size_t count = 0;
	int err = drop_role_sets(kernel, &sets);

	(void)answer;
	if (!err)
		err = drop_services(kernel, &list, &count);
	for (size_t i = 0; i < count && !err; i++) {
		const struct bounded *bounds = &list[i].count;

		*dropped += bounds->packets;
		err = add_line(lines, json_pack("{s:s, s:s, s:s, s:i, s:I, s:I}", "source",
						set_text(sets, list[i].source), "destination",
						set_text(sets, list[i].destination), "protocol",
						list[i].udp ? "udp" : "tcp", "port", list[i].port,
						"packets", (json_int_t)bounds->packets, "at_least",
						(json_int_t)(bounds->packets - bounds->before)));
	}
	return err;
}

/* --- the list */

#define TEXT(key, title)                                                                           \
	{                                                                                          \
		key,                                                                               \
		{                                                                                  \
			title, false, false                                                        \
		}                                                                                  \
	}
#define NUMBER(key, title)                                                                         \
	{                                                                                          \
		key,                                                                               \
		{                                                                                  \
			title, true, false                                                         \
		}                                                                                  \
	}

const struct view drop_views[] = {
	{"reason",
	 "reasons",
	 {TEXT("verdict", "VERDICT"),
	  TEXT("reason", "REASON"),
	  NUMBER("packets", "PACKETS"),
	  NUMBER("bytes", "BYTES"),
	  NUMBER("audited", "AUDITED"),
	  {"meaning", {"MEANING", false, true}}},
	 .read = read_reasons},
	{"pool",
	 "pools",
	 {TEXT("pool", "POOL"), NUMBER("packets", "DROPPED"), NUMBER("bytes", "BYTES")},
	 .read = read_pools},
	{"role-pair",
	 "role_pairs",
	 {TEXT("source", "SOURCE"), TEXT("destination", "DESTINATION"),
	  NUMBER("packets", "DROPPED"), NUMBER("bytes", "BYTES")},
	 .read = read_role_pairs,
	 .sorted = true},
	{"source",
	 "sources",
	 {TEXT("source", "SOURCE"), NUMBER("packets", "DROPPED"), NUMBER("at_least", "AT LEAST")},
	 .read = read_sources},
	{"port",
	 "ports",
	 {TEXT("protocol", "PROTOCOL"), NUMBER("port", "PORT"), NUMBER("packets", "DROPPED")},
	 .read = read_ports,
	 .sorted = true},
	{"service",
	 "services",
	 {TEXT("source", "SOURCE"), TEXT("destination", "DESTINATION"),
	  TEXT("protocol", "PROTOCOL"), NUMBER("port", "PORT"), NUMBER("packets", "DROPPED"),
	  NUMBER("at_least", "AT LEAST")},
	 .read = read_services},
	{"row",
	 "rows",
	 {TEXT("row", "ROW"), NUMBER("packets", "PASSED"), NUMBER("bytes", "BYTES")},
	 .read = read_rows,
	 .passes = true},
};

const size_t n_drop_views = sizeof(drop_views) / sizeof(drop_views[0]);

const struct view *drop_view(const char *name)
{
	for (size_t i = 0; i < n_drop_views; i++)
		if (!strcmp(drop_views[i].name, name))
			return &drop_views[i];
	return NULL;
}
