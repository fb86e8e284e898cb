/* SPDX-License-Identifier: MIT */
#include "backstop.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backlog.h"
#include "cleanup.h"
#include "nft_batch.h"

#define BPFFS "/sys/fs/bpf/"
#define CHAIN "forward"
#define DROPPED "held_back"
/* Before those of others, as what it drops nobody else needs to see. */
#define PRIORITY (-300)

/* A set of the table. The types are those by which nft prints it. */
struct set {
	const char *name;
	__u32 id, type, length;
};

/* For nft alone, to print the keys: type (order of the key), length, 1 = the host's. */
static const __u8 host_order[] = {0, 4, 1, 0, 0, 0};

static const struct set managed = {"attached", 1, 20, sizeof(__u32)};
static const struct set guarded = {"guarded", 2, 41, 16};

/* "rolewall" for the default instance, "rolewall-NAME" for others. */
static void table_name(const char *pin_dir, char name[BACKSTOP_NAME])
{
	if (!strncmp(pin_dir, BPFFS, strlen(BPFFS)))
		pin_dir += strlen(BPFFS);
	if (!strcmp(pin_dir, "rolewall"))
		snprintf(name, BACKSTOP_NAME, "rolewall");
	else
		snprintf(name, BACKSTOP_NAME, "rolewall-%.200s", pin_dir);
	for (char *byte = name; *byte; byte++)
		if (!isalnum((unsigned char)*byte) && *byte != '-')
			*byte = '_';
}

/* --- the table */

static void add_table(struct nft_batch *batch, const char *table, unsigned int message)
{
	nft_add(batch, message, message == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	nft_put_text(batch, NFTA_TABLE_NAME, table);
}

static void add_counter(struct nft_batch *batch, const char *table)
{
	nft_add(batch, NFT_MSG_NEWOBJ, NLM_F_CREATE);
	nft_put_text(batch, NFTA_OBJ_TABLE, table);
	nft_put_text(batch, NFTA_OBJ_NAME, DROPPED);
	nft_put_u32(batch, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nft_end_nest(batch, nft_nest(batch, NFTA_OBJ_DATA));
}

static void add_set(struct nft_batch *batch, const char *table, const struct set *set)
{
	nft_add(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
	nft_put_text(batch, NFTA_SET_TABLE, table);
	nft_put_text(batch, NFTA_SET_NAME, set->name);
	nft_put_u32(batch, NFTA_SET_FLAGS, 0);
	nft_put_u32(batch, NFTA_SET_KEY_TYPE, set->type);
	nft_put_u32(batch, NFTA_SET_KEY_LEN, set->length);
	nft_put_u32(batch, NFTA_SET_ID, set->id);
	mnl_attr_put(batch->message, NFTA_SET_USERDATA, sizeof(host_order), host_order);
}

static void add_chain(struct nft_batch *batch, const char *table)
{
	struct nlattr *hook;

	nft_add(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nft_put_text(batch, NFTA_CHAIN_TABLE, table);
	nft_put_text(batch, NFTA_CHAIN_NAME, CHAIN);
	hook = nft_nest(batch, NFTA_CHAIN_HOOK);
	nft_put_u32(batch, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD);
	nft_put_u32(batch, NFTA_HOOK_PRIORITY, (__u32)PRIORITY);
	nft_end_nest(batch, hook);
	nft_put_u32(batch, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nft_put_text(batch, NFTA_CHAIN_TYPE, "filter");
}

static void put_match(struct nft_batch *batch, enum nft_meta_keys key, const struct set *set)
{
	struct nft_expression expression = nft_expression(batch, "meta");

	nft_put_u32(batch, NFTA_META_DREG, NFT_REG_1);
	nft_put_u32(batch, NFTA_META_KEY, key);
	nft_end_expression(batch, expression);
	expression = nft_expression(batch, "lookup");
	nft_put_text(batch, NFTA_LOOKUP_SET, set->name);
	nft_put_u32(batch, NFTA_LOOKUP_SREG, NFT_REG_1);
	nft_put_u32(batch, NFTA_LOOKUP_SET_ID, set->id);
	nft_end_expression(batch, expression);
}

static void put_count(struct nft_batch *batch)
{
	struct nft_expression expression = nft_expression(batch, "objref");

	nft_put_u32(batch, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	nft_put_text(batch, NFTA_OBJREF_IMM_NAME, DROPPED);
	nft_end_expression(batch, expression);
}

static void put_verdict(struct nft_batch *batch, __u32 verdict)
{
	struct nft_expression expression = nft_expression(batch, "immediate");
	struct nlattr *data, *inner;

	nft_put_u32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nft_nest(batch, NFTA_IMMEDIATE_DATA);
	inner = nft_nest(batch, NFTA_DATA_VERDICT);
	nft_put_u32(batch, NFTA_VERDICT_CODE, verdict);
	nft_end_nest(batch, inner);
	nft_end_nest(batch, data);
	nft_end_expression(batch, expression);
}

static struct nlattr *start_rule(struct nft_batch *batch, const char *table)
{
	nft_add(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nft_put_text(batch, NFTA_RULE_TABLE, table);
	nft_put_text(batch, NFTA_RULE_CHAIN, CHAIN);
	return nft_nest(batch, NFTA_RULE_EXPRESSIONS);
}

/* Almost every packet ends at the first of the two rules. */
static void add_rules(struct nft_batch *batch, const char *table)
{
	struct nlattr *rule = start_rule(batch, table);

	put_match(batch, NFT_META_IIF, &managed);
	put_verdict(batch, NF_ACCEPT);
	nft_end_nest(batch, rule);
	rule = start_rule(batch, table);
	put_match(batch, NFT_META_IIFNAME, &guarded);
	put_count(batch);
	put_verdict(batch, NF_DROP);
	nft_end_nest(batch, rule);
}

/* --- the sets */

static void add_elements(struct nft_batch *batch, const char *table, const struct set *set,
			 const void *keys, size_t count)
{
	struct nlattr *list, *element, *key;

	/* Without elements: all of them. */
	nft_add(batch, NFT_MSG_DELSETELEM, 0);
	nft_put_text(batch, NFTA_SET_ELEM_LIST_TABLE, table);
	nft_put_text(batch, NFTA_SET_ELEM_LIST_SET, set->name);
	if (!count)
		return;
	nft_add(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	nft_put_text(batch, NFTA_SET_ELEM_LIST_TABLE, table);
	nft_put_text(batch, NFTA_SET_ELEM_LIST_SET, set->name);
	list = nft_nest(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < count; i++) {
		element = nft_nest(batch, NFTA_LIST_ELEM);
		key = nft_nest(batch, NFTA_SET_ELEM_KEY);
		mnl_attr_put(batch->message, NFTA_DATA_VALUE, set->length,
			     (const char *)keys + i * set->length);
		nft_end_nest(batch, key);
		nft_end_nest(batch, element);
	}
	nft_end_nest(batch, list);
}

static void add_sets(struct nft_batch *batch, const char *table, const struct backstop_sets *sets)
{
	add_elements(batch, table, &managed, sets->ifindexes, sets->n_ifindexes);
	add_elements(batch, table, &guarded, sets->names, sets->n_names);
}

int backstop_update(const char *pin_dir, const struct kernel *kernel,
		    const struct backstop_sets *sets)
{
	_cleanup_free_ struct nft_batch *batch = malloc(sizeof(*batch));
	char table[BACKSTOP_NAME];
	int err;

	if (!batch)
		return -ENOMEM;
	table_name(pin_dir, table);
	nft_begin(batch);
	add_sets(batch, table, sets);
	err = kernel ? backlog_wait(kernel) : 0;
	return err ? err : nft_commit(batch);
}

int backstop_on(const char *pin_dir, const struct kernel *kernel, const struct backstop_sets *sets)
{
	int err = backstop_update(pin_dir, kernel, sets);
	_cleanup_free_ struct nft_batch *batch = NULL;
	char table[BACKSTOP_NAME];

	if (err != -ENOENT)
		return err;
	batch = malloc(sizeof(*batch));
	if (!batch)
		return -ENOMEM;
	table_name(pin_dir, table);
	nft_begin(batch);
	/* What may be there of it is replaced. */
	add_table(batch, table, NFT_MSG_NEWTABLE);
	add_table(batch, table, NFT_MSG_DELTABLE);
	add_table(batch, table, NFT_MSG_NEWTABLE);
	add_counter(batch, table);
	add_set(batch, table, &managed);
	add_set(batch, table, &guarded);
	add_chain(batch, table);
	add_rules(batch, table);
	add_sets(batch, table, sets);
	return nft_commit(batch);
}

int backstop_off(const char *pin_dir)
{
	_cleanup_free_ struct nft_batch *batch = malloc(sizeof(*batch));
	char table[BACKSTOP_NAME];
	int err;

	kernel_release_closing(pin_dir);
	if (!batch)
		return -ENOMEM;
	table_name(pin_dir, table);
	nft_begin(batch);
	add_table(batch, table, NFT_MSG_DELTABLE);
	err = nft_commit(batch);
	/* A kernel without nf_tables has no such table either. */
	return err == -ENOENT || err == -EOPNOTSUPP ? 0 : err;
}

/* --- how it is */

static int read_counter(const struct nlattr *attribute, void *data)
{
	struct backstop_state *state = data;

	if (mnl_attr_validate(attribute, MNL_TYPE_U64) < 0)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attribute) == NFTA_COUNTER_PACKETS)
		state->packets = be64toh(mnl_attr_get_u64(attribute));
	if (mnl_attr_get_type(attribute) == NFTA_COUNTER_BYTES)
		state->bytes = be64toh(mnl_attr_get_u64(attribute));
	return MNL_CB_OK;
}

static int read_object(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) == NFTA_OBJ_DATA)
		mnl_attr_parse_nested(attribute, read_counter, data);
	return MNL_CB_OK;
}

static int read_reply(const struct nlmsghdr *header, void *data)
{
	struct backstop_state *state = data;

	state->on = true;
	mnl_attr_parse(header, sizeof(__u32) /* struct nfgenmsg */, read_object, state);
	return MNL_CB_OK;
}

int backstop_read(const char *pin_dir, struct backstop_state *state)
{
	_cleanup_free_ struct nft_batch *batch = calloc(1, sizeof(*batch));
	int err;

	*state = (struct backstop_state){0};
	if (!batch)
		return -ENOMEM;
	state->closing = kernel_holds_closing(pin_dir);
	table_name(pin_dir, state->table);
	nft_add(batch, NFT_MSG_GETOBJ, 0);
	nft_put_text(batch, NFTA_OBJ_TABLE, state->table);
	nft_put_text(batch, NFTA_OBJ_NAME, DROPPED);
	nft_put_u32(batch, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	err = nft_ask(batch, read_reply, state);
	return err == -ENOENT || err == -EOPNOTSUPP || err == -EINVAL ? 0 : err;
}

/* --- what it has to hold */

void backstop_sets_free(struct backstop_sets *sets)
{
	free(sets->names);
	free(sets->ifindexes);
	*sets = (struct backstop_sets){0};
}

static int take_names(const struct wanted *wanted, struct backstop_sets *sets)
{
	sets->names = calloc(wanted->count + 1, sizeof(*sets->names));
	if (!sets->names)
		return -ENOMEM;
	for (; sets->n_names < wanted->count; sets->n_names++)
		memcpy(sets->names[sets->n_names], wanted->items[sets->n_names].name,
		       sizeof(*sets->names));
	return 0;
}

static int take_ifindexes(const struct kernel *kernel, struct backstop_sets *sets)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count);

	if (err)
		return err;
	sets->ifindexes = calloc(count + 1, sizeof(*sets->ifindexes));
	if (!sets->ifindexes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		bool known = !list[i].ifindex || list[i].away;

		for (size_t j = 0; j < sets->n_ifindexes && !known; j++)
			known = sets->ifindexes[j] == list[i].ifindex;
		if (!known)
			sets->ifindexes[sets->n_ifindexes++] = list[i].ifindex;
	}
	return 0;
}

int backstop_sets_read(const struct kernel *kernel, const struct wanted *wanted,
		       struct backstop_sets *sets)
{
	int err;

	*sets = (struct backstop_sets){0};
	err = take_names(wanted, sets);
	if (!err)
		err = take_ifindexes(kernel, sets);
	if (err)
		backstop_sets_free(sets);
	return err;
}

bool backstop_sets_equal(const struct backstop_sets *a, const struct backstop_sets *b)
{
	return a->n_names == b->n_names && a->n_ifindexes == b->n_ifindexes &&
	       (!a->n_names || !memcmp(a->names, b->names, a->n_names * sizeof(*a->names))) &&
	       (!a->n_ifindexes ||
		!memcmp(a->ifindexes, b->ifindexes, a->n_ifindexes * sizeof(*a->ifindexes)));
}

int backstop_sync(const struct kernel *kernel)
{
	_cleanup_(backstop_sets_free) struct backstop_sets sets = {0};
	_cleanup_(wanted_free) struct wanted wanted = {0};
	struct backstop_state state;
	int err = backstop_read(kernel->pin_dir, &state);

	if (!err && !state.on)
		return 0;
	if (!err)
		err = wanted_read(kernel, &wanted);
	if (!err)
		err = backstop_sets_read(kernel, &wanted, &sets);
	if (!err)
		err = kernel_wait(kernel);
	if (!err)
		err = backstop_update(kernel->pin_dir, kernel, &sets);
	/* Where the kernel cannot, `backstop on` has said so. */
	if (!err)
		kernel_hold_closing(kernel, -1);
	if (err)
		fprintf(stderr, "rolewall: cannot bring the backstop up to date: %s\n",
			strerror(-err));
	return err;
}
