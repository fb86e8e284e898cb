/* SPDX-License-Identifier: MIT */
/* rolewall shadow: what the candidate beside the running policy would do otherwise. */
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <time.h>

#include "apply_options.h"
#include "applying.h"
#include "cleanup.h"
#include "command.h"
#include "input.h"
#include "listing.h"
#include "pending.h"
#include "shadow_load.h"
#include "shadow_report.h"

enum { OPTION_CONFIRM_WITHIN, OPTION_COMMENT };

#define TIME_TEXT 24

/* "2026-11-23T10:00:00Z" of a second of the programs' clock. */
static const char *time_text(const struct shadow_report *report, __u32 epoch, char text[TIME_TEXT])
{
	time_t when = time(NULL) - (time_t)(report->running.kernel.control->epoch - epoch);
	struct tm utc;

	strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &utc));
	return text;
}

static const char *address_text(const struct shadow_sample *sample, const union address *address,
				char text[PREFIX_TEXT])
{
	const struct prefix prefix = {
		.address = *address,
		.family = sample->family,
		.length = sample->family == FAMILY_IPV4 ? 32 : 128,
	};

	return sample->family ? prefix_format(&prefix, text, PREFIX_TEXT) : "?";
}

static const char *protocol_text(const struct shadow_sample *sample, char text[8])
{
	switch (sample->protocol) {
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 1:
	case 58:
		return "icmp";
	default:
		snprintf(text, 8, "%u", sample->protocol);
		return text;
	}
}

static const char *interface_text(const struct shadow_sample *sample, char text[IF_NAMESIZE])
{
	if (!if_indextoname(sample->ifindex, text))
		snprintf(text, IF_NAMESIZE, "%u", sample->ifindex);
	return text;
}

/* --- JSON */

static json_t *sample_json(const struct shadow_report *report, const struct shadow_sample *sample)
{
	char source[PREFIX_TEXT], destination[PREFIX_TEXT], protocol[8], name[IF_NAMESIZE],
		when[TIME_TEXT];

	return json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s?, s:I}", "source",
		address_text(sample, &sample->source, source), "destination",
		address_text(sample, &sample->destination, destination), "protocol",
		protocol_text(sample, protocol), "source_port", (json_int_t)sample->source_port,
		"destination_port", (json_int_t)sample->destination_port, "interface",
		interface_text(sample, name), "time", time_text(report, sample->epoch, when),
		"other_pool", shadow_pool(report, sample->other_pool), "bytes",
		(json_int_t)sample->length);
}

static json_t *findings_json(const struct shadow_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < report->n_findings; i++) {
		const struct shadow_finding *finding = &report->findings[i];

		json_array_append_new(
			array, json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I, s:o}", "kind",
					 shadow_kind_name((enum shadow_kind)finding->key.kind),
					 "active", shadow_said(report, finding->key.active),
					 "candidate", shadow_said(report, finding->key.candidate),
					 "pool", shadow_pool(report, finding->key.pool), "packets",
					 (json_int_t)finding->difference.packets, "bytes",
					 (json_int_t)finding->difference.bytes, "sample",
					 sample_json(report, &finding->difference.sample)));
	}
	return array;
}

static int print_json(const struct shadow_report *report)
{
	const struct control *control = report->running.kernel.control;
	const struct shadow_counters *counters = &report->counters;
	char since[TIME_TEXT];

	return json_print(
		json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "generation",
			  (json_int_t)report->generation, "active_generation",
			  (json_int_t)running_header(&report->running, HEADER_GENERATION), "since",
			  time_text(report, control->shadow_since, since), "seconds",
			  (json_int_t)report->seconds, "packets", (json_int_t)counters->packets,
			  "bytes", (json_int_t)counters->bytes, "newly_drop",
			  (json_int_t)shadow_report_packets(report, SHADOW_DROPS), "newly_pass",
			  (json_int_t)shadow_report_packets(report, SHADOW_PASSES), "further",
			  (json_int_t)counters->further_packets, "flows",
			  (json_int_t)counters->flows, "differences", findings_json(report)));
}

/* --- table */

static int add_finding(struct listing *listing, const struct shadow_report *report,
		       const struct shadow_finding *finding)
{
	const struct shadow_sample *sample = &finding->difference.sample;
	char source[PREFIX_TEXT], destination[PREFIX_TEXT], protocol[8], name[IF_NAMESIZE],
		when[TIME_TEXT], packets[24];
	_cleanup_free_ char *text = NULL;
	const char *pool = shadow_pool(report, finding->key.pool);

	snprintf(packets, sizeof(packets), "%llu", finding->difference.packets);
	if (asprintf(&text, "%s %s %u > %s %u, %s", protocol_text(sample, protocol),
		     address_text(sample, &sample->source, source), sample->source_port,
		     address_text(sample, &sample->destination, destination),
		     sample->destination_port, interface_text(sample, name)) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return listing_add(
		listing,
		(const char *const[]){shadow_kind_name((enum shadow_kind)finding->key.kind),
				      pool ? pool : "-", shadow_said(report, finding->key.active),
				      shadow_said(report, finding->key.candidate), packets,
				      time_text(report, sample->epoch, when), text});
}

static int print_listing(const struct shadow_report *report, enum format format)
{
	static const struct column columns[] = {
		{"WHAT", false, false},      {"POOL", false, false},   {"NOW", false, false},
		{"CANDIDATE", false, false}, {"PACKETS", true, false}, {"LAST", false, false},
		{"SAMPLE", false, true},
	};
	struct listing listing = {.columns = columns, .n_columns = 7};
	char since[TIME_TEXT];
	int err = 0;

	fprintf(stderr,
		"rolewall: generation %u beside %u since %s: %llu packets compared, %llu would newly drop, %llu would newly pass\n",
		report->generation, running_header(&report->running, HEADER_GENERATION),
		time_text(report, report->running.kernel.control->shadow_since, since),
		report->counters.packets, shadow_report_packets(report, SHADOW_DROPS),
		shadow_report_packets(report, SHADOW_PASSES));
	if (report->counters.further_packets)
		fprintf(stderr,
			"rolewall: %llu packets differed in further ways for which there was no room\n",
			report->counters.further_packets);
	for (size_t i = 0; i < report->n_findings && !err; i++)
		err = add_finding(&listing, report, &report->findings[i]);
	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

/* --- the words */

static int print_loaded(const struct shadow_loaded *loaded)
{
	return json_print(json_pack("{s:I, s:I, s:I, s:b}", "generation",
				    (json_int_t)loaded->generation, "image_pages",
				    (json_int_t)loaded->pages, "selftest_probes",
				    (json_int_t)loaded->probes, "shadow", true));
}

int apply_shadow(const struct arguments *arguments)
{
	struct diagnostics diags = {0};
	struct shadow_loaded loaded;
	struct input input = {0};
	int err = input_load(arguments->common.site, &input, &diags);

	if (!err)
		err = shadow_load(&arguments->common, &input.policy, &loaded, &diags);
	diag_print(&diags, stderr);
	if (!err)
		fprintf(stderr,
			"rolewall: generation %u is loaded as a shadow (%zu probes); \"rolewall shadow\" shows what it would do otherwise\n",
			loaded.generation, loaded.probes);
	else
		fprintf(stderr, "rolewall: nothing was changed\n");
	if (!err && arguments->common.format == FORMAT_JSON)
		err = print_loaded(&loaded);
	diag_free(&diags);
	input_free(&input);
	return err;
}

static int show(const struct arguments *arguments)
{
	_cleanup_(shadow_report_free) struct shadow_report report;
	int err = shadow_report_take(arguments->common.pin_dir, &report);

	if (err)
		return err;
	return arguments->common.format == FORMAT_JSON
		       ? print_json(&report)
		       : print_listing(&report, arguments->common.format);
}

static int drop(const struct arguments *arguments)
{
	int err = shadow_drop(&arguments->common);

	if (err)
		return err;
	fprintf(stderr, "rolewall: the shadow is dropped; what is in force stays\n");
	return arguments->common.format == FORMAT_JSON ? json_print(json_pack("{s:b}", "shadow", 0))
						       : 0;
}

/* An apply of the site that the shadow was made of, if it still is that. */
static int commit(const struct arguments *arguments)
{
	struct diagnostics diags = {0};
	struct input input = {0};
	struct apply_request request = {
		.common = &arguments->common, .input = &input, .ends_shadow = true};
	int err = apply_options("shadow commit", arguments->values[OPTION_CONFIRM_WITHIN],
				arguments->values[OPTION_COMMENT], &request);

	if (err)
		return err;
	err = pending_finish(&arguments->common);
	if (!err)
		err = input_load(arguments->common.site, &input, &diags);
	if (!err)
		err = shadow_is_of(&arguments->common, &input.policy, &diags);
	if (err)
		diag_print(&diags, stderr);
	else
		err = apply_input(&request, &diags);
	if (err && !common_has_changed(&arguments->common))
		fprintf(stderr, "rolewall: nothing was changed\n");
	diag_free(&diags);
	input_free(&input);
	return err;
}

static int run(const struct arguments *arguments)
{
	const char *word = arguments->n_operands ? arguments->operands[0] : NULL;
	bool commits = word && !strcmp(word, "commit");

	if (!commits &&
	    (arguments->values[OPTION_CONFIRM_WITHIN] || arguments->values[OPTION_COMMENT])) {
		fprintf(stderr,
			"rolewall shadow: --confirm-within and --comment are for \"shadow commit\"\n");
		return ERR_USAGE;
	}
	if (!word)
		return show(arguments);
	if (!strcmp(word, "drop"))
		return drop(arguments);
	if (commits)
		return commit(arguments);
	fprintf(stderr, "rolewall: shadow %s: \"commit\", \"drop\" or nothing is accepted\n", word);
	return ERR_USAGE;
}

const struct command command_shadow = {
	.name = "shadow",
	.summary = "Show what the candidate of `apply --shadow` would drop or pass otherwise",
	.help = "Lists every kind of difference with its packets and the last of them: what the policy\n"
		"in force does (a row or a reason), what the candidate would do, and whose pool it is.\n"
		"\"shadow commit\" puts the candidate into force, if the site (-c) still is the one that\n"
		"was loaded; \"shadow drop\" takes it out. Traffic notices neither.",
	.operands = "[commit|drop]",
	.operands_min = 0,
	.operands_max = 1,
	.options = {[OPTION_CONFIRM_WITHIN] = OPTION_SPEC_CONFIRM_WITHIN,
		    [OPTION_COMMENT] = OPTION_SPEC_COMMENT},
	.run = run,
};
