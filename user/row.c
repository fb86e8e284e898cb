/* SPDX-License-Identifier: MIT */
#include "row.h"

#include "cleanup.h"
#include "control.h"
#include "role_set.h"
#include "site.h"
#include "string_list.h"
#include "variant.h"

/* One more of WORDS, the first of which stands for bit 1, the second for bit 2. */
static int read_bit(struct yaml_doc *doc, yaml_node_t *node, const char *const *words,
		    unsigned int *bits)
{
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (rc)
		return rc;
	if (*bits & 1U << index) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: \"%s\" is listed twice; once is enough", doc->key, words[index]);
		return -EINVAL;
	}
	*bits |= 1U << index;
	return 0;
}

_Static_assert(TRANSPORT_TCP == 1 && TRANSPORT_UDP == 2, "bits in the order of the words");
_Static_assert(DIRECTION_IN == 1 && DIRECTION_OUT == 2, "bits in the order of the words");

static int read_transport(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"tcp", "udp", NULL};

	return read_bit(doc, node, words, target);
}

int row_read_transports(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_values(doc, node, read_transport, target);
}

static int read_direction(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"in", "out", NULL};

	return read_bit(doc, node, words, target);
}

static int read_directions(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_values(doc, node, read_direction, target);
}

const char *directions_name(unsigned int directions)
{
	static const char *const names[] = {"", "in", "out", "in+out"};

	return names[directions & 3];
}

const char *transports_name(unsigned int transports)
{
	static const char *const names[] = {"", "tcp", "udp", "tcp+udp"};

	return names[transports & 3];
}

static int read_application(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const char *text = yaml_text(doc, node);

	if (!text)
		return -EINVAL;
	if (strlen(text) > 31 || text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-")]) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "%s: \"%s\" is no name of an application; accepted: up to 31 of a-z 0-9 "
			   "+ -, as in \"tls+mtls\"",
			   doc->key, text);
		return -EINVAL;
	}
	return yaml_read_text(doc, node, target);
}

static int read_media(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
#define WORD(name) name,
	static const char *const words[] = {MEDIA_NAMES(WORD) NULL};
#undef WORD
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	return rc ? rc : yaml_read_text(doc, node, target);
}

static int read_feature(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const char *text = yaml_text(doc, node);

	if (!text)
		return -EINVAL;
	if (strlen(text) > 31 || text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")]) {
		diag_error(
			doc->diags, yaml_place(doc, node),
			"%s: \"%s\" is no name of a feature; accepted: up to 31 of a-z 0-9 -, as "
			"in \"call-park\"",
			doc->key, text);
		return -EINVAL;
	}
	return yaml_read_text(doc, node, target);
}

/* `role` and `roles` of a site's row fill the same list. */
static int refuse_both(struct yaml_doc *doc, const yaml_node_t *node)
{
	diag_error(doc->diags, yaml_place(doc, node),
		   "keys \"role\" and \"roles\" in one row; accepted: one of them");
	return -EINVAL;
}

static int read_role(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct strings *roles = target;
	const char *text = yaml_text(doc, node);

	if (roles->count)
		return refuse_both(doc, node);
	return text ? strings_add(roles, text, yaml_place(doc, node)) : -EINVAL;
}

static int read_roles(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct strings *roles = target;

	if (roles->count)
		return refuse_both(doc, node);
	return yaml_read_strings(doc, node, target);
}

bool peer_is_prefix(const char *word)
{
	return word[strcspn(word, ".:/")];
}

static int check_peer_prefix(struct yaml_doc *doc, const char *word, struct place place)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	switch (prefix_parse(word, &prefix)) {
	case -EINVAL:
		diag_error(doc->diags, place,
			   "%s: \"%s\" is no prefix; accepted: a role, a group, any, or a prefix "
			   "such as 10.1.2.0/28 or 2001:db8::/64",
			   doc->key, word);
		return -EINVAL;
	case -EDOM:
		diag_error(doc->diags, place, "%s: host bits set; %s is the prefix", word,
			   prefix_format(&prefix, text, sizeof(text)));
		return -EINVAL;
	default:
		break;
	}
	if (prefix_is_mapped(&prefix)) {
		diag_error(doc->diags, place, "%s: IPv4-mapped; accepted: the IPv4 prefix", word);
		return -EINVAL;
	}
	return 0;
}

static int read_peers(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct strings *words = target;
	int result = yaml_read_strings(doc, node, words);

	for (size_t i = 0; i < words->count && !yaml_fatal(result); i++) {
		if (peer_is_prefix(words->items[i]) &&
		    check_peer_prefix(doc, words->items[i], words->places[i]))
			result = -EINVAL;
		if (words->count > 1 && !strcmp(words->items[i], "any")) {
			diag_error(doc->diags, words->places[i],
				   "%s: \"any\" beside other words; accepted: any alone, or words "
				   "without it",
				   doc->key);
			result = -EINVAL;
		}
	}
	return result;
}

static int read_confidence(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"documented", "guess", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(bool *)target = index;
	return rc;
}

#define FIELD(member) offsetof(struct row, member)

static const struct yaml_key vendor_keys[] = {
	{"id", yaml_read_text, FIELD(id), true},
	{"role", read_role, FIELD(roles), true},
	{"service", yaml_read_text, FIELD(service), true},
	{"ports", row_read_vendor_ports, 0, true},
	{"protocols", row_read_transports, FIELD(transports), true},
	{"application", read_application, FIELD(application), false},
	{"direction", read_directions, FIELD(directions), true},
	{"from", read_peers, FIELD(from), false},
	{"to", read_peers, FIELD(to), false},
	{"optional", yaml_read_bool, FIELD(optional), false},
	{"feature", read_feature, FIELD(feature), false},
	{"outgoing", yaml_read_bool, FIELD(outgoing), false},
	{"only", yaml_read_strings, FIELD(only), false},
	{"media", read_media, FIELD(media), false},
	{"source_ports", row_read_source_ports, FIELD(source_ports), false},
	{"variants", row_read_variants, 0, false},
	{"note", yaml_read_text, FIELD(note), false},
	{"source", yaml_read_text, FIELD(source), false},
	{"confidence", read_confidence, FIELD(guess), false},
	{NULL, NULL, 0, false},
};

static const struct yaml_key site_keys[] = {
	{"role", read_role, FIELD(roles), false},
	{"roles", read_roles, FIELD(roles), false},
	{"service", yaml_read_text, FIELD(service), false},
	{"ports", row_read_site_ports, 0, true},
	{"protocols", row_read_transports, FIELD(transports), true},
	{"application", read_application, FIELD(application), false},
	{"direction", read_directions, FIELD(directions), false},
	{"from", read_peers, FIELD(from), false},
	{"to", read_peers, FIELD(to), false},
	{"optional", yaml_read_bool, FIELD(optional), false},
	{"note", yaml_read_text, FIELD(note), false},
	{NULL, NULL, 0, false},
};

/* Conditions that the row's directions never use are a mistake, not a wish. */
static int check_ends(struct yaml_doc *doc, const struct row *row)
{
	struct place place = row->place;

	if (row->from.count && !(row->directions & DIRECTION_IN))
		diag_error(doc->diags, strings_place(&row->from, 0, place),
			   "from: without direction in; accepted: direction: [in], or to:");
	else if (row->to.count && !(row->directions & DIRECTION_OUT))
		diag_error(doc->diags, strings_place(&row->to, 0, place),
			   "to: without direction out; accepted: direction: [out], or from:");
	else if (row->outgoing && !row->to.count)
		diag_error(
			doc->diags, place,
			"outgoing: without to:; accepted: direction: [out] or [in, out], and to:");
	else if (row->feature && !row->optional)
		diag_error(doc->diags, place,
			   "feature: without optional: true; accepted: both, or neither");
	else
		return 0;
	return -EINVAL;
}

static int fill_texts(struct row *row)
{
	if (!row->service)
		row->service = strdup("");
	if (!row->note)
		row->note = strdup("");
	return row->service && row->note ? 0 : -ENOMEM;
}

static int read_vendor(struct yaml_doc *doc, yaml_node_t *node, struct row *row)
{
	int rc;

	row->place = yaml_place(doc, node);
	rc = yaml_mapping(doc, node, "a row", vendor_keys, row);
	if (rc)
		return rc;
	rc = check_ends(doc, row);
	return rc ? rc : fill_texts(row);
}

int row_read_vendor(struct yaml_doc *doc, yaml_node_t *node, const char *table, unsigned int number,
		    struct row *row)
{
	_cleanup_free_ char *expected = NULL;
	int rc = read_vendor(doc, node, row);

	if (yaml_fatal(rc) || row_number(row, table, number))
		return -ENOMEM;
	if (asprintf(&expected, "%s/%02u", table, number) < 0)
		return -ENOMEM;
	if (strlen(expected) >= ROW_NAME) {
		diag_error(doc->diags, row->place,
			   "row %s: its id has %zu bytes; at most %u are accepted, so shorten the "
			   "table's name",
			   expected, strlen(expected), ROW_NAME - 1);
		return -EINVAL;
	}
	if (!strcmp(row->id, expected))
		return rc;
	diag_error(doc->diags, row->place, "id: \"%s\" does not say table and row; accepted: %s",
		   row->id, expected);
	return -EINVAL;
}

int row_read_site(struct yaml_doc *doc, yaml_node_t *node, struct row *row)
{
	size_t errors = doc->diags->errors;
	int rc;

	row->place = yaml_place(doc, node);
	row->opens = true;
	rc = yaml_mapping(doc, node, "a row", site_keys, row);
	if (yaml_fatal(rc) || fill_texts(row))
		return -ENOMEM;
	if (!row->directions)
		row->directions = DIRECTION_IN;
	if (rc)
		return rc;
	if (!row->roles.count)
		diag_error(doc->diags, row->place,
			   "key \"roles\" is missing in a row; accepted: roles: [ROLE, ...]");
	if (check_ends(doc, row) || doc->diags->errors > errors)
		return -EINVAL;
	return 0;
}

int row_number(struct row *row, const char *table, unsigned int number)
{
	free(row->table);
	row->table = strdup(table);
	row->number = number;
	if (!row->id && asprintf(&row->id, "%s/%02u", table, number) < 0)
		row->id = NULL;
	return row->table && row->id ? 0 : -ENOMEM;
}

void row_free(struct row *row)
{
	free(row->id);
	free(row->table);
	strings_free(&row->roles);
	free(row->service);
	free(row->ports);
	free(row->application);
	strings_free(&row->from);
	strings_free(&row->to);
	free(row->media);
	free(row->feature);
	strings_free(&row->only);
	free(row->note);
	free(row->source);
	row_free_variants(row);
	*row = (struct row){0};
}

static bool names_role(const struct matrix *matrix, const char *word)
{
	return matrix_role(matrix, word) || matrix_group(matrix, word);
}

int row_check(const struct row *row, const struct matrix *matrix, struct diagnostics *diags)
{
	const struct strings *lists[] = {&row->roles, &row->only, &row->from, &row->to};
	int result = 0;

	for (size_t l = 0; l < 4; l++) {
		for (size_t i = 0; i < lists[l]->count; i++) {
			const char *word = lists[l]->items[i];
			bool peer = l > 1 && (peer_is_prefix(word) || !strcmp(word, "any"));
			int rc;

			if (peer || names_role(matrix, word))
				continue;
			rc = report_unknown_role(matrix, word, true,
						 strings_place(lists[l], i, row->place), diags);
			if (yaml_fatal(rc))
				return rc;
			result = rc;
		}
	}
	return result;
}
