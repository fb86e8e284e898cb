/* SPDX-License-Identifier: MIT */
/* Which programs are ours: those that are pinned. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "kern_internal.h"

static bool is_map_pin(const char *name)
{
	if (!strcmp(name, PIN_LOAD))
		return true;
	for (int i = 0; i < N_PINNED_MAPS; i++)
		if (!strcmp(name, pinned_map_names[i]))
			return true;
	return false;
}

__u32 program_id(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* The ids of the programs among the pins of a folder; there may be none. */
static void read_folder(const struct kernel *kernel, const char *folder, __u32 *ids, size_t *count)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	DIR *dir = pin_path(kernel, folder, path) ? NULL : opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) && *count < OWN_PROGRAMS_MAX) {
		_cleanup_close_ int fd = -1;

		if (entry->d_type != DT_REG || is_map_pin(entry->d_name) ||
		    snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name) >=
			    (int)sizeof(name))
			continue;
		fd = open_pin(kernel, name);
		if (fd >= 0)
			ids[(*count)++] = program_id(fd);
	}
	if (dir)
		closedir(dir);
}

int kernel_programs(const struct kernel *kernel, __u32 ids[OWN_PROGRAMS_MAX], size_t *count)
{
	*count = 0;
	read_folder(kernel, PIN_PROGRAMS, ids, count);
	if (kernel->shadow_xdp >= 0 && *count < OWN_PROGRAMS_MAX)
		ids[(*count)++] = program_id(kernel->shadow_xdp);
	if (kernel->shadow_tc >= 0 && *count < OWN_PROGRAMS_MAX)
		ids[(*count)++] = program_id(kernel->shadow_tc);
	return 0;
}
