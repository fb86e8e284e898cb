/* SPDX-License-Identifier: MIT */
/*
 * How many instructions the verifier went through: "verified PIN_DIR" prints a line "NAME NUMBER"
 * for each program of a loaded instance, those behind the entries included.
 */
#include <bpf/bpf.h>
#include <stdio.h>

static int print_program(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 length = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return 1;
	printf("%s %u\n", info.name, info.verified_insns);
	return 0;
}

static int print_pinned(const char *dir, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return print_program(bpf_obj_get(path));
}

/* The programs of a program array; the kernel answers with their ids. */
static int print_array(const char *dir, const char *name)
{
	char path[4096];
	__u32 key = 0, id;
	int map, err = 1;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	map = bpf_obj_get(path);
	for (; map >= 0 && !bpf_map_lookup_elem(map, &key, &id); key++)
		err = print_program(bpf_prog_get_fd_by_id(id));
	return err;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: verified PIN_DIR\n");
		return 2;
	}
	if (print_pinned(argv[1], "programs/xdp") || print_pinned(argv[1], "programs/tc") ||
	    print_array(argv[1], "programs/more_xdp") || print_array(argv[1], "programs/more_tc")) {
		fprintf(stderr, "verified: %s: %m\n", argv[1]);
		return 1;
	}
	return 0;
}
