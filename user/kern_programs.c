/* SPDX-License-Identifier: MIT */
/* Which programs are ours: those that are pinned. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "kern_internal.h"

static bool is_map_pin(const char *name)
{
	for (int i = 0; i < N_PINNED_MAPS; i++)
		if (!strcmp(name, pinned_map_names[i]))
			return true;
	return false;
}

__u32 program_id(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

int kernel_programs(const struct kernel *kernel, __u32 ids[OWN_PROGRAMS_MAX], size_t *count)
{
	DIR *dir = opendir(kernel->pin_dir);
	struct dirent *entry;
	size_t n = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)) && n < OWN_PROGRAMS_MAX) {
		_cleanup_close_ int fd = -1;

		if (entry->d_type != DT_REG || is_map_pin(entry->d_name))
			continue;
		fd = open_pin(kernel, entry->d_name);
		if (fd >= 0)
			ids[n++] = program_id(fd);
	}
	closedir(dir);
	if (kernel->shadow_xdp >= 0 && n < OWN_PROGRAMS_MAX)
		ids[n++] = program_id(kernel->shadow_xdp);
	if (kernel->shadow_tc >= 0 && n < OWN_PROGRAMS_MAX)
		ids[n++] = program_id(kernel->shadow_tc);
	*count = n;
	return 0;
}
