/* SPDX-License-Identifier: MIT */
/*
 * OpenMetrics 1.0. Only counters and gauges, so that readers of the older Prometheus text format
 * (the textfile collector of node_exporter) take the same file.
 */
#include "openmetrics.h"

#include "timeouts.h"
#include "version.h"

/* A metric family: its samples follow it. */
struct metric {
	const char *name; /* without prefix and without _total; ends in the unit if it has one */
	const char *unit; /* NULL: none */
	const char *help;
};

static void begin(FILE *out, const struct metric *metric, const char *type)
{
	fprintf(out, "# TYPE " OPENMETRICS_PREFIX "%s %s\n", metric->name, type);
	if (metric->unit)
		fprintf(out, "# UNIT " OPENMETRICS_PREFIX "%s %s\n", metric->name, metric->unit);
	fprintf(out, "# HELP " OPENMETRICS_PREFIX "%s %s\n", metric->name, metric->help);
}

/* Names of interfaces may hold almost any byte; what is not printable ASCII becomes '?'. */
static void put_value(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			putc('\\', out);
		putc(*text >= 0x20 && *text < 0x7f ? *text : '?', out);
	}
}

/* LABELS: name, value, ..., NULL. */
static void put_labels(FILE *out, const char *const *labels)
{
	const char *before = "{";

	for (; labels[0]; labels += 2) {
		fprintf(out, "%s%s=\"", before, labels[0]);
		put_value(out, labels[1]);
		putc('"', out);
		before = ",";
	}
	if (*before == ',')
		putc('}', out);
}

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_LABELS ((const char *const[]){NULL})

static void count(FILE *out, const struct metric *metric, const char *const *labels, __u64 value)
{
	fprintf(out, OPENMETRICS_PREFIX "%s_total", metric->name);
	put_labels(out, labels);
	fprintf(out, " %llu\n", value);
}

static void gauge(FILE *out, const struct metric *metric, const char *const *labels, __u64 value)
{
	fprintf(out, OPENMETRICS_PREFIX "%s", metric->name);
	put_labels(out, labels);
	fprintf(out, " %llu\n", value);
}

/* A gauge or counter of one value. */
static void single(FILE *out, const struct metric *metric, __u64 value)
{
	begin(out, metric, "gauge");
	gauge(out, metric, NO_LABELS, value);
}

static void single_count(FILE *out, const struct metric *metric, __u64 value)
{
	begin(out, metric, "counter");
	count(out, metric, NO_LABELS, value);
}

/* --- packets */

static void write_drops(FILE *out, const struct counters *counters)
{
	static const struct metric packets = {"dropped_packets", "packets",
					      "Packets that met a drop reason"};
	static const struct metric bytes = {"dropped_bytes", "bytes", "Their bytes"};
	static const struct metric audited = {"audited_packets", "packets",
					      "Packets of these that passed all the same, in mode "
					      "audit"};

	begin(out, &packets, "counter");
	for (enum reason i = 0; i < N_DROP_REASONS; i++)
		count(out, &packets, LABELS("reason", reason_name(i)), counters->drops[i].packets);
	begin(out, &bytes, "counter");
	for (enum reason i = 0; i < N_DROP_REASONS; i++)
		count(out, &bytes, LABELS("reason", reason_name(i)), counters->drops[i].bytes);
	begin(out, &audited, "counter");
	for (enum reason i = 0; i < N_DROP_REASONS; i++)
		count(out, &audited, LABELS("reason", reason_name(i)), counters->drops[i].audited);
}

static void write_passes(FILE *out, const struct counters *counters)
{
	static const struct metric packets = {"passed_packets", "packets",
					      "Packets that met a pass reason"};
	static const struct metric bytes = {"passed_bytes", "bytes", "Their bytes"};

	begin(out, &packets, "counter");
	for (enum reason i = 0; i < N_PASS_REASONS; i++)
		count(out, &packets, LABELS("reason", reason_name(FIRST_PASS_REASON + i)),
		      counters->passes[i].packets);
	begin(out, &bytes, "counter");
	for (enum reason i = 0; i < N_PASS_REASONS; i++)
		count(out, &bytes, LABELS("reason", reason_name(FIRST_PASS_REASON + i)),
		      counters->passes[i].bytes);
}

static void write_rows(FILE *out, const struct reading *reading)
{
	static const struct metric packets = {
		"row_packets", "packets",
		"Packets that passed by a row, included in reason matrix"};
	static const struct metric bytes = {"row_bytes", "bytes", "Their bytes"};

	begin(out, &packets, "counter");
	for (size_t i = 1; i < reading->n_rows; i++)
		count(out, &packets, LABELS("row", reading->rows[i].row), reading->rows[i].packets);
	begin(out, &bytes, "counter");
	for (size_t i = 1; i < reading->n_rows; i++)
		count(out, &bytes, LABELS("row", reading->rows[i].row), reading->rows[i].bytes);
}

static void write_pools(FILE *out, const struct reading *reading)
{
	static const struct metric packets = {
		"pool_dropped_packets", "packets",
		"Packets that met a drop reason on their way to a pool, else from it"};
	static const struct metric bytes = {"pool_dropped_bytes", "bytes", "Their bytes"};

	begin(out, &packets, "counter");
	for (size_t i = 1; i < reading->n_pools; i++)
		count(out, &packets, LABELS("pool", reading->pools[i].pool),
		      reading->pools[i].dropped_packets);
	begin(out, &bytes, "counter");
	for (size_t i = 1; i < reading->n_pools; i++)
		count(out, &bytes, LABELS("pool", reading->pools[i].pool),
		      reading->pools[i].dropped_bytes);
}

/* --- tables */

static void write_tables(FILE *out, const struct reading *reading)
{
	static const struct metric live = {"flows", NULL, "Flows that are alive"};
	static const struct metric room = {"flows_capacity", NULL,
					   "Flows that the table has room for"};
	const struct table_fill *fill = reading->fill;
	const struct table_counters *tables = &reading->counters.tables;

	begin(out, &live, "gauge");
	gauge(out, &live, LABELS("family", "ipv4"), fill[TABLE_FLOWS4].used);
	gauge(out, &live, LABELS("family", "ipv6"), fill[TABLE_FLOWS6].used);
	begin(out, &room, "gauge");
	gauge(out, &room, LABELS("family", "ipv4"), fill[TABLE_FLOWS4].size);
	gauge(out, &room, LABELS("family", "ipv6"), fill[TABLE_FLOWS6].size);
	single_count(out, &(struct metric){"flows_started", NULL, "Flows that were recorded"},
		     tables->flows_created);
	single_count(out,
		     &(struct metric){"flows_evicted", NULL,
				      "Flows pushed out of a full bucket while alive"},
		     tables->flows_evicted);
	single_count(
		out,
		&(struct metric){"flows_lost", NULL, "Flows that found no way in their bucket"},
		tables->flows_lost);
	single(out,
	       &(struct metric){"fragmented_packets", "packets",
				"Fragmented packets whose later fragments would pass"},
	       fill[TABLE_FRAGMENTS].used);
	single(out,
	       &(struct metric){"fragmented_packets_capacity", NULL,
				"Fragmented packets that the table has room for"},
	       fill[TABLE_FRAGMENTS].size);
	single_count(out,
		     &(struct metric){"fragmented_packets_remembered", NULL,
				      "Fragmented packets that were remembered"},
		     tables->fragments_created);
	single_count(out, &(struct metric){"watch_events", NULL, "Drops shown to rolewall watch"},
		     tables->events_sent);
	single_count(out,
		     &(struct metric){"watch_events_lost", NULL,
				      "Drops for which rolewall watch had no room"},
		     tables->events_full);
}

/* --- the instance */

static void write_interfaces(FILE *out, const struct reading *reading)
{
	static const struct metric interfaces = {"interface", NULL,
						 "1: our program filters it; 0: nothing does"};
	static const struct metric conditions = {"interface_condition", NULL,
						 "1 at what holds for the interface"};

	begin(out, &interfaces, "gauge");
	for (size_t i = 0; i < reading->interfaces.count; i++) {
		const struct interface_state *state = &reading->interfaces.items[i];

		gauge(out, &interfaces,
		      LABELS("interface", state->name, "hook", hook_taken(state), "side",
			     side_name(state->side)),
		      is_filtered(state->condition));
	}
	begin(out, &conditions, "gauge");
	for (size_t i = 0; i < reading->interfaces.count; i++)
		for (enum condition c = 0; c < N_CONDITIONS; c++)
			gauge(out, &conditions,
			      LABELS("interface", reading->interfaces.items[i].name, "condition",
				     condition_name(c)),
			      reading->interfaces.items[i].condition == c);
}

/* The dead man's switch and the shadow. */
static void write_changes(FILE *out, const struct reading *reading)
{
	const struct control *control = reading->running.kernel.control;

	single(out,
	       &(struct metric){
		       "trial_seconds", "seconds",
		       "Until the policy before returns unless somebody confirms; 0: no trial"},
	       reading_trial(reading));
	single(out,
	       &(struct metric){
		       "trial_returned", NULL,
		       "1: the last trial ended unconfirmed, and no command has tidied yet"},
	       control->returned != 0);
	single_count(out, &(struct metric){"trial_returns", NULL, "Trials that ended unconfirmed"},
		     control->returns);
	single(out,
	       &(struct metric){"shadow", NULL,
				"1: a candidate is compared with the policy in force"},
	       control->shadow < IMAGE_SLOTS);
}

static void write_backstop(FILE *out, const struct backstop_state *state)
{
	single(out,
	       &(struct metric){"backstop", NULL,
				"1: an interface that was not attached to forwards nothing"},
	       state->on);
	single_count(out,
		     &(struct metric){"backstop_held_back_packets", "packets",
				      "Packets that the backstop did not forward"},
		     state->packets);
	single(out,
	       &(struct metric){"backstop_going_down", NULL,
				"1: what an interface lets through while it goes down is dropped"},
	       state->closing);
}

static void write_modes(FILE *out, const struct reading *reading)
{
	static const struct metric modes = {"mode", NULL, "1 at the mode in force"};
	const bool audit = reading_option(reading, OPTION_AUDIT);

	begin(out, &modes, "gauge");
	gauge(out, &modes, LABELS("mode", mode_name(MODE_ENFORCE)), !audit);
	gauge(out, &modes, LABELS("mode", mode_name(MODE_AUDIT)), audit);
}

static void write_forwarding(FILE *out, const struct reading *reading)
{
	static const struct metric packets = {
		"forwarding_packets", "packets",
		"Passed packets that forwarding in XDP sent on, or why it left them to the kernel"};
	const struct forward_counters *counted = &reading->counters.forwarding;

	single(out, &(struct metric){"forwarding_xdp", NULL, "1: the site says `forwarding: xdp`"},
	       reading_option(reading, OPTION_FORWARD));
	begin(out, &packets, "counter");
#define X(name, text) count(out, &packets, LABELS("result", #name), counted->name);
	FORWARD_RESULTS(X)
#undef X
}

static void write_timeouts(FILE *out, const struct reading *reading)
{
	static const struct metric timeouts = {
		"timeout_seconds", "seconds", "How long a flow or fragmented packet is remembered"};

	begin(out, &timeouts, "gauge");
	for (int i = 0; i < N_TIMEOUTS; i++)
		gauge(out, &timeouts, LABELS("kind", timeout_kinds[i].name),
		      running_header(&reading->running, timeout_kinds[i].cell));
}

static void write_instance(FILE *out, const struct reading *reading)
{
	static const struct metric version = {"version", NULL, "Always 1"};
	const struct running *running = &reading->running;

	begin(out, &version, "gauge");
	gauge(out, &version, LABELS("version", ROLEWALL_VERSION), 1);
	single(out, &(struct metric){"generation", NULL, "Number of the policy in force"},
	       running_header(running, HEADER_GENERATION));
	single(out,
	       &(struct metric){"generation_timestamp_seconds", "seconds",
				"When it was made, since 1970; 0: unknown"},
	       reading_time(reading));
	single(out,
	       &(struct metric){"age_seconds", "seconds",
				"Since the instance was loaded: what the "
				"counters cover"},
	       running->kernel.control->epoch);
	single(out, &(struct metric){"image_bytes", "bytes", "Size of the policy in force"},
	       (__u64)running_header(running, HEADER_PAGES) * sizeof(struct image_page));
	single(out,
	       &(struct metric){"image_capacity_bytes", "bytes",
				"Size that a policy may have without loading programs anew"},
	       (__u64)running->kernel.pages * sizeof(struct image_page));
	write_modes(out, reading);
	single(out, &(struct metric){"asymmetric", NULL, "1: the site says `asymmetric: true`"},
	       reading_option(reading, OPTION_ASYMMETRIC));
	write_timeouts(out, reading);
	write_changes(out, reading);
	write_backstop(out, &reading->backstop);
	write_interfaces(out, reading);
}

void openmetrics_write(const struct reading *reading, FILE *out)
{
	write_instance(out, reading);
	write_drops(out, &reading->counters);
	write_passes(out, &reading->counters);
	write_rows(out, reading);
	write_pools(out, reading);
	write_tables(out, reading);
	write_forwarding(out, reading);
}

void openmetrics_end(FILE *out)
{
	fputs("# EOF\n", out);
}
