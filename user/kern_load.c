/* SPDX-License-Identifier: MIT */
/* Loading the programs, and loading them again under running traffic. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <zlib.h>

#include "cleanup.h"
#include "kern_internal.h"
#include "rolewall.skel.h"

/* Sizes of an image slot in pages, powers of two: 1, 8, 64 and 256 MiB. */
static const __u32 rooms[] = {IMAGE_PAGES_MIN, 1U << 13, 1U << 16, IMAGE_PAGES_MAX};

__u32 kernel_room(size_t count)
{
	size_t i = 0;

	while (rooms[i] < count && rooms[i] < IMAGE_PAGES_MAX)
		i++;
	return rooms[i];
}

/* libbpf's own words matter only when something went wrong, which it says as a warning. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static void identify_build(__u8 build[32])
{
	size_t size;
	const void *bytes = rolewall_bpf__elf_bytes(&size);

	memset(build, 0, 32);
	snprintf((char *)build, 32, "%08lx-%zx", crc32_z(0, bytes, size), size);
}

bool kernel_is_current(const struct kernel *kernel)
{
	__u8 build[32];

	identify_build(build);
	return !memcmp(build, kernel->build, sizeof(build));
}

static struct bpf_map *find_map(const struct rolewall_bpf *skel, enum pinned_map map)
{
	if (map == MAP_control)
		return skel->maps.data_control;
	return bpf_object__find_map_by_name(skel->obj, pinned_map_names[map]);
}

static void destroy_object(struct rolewall_bpf **skel)
{
	rolewall_bpf__destroy(*skel);
}

/* What the programs need of the kernel beyond the oldest supported BPF. */
static const struct {
	const char *name, *since;
	enum bpf_func_id helper;
	enum bpf_prog_type program;
} features[] = {
	{"bpf_timer", "5.15", BPF_FUNC_timer_start, BPF_PROG_TYPE_SYSCALL},
	{"bpf_xdp_load_bytes", "5.18", BPF_FUNC_xdp_load_bytes, BPF_PROG_TYPE_XDP},
	{"bpf_xdp_get_buff_len", "5.18", BPF_FUNC_xdp_get_buff_len, BPF_PROG_TYPE_XDP},
};

/* After a refusal: what is missing, as far as it can be told. */
static void explain_refusal(int err)
{
	bool named = false;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (libbpf_probe_bpf_helper(features[i].program, features[i].helper, NULL) == 0) {
			fprintf(stderr, "rolewall: this kernel has no %s (Linux %s)\n",
				features[i].name, features[i].since);
			named = true;
		}
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		fprintf(stderr, "rolewall: this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)\n");
		named = true;
	}
	if (!named)
		fprintf(stderr,
			"rolewall: the kernel refuses: %s; Linux 6.1 or later, CAP_BPF and CAP_NET_ADMIN are needed\n",
			strerror(-err));
}

const char *const shadow_map_names[N_SHADOW_MAPS] = {
#define X(name) #name,
	SHADOW_MAPS(X)
#undef X
};

const char *const shadow_program_names[N_SHADOW_PROGRAMS] = {
#define X(name) #name,
	SHADOW_PROGRAMS(X)
#undef X
};

/* The shadow's programs and maps are loaded when there is one, and the others not again. */
static int choose_parts(const struct rolewall_bpf *skel, bool shadow)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_program(program, skel->obj) err |= bpf_program__set_autoload(
		program, !strstr(bpf_program__name(program), "_shadow") == !shadow);
	for (int i = 0; i < N_SHADOW_MAPS && !shadow; i++) {
		map = bpf_object__find_map_by_name(skel->obj, shadow_map_names[i]);
		err |= bpf_map__set_autocreate(map, false);
	}
	return err ? -EINVAL : 0;
}

static int open_object(__u32 pages, bool shadow, struct rolewall_bpf **skel)
{
	int err;

	libbpf_set_print(print_libbpf);
	*skel = rolewall_bpf__open();
	if (!*skel)
		return -errno;
	(*skel)->rodata->knobs.image_mask = pages * PAGE_CELLS - 1;
	(*skel)->rodata->knobs.shadow = shadow;
	(*skel)->rodata_load->load.image_pages = pages;
	identify_build((*skel)->rodata_load->load.build);
	err = choose_parts(*skel, shadow);
	if (!err)
		err = bpf_map__set_value_size((*skel)->maps.images,
					      pages * (__u32)sizeof(struct image_page));
	if (!err)
		err = bpf_map__set_max_entries((*skel)->maps.images, kernel_slots(pages));
	if (err)
		explain_refusal(err);
	return err;
}

static int load_object(struct rolewall_bpf *skel)
{
	int err = rolewall_bpf__load(skel);

	if (err)
		explain_refusal(err);
	return err;
}

/* The programs behind the entries; the shadow's are added when it starts. */
static const struct {
	enum pinned_map map;
	__u32 key; /* enum more */
	const char *program;
} more_programs[] = {
	{MAP_more_xdp, MORE_PROBE, "rolewall_xdp_probe"},
	{MAP_more_xdp, MORE_FULL, "rolewall_xdp_full"},
	{MAP_more_xdp, MORE_LOOK, "rolewall_xdp_look"},
	{MAP_more_xdp, MORE_LOOK_AUDIT, "rolewall_xdp_look_audit"},
	{MAP_more_xdp, MORE_ENTRY, "rolewall_xdp"},
	{MAP_more_xdp, MORE_FORWARD, "rolewall_xdp_forward"},
	{MAP_more_xdp, MORE_TAGGED, "rolewall_xdp_tagged"},
	{MAP_more_tc, MORE_PROBE, "rolewall_tc_probe"},
	{MAP_more_tc, MORE_FULL, "rolewall_tc_full"},
	{MAP_more_tc, MORE_LOOK, "rolewall_tc_look"},
	{MAP_more_tc, MORE_LOOK_AUDIT, "rolewall_tc_look_audit"},
	{MAP_more_tc, MORE_ENTRY, "rolewall_tc"},
};

static int fill_more(const struct kernel *kernel, const struct rolewall_bpf *skel)
{
	for (size_t i = 0; i < sizeof(more_programs) / sizeof(more_programs[0]); i++) {
		int fd = bpf_program__fd(
			bpf_object__find_program_by_name(skel->obj, more_programs[i].program));

		if (bpf_map_update_elem(kernel->map[more_programs[i].map], &more_programs[i].key,
					&fd, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int copy_fd(int *fd, int found)
{
	close_fd(fd);
	*fd = fcntl(found, F_DUPFD_CLOEXEC, 3);
	return *fd < 0 ? -errno : 0;
}

/* Takes the fds out of a loaded skeleton, which can go afterwards. */
static int take_fds(struct kernel *kernel, const struct rolewall_bpf *skel)
{
	int err = copy_fd(&kernel->clock, bpf_program__fd(skel->progs.start_clock));

	for (int i = 0; i < N_PINNED_MAPS && !err; i++)
		err = copy_fd(&kernel->map[i], bpf_map__fd(find_map(skel, i)));
	for (size_t i = 0; i < N_PINNED_PROGRAMS && !err; i++) {
		const struct bpf_program *program =
			bpf_object__find_program_by_name(skel->obj, pinned_programs[i].function);

		err = copy_fd(program_fd(kernel, i), bpf_program__fd(program));
	}
	if (!err)
		err = copy_fd(&kernel->load, bpf_map__fd(skel->maps.rodata_load));
	kernel->pages = skel->rodata_load->load.image_pages;
	identify_build(kernel->build);
	return err ? err : fill_more(kernel, skel);
}

static int start_clock(struct kernel *kernel)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	int err = bpf_prog_test_run_opts(kernel->clock, &options) ? -errno : 0;

	close_fd(&kernel->clock);
	kernel->clock = -1;
	if (!err && !options.retval)
		return 0;
	fprintf(stderr, "rolewall: cannot start the clock: %s\n",
		err ? strerror(-err) : "the kernel refused the timer");
	return err ? err : -EIO;
}

/* First cells of a fresh control map: nothing is in force, the gates are open. */
static int init_control(struct kernel *kernel)
{
	struct control *control = kernel->control;
	const union reign reign = {.deadline = DEADLINE_PASSED};

	control->reign = reign.both;
	control->epoch = 1;
	control->fallback = control->shadow = NO_SLOT;
	control->abi = ROLEWALL_ABI;
	if (getrandom(control->hash_key, sizeof(control->hash_key), 0) !=
		    sizeof(control->hash_key) ||
	    getrandom(control->probe_key, sizeof(control->probe_key), 0) !=
		    sizeof(control->probe_key))
		return -errno;
	return 0;
}

int kernel_load(struct kernel *kernel, __u32 pages)
{
	_cleanup_(destroy_object) struct rolewall_bpf *skel = NULL;
	int err = open_object(pages, false, &skel);

	if (!err)
		err = load_object(skel);
	if (!err)
		err = take_fds(kernel, skel);
	if (!err)
		err = map_control(kernel);
	if (!err)
		err = init_control(kernel);
	if (!err)
		err = start_clock(kernel);
	return err ? err : install_first(kernel);
}

static int reuse_maps(const struct kernel *kernel, const struct rolewall_bpf *skel, bool all)
{
	int err = 0;

	for (int i = 0; i < N_PINNED_MAPS && !err; i++)
		if (all || !belongs_to_load(i))
			err = bpf_map__reuse_fd(find_map(skel, i), kernel->map[i]);
	return err;
}

/* The slots in use keep their numbers, which are in the control cells that both loads share. */
static int copy_slots(struct kernel *kernel, int images, __u32 pages)
{
	const __u32 used[] = {kernel->control->active, kernel->control->shadow};
	struct kernel old = *kernel;
	int err = 0;

	old.map[MAP_images] = images;
	old.pages = pages;
	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]) && !err; i++) {
		_cleanup_(pages_free) struct pages image = {0};

		if (used[i] == NO_SLOT)
			continue;
		err = kernel_get_image(&old, used[i], &image);
		if (!err)
			err = kernel_put_image(kernel, used[i], &image);
	}
	return err;
}

/* With fewer slots than before, what is in force has to be in one that there still is. */
static int move_active(const struct kernel *kernel, __u32 slots)
{
	_cleanup_(pages_free) struct pages image = {0};
	__u32 old = kernel->control->active, fresh = kernel_free_slot(kernel);
	int err = old < slots ? 0 : kernel_get_image(kernel, old, &image);

	if (err || old < slots)
		return err;
	if (fresh >= slots)
		return -EBUSY;
	err = kernel_put_image(kernel, fresh, &image);
	if (!err)
		err = kernel_copy_sides(kernel, old, fresh);
	if (!err)
		kernel_flip(kernel, fresh);
	return err;
}

int kernel_reload(struct kernel *kernel, __u32 pages)
{
	_cleanup_(destroy_object) struct rolewall_bpf *skel = NULL;
	_cleanup_close_ int images = -1;
	__u32 before = kernel->pages;
	int err = move_active(kernel, kernel_slots(pages));

	if (!err)
		err = open_object(pages, false, &skel);
	if (!err)
		err = reuse_maps(kernel, skel, false);
	if (!err)
		err = load_object(skel);
	if (!err)
		err = copy_fd(&images, kernel->map[MAP_images]);
	if (!err)
		err = take_fds(kernel, skel);
	if (!err)
		err = copy_slots(kernel, images, before);
	return err ? err : start_clock(kernel);
}

int load_shadow(const struct kernel *kernel, struct shadow_parts *parts)
{
	_cleanup_(destroy_object) struct rolewall_bpf *skel = NULL;
	int err = open_object(kernel->pages, true, &skel);

	if (!err)
		err = reuse_maps(kernel, skel, true);
	if (!err)
		err = load_object(skel);
	for (int i = 0; i < N_SHADOW_MAPS && !err; i++) {
		parts->map[i] = fcntl(
			bpf_map__fd(bpf_object__find_map_by_name(skel->obj, shadow_map_names[i])),
			F_DUPFD_CLOEXEC, 3);
		err = parts->map[i] < 0 ? -errno : 0;
	}
	for (int i = 0; i < N_SHADOW_PROGRAMS && !err; i++) {
		parts->program[i] = fcntl(bpf_program__fd(bpf_object__find_program_by_name(
						  skel->obj, shadow_program_names[i])),
					  F_DUPFD_CLOEXEC, 3);
		err = parts->program[i] < 0 ? -errno : 0;
	}
	return err;
}
