/* SPDX-License-Identifier: MIT */
/* rolewall pool: the pools of the site file, listed and edited in place. */
#include <errno.h>
#include <jansson.h>

#include "apply_options.h"
#include "applying.h"
#include "cleanup.h"
#include "compile.h"
#include "describe.h"
#include "listing.h"
#include "pending.h"
#include "pool_edit.h"
#include "site_file.h"
#include "steady.h"
#include "string_list.h"

enum pool_option { OPTION_DRY_RUN, OPTION_NO_APPLY, OPTION_COMMENT };

/* --- list */

static char *addresses_text(const struct site_pool *pool)
{
	char *text = NULL, address[PREFIX_TEXT];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < pool->n_addresses; i++)
		fprintf(out, "%s%s", i ? " " : "",
			prefix_format(&pool->addresses[i].prefix, address, sizeof(address)));
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static json_t *addresses_json(const struct site_pool *pool)
{
	json_t *array = json_array();
	char address[PREFIX_TEXT];

	for (size_t i = 0; i < pool->n_addresses; i++) {
		if (!json_append(array, json_string(prefix_format(&pool->addresses[i].prefix,
								  address, sizeof(address))))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static int print_json(const struct input *input)
{
	json_t *pools = json_array();

	for (size_t i = 0; i < input->site.n_pools; i++) {
		const struct site_pool *pool = &input->site.pools[i];
		const struct policy_pool *resolved = &input->policy.pools[i];
		json_t *item = json_pack(
			"{s:s, s:o, s:o, s:o, s:b, s:b, s:I}", "name", pool->name, "roles",
			strings_json(&pool->roles), "addresses", addresses_json(pool), "holds",
			strings_json(&resolved->roles), "inherit", pool->inherit, "guarded",
			resolved->guarded, "line", (json_int_t)pool->place.line);

		if (!json_append(pools, item)) {
			json_decref(pools);
			return -ENOMEM;
		}
	}
	return json_print(json_pack("{s:o}", "pools", pools));
}

static int list_pool(struct listing *listing, const struct input *input, size_t index)
{
	const struct site_pool *pool = &input->site.pools[index];
	_cleanup_free_ char *roles = strings_join(&pool->roles, " ");
	_cleanup_free_ char *addresses = addresses_text(pool);
	char line[12];

	if (!roles || !addresses)
		return -ENOMEM;
	snprintf(line, sizeof(line), "%u", pool->place.line);
	return listing_add(listing,
			   (const char *const[]){pool->name, line,
						 input->policy.pools[index].guarded ? "yes" : "no",
						 pool->inherit ? "yes" : "no", roles, addresses});
}

static int print_pools(const struct input *input, enum format format)
{
	static const struct column columns[] = {
		{"POOL", false, false},    {"LINE", true, false},  {"GUARDED", false, false},
		{"INHERIT", false, false}, {"ROLES", false, true}, {"ADDRESSES", false, true},
	};
	_cleanup_(listing_free) struct listing listing = {columns, 6, NULL, 0};

	if (format == FORMAT_JSON)
		return print_json(input);
	for (size_t i = 0; i < input->site.n_pools; i++) {
		int rc = list_pool(&listing, input, i);

		if (rc)
			return rc;
	}
	return listing_print(&listing, format);
}

static int run_list(const struct arguments *arguments)
{
	struct diagnostics diags = {0};
	struct input input;
	int rc = input_load(arguments->common.site, &input, &diags);

	diag_print(&diags, stderr);
	if (!rc)
		rc = print_pools(&input, arguments->common.format);
	diag_free(&diags);
	input_free(&input);
	return rc;
}

/* --- edits */

/* An edit on its way to the disk. */
struct job {
	const struct arguments *arguments;
	struct apply_request request;
	struct site_file file;
	struct splices splices;
	struct source_text edited;
	struct input input; /* of the edited text */
	struct diagnostics diags;
};

static void job_free(struct job *job)
{
	diag_free(&job->diags);
	input_free(&job->input);
	free(job->edited.bytes);
	splices_free(&job->splices);
	site_file_close(&job->file);
}

/* As far as a check goes without a kernel. */
static int compile(struct job *job)
{
	_cleanup_(registries_free) struct registries registries = {0};
	_cleanup_(pages_free) struct pages image = {0};
	int rc = registries_init(&registries);

	return rc ? rc : policy_compile(&job->input.policy, &registries, &image, &job->diags);
}

/* Reads the edited text as any command would. */
static int check_edited(struct job *job)
{
	int rc = input_parse(job->arguments->common.site, &job->edited, &job->input, &job->diags);

	rc = rc ? rc : compile(job);
	if (rc)
		fprintf(stderr,
			"rolewall: with this change the site would be refused; lines are those "
			"of the changed text:\n");
	return rc;
}

static int print_diff(struct job *job, FILE *out)
{
	return splices_diff(&job->splices, &job->file.text, job->arguments->common.site, out);
}

/* --dry-run: what would change is the answer. */
static int show(struct job *job)
{
	_cleanup_free_ char *diff = NULL;
	size_t size;
	FILE *out;
	int rc;

	diag_print(&job->diags, stderr);
	if (job->arguments->common.format != FORMAT_JSON)
		return print_diff(job, stdout);
	out = open_memstream(&diff, &size);
	if (!out)
		return -ENOMEM;
	rc = print_diff(job, out);
	if (fclose(out) || rc)
		return -ENOMEM;
	return json_print(json_pack("{s:o, s:o}", "file",
				    foreign_text_json(job->arguments->common.site), "diff",
				    foreign_text_json(diff)));
}

/* The file follows the policy: a text that could not be put in force is not kept. */
static int carry_out(struct job *job)
{
	const struct common *common = &job->arguments->common;
	int rc = site_file_prepare(&job->file, &job->edited);

	if (rc)
		return rc;
	print_diff(job, stderr);
	if (!job->arguments->values[OPTION_NO_APPLY])
		return apply_input(&job->request, &job->diags);
	diag_print(&job->diags, stderr);
	rc = steady_interrupted() ? -EINTR : site_file_replace(&job->file);
	if (rc)
		return rc;
	common_changed(common);
	return common->format == FORMAT_JSON
		       ? json_print(json_pack("{s:o, s:b}", "file", foreign_text_json(common->site),
					      "applied", 0))
		       : 0;
}

/* What is wrong with the words themselves has no place in the file. */
static bool blames_words(const struct diagnostics *diags)
{
	return diags->count && !diags->items[0].place.file;
}

static int refuse_words(const struct diagnostics *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		fprintf(stderr, "rolewall pool: %s\n", diags->items[i].text);
	return ERR_USAGE;
}

static int edit(struct job *job, const struct pool_edit *edit)
{
	const char *path = job->arguments->common.site;
	int rc = 0;

	if (!job->arguments->values[OPTION_DRY_RUN])
		rc = pending_finish(&job->arguments->common);
	rc = rc ? rc : site_file_open(path, &job->file);
	if (rc)
		return rc;
	rc = pool_edit(path, &job->file.text, edit, &job->splices, &job->edited, &job->diags);
	if (rc && blames_words(&job->diags))
		return refuse_words(&job->diags);
	rc = rc ? rc : check_edited(job);
	if (rc)
		diag_print(&job->diags, stderr);
	else
		rc = job->arguments->values[OPTION_DRY_RUN] ? show(job) : carry_out(job);
	return rc;
}

static int run_edit(const struct arguments *arguments, const struct pool_edit *change)
{
	struct job job = {
		.arguments = arguments,
		.file = {.fd = -1},
		.request = {.common = &arguments->common, .input = &job.input, .file = &job.file},
	};
	_cleanup_(steady_end) struct steady steady;
	int rc;

	steady_begin(&steady);
	if (arguments->values[OPTION_NO_APPLY] && arguments->values[OPTION_COMMENT]) {
		fprintf(stderr,
			"rolewall pool: --no-apply records nothing that --comment could stand beside\n");
		return ERR_USAGE;
	}
	rc = apply_options("pool", NULL, arguments->values[OPTION_COMMENT], &job.request);
	rc = rc ? rc : edit(&job, change);
	if (rc && !common_has_changed(&arguments->common))
		fprintf(stderr, "rolewall: nothing was changed\n");
	job_free(&job);
	return rc;
}

/* --- command line */

static const struct verb {
	const char *name;
	bool addresses, remove;
} verbs[] = {
	{"add-role", false, false},
	{"remove-role", false, true},
	{"add-address", true, false},
	{"remove-address", true, true},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))
#define WORDS                                                                                      \
	"list | add-role POOL ROLE... | remove-role POOL ROLE... | add-address POOL PREFIX... | "  \
	"remove-address POOL PREFIX..."

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "rolewall pool: %s%s; accepted: " WORDS "\n", what, word);
	return ERR_USAGE;
}

static int run(const struct arguments *arguments)
{
	const char *word = arguments->operands[0];
	const struct verb *verb = NULL;

	if (!strcmp(word, "list"))
		return arguments->n_operands == 1 ? run_list(arguments)
						  : usage("nothing stands behind ", "list");
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(word, verbs[i].name))
			verb = &verbs[i];
	if (!verb)
		return usage("unknown word ", word);
	if (arguments->n_operands < 3)
		return usage("too few words behind ", word);
	return run_edit(arguments, &(struct pool_edit){
					   .pool = arguments->operands[1],
					   .addresses = verb->addresses,
					   .remove = verb->remove,
					   .words = arguments->operands + 2,
					   .n_words = arguments->n_operands - 2,
				   });
}

const struct command command_pool = {
	.name = "pool",
	.summary = "List pools, or edit one in the site file and apply it",
	.help = "list prints the pools of the site file. The others put roles or addresses into a\n"
		"pool, or take them out of it: in the text of the site file, of which every other\n"
		"byte, comments included, stays as it is. A comment goes only with the line of a word\n"
		"that goes. The new text is checked and applied; the file is replaced once that has\n"
		"succeeded, and else left as it was. A symbolic link is followed.",
	.operands = WORDS,
	.operands_min = 1,
	.operands_max = 1002,
	.options =
		{
			[OPTION_DRY_RUN] = {"dry-run", NULL, "show what would change, and stop"},
			[OPTION_NO_APPLY] = {"no-apply", NULL,
					     "check and edit the file, apply nothing"},
			[OPTION_COMMENT] = OPTION_SPEC_COMMENT,
		},
	.run = run,
};
