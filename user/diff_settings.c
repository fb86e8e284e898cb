/* SPDX-License-Identifier: MIT */
/* What is different between two sites beside their pools: options, interfaces, IPsec pairs. */
#include <errno.h>
#include <stdarg.h>

#include "cleanup.h"
#include "policy_diff.h"
#include "row.h"
#include "string_list.h"

/* Takes both values over; NULL = out of memory for one that is there, "" = it is not there. */
static int add_setting(struct policy_diff *diff, const char *kind, const char *name, char *before,
		       char *after)
{
	struct diff_setting *settings = diff->settings, setting = {NULL, {before, after}};
	int rc = before && after ? 0 : -ENOMEM;

	if (!rc && !strcmp(before, after)) {
		free(before);
		free(after);
		return 0;
	}
	if (!rc)
		settings = array_grow(diff->settings, diff->n_settings, sizeof(*settings));
	if (settings)
		diff->settings = settings;
	if (rc || !settings || asprintf(&setting.name, "%s%s", kind, name) < 0) {
		free(before);
		free(after);
		return -ENOMEM;
	}
	for (int when = 0; when < N_WHENS; when++) {
		if (*setting.value[when])
			continue;
		free(setting.value[when]);
		setting.value[when] = NULL;
	}
	settings[diff->n_settings++] = setting;
	return 0;
}

static const struct site *site_at(const struct policy_diff *diff, enum when when)
{
	return diff->policies[when] ? diff->policies[when]->site : NULL;
}

__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return length < 0 ? NULL : text;
}

/* --- lists of words, in any order */

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *words_text(const struct strings *words)
{
	_cleanup_free_ char **sorted = calloc(words->count + 1, sizeof(*sorted));
	struct strings list = {sorted, 0, NULL};

	if (!sorted)
		return NULL;
	if (words->count) {
		memcpy(sorted, words->items, words->count * sizeof(*sorted));
		qsort(sorted, words->count, sizeof(*sorted), compare_words);
	}
	for (size_t i = 0; i < words->count; i++)
		if (!list.count || strcmp(sorted[list.count - 1], sorted[i]) != 0)
			sorted[list.count++] = sorted[i];
	return strings_join(&list, " ");
}

/* --- failsafe ports, as sets */

#define PORTS 65536U

static void print_ranges(FILE *out, const bool *open, const char *transport)
{
	char text[PORT_RANGE_TEXT];

	for (unsigned int first = 0, last; first < PORTS; first = last + 1) {
		last = first;
		if (!open[first])
			continue;
		while (last + 1 < PORTS && open[last + 1])
			last++;
		fprintf(out, "%s%s/%s", ftell(out) ? " " : "",
			port_range_format((struct port_range){(uint16_t)first, (uint16_t)last},
					  text, sizeof(text)),
			transport);
	}
}

static char *failsafe_ports(const struct site *site)
{
	_cleanup_free_ bool *open = calloc(2U * PORTS, sizeof(*open));
	char *text = NULL;
	size_t size;
	FILE *out = open ? open_memstream(&text, &size) : NULL;

	if (!out)
		return NULL;
	for (size_t i = 0; i < site->n_failsafe_ports; i++) {
		const struct failsafe_port *port = &site->failsafe_ports[i];

		for (unsigned int at = port->ports.first; at <= port->ports.last; at++)
			open[(port->transport == TRANSPORT_UDP) * PORTS + at] = true;
	}
	print_ranges(out, open, "tcp");
	print_ranges(out, open + PORTS, "udp");
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* --- the options of a site */

static char *matrix_text(const struct policy *policy)
{
	return strdup(policy->matrix->name);
}

static char *profile_text(const struct policy *policy)
{
	return strdup(policy->site->least_privilege ? "least-privilege" : "literal");
}

static char *balancing_text(const struct policy *policy)
{
	return strdup(balancing_name(policy->site->balancing));
}

static char *mode_text(const struct policy *policy)
{
	return strdup(mode_name(policy->site->mode));
}

static char *outbound_text(const struct policy *policy)
{
	return strdup(policy->site->outbound_matrix ? "matrix" : "open");
}

static char *unlisted_text(const struct policy *policy)
{
	return strdup(policy->site->unlisted_drop ? "drop" : "pass");
}

static char *echo_text(const struct policy *policy)
{
	return strdup(policy->site->echo_allow ? "allow" : "drop");
}

static char *asymmetric_text(const struct policy *policy)
{
	return strdup(policy->site->asymmetric ? "true" : "");
}

static char *forwarding_text(const struct policy *policy)
{
	return strdup(policy->site->forward_xdp ? "xdp" : "kernel");
}

static char *overlays_text(const struct policy *policy)
{
	return words_text(&policy->site->overlays);
}

static char *features_text(const struct policy *policy)
{
	return words_text(&policy->site->features);
}

static char *failsafe_from_text(const struct policy *policy)
{
	return words_text(&policy->site->failsafe_from);
}

static char *failsafe_ports_text(const struct policy *policy)
{
	return failsafe_ports(policy->site);
}

static const struct option {
	const char *name;
	char *(*text)(const struct policy *policy); /* to be freed; NULL = out of memory */
} options[] = {
	{"matrix", matrix_text},
	{"profile", profile_text},
	{"load_balancing", balancing_text},
	{"mode", mode_text},
	{"outbound", outbound_text},
	{"unlisted", unlisted_text},
	{"icmp_echo", echo_text},
	{"asymmetric", asymmetric_text},
	{"forwarding", forwarding_text},
	{"overlays", overlays_text},
	{"features", features_text},
	{"failsafe from", failsafe_from_text},
	{"failsafe ports", failsafe_ports_text},
};

static int diff_options(struct policy_diff *diff)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && !rc; i++) {
		const struct policy *before = diff->policies[BEFORE];

		rc = add_setting(diff, "", options[i].name,
				 before ? options[i].text(before) : strdup(""),
				 options[i].text(diff->policies[AFTER]));
	}
	return rc;
}

/* What nothing ran with is what is usual. */
static int diff_timeouts(struct policy_diff *diff)
{
	const struct site *before = site_at(diff, BEFORE), *after = site_at(diff, AFTER);
	int rc = 0;

	for (int i = 0; i < N_TIMEOUTS && !rc; i++)
		rc = add_setting(diff, "timeout ", timeout_kinds[i].name,
				 text_of("%u s", before ? before->timeouts.seconds[i]
							: timeout_kinds[i].usual),
				 text_of("%u s", after->timeouts.seconds[i]));
	return rc;
}

/* --- lists of named things */

static char *interface_text(const struct site *site, const char *name)
{
	for (size_t i = 0; site && i < site->n_interfaces; i++)
		if (!strcmp(site->interfaces[i].name, name))
			return text_of("side %s, hook %s", side_name(site->interfaces[i].side),
				       hook_name(site->interfaces[i].hook));
	return strdup("");
}

static char *media_text(const struct site *site, const char *name)
{
	char text[PORT_RANGE_TEXT];

	for (size_t i = 0; site && i < site->n_media; i++)
		if (!strcmp(site->media[i].name, name))
			return strdup(port_range_format(site->media[i].range, text, sizeof(text)));
	return strdup("");
}

/* "a - b", the lesser one first. */
static char *pair_name(const struct site_ipsec *pair)
{
	int turned = strcmp(pair->ends[0], pair->ends[1]) > 0;

	return text_of("%s - %s", pair->ends[turned], pair->ends[!turned]);
}

static char *pair_text(const struct site *site, const char *name)
{
	for (size_t i = 0; site && i < site->n_ipsec; i++) {
		_cleanup_free_ char *other = pair_name(&site->ipsec[i]);

		if (!other)
			return NULL;
		if (!strcmp(other, name))
			return strdup("permitted");
	}
	return strdup("");
}

static size_t count_interfaces(const struct site *site)
{
	return site->n_interfaces;
}

static char *interface_name(const struct site *site, size_t index)
{
	return strdup(site->interfaces[index].name);
}

static size_t count_media(const struct site *site)
{
	return site->n_media;
}

static char *media_name(const struct site *site, size_t index)
{
	return strdup(site->media[index].name);
}

static size_t count_pairs(const struct site *site)
{
	return site->n_ipsec;
}

static char *pair_name_at(const struct site *site, size_t index)
{
	return pair_name(&site->ipsec[index]);
}

static const struct list {
	const char *kind;
	size_t (*count)(const struct site *site);
	char *(*name)(const struct site *site, size_t index); /* to be freed */
	char *(*text)(const struct site *site, const char *name); /* the same; "" if it has none */
} lists[] = {
	{"interface ", count_interfaces, interface_name, interface_text},
	{"media ", count_media, media_name, media_text},
	{"ipsec ", count_pairs, pair_name_at, pair_text},
};

static bool is_listed(const struct policy_diff *diff, const char *kind, const char *name)
{
	for (size_t i = 0; i < diff->n_settings; i++)
		if (!strncmp(diff->settings[i].name, kind, strlen(kind)) &&
		    !strcmp(diff->settings[i].name + strlen(kind), name))
			return true;
	return false;
}

/* What is in one or both; what stands there twice is one. */
static int diff_list(struct policy_diff *diff, const struct list *list)
{
	const struct site *before = site_at(diff, BEFORE), *after = site_at(diff, AFTER);
	int rc = 0;

	for (int when = 0; when < N_WHENS; when++) {
		const struct site *site = when == BEFORE ? before : after;

		for (size_t i = 0; site && i < list->count(site) && !rc; i++) {
			_cleanup_free_ char *name = list->name(site, i);

			if (!name)
				return -ENOMEM;
			if (!is_listed(diff, list->kind, name))
				rc = add_setting(diff, list->kind, name, list->text(before, name),
						 list->text(after, name));
		}
	}
	return rc;
}

int diff_settings(struct policy_diff *diff)
{
	int rc = diff_options(diff);

	rc = rc ? rc : diff_timeouts(diff);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !rc; i++)
		rc = diff_list(diff, &lists[i]);
	return rc;
}
