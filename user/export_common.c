/* SPDX-License-Identifier: MIT */
/* What the writers of `export ipsec` share. */
#include <string.h>

#include "exceptions.h"

const struct space *rule_source(const struct rule *rule, bool back)
{
	return rule->inward != back ? &rule->far : &rule->near;
}

const struct space *rule_destination(const struct rule *rule, bool back)
{
	return rule_source(rule, !back);
}

const struct ports *rule_source_ports(const struct rule *rule, bool back)
{
	return back ? &rule->destination_ports : &rule->source_ports;
}

const struct ports *rule_destination_ports(const struct rule *rule, bool back)
{
	return rule_source_ports(rule, !back);
}

static bool same_space(const struct space *a, const struct space *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (prefix_compare(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

static bool same_ports(const struct ports *a, const struct ports *b)
{
	return a->count == b->count &&
	       (!a->count || !memcmp(a->items, b->items, a->count * sizeof(*a->items)));
}

/* Does B, turned round if BACK, say what A says? */
static bool same_rule(const struct rule *a, const struct rule *b, bool back)
{
	return a->family == b->family && a->transport == b->transport &&
	       same_space(rule_source(a, false), rule_source(b, back)) &&
	       same_space(rule_destination(a, false), rule_destination(b, back)) &&
	       same_ports(rule_source_ports(a, false), rule_source_ports(b, back)) &&
	       same_ports(rule_destination_ports(a, false), rule_destination_ports(b, back));
}

bool rule_is_answered(const struct exceptions *exceptions, const struct rule *rule)
{
	for (size_t i = 0; i < exceptions->n_rules; i++) {
		if (same_rule(rule, &exceptions->rules[i], true))
			return true;
	}
	return false;
}

const struct rule *rule_before(const struct exceptions *exceptions, const struct rule *rule)
{
	for (const struct rule *other = exceptions->rules; other < rule; other++) {
		if (same_rule(rule, other, false))
			return other;
	}
	return NULL;
}

void export_plain(const char *text, FILE *out)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   " .,:;/()_+-=@#";

	for (; *text; text++)
		fputc(strchr(safe, *text) ? *text : '?', out);
}

static void print_pairs(const struct exceptions *exceptions, const struct head *head, FILE *out)
{
	const struct site *site = exceptions->policy->site;

	if (site->n_ipsec)
		fprintf(out,
			"%sThe site wants IPsec between these (ipsec:), so no exception covers "
			"them:%s",
			head->prefix, head->end);
	for (size_t i = 0; i < site->n_ipsec; i++) {
		fprintf(out, "%s  %s -- %s", head->prefix, site->ipsec[i].ends[0],
			site->ipsec[i].ends[1]);
		if (site->ipsec[i].note) {
			fputs(" (", out);
			export_plain(site->ipsec[i].note, out);
			fputs(")", out);
		}
		fputs(head->end, out);
	}
}

static bool has_rule(const struct exceptions *exceptions, const struct row *row)
{
	for (size_t i = 0; i < exceptions->n_rules; i++) {
		if (exceptions->rules[i].row == row)
			return true;
	}
	return false;
}

static void print_unused(const struct exceptions *exceptions, const struct head *head, FILE *out)
{
	const struct policy *policy = exceptions->policy;

	for (size_t i = 0; i < policy->n_rows; i++) {
		const struct row *row = policy->rows[i];

		if (row_is_exception(row) && !has_rule(exceptions, row))
			fprintf(out, "%sNo address for %s (%s).%s", head->prefix, row->id,
				row->roles.items[0], head->end);
	}
}

void export_head(const struct exceptions *exceptions, const struct head *head, FILE *out)
{
	fprintf(out, "%sExceptions from IPsec by matrix %s, table as in %s, for the site ",
		head->prefix, exceptions->policy->matrix->name, exceptions->variant);
	export_plain(exceptions->policy->site->path, out);
	fprintf(out, "%s%sWritten by: rolewall export ipsec --format %s --variant %s%s", head->end,
		head->prefix, head->format, exceptions->variant, head->end);
	for (size_t i = 0; head->how[i]; i++)
		fprintf(out, "%s%s%s", head->prefix, head->how[i], head->end);
	print_pairs(exceptions, head, out);
	print_unused(exceptions, head, out);
}
