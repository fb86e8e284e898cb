/* SPDX-License-Identifier: MIT */
/* rolewall export: what a site means, written for other programs. */
#include <errno.h>

#include "cleanup.h"
#include "command.h"
#include "exceptions.h"
#include "input.h"
#include "variant.h"

enum { OPTION_FORMAT, OPTION_VARIANT };

static const struct ipsec_format {
	const char *name;
	exceptions_writer *write;
} ipsec_formats[] = {
	{"strongswan", export_strongswan},
	{"netsh", export_netsh},
	{"powershell", export_powershell},
	{"xfrm", export_xfrm},
};

#define N_FORMATS (sizeof(ipsec_formats) / sizeof(ipsec_formats[0]))
#define FORMATS "strongswan, netsh, powershell, xfrm"

static const struct ipsec_format *find_format(const char *name)
{
	for (size_t i = 0; name && i < N_FORMATS; i++) {
		if (!strcmp(ipsec_formats[i].name, name))
			return &ipsec_formats[i];
	}
	if (name)
		fprintf(stderr,
			"rolewall export: unknown format \"%s\"; accepted with ipsec: " FORMATS
			"\n",
			name);
	else
		fprintf(stderr,
			"rolewall export: option --format is missing; accepted with ipsec: " FORMATS
			"\n");
	return NULL;
}

/* The variant that was asked for, or else what the rows of the matrix themselves say. */
static int find_variant(const struct matrix *matrix, const char *asked, const char **variant)
{
	_cleanup_free_ char *accepted = NULL;

	*variant = matrix->variant ? matrix->variant : DEFAULT_VARIANT;
	if (!asked)
		return 0;
	*variant = asked;
	if (matrix_has_variant(matrix, asked))
		return 0;
	accepted = matrix_variants(matrix);
	if (!accepted)
		return -ENOMEM;
	fprintf(stderr, "rolewall export: unknown variant \"%s\"; accepted with matrix %s: %s\n",
		asked, matrix->name, accepted);
	return ERR_USAGE;
}

static int write_exceptions(const struct policy *policy, const char *variant,
			    exceptions_writer *write)
{
	_cleanup_(exceptions_free) struct exceptions exceptions = {0};
	int rc = exceptions_make(policy, variant, &exceptions);

	if (rc == -E2BIG)
		fprintf(stderr,
			"rolewall export: the pairs of ipsec: cut the addresses into more than %u "
			"pieces; name fewer or wider ends\n",
			PATHS_MAX);
	if (rc)
		return rc;
	if (!exceptions.n_rules)
		fprintf(stderr,
			"rolewall export: no pool has a row of the table of IPsec exceptions\n");
	return write(&exceptions, stdout);
}

static int export_ipsec(const struct arguments *arguments)
{
	const struct ipsec_format *format = find_format(arguments->values[OPTION_FORMAT]);
	_cleanup_(input_free) struct input input = {0};
	_cleanup_(diag_free) struct diagnostics diags = {0};
	const char *variant = NULL;
	int rc;

	if (!format)
		return ERR_USAGE;
	rc = input_load(arguments->common.site, &input, &diags);
	diag_print(&diags, stderr);
	rc = rc ? rc : find_variant(&input.matrix, arguments->values[OPTION_VARIANT], &variant);
	return rc ? rc : write_exceptions(&input.policy, variant, format->write);
}

static int run(const struct arguments *arguments)
{
	if (strcmp(arguments->operands[0], "ipsec")) {
		fprintf(stderr, "rolewall export: unknown word \"%s\"; accepted: ipsec\n",
			arguments->operands[0]);
		return ERR_USAGE;
	}
	return export_ipsec(arguments);
}

#define NO_TABLE "--json and --csv mean nothing here; accepted: --format " FORMATS

const struct command command_export = {
	.name = "export",
	.summary = "Write what a site means for other programs",
	.help = "export ipsec: the exceptions from IPsec that the matrix wants for the pools of the\n"
		"site, as configuration of those who do IPsec. Where the vendor's documents disagree,\n"
		"--variant takes one of them: ports-and-protocols (default) or network-requirements.\n"
		"What the site's `ipsec:` pairs name is left to IPsec. Touches no kernel.",
	.no_json = NO_TABLE,
	.no_csv = NO_TABLE,
	.operands = "ipsec",
	.operands_min = 1,
	.operands_max = 1,
	.options =
		{
			[OPTION_FORMAT] = {"format", "FORMAT", FORMATS},
			[OPTION_VARIANT] =
				{"variant", "VARIANT",
				 "which of the vendor's tables; default: the matrix's own"},
		},
	.run = run,
};
