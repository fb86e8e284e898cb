/* SPDX-License-Identifier: MIT */
/* `ipsec:` of a site file: the pairs of ends that may talk by IPsec. */
#include "cleanup.h"
#include "row.h"
#include "site_parts.h"

#define PAIRS_MAX 1000U

static int check_prefix(struct yaml_doc *doc, const yaml_node_t *node, const char *word)
{
	struct place place = yaml_place(doc, node);
	struct prefix prefix;
	char text[PREFIX_TEXT];
	int rc = prefix_parse(word, &prefix);

	if (rc == -EINVAL)
		diag_error(doc->diags, place,
			   "between: \"%s\" is no prefix; accepted: a role, a group, or a prefix "
			   "such as 10.1.2.0/28 or 2001:db8::/64",
			   word);
	else if (rc == -EDOM)
		diag_error(doc->diags, place, "%s: host bits set; %s is the prefix", word,
			   prefix_format(&prefix, text, sizeof(text)));
	else if (!prefix.length)
		diag_error(doc->diags, place,
			   "between: %s is every address there is; accepted: longer prefixes",
			   word);
	else if (prefix_is_mapped(&prefix))
		diag_error(doc->diags, place, "%s: IPv4-mapped; accepted: the IPv4 prefix", word);
	else
		return 0;
	return -EINVAL;
}

static int check_end(struct yaml_doc *doc, const yaml_node_t *node, const char *word)
{
	if (peer_is_prefix(word))
		return check_prefix(doc, node, word);
	if (strcmp(word, "any"))
		return 0;
	diag_error(
		doc->diags, yaml_place(doc, node),
		"between: \"any\" would permit IPsec to everybody; accepted: a role, a group, or "
		"a prefix such as 10.1.2.0/28 or 2001:db8::/64");
	return -EINVAL;
}

/* A pair whose ends are being read. */
struct ends {
	struct site_ipsec *pair;
	unsigned int count; /* in the file */
};

static int read_end(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct ends *ends = target;
	unsigned int index = ends->count++;
	const char *word = yaml_text(doc, node);

	if (!word || check_end(doc, node, word))
		return -EINVAL;
	if (index > 1)
		return 0;
	ends->pair->places[index] = yaml_place(doc, node);
	ends->pair->ends[index] = strdup(word);
	return ends->pair->ends[index] ? 0 : -ENOMEM;
}

static int read_between(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct ends ends = {.pair = target};
	int rc = yaml_each(doc, node, read_end, &ends);

	if (rc || ends.count == 2)
		return rc;
	diag_error(doc->diags, yaml_place(doc, node),
		   "between: %u word%s; two are accepted: between: [X, Y]", ends.count,
		   ends.count == 1 ? "" : "s");
	return -EINVAL;
}

static const struct yaml_key pair_keys[] = {
	{"between", read_between, 0, true},
	{"note", yaml_read_text, offsetof(struct site_ipsec, note), false},
	{NULL, NULL, 0, false},
};

/* 10.0.0.1 and 10.0.0.1/32 are one end. */
static bool same_end(const char *a, const char *b)
{
	struct prefix x, y;

	if (!peer_is_prefix(a) || !peer_is_prefix(b))
		return !strcmp(a, b);
	return !prefix_parse(a, &x) && !prefix_parse(b, &y) && !prefix_compare(&x, &y);
}

static bool same_pair(const struct site_ipsec *a, const struct site_ipsec *b)
{
	return (same_end(a->ends[0], b->ends[0]) && same_end(a->ends[1], b->ends[1])) ||
	       (same_end(a->ends[0], b->ends[1]) && same_end(a->ends[1], b->ends[0]));
}

/* The last pair, which is whole, against those before it that are. */
static void check_new(struct yaml_doc *doc, const struct site *site)
{
	const struct site_ipsec *last = &site->ipsec[site->n_ipsec - 1];

	for (const struct site_ipsec *other = site->ipsec; other < last; other++) {
		if (!other->ends[0] || !other->ends[1] || !same_pair(other, last))
			continue;
		diag_warning(doc->diags, last->place,
			     "the pair of \"%s\" and \"%s\" is listed twice; line %u has it "
			     "already",
			     last->ends[0], last->ends[1], other->place.line);
		return;
	}
}

static int read_pair(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	struct site_ipsec *pairs, *pair;
	int rc;

	if (site->n_ipsec == PAIRS_MAX) {
		diag_error(doc->diags, yaml_place(doc, node), "too many pairs; at most %u are read",
			   PAIRS_MAX);
		return -EINVAL;
	}
	pairs = array_grow(site->ipsec, site->n_ipsec, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	site->ipsec = pairs;
	pair = &pairs[site->n_ipsec++];
	*pair = (struct site_ipsec){.place = yaml_place(doc, node)};
	rc = yaml_mapping(doc, node, "a pair of ipsec", pair_keys, pair);
	if (!rc)
		check_new(doc, site);
	return rc;
}

int site_read_ipsec(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_each(doc, node, read_pair, target);
}

void site_ipsec_free(struct site *site)
{
	for (size_t i = 0; i < site->n_ipsec; i++) {
		free(site->ipsec[i].ends[0]);
		free(site->ipsec[i].ends[1]);
		free(site->ipsec[i].note);
	}
	free(site->ipsec);
}
