/* SPDX-License-Identifier: MIT */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply.h"
#include "cleanup.h"
#include "input.h"
#include "snapshot.h"
#include "world.h"

#define XDP_PASSED 2U /* XDP_PASS */
#define TC_PASSED ((__u32)-1) /* TCX_NEXT */
#define MORE_FULL_KEY 1U /* enum more of judge.h, which needs the kernel's helpers */

static const char *const device_names[N_DEVICES] = {"any0", "out0", "in0"};

/* --- before and after */

static int make_devices(struct world *world)
{
	char command[128];

	for (int i = 0; i < N_DEVICES; i++) {
		int stem = (int)strlen(device_names[i]) - 1;

		snprintf(command, sizeof(command),
			 "ip link add %s type veth peer name %.*s1 && ip link set %s up && "
			 "ip link set %.*s1 up",
			 device_names[i], stem, device_names[i], device_names[i], stem,
			 device_names[i]);
		if (system(command))
			return -EIO;
		world->ifindex[i] = if_nametoindex(device_names[i]);
	}
	return 0;
}

/* Nothing of the kernel's own may come in and be counted. */
static int keep_quiet(void)
{
	FILE *file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	fputs("1", file);
	return fclose(file) ? -errno : 0;
}

static int begin(struct world *world)
{
	int err = unshare(CLONE_NEWNET) ? -errno : keep_quiet();

	return err ? err : make_devices(world);
}

/* What the child left of its instance. */
static void clean_up(const struct world *world)
{
	struct kernel kernel = KERNEL_CLOSED;

	if (!access(world->pin_dir, F_OK) && !kernel_lock(world->pin_dir, &kernel)) {
		kernel_open(world->pin_dir, &kernel);
		kernel_unload(&kernel);
	}
	kernel_close(&kernel);
	unlink(world->site_path);
}

static int run_child(struct world *world, int (*work)(struct world *, void *), void *argument)
{
	int status, err = begin(world);

	if (err) {
		fprintf(stderr, "no network namespace of its own: %s\n", strerror(-err));
		return 1;
	}
	status = work(world, argument);
	kernel_close(&world->kernel);
	return status;
}

int world_run(int (*work)(struct world *world, void *argument), void *argument)
{
	struct world world = {.kernel = KERNEL_CLOSED};
	int status = 0;
	pid_t child;

	snprintf(world.pin_dir, sizeof(world.pin_dir), "/sys/fs/bpf/rwtest_%d", getpid());
	snprintf(world.site_path, sizeof(world.site_path), "/tmp/rwtest_%d.yaml", getpid());
	fflush(NULL);
	child = fork();
	if (child < 0)
		return 1;
	if (!child)
		exit(run_child(&world, work, argument));
	/* The child gets them as well; this process stays to clean up. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	clean_up(&world);
	if (WIFSIGNALED(status))
		fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* --- policy */

/* The kernel answers with a program's id. */
static int open_program(const struct kernel *kernel, enum pinned_map programs, __u32 key)
{
	__u32 id;

	return bpf_map_lookup_elem(kernel->map[programs], &key, &id) ? -errno
								     : bpf_prog_get_fd_by_id(id);
}

/* An apply may have loaded them anew. */
static int open_full(struct world *world)
{
	if (world->full_xdp > 0)
		close(world->full_xdp);
	if (world->full_tc > 0)
		close(world->full_tc);
	world->full_xdp = open_program(&world->kernel, MAP_more_xdp, MORE_FULL_KEY);
	world->full_tc = open_program(&world->kernel, MAP_more_tc, MORE_FULL_KEY);
	return world->full_xdp < 0 ? world->full_xdp : world->full_tc < 0 ? world->full_tc : 0;
}

int world_apply_file(struct world *world, const char *path)
{
	struct diagnostics diags = {0};
	struct input input = {0};
	struct applied applied;
	const struct common common = {.pin_dir = world->pin_dir};
	const struct apply_request request = {
		.common = &common, .input = &input, .unrecorded = true};
	_cleanup_free_ struct row_counter *rows = NULL;
	int err = input_load(path, &input, &diags);

	kernel_close(&world->kernel);
	world->kernel = (struct kernel)KERNEL_CLOSED;
	if (!err)
		err = policy_apply(&request, &applied, &diags);
	if (err)
		diag_print(&diags, stderr);
	diag_free(&diags);
	input_free(&input);
	if (!err)
		err = kernel_open(world->pin_dir, &world->kernel);
	if (!err)
		err = open_full(world);
	if (!err)
		err = counters_rows(&world->kernel, &rows, &world->n_rows);
	return err ? err : world_count(world, &world->last);
}

int world_apply(struct world *world, const char *site)
{
	FILE *file = fopen(world->site_path, "w");

	if (!file)
		return -errno;
	fputs(site, file);
	if (fclose(file))
		return -errno;
	return world_apply_file(world, world->site_path);
}

/* --- packets */

static int run_xdp(const struct world *world, const struct shot *shot, bool *passed)
{
	struct xdp_md context = {
		.data_end = (__u32)(shot->linear ? shot->linear : shot->length),
		.ingress_ifindex = world->ifindex[shot->device],
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = shot->bytes,
		    .data_size_in = (__u32)shot->length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);

	if (bpf_prog_test_run_opts(world->kernel.xdp, &options))
		return -errno;
	*passed = options.retval == XDP_PASSED;
	return 0;
}

static int run_tc(const struct world *world, const struct shot *shot, bool *passed)
{
	struct __sk_buff context = {
		.ifindex = world->ifindex[shot->device],
		.gso_size = shot->gso_size,
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = shot->bytes,
		    .data_size_in = (__u32)shot->length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);

	if (bpf_prog_test_run_opts(world->kernel.tc, &options))
		return -errno;
	*passed = options.retval == TC_PASSED;
	return 0;
}

/* The one counter that grew by one, or N_REASONS. */
static void find_reason(const struct counters *before, const struct counters *after,
			struct outcome *outcome)
{
	__u64 packets = 0;

	outcome->reason = N_REASONS;
	outcome->audited = false;
	for (int i = 0; i < N_DROP_REASONS; i++) {
		const struct drop_counter *old = &before->drops[i], *new = &after->drops[i];

		if (old->packets == new->packets && old->bytes == new->bytes)
			continue;
		packets += new->packets - old->packets;
		outcome->reason = (enum reason)i;
		outcome->bytes = new->bytes - old->bytes;
		outcome->audited = new->audited == old->audited + 1;
	}
	for (int i = 0; i < N_PASS_REASONS; i++) {
		const struct counter *old = &before->passes[i], *new = &after->passes[i];

		if (old->packets == new->packets && old->bytes == new->bytes)
			continue;
		packets += new->packets - old->packets;
		outcome->reason = (enum reason)(FIRST_PASS_REASON + i);
		outcome->bytes = new->bytes - old->bytes;
	}
	if (packets != 1)
		outcome->reason = N_REASONS;
}

int world_count(const struct world *world, struct counters *counters)
{
	return snapshot_read(&world->kernel, world->n_rows, counters);
}

int world_send(struct world *world, const struct shot *shot, struct outcome *outcome)
{
	struct counters before = world->last, after;
	int err = shot->tc ? run_tc(world, shot, &outcome->passed)
			   : run_xdp(world, shot, &outcome->passed);

	if (!err)
		err = world_count(world, &after);
	if (err)
		return err;
	world->last = after;
	find_reason(&before, &after, outcome);
	outcome->tables = (struct table_counters){
		.flows_created = after.tables.flows_created - before.tables.flows_created,
		.flows_evicted = after.tables.flows_evicted - before.tables.flows_evicted,
		.flows_lost = after.tables.flows_lost - before.tables.flows_lost,
		.fragments_created =
			after.tables.fragments_created - before.tables.fragments_created,
	};
	return 0;
}

int world_probe(const struct world *world, const struct shot *shot, struct probe_result *result)
{
	const struct probe_request request = {
		.frame = shot->bytes,
		.length = shot->length,
		.ifindex = world->ifindex[shot->device],
		.slot = PROBE_ACTIVE,
		.tc = shot->tc,
	};
	struct kernel kernel = world->kernel;

	if (shot->full) {
		kernel.xdp = world->full_xdp;
		kernel.tc = world->full_tc;
	}
	return kernel_probe(&kernel, &request, result);
}

/* --- time */

/* Writing over a timer's element ends the timer. */
int world_stop_clock(struct world *world)
{
	char zeroes[128] = {0};
	__u32 key = 0;

	return bpf_map_update_elem(world->kernel.map[MAP_clock], &key, zeroes, BPF_ANY) ? -errno
											: 0;
}

void world_wait(struct world *world, unsigned int seconds)
{
	world->kernel.control->epoch += seconds;
}
