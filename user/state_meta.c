/* SPDX-License-Identifier: MIT */
/*
 * meta.json: {"format":1, "generation":42, "outcome":"kept", "time":..., "epoch":..., "settled":...,
 *  "user":..., "uid":..., "login":..., "login_uid":..., "comment":..., "based_on":..., "version":...,
 *  "site":..., "matrix":..., "policy":"89abcdef",
 *  "files":{"site.yaml":{"bytes":..., "crc32":...}, "matrix.yaml":{...}}, "crc32":...}
 *
 * The last is over all the rest, written compactly with sorted keys: what people change by hand, or
 * a disk by itself, is seen.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>
#include <zlib.h>

#include "cleanup.h"
#include "describe.h"
#include "state_internal.h"

#define META_FORMAT 1

static void free_json(json_t **json)
{
	json_decref(*json);
}

#define _cleanup_json_ _cleanup_(free_json)

static json_t *crc_json(__u32 crc)
{
	char text[12];

	snprintf(text, sizeof(text), "%08x", crc);
	return json_string(text);
}

/* Of META without its own checksum; 0 = out of memory, or really 0. */
static __u32 checksum(const json_t *meta)
{
	_cleanup_json_ json_t *copy = json_copy((json_t *)meta);
	_cleanup_free_ char *text = NULL;

	json_object_del(copy, "crc32");
	text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	return text ? (__u32)crc32_z(0, (const Bytef *)text, strlen(text)) : 0;
}

/* --- writing */

static json_t *time_json(long long when)
{
	time_t seconds = (time_t)when;
	char text[64];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		return json_string("?");
	return json_string(text);
}

static json_t *file_json(size_t bytes, __u32 crc)
{
	return json_pack("{s:I, s:o}", "bytes", (json_int_t)bytes, "crc32", crc_json(crc));
}

static json_t *text_or_null(const char *text)
{
	return text ? foreign_text_json(text) : json_null();
}

static json_t *meta_json(const struct state_entry *entry)
{
	const struct state_who *who = &entry->who;
	json_t *meta = json_pack("{s:i, s:I, s:s, s:o, s:I, s:I, s:o, s:I}", "format", META_FORMAT,
				 "generation", (json_int_t)entry->generation, "outcome",
				 state_outcome_name(entry->outcome), "time", time_json(entry->when),
				 "epoch", (json_int_t)entry->when, "settled",
				 (json_int_t)entry->settled, "user", foreign_text_json(who->user),
				 "uid", (json_int_t)who->uid);
	json_t *what = json_pack(
		"{s:o, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:{s:o, s:o}}", "login",
		text_or_null(who->login), "login_uid", (json_int_t)who->login_uid, "comment",
		text_or_null(entry->comment), "based_on", (json_int_t)entry->based_on, "version",
		foreign_text_json(entry->version), "site", foreign_text_json(entry->site), "matrix",
		foreign_text_json(entry->matrix), "policy", crc_json(entry->policy), "files",
		FILE_SITE, file_json(entry->site_bytes, entry->site_crc), FILE_MATRIX,
		file_json(entry->matrix_bytes, entry->matrix_crc));

	/* those from before it do not have it */
	if (meta && entry->detached &&
	    json_object_set_new(meta, "detached", json_integer((json_int_t)entry->detached))) {
		json_decref(meta);
		meta = NULL;
	}
	if (meta && what && !json_object_update(meta, what)) {
		json_decref(what);
		return meta;
	}
	json_decref(meta);
	json_decref(what);
	return NULL;
}

char *meta_write(const struct state_entry *entry)
{
	_cleanup_json_ json_t *meta = meta_json(entry);

	if (!meta || json_object_set_new(meta, "crc32", crc_json(checksum(meta))))
		return NULL;
	return json_dumps(meta, JSON_INDENT(2) | JSON_ENSURE_ASCII);
}

/* --- reading */

__attribute__((format(printf, 2, 3))) static int fault_is(char **fault, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(fault, format, arguments) < 0)
		*fault = NULL;
	va_end(arguments);
	return *fault ? -EBADMSG : -ENOMEM;
}

static bool read_crc(const char *text, __u32 *crc)
{
	char *end;

	if (strlen(text) != 8 || strspn(text, "0123456789abcdef") != 8)
		return false;
	*crc = (__u32)strtoul(text, &end, 16);
	return !*end;
}

static bool read_outcome(const char *text, enum state_outcome *outcome)
{
	for (int i = 0; i < N_STATE_OUTCOMES; i++) {
		if (!strcmp(text, state_outcome_name((enum state_outcome)i))) {
			*outcome = (enum state_outcome)i;
			return true;
		}
	}
	return false;
}

static bool read_u32(json_int_t value, __u32 *number)
{
	*number = (__u32)value;
	return value >= 0 && value <= 0xffffffffLL;
}

/* What json_unpack() gives, borrowed from the document. */
struct raw {
	json_int_t generation, epoch, settled, uid, login_uid, based_on, site_bytes, matrix_bytes;
	const char *outcome, *user, *login, *comment, *version, *site, *matrix, *policy;
	const char *site_crc, *matrix_crc;
};

static bool read_numbers(const struct raw *raw, struct state_entry *entry)
{
	entry->when = raw->epoch;
	entry->settled = raw->settled;
	entry->site_bytes = (size_t)raw->site_bytes;
	entry->matrix_bytes = (size_t)raw->matrix_bytes;
	return read_u32(raw->generation, &entry->generation) &&
	       read_u32(raw->based_on, &entry->based_on) && read_u32(raw->uid, &entry->who.uid) &&
	       read_u32(raw->login_uid, &entry->who.login_uid) && raw->site_bytes >= 0 &&
	       raw->matrix_bytes >= 0 && read_crc(raw->policy, &entry->policy) &&
	       read_crc(raw->site_crc, &entry->site_crc) &&
	       read_crc(raw->matrix_crc, &entry->matrix_crc) &&
	       read_outcome(raw->outcome, &entry->outcome);
}

static int copy_texts(const struct raw *raw, struct state_entry *entry)
{
	const struct {
		const char *from;
		char **to;
	} texts[] = {
		{raw->user, &entry->who.user},   {raw->login, &entry->who.login},
		{raw->comment, &entry->comment}, {raw->version, &entry->version},
		{raw->site, &entry->site},       {raw->matrix, &entry->matrix},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!texts[i].from)
			continue;
		*texts[i].to = strdup(texts[i].from);
		if (!*texts[i].to)
			return -ENOMEM;
	}
	return 0;
}

static int read_members(json_t *meta, struct state_entry *entry, char **fault)
{
	struct raw raw = {
		.login = json_string_value(json_object_get(meta, "login")),
		.comment = json_string_value(json_object_get(meta, "comment")),
	};
	json_error_t error;

	if (json_unpack_ex(meta, &error, 0,
			   "{s:I, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, "
			   "s:{s:{s:I, s:s}, s:{s:I, s:s}}}",
			   "generation", &raw.generation, "outcome", &raw.outcome, "epoch",
			   &raw.epoch, "settled", &raw.settled, "user", &raw.user, "uid", &raw.uid,
			   "login_uid", &raw.login_uid, "based_on", &raw.based_on, "version",
			   &raw.version, "site", &raw.site, "matrix", &raw.matrix, "policy",
			   &raw.policy, "files", FILE_SITE, "bytes", &raw.site_bytes, "crc32",
			   &raw.site_crc, FILE_MATRIX, "bytes", &raw.matrix_bytes, "crc32",
			   &raw.matrix_crc))
		return fault_is(fault, "%s", error.text);
	if (!read_numbers(&raw, entry))
		return fault_is(fault, "a member has no sense");
	entry->detached = json_integer_value(json_object_get(meta, "detached"));
	return copy_texts(&raw, entry);
}

int meta_read(const char *text, size_t size, struct state_entry *entry, char **fault)
{
	_cleanup_(state_entry_free) struct state_entry read = {0};
	json_error_t error;
	_cleanup_json_ json_t *meta = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	json_int_t format = json_integer_value(json_object_get(meta, "format"));
	const char *said = json_string_value(json_object_get(meta, "crc32"));
	__u32 crc;
	int err;

	if (!meta)
		return fault_is(fault, "not JSON in line %d: %s", error.line, error.text);
	if (format != META_FORMAT)
		return fault_is(fault, "format %lld; this version reads format %d",
				(long long)format, META_FORMAT);
	if (!said || !read_crc(said, &crc) || crc != checksum(meta))
		return fault_is(fault, "its checksum is wrong");
	err = read_members(meta, &read, fault);
	if (err)
		return err;
	*entry = read;
	read = (struct state_entry){0};
	return 0;
}
