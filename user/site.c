/* SPDX-License-Identifier: MIT */
#include "site.h"

#include <errno.h>

#include "cleanup.h"
#include "row.h"
#include "site_parts.h"
#include "string_list.h"
#include "yaml_doc.h"

#define CLIENT_MEDIA_MIN 20U /* ports: fewer cannot carry a call of every kind */
#define MEDIA_ADVISED 40U

static const char *const mode_words[] = {
	[MODE_ENFORCE] = "enforce",
	[MODE_AUDIT] = "audit",
	NULL,
};

const char *mode_name(enum mode mode)
{
	return mode < sizeof(mode_words) / sizeof(mode_words[0]) - 1 ? mode_words[mode] : NULL;
}

const char *balancing_name(enum balancing balancing)
{
	static const char *const names[] = {NULL, "dns", "hardware"};

	return balancing < sizeof(names) / sizeof(names[0]) ? names[balancing] : NULL;
}

/* --- the site's own rows and media ranges */

static int read_extra_row(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	struct row *rows, *row;
	int rc;

	rows = array_grow(site->extra, site->n_extra, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	site->extra = rows;
	row = &rows[site->n_extra++];
	*row = (struct row){0};
	rc = row_read_site(doc, node, row);
	if (yaml_fatal(rc) || row_number(row, "extra", (unsigned int)site->n_extra))
		return -ENOMEM;
	return rc;
}

static int read_extra(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_each(doc, node, read_extra_row, target);
}

static int check_media_size(struct yaml_doc *doc, const char *name, struct port_range range,
			    struct place place)
{
	unsigned int size = (unsigned int)range.last - range.first + 1;

	if (size < CLIENT_MEDIA_MIN && !strncmp(name, "client-", 7)) {
		diag_error(doc->diags, place, "%s: only %u port%s; accepted: %u or more", name,
			   size, size == 1 ? "" : "s", CLIENT_MEDIA_MIN);
		return -EINVAL;
	}
	if (size < MEDIA_ADVISED)
		diag_warning(doc->diags, place, "%s: only %u port%s; %u or more are advised", name,
			     size, size == 1 ? "" : "s", MEDIA_ADVISED);
	return 0;
}

static int read_media_range(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	struct place place = yaml_place(doc, node);
	struct port_range range;
	struct site_media *media;
	int rc = yaml_port_range(doc, node, 1, &range);

	if (rc)
		return rc;
	if (check_media_size(doc, doc->key, range, place))
		return -EINVAL;
	media = array_grow(site->media, site->n_media, sizeof(*media));
	if (!media)
		return -ENOMEM;
	site->media = media;
	media[site->n_media] = (struct site_media){strdup(doc->key), range, place};
	return media[site->n_media++].name ? 0 : -ENOMEM;
}

static int read_media(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
#define KEY(name) {name, read_media_range, 0, false},
	static const struct yaml_key keys[] = {MEDIA_NAMES(KEY){NULL, NULL, 0, false}};
#undef KEY

	return yaml_mapping(doc, node, "media", keys, target);
}

/* --- options */

static int read_matrix(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	const char *text = yaml_text(doc, node);
	const char *slash = strrchr(site->path, '/');
	int folder = slash ? (int)(slash - site->path) + 1 : 0;

	if (!text)
		return -EINVAL;
	site->matrix_place = yaml_place(doc, node);
	free(site->matrix);
	if (*text == '/' || !strcmp(text, MATRIX_BUILT_IN))
		folder = 0;
	if (asprintf(&site->matrix, "%.*s%s", folder, site->path, text) < 0)
		site->matrix = NULL;
	return site->matrix ? 0 : -ENOMEM;
}

static int read_profile(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"literal", "least-privilege", NULL};
	struct site *site = target;
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	site->profile_place = yaml_place(doc, node);
	if (!rc)
		site->least_privilege = index;
	return rc;
}

static int read_outbound(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"open", "matrix", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(bool *)target = index;
	return rc;
}

static int read_balancing(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"dns", "hardware", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(enum balancing *)target = index ? BALANCING_HARDWARE : BALANCING_DNS;
	return rc;
}

static int read_mode(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	unsigned int index;
	int rc = yaml_word(doc, node, mode_words, &index);

	if (!rc)
		*(enum mode *)target = (enum mode)index;
	return rc;
}

static int read_unlisted(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"pass", "drop", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(bool *)target = index;
	return rc;
}

static int read_icmp_echo(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"drop", "allow", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(bool *)target = index;
	return rc;
}

static int read_forwarding(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char *const words[] = {"kernel", "xdp", NULL};
	unsigned int index;
	int rc = yaml_word(doc, node, words, &index);

	if (!rc)
		*(bool *)target = index;
	return rc;
}

static const struct yaml_key site_keys[] = {
	{"version", yaml_read_version, 0, true},
	{"matrix", read_matrix, 0, false},
	{"profile", read_profile, 0, false},
	{"load_balancing", read_balancing, offsetof(struct site, balancing), false},
	{"mode", read_mode, offsetof(struct site, mode), false},
	{"outbound", read_outbound, offsetof(struct site, outbound_matrix), false},
	{"unlisted", read_unlisted, offsetof(struct site, unlisted_drop), false},
	{"icmp_echo", read_icmp_echo, offsetof(struct site, echo_allow), false},
	{"interfaces", site_read_interfaces, 0, true},
	{"pools", site_read_pools, 0, true},
	{"timeouts", timeouts_read, offsetof(struct site, timeouts), false},
	{"asymmetric", yaml_read_bool, offsetof(struct site, asymmetric), false},
	{"forwarding", read_forwarding, offsetof(struct site, forward_xdp), false},
	{"media", read_media, 0, false},
	{"extra", read_extra, 0, false},
	{"ipsec", site_read_ipsec, 0, false},
	{"overlays", yaml_read_strings, offsetof(struct site, overlays), false},
	{"failsafe", site_read_failsafe, 0, false},
	{"features", yaml_read_strings, offsetof(struct site, features), false},
	{NULL, NULL, 0, false},
};

/* What comes in by TC has passed XDP's way by. */
static void warn_of_forwarding(struct yaml_doc *doc, const struct site *site)
{
	for (size_t i = 0; i < site->n_interfaces && site->forward_xdp; i++)
		if (site->interfaces[i].hook == HOOK_TC)
			diag_warning(
				doc->diags, site->interfaces[i].place,
				"%s: with hook: tc the kernel forwards in spite of forwarding: xdp",
				site->interfaces[i].name);
}

static int read_document(struct yaml_doc *doc, struct site *site)
{
	_cleanup_(site_free) struct site read = {.balancing = BALANCING_DNS};
	int rc;

	timeouts_usual(&read.timeouts);
	read.path = strdup(doc->file);
	read.matrix = strdup(MATRIX_BUILT_IN);
	read.matrix_place = (struct place){.file = doc->file};
	if (!read.path || !read.matrix)
		return -ENOMEM;
	rc = yaml_mapping(doc, yaml_root(doc), "a site", site_keys, &read);
	if (yaml_fatal(rc))
		return rc;
	warn_of_forwarding(doc, &read);
	*site = read;
	read = (struct site){0};
	return rc;
}

/* Takes the bytes over. */
static int parse(const char *path, struct source_text text, struct site *site,
		 struct diagnostics *diags)
{
	_cleanup_(yaml_doc_close) struct yaml_doc doc = {0};
	_cleanup_free_ char *bytes = text.bytes;
	int rc = yaml_doc_parse(&doc, path, text.bytes, text.size, diags);

	rc = rc ? rc : read_document(&doc, site);
	if (!rc)
		site->text = (struct source_text){TAKE_PTR(bytes), text.size};
	return rc;
}

int site_parse(const char *path, const char *text, size_t size, struct site *site,
	       struct diagnostics *diags)
{
	struct source_text copy = {malloc(size + 1), size};

	if (!copy.bytes)
		return -ENOMEM;
	memcpy(copy.bytes, text, size);
	return parse(path, copy, site, diags);
}

int site_load(const char *path, struct site *site, struct diagnostics *diags)
{
	struct source_text text = {0};
	int rc = yaml_file_read(path, &text.bytes, &text.size, diags);

	return rc ? rc : parse(path, text, site, diags);
}

static void free_pool(struct site_pool *pool)
{
	free(pool->name);
	strings_free(&pool->roles);
	free(pool->addresses);
}

void site_free(struct site *site)
{
	free(site->text.bytes);
	free(site->path);
	free(site->matrix);
	for (size_t i = 0; i < site->n_interfaces; i++)
		free(site->interfaces[i].name);
	free(site->interfaces);
	for (size_t i = 0; i < site->n_pools; i++)
		free_pool(&site->pools[i]);
	free(site->pools);
	for (size_t i = 0; i < site->n_extra; i++)
		row_free(&site->extra[i]);
	free(site->extra);
	for (size_t i = 0; i < site->n_media; i++)
		free(site->media[i].name);
	free(site->media);
	strings_free(&site->failsafe_from);
	free(site->failsafe_ports);
	strings_free(&site->features);
	site_ipsec_free(site);
	strings_free(&site->overlays);
	*site = (struct site){0};
}
