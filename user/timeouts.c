/* SPDX-License-Identifier: MIT */
#include "timeouts.h"

#include <string.h>

#include "yaml_doc.h"

const struct timeout_kind timeout_kinds[N_TIMEOUTS] = {
#define X(name, cell, usual, longest) {#name, cell, usual, longest},
	TIMEOUTS(X)
#undef X
};

void timeouts_usual(struct timeouts *timeouts)
{
	for (int i = 0; i < N_TIMEOUTS; i++)
		timeouts->seconds[i] = timeout_kinds[i].usual;
}

/* "90", "90s", "15m", "2h"; false for anything else. Too large a number is as large as can be. */
static bool parse_seconds(const char *text, __u64 *seconds)
{
	static const struct {
		const char *suffix;
		__u32 seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}};
	size_t digits = strspn(text, "0123456789");

	*seconds = 0;
	for (size_t i = 0; i < digits && *seconds <= TIMEOUT_LONGEST; i++)
		*seconds = *seconds * 10 + (__u64)(text[i] - '0');
	/* a leading 0 is octal to some readers of YAML */
	if (!digits || (digits > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].suffix) != 0)
			continue;
		*seconds *= units[i].seconds;
		return true;
	}
	return false;
}

static int read_timeout(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const struct timeout_kind *kind = timeout_kinds;
	const char *text = yaml_text(doc, node);
	__u64 seconds;

	if (!text)
		return -EINVAL;
	while (strcmp(kind->name, doc->key) != 0)
		kind++;
	if (parse_seconds(text, &seconds) && seconds && seconds <= kind->longest) {
		*(__u32 *)target = (__u32)seconds;
		return 0;
	}
	diag_error(doc->diags, yaml_place(doc, node),
		   "%s: \"%s\"; accepted: 1 to %u seconds, as 90, 90s, 15m or 2h", doc->key, text,
		   kind->longest);
	return -EINVAL;
}

int timeouts_read(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const struct yaml_key keys[] = {
#define X(name, cell, usual, longest)                                                              \
	{#name, read_timeout, offsetof(struct timeouts, seconds[TIMEOUT_##name]), false},
		TIMEOUTS(X)
#undef X
			{NULL, NULL, 0, false},
	};

	return yaml_mapping(doc, node, "timeouts", keys, target);
}
