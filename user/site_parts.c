/* SPDX-License-Identifier: MIT */
#include "site_parts.h"

#include "cleanup.h"
#include "string_list.h"

#define POOLS_MAX (POOL_IDS_MAX - 1)
#define POOL_NAME_MAX 31U
#define INTERFACES_MAX 64U
#define INTERFACE_NAME_MAX 15U
#define NO_NAME "(no name)" /* of a pool whose own name is missing or refused */

static const char *const hook_words[] = {
	[HOOK_AUTO] = "auto",
	[HOOK_XDP_NATIVE] = "xdp-native",
	[HOOK_XDP_GENERIC] = "xdp-generic",
	[HOOK_TC] = "tc",
	NULL,
};

static const char *const side_words[] = {
	[SIDE_ANY] = "any",
	[SIDE_OUTSIDE] = "outside",
	[SIDE_INSIDE] = "inside",
	NULL,
};

#define N_WORDS(words) (sizeof(words) / sizeof((words)[0]) - 1)

const char *hook_name(enum hook hook)
{
	return hook < N_WORDS(hook_words) ? hook_words[hook] : NULL;
}

const char *side_name(enum side side)
{
	return side < N_WORDS(side_words) ? side_words[side] : NULL;
}

/* --- interfaces */

static int read_interface_name(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	const char *text = yaml_text(doc, node);

	if (!text)
		return -EINVAL;
	if (strlen(text) > INTERFACE_NAME_MAX || text[strcspn(text, "/: ")] || !strcmp(text, ".") ||
	    !strcmp(text, "..")) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "\"%s\" is no name of an interface; accepted: 1 to %u bytes without "
			   "blank, / and :",
			   text, INTERFACE_NAME_MAX);
		return -EINVAL;
	}
	return yaml_read_text(doc, node, target);
}

static int read_side(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	unsigned int index;
	int rc = yaml_word(doc, node, side_words, &index);

	if (!rc)
		*(enum side *)target = (enum side)index;
	return rc;
}

static int read_hook(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	unsigned int index;
	int rc = yaml_word(doc, node, hook_words, &index);

	if (!rc)
		*(enum hook *)target = (enum hook)index;
	return rc;
}

static const struct yaml_key interface_keys[] = {
	{"name", read_interface_name, offsetof(struct site_interface, name), true},
	{"side", read_side, offsetof(struct site_interface, side), false},
	{"hook", read_hook, offsetof(struct site_interface, hook), false},
	{NULL, NULL, 0, false},
};

static int check_interface(struct yaml_doc *doc, const struct site *site)
{
	const struct site_interface *last = &site->interfaces[site->n_interfaces - 1];

	for (const struct site_interface *other = site->interfaces; other < last; other++) {
		if (!last->name || !other->name || strcmp(last->name, other->name))
			continue;
		diag_error(doc->diags, last->place,
			   "interface \"%s\" is listed twice; line %u has it already", last->name,
			   other->place.line);
		return -EINVAL;
	}
	return 0;
}

static int read_interface(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	struct site_interface *interfaces, *added;
	int rc;

	if (site->n_interfaces == INTERFACES_MAX) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "too many interfaces; at most %u are read", INTERFACES_MAX);
		return -EINVAL;
	}
	interfaces = array_grow(site->interfaces, site->n_interfaces, sizeof(*interfaces));
	if (!interfaces)
		return -ENOMEM;
	site->interfaces = interfaces;
	added = &interfaces[site->n_interfaces++];
	*added = (struct site_interface){.place = yaml_place(doc, node)};
	if (node->type == YAML_SCALAR_NODE)
		rc = read_interface_name(doc, node, &added->name);
	else
		rc = yaml_mapping(doc, node, "an interface", interface_keys, added);
	return rc ? rc : check_interface(doc, site);
}

int site_read_interfaces(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	int rc = yaml_each(doc, node, read_interface, site);

	if (rc || site->n_interfaces)
		return rc;
	diag_error(doc->diags, yaml_place(doc, node),
		   "interfaces: empty list; at least one interface is accepted");
	return -EINVAL;
}

/* --- pools */

static int read_pool_name(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	static const char accepted[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *text = yaml_text(doc, node);

	if (!text)
		return -EINVAL;
	if (strlen(text) > POOL_NAME_MAX || text[strspn(text, accepted)]) {
		diag_error(doc->diags, yaml_place(doc, node),
			   "\"%s\" is no name of a pool; accepted: 1 to %u of a-z A-Z 0-9 . _ -",
			   text, POOL_NAME_MAX);
		return -EINVAL;
	}
	return yaml_read_text(doc, node, target);
}

int site_check_address(const char *text, struct place place, struct prefix *prefix,
		       struct diagnostics *diags)
{
	int rc = prefix_parse(text, prefix);
	char right[PREFIX_TEXT];
	const char *reserved;

	if (rc == -EINVAL) {
		diag_error(diags, place,
			   "\"%s\" is no address; accepted: 10.1.2.3, 10.1.2.0/28, 2001:db8::1, "
			   "2001:db8::/64",
			   text);
		return rc;
	}
	if (rc == -EDOM) {
		diag_error(diags, place, "%s: host bits set; %s is the prefix", text,
			   prefix_format(prefix, right, sizeof(right)));
		return -EINVAL;
	}
	reserved = prefix_reserved(prefix);
	if (reserved) {
		diag_error(diags, place, "%s: %s; accepted: addresses that hosts have", text,
			   reserved);
		return -EINVAL;
	}
	return 0;
}

static int read_address(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site_pool *pool = target;
	const char *text = yaml_text(doc, node);
	struct site_address *addresses;
	struct prefix prefix;

	if (!text || site_check_address(text, yaml_place(doc, node), &prefix, doc->diags))
		return -EINVAL;
	addresses = array_grow(pool->addresses, pool->n_addresses, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	pool->addresses = addresses;
	addresses[pool->n_addresses++] = (struct site_address){prefix, yaml_place(doc, node)};
	return 0;
}

static int read_addresses(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	return yaml_values(doc, node, read_address, target);
}

static const struct yaml_key pool_keys[] = {
	{"name", read_pool_name, offsetof(struct site_pool, name), true},
	{"roles", yaml_read_strings, offsetof(struct site_pool, roles), true},
	{"addresses", read_addresses, 0, true},
	{"inherit", yaml_read_bool, offsetof(struct site_pool, inherit), false},
	{NULL, NULL, 0, false},
};

static int read_pool(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	struct site_pool *pools, *pool;
	int rc;

	if (site->n_pools == POOLS_MAX) {
		diag_error(doc->diags, yaml_place(doc, node), "too many pools; at most %u are read",
			   POOLS_MAX);
		return -EINVAL;
	}
	pools = array_grow(site->pools, site->n_pools, sizeof(*pools));
	if (!pools)
		return -ENOMEM;
	site->pools = pools;
	pool = &pools[site->n_pools++];
	*pool = (struct site_pool){.place = yaml_place(doc, node)};
	rc = yaml_mapping(doc, node, "a pool", pool_keys, pool);
	if (yaml_fatal(rc))
		return rc;
	if (!pool->name)
		pool->name = strdup(NO_NAME);
	return pool->name ? rc : -ENOMEM;
}

static int compare_pools(const void *a, const void *b)
{
	const struct site_pool *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	return order ? order : (*x > *y) - (*x < *y);
}

static int check_pool_names(struct yaml_doc *doc, const struct site *site)
{
	_cleanup_free_ const struct site_pool **sorted = calloc(site->n_pools + 1, sizeof(*sorted));
	int result = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_pools; i++)
		sorted[i] = &site->pools[i];
	qsort(sorted, site->n_pools, sizeof(*sorted), compare_pools);
	for (size_t i = 1; i < site->n_pools; i++) {
		if (strcmp(sorted[i]->name, sorted[i - 1]->name) ||
		    !strcmp(sorted[i]->name, NO_NAME))
			continue;
		diag_error(doc->diags, sorted[i]->place,
			   "pool \"%s\" is listed twice; line %u has it already", sorted[i]->name,
			   sorted[i - 1]->place.line);
		result = -EINVAL;
	}
	return result;
}

int site_read_pools(struct yaml_doc *doc, yaml_node_t *node, void *target)
{
	struct site *site = target;
	int rc = yaml_each(doc, node, read_pool, site);
	int names;

	if (yaml_fatal(rc))
		return rc;
	if (!rc && !site->n_pools)
		diag_warning(doc->diags, yaml_place(doc, node), "no pools, so nothing is guarded");
	names = check_pool_names(doc, site);
	return names ? names : rc;
}
