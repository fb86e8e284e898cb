/* SPDX-License-Identifier: MIT */
/* rolewall watch: drops as they happen, a sample under a hard cap. */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "cleanup.h"
#include "command.h"
#include "counters.h"
#include "drop_detail.h"
#include "protocol.h"
#include "running.h"
#include "string_list.h"
#include "watch.h"
#include "watching.h"

enum {
	OPTION_REASON,
	OPTION_POOL,
	OPTION_ROLE,
	OPTION_SRC,
	OPTION_DST,
	OPTION_PROTO,
	OPTION_PORT,
	OPTION_IN,
	OPTION_COUNT,
	OPTION_DURATION,
	OPTION_RATE,
	OPTION_WRITE,
};

#define DONE 1 /* what take() says to stop */
#define LINE_MAX_BYTES 1024
#define NANOSECONDS 1000000000ULL

struct watch {
	struct kernel kernel;
	struct watch_filter filter;
	struct prefix source, destination; /* of the filter */
	enum format format;
	unsigned long count, duration, rate; /* 0 = no end */
	struct capture capture;
	struct role_set *sets;
	struct pool_counter *pools;
	size_t n_pools;
	uint64_t boot; /* ns since 1970 at which CLOCK_BOOTTIME began */
	unsigned long long received, shown; /* events */
	__u64 dropped, full; /* counters at the start */
	__u64 told; /* losses that were told of */
	time_t checked;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* --- names */

static int read_names(struct watch *watch)
{
	int err;

	free(watch->sets);
	free(watch->pools);
	watch->sets = NULL;
	watch->pools = NULL;
	err = drop_role_sets(&watch->kernel, &watch->sets);
	return err ? err : counters_pools(&watch->kernel, &watch->pools, &watch->n_pools);
}

static const char *roles_name(const struct watch *watch, __u32 cell)
{
	__u32 id = ROLES_OF(cell);

	return id < ROLE_SETS_MAX && watch->sets[id].roles[0] ? watch->sets[id].roles : "?";
}

static const char *pool_name(const struct watch *watch, __u32 cell)
{
	__u32 id = POOL_OF(cell);

	return id && id < watch->n_pools ? watch->pools[id].pool : NULL;
}

/* An apply since may have brought new names. */
static bool is_named(const struct watch *watch, __u32 cell)
{
	return (!POOL_OF(cell) || POOL_OF(cell) < watch->n_pools) &&
	       ROLES_OF(cell) < ROLE_SETS_MAX && watch->sets[ROLES_OF(cell)].roles[0];
}

/* --- one event */

/* The frame with a tag that the kernel took off put back. */
static size_t whole_frame(const struct drop_event *event, unsigned char bytes[EVENT_BYTES + 4])
{
	size_t tag = event->tag_protocol && event->captured >= 12 ? 4 : 0;

	if (!tag) {
		memcpy(bytes, event->bytes, event->captured);
		return event->captured;
	}
	memcpy(bytes, event->bytes, 12);
	bytes[12] = (unsigned char)(event->tag_protocol >> 8);
	bytes[13] = (unsigned char)event->tag_protocol;
	bytes[14] = (unsigned char)(event->tag >> 8);
	bytes[15] = (unsigned char)event->tag;
	memcpy(bytes + 16, event->bytes + 12, event->captured - 12);
	return event->captured + tag;
}

static int write_packet(struct watch *watch, const struct sight *sight, const void *bytes,
			size_t captured)
{
	char comment[LINE_MAX_BYTES];
	const struct captured packet = {
		.time = sight->time,
		.ifindex = sight->event->ifindex,
		.interface = sight->interface,
		.bytes = bytes,
		.captured = captured,
		.length = sight->event->length + (captured - sight->event->captured),
		.comment = comment,
	};

	watch_comment(sight, comment, sizeof(comment));
	return capture_add(&watch->capture, &packet);
}

static int print_sight(const struct watch *watch, const struct sight *sight)
{
	char line[LINE_MAX_BYTES];
	json_t *object;

	if (watch->format == FORMAT_JSON) {
		object = watch_json(sight);
		if (!object)
			return -ENOMEM;
		json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		json_decref(object);
		putchar('\n');
	} else {
		watch_line(sight, line, sizeof(line));
		puts(line);
	}
	return fflush(stdout) ? -EIO : 0;
}

static int take(void *context, const struct drop_event *event)
{
	struct watch *watch = context;
	unsigned char bytes[EVENT_BYTES + 4];
	char interface[IF_NAMESIZE + 16];
	struct sight sight = {.event = event, .interface = interface};
	size_t length;
	int err = 0;

	watch->received++;
	if (event->captured > EVENT_BYTES)
		return -EPROTO;
	if (!is_named(watch, event->source) || !is_named(watch, event->destination))
		err = read_names(watch);
	if (err)
		return err;
	length = whole_frame(event, bytes);
	frame_read(bytes, length, &sight.facts);
	if (!if_indextoname(event->ifindex, interface))
		snprintf(interface, sizeof(interface), "#%u", event->ifindex);
	sight.time = watch->boot + event->time;
	sight.source_roles = roles_name(watch, event->source);
	sight.destination_roles = roles_name(watch, event->destination);
	sight.source_pool = pool_name(watch, event->source);
	sight.destination_pool = pool_name(watch, event->destination);
	if (!watch_matches(&watch->filter, &sight))
		return 0;
	if (watch->capture.file)
		err = write_packet(watch, &sight, bytes, length);
	if (!err)
		err = print_sight(watch, &sight);
	watch->shown++;
	return err ? err : watch->count && watch->shown >= watch->count ? DONE : 0;
}

/* --- losses */

static int read_totals(const struct watch *watch, __u64 *dropped, __u64 *full)
{
	struct counters counters;
	int err = counters_read(&watch->kernel, &counters);

	*dropped = 0;
	for (enum reason i = 0; i < N_DROP_REASONS && !err; i++)
		*dropped += counters.drops[i].packets;
	*full = err ? 0 : counters.tables.events_full;
	return err;
}

/* Everything that dropped and did not come here is lost. */
static int tell_losses(struct watch *watch, bool last)
{
	__u64 dropped, full, lost;
	int err = read_totals(watch, &dropped, &full);

	if (err)
		return err;
	dropped -= watch->dropped;
	full -= watch->full;
	lost = dropped > watch->received ? dropped - watch->received : 0;
	if (last)
		fprintf(stderr,
			"rolewall: watched %llu drops: %llu seen, %llu shown, %llu lost (%llu of them because the ring was full)\n",
			lost + watch->received, watch->received, watch->shown, lost,
			full < lost ? full : lost);
	else if (lost > watch->told)
		fprintf(stderr,
			"rolewall: %llu drops lost so far; a CPU shows at most %lu a second\n",
			lost, watch->rate);
	watch->told = lost;
	return 0;
}

/* --- the command line */

static int wrong(const char *option, const char *word, const char *accepted)
{
	fprintf(stderr, "rolewall: watch --%s %s: %s\n", option, word, accepted);
	return ERR_USAGE;
}

static int read_number(const char *option, const char *word, unsigned long max,
		       unsigned long *number)
{
	char accepted[64], *end;

	if (!word)
		return 0;
	*number = strtoul(word, &end, 10);
	if (*word >= '0' && *word <= '9' && !*end && *number && *number <= max)
		return 0;
	snprintf(accepted, sizeof(accepted), "not a number from 1 to %lu", max);
	return wrong(option, word, accepted);
}

static int read_prefix(const char *option, const char *word, struct prefix *prefix,
		       const struct prefix **filter)
{
	if (!word)
		return 0;
	if (prefix_parse(word, prefix))
		return wrong(option, word, "not an address or a prefix without host bits");
	*filter = prefix;
	return 0;
}

static int read_reason(const char *word, struct watch_filter *filter)
{
	if (!word)
		return 0;
	for (enum reason i = 0; i < N_DROP_REASONS; i++)
		if (!strcmp(word, reason_name(i))) {
			filter->by_reason = true;
			filter->reason = i;
			return 0;
		}
	return wrong("reason", word, "no reason for a drop; \"rolewall drops --all\" lists them");
}

static int read_protocol(const char *word, int *filter)
{
	uint8_t protocol;

	*filter = -1;
	if (!word)
		return 0;
	if (protocol_read(word, &protocol))
		return wrong("proto", word, "accepted: " PROTOCOL_ACCEPTED);
	*filter = protocol;
	return 0;
}

static int read_filter(const char *const *values, struct watch *watch)
{
	struct watch_filter *filter = &watch->filter;
	unsigned long port = 0;
	int err = read_reason(values[OPTION_REASON], filter);

	filter->pool = values[OPTION_POOL];
	filter->role = values[OPTION_ROLE];
	filter->interface = values[OPTION_IN];
	if (!err)
		err = read_prefix("src", values[OPTION_SRC], &watch->source, &filter->source);
	if (!err)
		err = read_prefix("dst", values[OPTION_DST], &watch->destination,
				  &filter->destination);
	if (!err)
		err = read_number("port", values[OPTION_PORT], 65535, &port);
	filter->port = (unsigned int)port;
	return err ? err : read_protocol(values[OPTION_PROTO], &filter->protocol);
}

static int read_options(const struct arguments *arguments, struct watch *watch)
{
	const char *const *values = arguments->values;
	int err = read_filter(values, watch);
	bool ng;

	watch->rate = EVENT_RATE;
	watch->format = arguments->common.format;
	if (!err)
		err = read_number("count", values[OPTION_COUNT], 1000000000, &watch->count);
	if (!err)
		err = read_number("duration", values[OPTION_DURATION], 1000000, &watch->duration);
	if (!err)
		err = read_number("rate", values[OPTION_RATE], EVENT_RATE_MAX, &watch->rate);
	if (!err && values[OPTION_WRITE] && !capture_is_name(values[OPTION_WRITE], &ng))
		err = wrong("write", values[OPTION_WRITE],
			    "a capture's name ends in .pcapng, or in .pcap (without reasons)");
	return err;
}

/* --- the whole */

static int check_pool(const struct watch *watch)
{
	const char *pool = watch->filter.pool;

	for (size_t id = 1; pool && id < watch->n_pools; id++)
		if (!strcmp(watch->pools[id].pool, pool))
			return 0;
	if (!pool)
		return 0;
	fprintf(stderr,
		"rolewall: watch --pool %s: no such pool; \"rolewall drops --by pool\" lists them\n",
		pool);
	return -EINVAL;
}

/* Every role that an end of a drop may have. */
static int list_roles(const struct watch *watch, struct strings *roles)
{
	int err = 0;

	for (size_t id = 0; id < ROLE_SETS_MAX && !err; id++) {
		char set[ROLE_SET_TEXT], *rest = set, *role;

		snprintf(set, sizeof(set), "%s", watch->sets[id].roles);
		while (!err && (role = strsep(&rest, "+")))
			if (*role && !strings_contain(roles, role))
				err = strings_add(roles, role, (struct place){0});
	}
	return err;
}

static int check_role(const struct watch *watch)
{
	_cleanup_(strings_free) struct strings roles = {0};
	_cleanup_free_ char *accepted = NULL;
	const char *role = watch->filter.role;
	int err = role ? list_roles(watch, &roles) : 0;

	if (err || !role || strings_contain(&roles, role))
		return err;
	accepted = strings_join(&roles, ", ");
	if (!accepted)
		return -ENOMEM;
	fprintf(stderr, "rolewall: watch --role %s: no such role; accepted: %s\n", role, accepted);
	return -EINVAL;
}

static int open_capture(struct watch *watch, const char *path)
{
	bool ng = false;
	int err;

	if (!path)
		return 0;
	capture_is_name(path, &ng);
	err = capture_open(path, ng, &watch->capture);
	if (err)
		fprintf(stderr, "rolewall: cannot write %s: %s\n", path, strerror(-err));
	return err;
}

static int begin(struct watch *watch, struct watching **watching)
{
	struct timespec now, since;
	__u32 watcher = 0;
	int err = watching_begin(&watch->kernel, (__u32)watch->rate, &watcher, watching);

	if (err == -EBUSY)
		fprintf(stderr, "rolewall: another watch runs (process %u); there can be one\n",
			watcher);
	else if (err)
		fprintf(stderr, "rolewall: cannot watch: %s\n", strerror(-err));
	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &since);
	watch->boot = (uint64_t)(now.tv_sec - since.tv_sec) * NANOSECONDS +
		      (uint64_t)(now.tv_nsec - since.tv_nsec);
	err = read_totals(watch, &watch->dropped, &watch->full);
	fprintf(stderr, "rolewall: watching, at most %lu drops a CPU and second\n", watch->rate);
	return err;
}

static int watch_until_done(struct watch *watch, struct watching *watching)
{
	time_t start = time(NULL), now;
	int err = 0;

	while (!err && !interrupted) {
		now = time(NULL);
		if (watch->duration && (unsigned long)(now - start) >= watch->duration)
			break;
		err = watching_wait(watching, 100, take, watch);
		if (err == -EINTR)
			err = 0;
		if (!err && now != watch->checked)
			err = tell_losses(watch, false);
		watch->checked = now;
	}
	if (err == DONE || !err)
		err = tell_losses(watch, true);
	return err;
}

static void watch_close(struct watch *watch)
{
	free(watch->sets);
	free(watch->pools);
	kernel_close(&watch->kernel);
}

static int run(const struct arguments *arguments)
{
	_cleanup_(watch_close) struct watch watch = {.kernel = KERNEL_CLOSED};
	const struct sigaction action = {.sa_handler = interrupt};
	struct watching *watching = NULL;
	int err = read_options(arguments, &watch), closed;

	if (err)
		return err;
	err = kernel_open(arguments->common.pin_dir, &watch.kernel);
	if (err == -ENOENT)
		fprintf(stderr, "rolewall: nothing is loaded at %s\n", arguments->common.pin_dir);
	if (!err)
		err = read_names(&watch);
	if (!err)
		err = check_pool(&watch);
	if (!err)
		err = check_role(&watch);
	if (!err)
		err = open_capture(&watch, arguments->values[OPTION_WRITE]);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!err)
		err = begin(&watch, &watching);
	if (!err)
		err = watch_until_done(&watch, watching);
	watching_end(watching);
	closed = capture_close(&watch.capture);
	if (closed)
		fprintf(stderr, "rolewall: cannot write %s\n", arguments->values[OPTION_WRITE]);
	return err ? err : closed;
}

const struct command command_watch = {
	.name = "watch",
	.summary = "Show drops as they happen, with reason, roles and addresses",
	.help = "One line a drop. A CPU shows no more than --rate drops a second, whatever comes in; what\n"
		"was lost is told while it runs and at its end. Without a watcher the data plane sends\n"
		"nothing. One watch at a time.",
	.no_csv = "no --csv; accepted: --json",
	.options = {{"reason", "REASON", "drops for this reason alone"},
		    {"pool", "POOL", "from or to this pool"},
		    {"role", "ROLE", "from or to a pool with this role"},
		    {"src", "PREFIX", "from these addresses"},
		    {"dst", "PREFIX", "to these addresses"},
		    {"proto", "PROTO", PROTOCOL_ACCEPTED},
		    {"port", "N", "from or to this port"},
		    {"in", "IFACE", "that came in by this interface"},
		    {"count", "N", "end after so many"},
		    {"duration", "SECONDS", "end after so long"},
		    {"rate", "N", "at most so many a CPU and second (256)"},
		    {"write", "FILE", "also write them to FILE.pcapng (or .pcap)"}},
	.run = run,
};
