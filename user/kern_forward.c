/* SPDX-License-Identifier: MIT */
/*
 * The interfaces that take part in `forwarding: xdp` (bpf/forward_xdp.h): those that are attached to
 * by XDP, whatever the site says of forwarding, so that the flip alone turns it on.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "forward.h"
#include "forward_links.h"
#include "forward_system.h"
#include "kern_internal.h"

/* Takes out of MAP what is not attached to any more. */
static void forget_gone(int map, const struct attachment *list, size_t count)
{
	__u32 key, next;
	bool more = !bpf_map_get_next_key(map, NULL, &next);

	while (more) {
		bool found = false;

		key = next;
		more = !bpf_map_get_next_key(map, &key, &next);
		for (size_t i = 0; i < count && !found; i++)
			found = forward_by_xdp(&list[i]) && list[i].ifindex == key;
		if (!found)
			bpf_map_delete_elem(map, &key);
	}
}

/* Why the kernel has to have all packets that come in by LINK; 0 = it has not. */
static enum forward_result left_to_kernel(const struct forward_link *link,
					  const struct forward_system *system)
{
	if (system->marks)
		return FORWARD_marks;
	if (system->ipsec)
		return FORWARD_ipsec;
	if (system->chains.nat)
		return FORWARD_nat;
	if (!link->ethernet || link->member)
		return FORWARD_port;
	return link->takes_tags ? FORWARD_vlans : 0;
}

static int put_in(const struct kernel *kernel, const struct forward_link *link,
		  const struct forward_system *system, const struct forward_mtus *mtus)
{
	struct forward_port port = {
		.left = (__u16)left_to_kernel(link, system),
		.left6 = system->off6 ? FORWARD_disabled : 0,
		.mtu4 = mtus->of4,
		.mtu6 = mtus->of6,
	};

	memcpy(port.mac, link->mac, sizeof(port.mac));
	return bpf_map_update_elem(kernel->map[MAP_forward_in], &link->ifindex, &port, BPF_ANY)
		       ? -errno
		       : 0;
}

static int put_out(const struct kernel *kernel, const struct forward_link *link, bool takes)
{
	if (!takes || !link->ethernet || link->member) {
		bpf_map_delete_elem(kernel->map[MAP_forward_out], &link->ifindex);
		return 0;
	}
	return bpf_map_update_elem(kernel->map[MAP_forward_out], &link->ifindex, &link->ifindex,
				   BPF_ANY)
		       ? -errno
		       : 0;
}

static void take_out(const struct kernel *kernel, __u32 ifindex)
{
	bpf_map_delete_elem(kernel->map[MAP_forward_in], &ifindex);
	bpf_map_delete_elem(kernel->map[MAP_forward_out], &ifindex);
}

/* What the interfaces were told when the routes were read last; false: there is none that was. */
static bool has_mtus(const struct kernel *kernel, struct forward_mtus *mtus)
{
	struct forward_port port;
	__u32 key;

	if (bpf_map_get_next_key(kernel->map[MAP_forward_in], NULL, &key) ||
	    bpf_map_lookup_elem(kernel->map[MAP_forward_in], &key, &port))
		return false;
	*mtus = (struct forward_mtus){port.mtu4, port.mtu6};
	return true;
}

static int put_ports(const struct kernel *kernel, const struct attachment *list, size_t count,
		     const struct forward_mtus *mtus)
{
	_cleanup_(forward_links_free) struct forward_links links = {0};
	bool native = forward_is_native(list, count);
	struct forward_system system;
	int err = forward_links_read(&links);

	forward_system_read(&system);
	for (size_t i = 0; i < count && !err; i++) {
		const struct forward_link *link = forward_links_find(&links, list[i].ifindex);

		if (!forward_by_xdp(&list[i]))
			continue;
		if (!link) { /* it has gone since its link was read */
			take_out(kernel, list[i].ifindex);
			continue;
		}
		err = put_in(kernel, link, &system, mtus);
		if (!err)
			err = put_out(kernel, link, forward_takes(&list[i], link, native));
		if (err == -ENODEV || err == -EINVAL)
			err = 0; /* it went away under way */
	}
	return err;
}

/* Nothing is known to come in any more: so the kernel forwards everything. */
static void give_up(const struct kernel *kernel, int err)
{
	__u32 key;

	forget_gone(kernel->map[MAP_forward_in], NULL, 0);
	fprintf(stderr, "rolewall: cannot tell `forwarding: xdp` its interfaces: %s; %s\n",
		strerror(-err),
		bpf_map_get_next_key(kernel->map[MAP_forward_in], NULL, &key)
			? "until that works the kernel forwards everything"
			: "it goes by what it knew before");
}

void kernel_forward_ports(const struct kernel *kernel, bool routes)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	struct forward_mtus mtus;
	int err;

	if (kernel->map[MAP_forward_in] < 0 || kernel->map[MAP_forward_out] < 0)
		return; /* pins of another version */
	err = kernel_attachments(kernel, &list, &count);
	if (err == -ENOENT)
		return;
	if (!err) {
		forget_gone(kernel->map[MAP_forward_in], list, count);
		forget_gone(kernel->map[MAP_forward_out], list, count);
		if (routes || !has_mtus(kernel, &mtus))
			err = forward_mtus_read(&mtus);
	}
	if (!err)
		err = put_ports(kernel, list, count, &mtus);
	if (err)
		give_up(kernel, err);
}
