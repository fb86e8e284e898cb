/* SPDX-License-Identifier: MIT */
/*
 * The self-test against images that are not what the policy says: each is compiled from a policy
 * that was spoilt in one place, and held against the right one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "input.h"
#include "selftest.h"
#include "world.h"

static const char pools[] =
	"pools:\n"
	"  - {name: front-ends, roles: [front-end], addresses: [10.78.0.0/28, \"fd78::/64\"]}\n"
	"  - {name: directors, roles: [director], addresses: [10.78.0.16, 10.78.0.17, 10.78.0.18, "
	"\"fd78:1::1\", \"fd78:1::2\", \"fd78:1::3\"]}\n"
	"  - {name: directors-too, roles: [director], addresses: [10.78.0.20]}\n"
	"  - {name: inside, roles: [mediation], addresses: [10.78.0.4/30, \"fd78::4:0/112\"]}\n"
	"  - {name: gateways, roles: [pstn-gateway], addresses: [10.79.0.0/24, 10.80.0.0/24]}\n"
	"  - {name: clients, roles: [client], addresses: [10.81.0.0/16, \"fd81::/48\"]}\n";

static const char rows[] =
	"extra:\n"
	"  - {roles: [director], ports: [7000-7010], protocols: [udp], from: [pstn-gateway]}\n"
	"  - {roles: [director], ports: [7200], protocols: [tcp], from: [10.5.7.16/28, "
	"\"fd05::/64\"]}\n"
	"  - {roles: [director], ports: [7300], protocols: [tcp], from: [director]}\n";

/* Which of the two programs judges by the spoilt image. */
enum by { BY_BOTH, BY_XDP, BY_TC };

struct flaw {
	const char *name;
	const char *options; /* of the site */
	void (*spoil)(struct policy *policy);
	enum by by;
	const char *words; /* of the message, beside "self-test"; NULL: nothing is to be found */
	const char *more_pools;
	bool all_tc; /* every interface is TC's */
};

struct stage {
	struct world *world;
	const struct flaw *flaw;
};

/* --- what can be wrong */

static void admit_no_pool(struct policy *policy)
{
	for (size_t i = 1; i < policy->n_peers; i++)
		policy->peers[i].n_pools = 0;
}

static void admit_no_prefix(struct policy *policy)
{
	for (size_t i = 1; i < policy->n_peers; i++)
		policy->peers[i].n_prefixes = 0;
}

/* Room for all of them is there: peers.c. */
static void admit_every_pool(struct policy *policy)
{
	for (size_t i = 1; i < policy->n_peers; i++)
		for (policy->peers[i].n_pools = 0; policy->peers[i].n_pools < policy->n_pools;
		     policy->peers[i].n_pools++)
			policy->peers[i].pools[policy->peers[i].n_pools] = policy->peers[i].n_pools;
}

static struct policy_prefix *find(struct policy *policy, const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	for (size_t i = 0; i < policy->n_prefixes; i++)
		if (!prefix_compare(&policy->prefixes[i].prefix, &prefix))
			return &policy->prefixes[i];
	fail_msg("no prefix %s", text);
	return NULL;
}

static void forget(struct policy *policy, const char *text)
{
	struct policy_prefix *prefix = find(policy, text);
	size_t behind = (size_t)(policy->prefixes + policy->n_prefixes - prefix) - 1;

	memmove(prefix, prefix + 1, behind * sizeof(*prefix));
	policy->n_prefixes--;
}

static void forget_third(struct policy *policy)
{
	forget(policy, "10.78.0.18");
}

static void forget_third6(struct policy *policy)
{
	forget(policy, "fd78:1::3");
}

static void forget_inside(struct policy *policy)
{
	forget(policy, "10.78.0.4/30");
}

static void forget_unguarded(struct policy *policy)
{
	forget(policy, "10.80.0.0/24");
}

/* The other pool has the same roles, so that every verdict is the same. */
static void move_third(struct policy *policy)
{
	find(policy, "10.78.0.18")->pool = find(policy, "10.78.0.20")->pool;
}

/* What one row opens is put down to another row of the pool. */
static void swap_row(struct policy *policy)
{
	struct policy_pool *pool = &policy->pools[find(policy, "10.78.0.16")->pool];
	size_t first = pool->grants[0].row, other = pool->grants[pool->n_grants - 1].row;

	assert_int_not_equal(first, other);
	for (size_t i = 0; i < pool->n_grants; i++)
		if (pool->grants[i].row == first)
			pool->grants[i].row = other;
}

static void shut_a_port(struct policy *policy)
{
	struct policy_pool *pool = &policy->pools[find(policy, "10.78.0.16")->pool];

	memmove(pool->grants, pool->grants + 1, --pool->n_grants * sizeof(*pool->grants));
}

/* Beside an opening, where the first program alone is asked. */
static void open_a_port(struct policy *policy)
{
	struct policy_pool *pool = &policy->pools[find(policy, "10.78.0.16")->pool];

	for (size_t i = 0; i < pool->n_grants; i++)
		if (pool->grants[i].ports.last == 7010)
			pool->grants[i].ports.last++;
}

/* --- an image in a slot, and the self-test of it */

struct trial_of {
	struct input right, wrong;
	struct registries registries;
	struct pages image;
	struct kernel other; /* whose programs judge by the spoilt image where only one is to */
};

static void load(struct world *world, struct input *input)
{
	struct diagnostics diags = {0};

	assert_int_equal(input_load(world->site_path, input, &diags), 0);
	diag_free(&diags);
}

static void compile(struct trial_of *trial, const struct policy *policy)
{
	struct diagnostics diags = {0};

	assert_int_equal(policy_compile(policy, &trial->registries, &trial->image, &diags), 0);
	diag_free(&diags);
}

/* Another instance, whose programs take the probes of the first one. */
static void load_other(const struct world *world, struct trial_of *trial, __u32 slot)
{
	char dir[80];

	snprintf(dir, sizeof(dir), "%s-other", world->pin_dir);
	assert_int_equal(kernel_lock(dir, &trial->other), 0);
	assert_int_equal(kernel_load(&trial->other, world->kernel.pages), 0);
	memcpy(trial->other.control->probe_key, world->kernel.control->probe_key,
	       sizeof(world->kernel.control->probe_key));
	assert_int_equal(kernel_put_image(&trial->other, slot, &trial->image), 0);
}

/* Puts the right image into the slot, and lets one program be the other instance's. */
static void divide(struct world *world, struct trial_of *trial, enum by by, struct kernel *kernel,
		   __u32 slot)
{
	load_other(world, trial, slot);
	pages_free(&trial->image);
	trial->image = (struct pages){0};
	compile(trial, &trial->right.policy);
	assert_int_equal(kernel_put_image(&world->kernel, slot, &trial->image), 0);
	if (by == BY_TC)
		kernel->tc = trial->other.tc;
	else
		kernel->xdp = trial->other.xdp;
}

/* Runs it with stderr in TEXT. */
static int run_quietly(struct selftest *test, char *text, size_t size)
{
	FILE *file = tmpfile();
	int err, saved = dup(STDERR_FILENO);
	size_t length;

	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	err = selftest_run(test);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return err;
}

static void apply_site(const struct stage *stage)
{
	char *site;

	assert_true(asprintf(&site, "version: 1\n%s%s%s%s%s", stage->flaw->options,
			     WORLD_INTERFACES, pools,
			     stage->flaw->more_pools ? stage->flaw->more_pools : "", rows) > 0);
	assert_int_equal(world_apply(stage->world, site), 0);
	free(site);
}

static void release(struct trial_of *trial)
{
	if (trial->other.dir >= 0)
		kernel_unload(&trial->other);
	kernel_close(&trial->other);
	pages_free(&trial->image);
	registries_free(&trial->registries);
	input_free(&trial->wrong);
	input_free(&trial->right);
}

static void test_flaw(void **state)
{
	const struct stage *stage = *state;
	const struct flaw *flaw = stage->flaw;
	struct world *world = stage->world;
	struct trial_of trial = {.other = KERNEL_CLOSED};
	struct kernel kernel;
	struct selftest test;
	char text[1024];
	int err;

	apply_site(stage);
	load(world, &trial.right);
	load(world, &trial.wrong);
	for (size_t i = 0; i < trial.right.site.n_interfaces && flaw->all_tc; i++)
		trial.right.site.interfaces[i].hook = HOOK_TC;
	if (flaw->spoil)
		flaw->spoil(&trial.wrong.policy);
	assert_int_equal(counters_registries(&world->kernel, &trial.registries), 0);
	compile(&trial, &trial.wrong.policy);
	kernel = world->kernel;
	test = (struct selftest){
		.kernel = &kernel,
		.policy = &trial.right.policy,
		.registries = &trial.registries,
		.image = &trial.image,
		.slot = kernel_free_slot(&world->kernel),
	};
	if (flaw->by == BY_BOTH)
		assert_int_equal(kernel_put_image(&world->kernel, test.slot, &trial.image), 0);
	else
		divide(world, &trial, flaw->by, &kernel, test.slot);
	err = run_quietly(&test, text, sizeof(text));
	release(&trial);
	if (err != (flaw->words ? -EBADMSG : 0) || (!flaw->words && *text) ||
	    (flaw->words && !strstr(text, flaw->words)))
		fail_msg("%d: %s", err, text);
	assert_true(test.probes > 0);
}

/* The documentation's addresses are somebody's, too. */
#define EVERYWHERE "  - {name: world, roles: [sba], addresses: [192.0.0.0/3, \"2000::/3\"]}\n"

#define LEAST "profile: least-privilege\n"

#define FLAW(name_, options_, spoil_, by_, words_)                                                 \
	.name = (name_), .options = (options_), .spoil = (spoil_), .by = (by_), .words = (words_)

static const struct flaw flaws[] = {
	{FLAW("no flaw", "", NULL, BY_BOTH, NULL)},
	{FLAW("no flaw, least privilege", LEAST, NULL, BY_BOTH, NULL)},
	{FLAW("no flaw, least privilege, both directions", LEAST "outbound: matrix\n", NULL,
	      BY_BOTH, NULL)},
	{FLAW("no flaw, outbound: matrix", "outbound: matrix\n", NULL, BY_BOTH, NULL)},
	{FLAW("no flaw, unlisted: drop",
	      "unlisted: drop\nfailsafe: {from: [192.0.2.0/24], ports: [9/tcp]}\n", NULL, BY_BOTH,
	      NULL)},
	{FLAW("no flaw, asymmetric, ipsec",
	      "asymmetric: true\nipsec:\n  - {between: [front-end, director]}\n", NULL, BY_BOTH,
	      NULL)},
	{FLAW("conditions admit no pool", LEAST, admit_no_pool, BY_BOTH,
	      "source_not_allowed, not matrix")},
	{FLAW("conditions admit no pool, both directions", LEAST "outbound: matrix\n",
	      admit_no_pool, BY_BOTH, "not matrix")},
	{FLAW("conditions admit no pool, of a site's own rows", "", admit_no_pool, BY_BOTH,
	      "source_not_allowed, not matrix")},
	{FLAW("conditions admit no prefix", "", admit_no_prefix, BY_BOTH,
	      "tcp/7200 by XDP: source_not_allowed, not matrix")},
	{FLAW("conditions admit every pool", "", admit_every_pool, BY_BOTH,
	      "matrix, not source_not_allowed")},
	{FLAW("a third address is not guarded", "", forget_third, BY_BOTH,
	      "to 10.78.0.18 port tcp/9 by XDP: transit, not port_not_in_matrix")},
	{FLAW("a third address is not guarded, IPv6", LEAST, forget_third6, BY_BOTH,
	      "to fd78:1::3 port")},
	{FLAW("a pool inside another is not known", "", forget_inside, BY_BOTH, "pool inside: ")},
	{FLAW("a second prefix of peers is not known", "", forget_unguarded, BY_BOTH,
	      "to 10.80.0.0 port tcp/9 by XDP: transit, but the destination taken for another pool's")},
	{FLAW("an address is another pool's with the same roles", "", move_third, BY_BOTH,
	      "10.78.0.18 port tcp/9 by XDP: port_not_in_matrix, but the destination taken")},
	{FLAW("a port opens by another row", "", swap_row, BY_BOTH,
	      "by a row that does not open the port")},
	{FLAW("a port is shut", "", shut_a_port, BY_BOTH, "port_not_in_matrix, not matrix")},
	{FLAW("TC alone shuts a port", "", shut_a_port, BY_TC,
	      "by TC: port_not_in_matrix, not matrix")},
	{FLAW("TC alone does not guard a third address", "", forget_third, BY_TC,
	      "to 10.78.0.18 port tcp/9 by TC: transit, not")},
	{FLAW("TC alone admits no pool", LEAST, admit_no_pool, BY_TC, "by TC: source_not_allowed")},
	{FLAW("TC alone has another row", "", swap_row, BY_TC, "by TC: matrix, but by a row")},
	{FLAW("XDP alone shuts a port", "", shut_a_port, BY_XDP, "by XDP: port_not_in_matrix")},
	{FLAW("a port too many is open", "", open_a_port, BY_BOTH,
	      "udp/7011 by XDP: source_not_allowed")},
	{FLAW("XDP opens a port too many where every interface is TC's", "", open_a_port, BY_XDP,
	      NULL),
	 .all_tc = true},
	{FLAW("TC opens a port too many where every interface is TC's", "", open_a_port, BY_TC,
	      "udp/7011 by TC: source_not_allowed, not"),
	 .all_tc = true},
	{FLAW("a port is shut where peers are everywhere", "", shut_a_port, BY_BOTH,
	      "port_not_in_matrix, not matrix"),
	 .more_pools = EVERYWHERE},
	{FLAW("no flaw where peers are everywhere", LEAST "outbound: matrix\n", NULL, BY_BOTH,
	      NULL),
	 .more_pools = EVERYWHERE},
};

#define N_FLAWS (sizeof(flaws) / sizeof(flaws[0]))

static int run(struct world *world, void *unused)
{
	struct CMUnitTest tests[N_FLAWS];
	struct stage stages[N_FLAWS];

	(void)unused;
	for (size_t i = 0; i < N_FLAWS; i++) {
		stages[i] = (struct stage){world, &flaws[i]};
		tests[i] = (struct CMUnitTest){
			.name = flaws[i].name,
			.test_func = test_flaw,
			.initial_state = &stages[i],
		};
	}
	return _cmocka_run_group_tests("selftest", tests, N_FLAWS, NULL, NULL);
}

int main(void)
{
	return world_run(run, NULL);
}
