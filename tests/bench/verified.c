/* SPDX-License-Identifier: MIT */
/*
 * What the kernel made of the programs of a loaded instance: "verified PIN_DIR" prints a line "NAME
 * INSTRUCTIONS HELPERS FUNCTIONS" for each of them, those behind the entries included, and a
 * shadow's where one is loaded. INSTRUCTIONS are those that the verifier went through; HELPERS and
 * FUNCTIONS are the places in the program as it runs that call one. Tail calls and what the kernel
 * put in line, as it does with most map lookups, are not among them.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "control.h"

#define NAME_MAX_LENGTH 64

struct calls {
	unsigned int helpers, functions;
};

/* The kernel's own name is cut at 15 characters, which several of these have in common. */
static void full_name(int fd, const struct bpf_prog_info *brief, char name[NAME_MAX_LENGTH])
{
	struct bpf_func_info function = {0};
	struct bpf_prog_info info = {
		.nr_func_info = 1,
		.func_info_rec_size = sizeof(function),
		.func_info = (uintptr_t)&function,
	};
	__u32 length = sizeof(info);
	const struct btf_type *type = NULL;
	struct btf *btf = NULL;

	snprintf(name, NAME_MAX_LENGTH, "%s", brief->name);
	if (!bpf_obj_get_info_by_fd(fd, &info, &length) && info.nr_func_info)
		btf = btf__load_from_kernel_by_id(brief->btf_id);
	if (btf)
		type = btf__type_by_id(btf, function.type_id);
	if (type)
		snprintf(name, NAME_MAX_LENGTH, "%s", btf__name_by_offset(btf, type->name_off));
	btf__free(btf);
}

/* A tail call is shown under its number, any other helper as a distance in the kernel's code. */
static struct calls count_calls(const struct bpf_insn *code, __u32 n)
{
	struct calls calls = {0};

	for (__u32 i = 0; i < n; i++) {
		if (code[i].code != (BPF_JMP | BPF_CALL))
			continue;
		if (code[i].src_reg == BPF_PSEUDO_CALL)
			calls.functions++;
		else if (code[i].src_reg || code[i].imm != BPF_FUNC_tail_call)
			calls.helpers++;
	}
	return calls;
}

static int print_program(int fd)
{
	struct bpf_prog_info brief = {0}, info = {0};
	__u32 length = sizeof(brief);
	char name[NAME_MAX_LENGTH];
	_cleanup_free_ struct bpf_insn *code = NULL;
	struct calls calls;

	if (bpf_obj_get_info_by_fd(fd, &brief, &length))
		return 1;
	code = calloc(1, brief.xlated_prog_len + 1);
	info.xlated_prog_insns = (uintptr_t)code;
	info.xlated_prog_len = brief.xlated_prog_len;
	length = sizeof(info);
	/* The kernel clears the pointer where it does not show the code. */
	if (!code || bpf_obj_get_info_by_fd(fd, &info, &length) || !info.xlated_prog_insns)
		return 1;
	calls = count_calls(code, info.xlated_prog_len / sizeof(*code));
	full_name(fd, &brief, name);
	printf("%s %u %u %u\n", name, brief.verified_insns, calls.helpers, calls.functions);
	return 0;
}

static int print_pinned(const char *dir, const char *name, bool must_be)
{
	_cleanup_close_ int fd = -1;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? must_be : print_program(fd);
}

/*
 * The programs of a program array; the kernel answers with their ids. It has holes: the shadow's are
 * empty without one, and TC does not forward. The entry has a pin of its own.
 */
static int print_array(const char *dir, const char *name)
{
	_cleanup_close_ int map = -1;
	char path[4096];

	snprintf(path, sizeof(path), "%s/programs/%s", dir, name);
	map = bpf_obj_get(path);
	if (map < 0)
		return 1;
	for (__u32 key = 0; key < N_MORE; key++) {
		_cleanup_close_ int fd = -1;
		__u32 id;

		if (key == MORE_ENTRY || bpf_map_lookup_elem(map, &key, &id))
			continue;
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0 || print_program(fd))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const entries[] = {"programs/xdp", "programs/tc", "programs/xdp_trial",
					      "programs/tc_trial"};
	static const char *const shadows[] = {"shadow/rolewall_xdp_shadow",
					      "shadow/rolewall_tc_shadow"};
	int err = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: verified PIN_DIR\n");
		return 2;
	}
	for (size_t i = 0; !err && i < sizeof(entries) / sizeof(entries[0]); i++)
		err = print_pinned(argv[1], entries[i], true);
	for (size_t i = 0; !err && i < sizeof(shadows) / sizeof(shadows[0]); i++)
		err = print_pinned(argv[1], shadows[i], false);
	if (err || print_array(argv[1], "more_xdp") || print_array(argv[1], "more_tc")) {
		fprintf(stderr, "verified: %s: %m\n", argv[1]);
		return 1;
	}
	return 0;
}
