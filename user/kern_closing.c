/* SPDX-License-Identifier: MIT */
/* The program of bpf/closing.bpf.c in front of what the kernel forwards, by pinned links. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "cleanup.h"
#include "closing.skel.h"
#include "kern_internal.h"

/* Newer than the headers of Debian 12 (linux/bpf.h of 6.4). */
#define TYPE_NETFILTER ((enum bpf_prog_type)32)
#define ATTACH_NETFILTER ((enum bpf_attach_type)45)

/* As union bpf_attr has it for BPF_LINK_CREATE. */
struct netfilter_link {
	__u32 program, target, attach_type, flags;
	__u32 family, hook;
	__s32 priority;
	__u32 netfilter_flags;
};

/* One hook of either family. Before the table's chain, which has -300. */
static const struct {
	const char *pin;
	__u32 family;
} sides[] = {
	{"closing4", NFPROTO_IPV4},
	{"closing6", NFPROTO_IPV6},
};

#define N_SIDES (sizeof(sides) / sizeof(sides[0]))
#define PRIORITY (-301)

static int link_path(const char *pin_dir, size_t side, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s/%s", pin_dir, sides[side].pin);

	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static void destroy_closing(struct closing_bpf **skel)
{
	closing_bpf__destroy(*skel);
}

/* 0 or -errno. The kernel's types, which the program is fitted to, take a tenth of a second to read. */
static int try_type(void)
{
	static const struct bpf_insn accept[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = NF_ACCEPT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = ATTACH_NETFILTER);
	_cleanup_close_ int fd = bpf_prog_load(TYPE_NETFILTER, "rolewall_try", "GPL", accept,
					       sizeof(accept) / sizeof(accept[0]), &options);

	return fd < 0 ? fd : 0;
}

int kernel_load_closing(void)
{
	/* An older kernel says no, which is no news. */
	libbpf_print_fn_t print = libbpf_set_print(print_nothing);
	_cleanup_(destroy_closing) struct closing_bpf *skel = closing_bpf__open();
	int err = skel ? try_type() : -errno, fd = -1;

	if (!err)
		err = bpf_program__set_type(skel->progs.rolewall_closing, TYPE_NETFILTER);
	if (!err)
		err = bpf_program__set_expected_attach_type(skel->progs.rolewall_closing,
							    ATTACH_NETFILTER);
	if (!err)
		err = closing_bpf__load(skel);
	if (!err)
		fd = fcntl(bpf_program__fd(skel->progs.rolewall_closing), F_DUPFD_CLOEXEC, 3);
	libbpf_set_print(print);
	return err ? err : fd < 0 ? -errno : fd;
}

static int hold(const char *pin_dir, int program, size_t side)
{
	struct netfilter_link attr = {
		.program = (__u32)program,
		.attach_type = ATTACH_NETFILTER,
		.family = sides[side].family,
		.hook = NF_INET_FORWARD,
		.priority = PRIORITY,
	};
	_cleanup_close_ int link = -1;
	char path[PATH_MAX];
	int err = link_path(pin_dir, side, path);

	if (err)
		return err;
	link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return link < 0 || bpf_obj_pin(link, path) ? -errno : 0;
}

int kernel_hold_closing(const struct kernel *kernel, int program)
{
	_cleanup_close_ int loaded = -1;
	int err = 0;

	if (kernel_holds_closing(kernel->pin_dir))
		return 0;
	kernel_release_closing(kernel->pin_dir);
	if (program < 0)
		program = loaded = kernel_load_closing();
	if (program < 0)
		return program;
	for (size_t side = 0; side < N_SIDES && !err; side++)
		err = hold(kernel->pin_dir, program, side);
	if (err)
		kernel_release_closing(kernel->pin_dir);
	return err;
}

bool kernel_holds_closing(const char *pin_dir)
{
	char path[PATH_MAX];
	bool held = true;

	for (size_t side = 0; side < N_SIDES; side++)
		held &= !link_path(pin_dir, side, path) && !access(path, F_OK);
	return held;
}

void kernel_release_closing(const char *pin_dir)
{
	char path[PATH_MAX];

	for (size_t side = 0; side < N_SIDES; side++)
		if (!link_path(pin_dir, side, path))
			unlink(path);
}
