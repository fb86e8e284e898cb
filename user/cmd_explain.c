/* SPDX-License-Identifier: MIT */
/* rolewall explain: what happens to a packet, proven by the program that runs. */
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>

#include "cleanup.h"
#include "command.h"
#include "describe.h"
#include "description.h"
#include "frame_build.h"
#include "listing.h"
#include "protocol.h"
#include "running.h"

enum { OPTION_SRC, OPTION_DST, OPTION_PROTO, OPTION_SPORT, OPTION_DPORT, OPTION_IN };

#define SOURCE_PORT 40000

struct answer {
	struct question question;
	struct probe_result result;
	json_t *rows; /* ids, owned */
};

/* --- the question */

static int parse_address(const char *option, const char *text, struct prefix *address)
{
	if (text && !prefix_parse(text, address) &&
	    address->length == (address->family == FAMILY_IPV4 ? 32 : 128))
		return 0;
	fprintf(stderr, "rolewall: --%s %s: one IPv4 or IPv6 address is wanted\n", option,
		text ? text : "(missing)");
	return ERR_USAGE;
}

static int parse_number(const char *option, const char *text, unsigned long max,
			unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *value <= max)
		return 0;
	fprintf(stderr, "rolewall: --%s %s: a number from 0 to %lu is wanted\n", option, text, max);
	return ERR_USAGE;
}

/* The word icmp is that of the addresses' family; a number is that number. */
static int parse_protocol(const char *text, struct question *question)
{
	if (!text || protocol_read(text, &question->protocol)) {
		fprintf(stderr, "rolewall: --proto %s: accepted: " PROTOCOL_ACCEPTED "\n",
			text ? text : "(missing)");
		return ERR_USAGE;
	}
	if (question->source.family == FAMILY_IPV6 && !strcmp(text, "icmp"))
		question->protocol = IPPROTO_ICMPV6;
	return 0;
}

static bool needs_ports(const struct question *question)
{
	return question->protocol == IPPROTO_TCP || question->protocol == IPPROTO_UDP;
}

static int parse_ports(const struct arguments *arguments, struct question *question)
{
	const char *source = arguments->values[OPTION_SPORT];
	const char *destination = arguments->values[OPTION_DPORT];
	unsigned long number = SOURCE_PORT;
	int err = source ? parse_number("sport", source, 65535, &number) : 0;

	question->source_port = (uint16_t)number;
	if (err || !needs_ports(question))
		return err;
	if (!destination) {
		fprintf(stderr, "rolewall: --dport is wanted with tcp and udp\n");
		return ERR_USAGE;
	}
	err = parse_number("dport", destination, 65535, &number);
	question->destination_port = (uint16_t)number;
	return err;
}

static int parse_question(const struct arguments *arguments, struct question *question)
{
	int err = parse_address("src", arguments->values[OPTION_SRC], &question->source);

	if (!err)
		err = parse_address("dst", arguments->values[OPTION_DST], &question->destination);
	if (!err && question->source.family != question->destination.family) {
		fprintf(stderr, "rolewall: --src and --dst must be of one family\n");
		err = ERR_USAGE;
	}
	if (!err)
		err = parse_protocol(arguments->values[OPTION_PROTO], question);
	return err ? err : parse_ports(arguments, question);
}

/* The interface of --in decides the side, and which of the two programs is asked. */
static int find_interface(const struct running *running, const char *name,
			  struct probe_request *request)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count;
	int err;

	if (!name)
		return 0;
	err = kernel_attachments(&running->kernel, &list, &count);
	for (size_t i = 0; i < count && !err; i++)
		if (!strcmp(list[i].name, name)) {
			request->ifindex = if_nametoindex(name);
			request->tc = list[i].hook == HOOK_TC;
			if (request->ifindex)
				return 0;
		}
	if (!err)
		fprintf(stderr, "rolewall: --in %s: rolewall is not attached to it here\n", name);
	return err ? err : -ENODEV;
}

/* --- the answer */

static int ask(const struct running *running, const struct arguments *arguments,
	       struct answer *answer)
{
	unsigned char frame[FRAME_BUILD_MAX];
	struct probe_request request = {.frame = frame, .slot = PROBE_ACTIVE};
	const struct question *question = &answer->question;
	struct passage passage;
	int err = find_interface(running, arguments->values[OPTION_IN], &request);

	if (err)
		return err;
	request.length = frame_build(question, frame);
	err = kernel_probe(&running->kernel, &request, &answer->result);
	if (err) {
		fprintf(stderr, "rolewall: cannot run the program: %s\n", strerror(-err));
		return err;
	}
	passage = (struct passage){
		.source = answer->result.source_record,
		.destination = answer->result.destination_record,
		.transport = question->protocol == IPPROTO_TCP ? TRANSPORT_TCP : TRANSPORT_UDP,
		.port = question->destination_port,
	};
	answer->rows = answer->result.reason == REASON_matrix
			       ? description_rows(running->description, &passage)
			       : json_array();
	return answer->rows ? 0 : -ENOMEM;
}

static json_t *roles_of(const struct running *running, __u32 record)
{
	json_t *roles = description_roles(running->description, record);

	return roles ? json_incref(roles) : json_array();
}

static int print_json(const struct running *running, const struct answer *answer)
{
	const struct probe_result *result = &answer->result;
	json_t *json =
		json_pack("{s:s, s:s, s:s, s:O, s:o, s:o, s:s?, s:s?, s:I, s:b}", "verdict",
			  result->reason >= FIRST_PASS_REASON ? "pass" : "drop", "reason",
			  reason_name(result->reason), "text", reason_text(result->reason), "rows",
			  answer->rows, "src_roles", roles_of(running, result->source_record),
			  "dst_roles", roles_of(running, result->destination_record), "src_pool",
			  description_pool(running->description, result->source_record), "dst_pool",
			  description_pool(running->description, result->destination_record),
			  "generation", (json_int_t)result->generation, "audit",
			  (running_header(running, HEADER_OPTIONS) & OPTION_AUDIT) != 0);

	return json_print(json);
}

/* "a, b" of an array of strings, "-" of an empty one; to be freed. */
static char *join_json(const json_t *array)
{
	char *text = strdup(json_array_size(array) ? "" : "-"), *longer;
	json_t *word;
	size_t i;

	json_array_foreach (array, i, word) {
		if (!text ||
		    asprintf(&longer, "%s%s%s", text, i ? ", " : "", json_string_value(word)) < 0)
			longer = NULL;
		free(text);
		text = longer;
	}
	return text;
}

static int add_end(struct listing *listing, const struct running *running, const char *what,
		   __u32 record)
{
	const char *pool = description_pool(running->description, record);
	_cleanup_free_ char *roles = join_json(description_roles(running->description, record));
	_cleanup_free_ char *text = NULL;

	if (!roles || asprintf(&text, "%s%s%s", pool ? pool : "not in a pool", pool ? ": " : "",
			       pool ? roles : "") < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return listing_add(listing, (const char *const[]){what, text});
}

static int print_listing(const struct running *running, const struct answer *answer,
			 enum format format)
{
	static const struct column columns[] = {{"WHAT", false, false}, {"VALUE", false, true}};
	struct listing listing = {.columns = columns, .n_columns = 2};
	const struct probe_result *result = &answer->result;
	_cleanup_free_ char *rows = join_json(answer->rows);
	bool audit = running_header(running, HEADER_OPTIONS) & OPTION_AUDIT;
	char generation[16];
	int err = rows ? 0 : -ENOMEM;

	snprintf(generation, sizeof(generation), "%u", result->generation);
	err = err ? err
		  : listing_add(&listing,
				(const char *const[]){"verdict",
						      result->reason >= FIRST_PASS_REASON ? "pass"
						      : audit ? "drop (passes: audit mode)"
							      : "drop"});
	err = err ? err
		  : listing_add(&listing,
				(const char *const[]){"reason", reason_name(result->reason)});
	err = err ? err
		  : listing_add(&listing,
				(const char *const[]){"meaning", reason_text(result->reason)});
	err = err ? err : listing_add(&listing, (const char *const[]){"rows", rows});
	err = err ? err : add_end(&listing, running, "source", result->source_record);
	err = err ? err : add_end(&listing, running, "destination", result->destination_record);
	err = err ? err : listing_add(&listing, (const char *const[]){"generation", generation});
	if (!err)
		err = listing_print(&listing, format);
	listing_free(&listing);
	return err;
}

static int run(const struct arguments *arguments)
{
	struct running running = {.kernel = KERNEL_CLOSED};
	struct answer answer = {0};
	int err = parse_question(arguments, &answer.question);

	if (err)
		return err;
	err = running_open(arguments->common.pin_dir, &running);
	if (!err)
		err = ask(&running, arguments, &answer);
	if (!err)
		err = arguments->common.format == FORMAT_JSON
			      ? print_json(&running, &answer)
			      : print_listing(&running, &answer, arguments->common.format);
	json_decref(answer.rows);
	running_close(&running);
	return err;
}

const struct command command_explain = {
	.name = "explain",
	.summary = "Say what happens to a packet and why",
	.help = "Builds the packet (TCP: a SYN; ICMP: an echo request) and runs the loaded program on\n"
		"it, as if it came in by the interface of --in. It is not counted and starts no flow.\n"
		"--proto icmp is that of the addresses' family; a number is that number.",
	.options = {{"src", "ADDRESS", "source address"},
		    {"dst", "ADDRESS", "destination address"},
		    {"proto", "PROTOCOL", PROTOCOL_ACCEPTED},
		    {"sport", "PORT", "source port (default 40000); ICMP: the id"},
		    {"dport", "PORT", "destination port, for tcp and udp"},
		    {"in", "INTERFACE", "where it comes in; default: a side `any`"}},
	.run = run,
};
