/* SPDX-License-Identifier: MIT */
/* XDP programs of somebody else on an interface. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>

#include "cleanup.h"
#include "kern_internal.h"

static bool is_ours(const struct kernel *kernel, __u32 program)
{
	const int own[] = {kernel->xdp, kernel->xdp_trial, kernel->shadow_xdp};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i] >= 0 && program == program_id(own[i]))
			return true;
	return false;
}

__u32 kernel_foreign(const struct kernel *kernel, const char *interface)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	const __u32 *modes[] = {&query.drv_prog_id, &query.skb_prog_id, &query.hw_prog_id};

	if (bpf_xdp_query((int)if_nametoindex(interface), 0, &query))
		return 0;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (*modes[i] && !is_ours(kernel, *modes[i]))
			return *modes[i];
	return 0;
}

/* Takes the link off that holds PROGRAM on the interface. -ENOENT: none does. */
static int detach_link(unsigned int ifindex, __u32 program)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info info = {0};
		__u32 size = sizeof(info);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ||
		    info.type != BPF_LINK_TYPE_XDP || info.xdp.ifindex != ifindex ||
		    info.prog_id != program)
			continue;
		return bpf_link_detach(fd) ? -errno : 0;
	}
	return -ENOENT;
}

static int detach_by_netlink(unsigned int ifindex, __u32 program)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	__u32 flags;
	int err = bpf_xdp_query((int)ifindex, 0, &query);

	if (err)
		return err;
	flags = program == query.drv_prog_id   ? XDP_FLAGS_DRV_MODE
		: program == query.skb_prog_id ? XDP_FLAGS_SKB_MODE
					       : XDP_FLAGS_HW_MODE;
	return bpf_xdp_detach((int)ifindex, flags, NULL);
}

int kernel_remove_foreign(const struct kernel *kernel, const char *interface)
{
	unsigned int ifindex = if_nametoindex(interface);
	__u32 program = kernel_foreign(kernel, interface);
	int err = program ? detach_link(ifindex, program) : 0;

	if (!program)
		return 0;
	if (err == -ENOENT)
		err = detach_by_netlink(ifindex, program);
	if (err)
		fprintf(stderr, "rolewall: %s: cannot take XDP program %u off: %s\n", interface,
			program, strerror(-err));
	else
		fprintf(stderr, "rolewall: %s: XDP program %u, which was not ours, is off\n",
			interface, program);
	return err;
}
