/* SPDX-License-Identifier: MIT */
#include "forward_warn.h"

#include <stdarg.h>
#include <stdio.h>

#include "cleanup.h"
#include "forward_links.h"
#include "forward_system.h"
#include "kernel.h"

__attribute__((format(printf, 2, 3))) static void warn(const char *name, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "rolewall: warning: forwarding: xdp: %s%s", name, *name ? ": " : "");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static void warn_of(const struct attachment *attachment, const struct forward_link *link,
		    bool native)
{
	const char *name = attachment->name;

	if (attachment->hook == HOOK_TC)
		warn(name, "attached by tc: the kernel forwards what comes in or goes out by it");
	else if (!link->ethernet)
		warn(name, "no Ethernet: the kernel forwards what comes in or goes out by it");
	else if (link->member)
		warn(name,
		     "a port of a bridge or bond: the kernel forwards what comes in or goes out by it");
	else if (!forward_takes(attachment, link, native))
		warn(name,
		     attachment->hook == HOOK_XDP_NATIVE
			     ? "its driver takes no packets from XDP as it is set up now: the kernel forwards what goes out by it"
			     : "by xdp-generic, others by xdp-native: the kernel forwards what goes out by it");
	if (attachment->hook != HOOK_TC && link->takes_tags)
		warn(name,
		     "has VLAN devices and takes tags off before XDP: the kernel forwards what comes in by it (ethtool -K %s rxvlan off changes it)",
		     link->name);
	if (attachment->hook == HOOK_XDP_NATIVE && link->veth)
		warn(name,
		     "a veth: its other end has to compute checksums itself (ethtool -K PEER tx off), or what it sends arrives broken");
}

static void warn_of_system(void)
{
	char name[FORWARD_CHAIN_NAME];
	unsigned int chains = forward_chains(name);
	struct forward_system system;

	forward_system_read(&system);
	if (chains)
		warn("",
		     "%u chain%s of nf_tables at forward or postrouting (\"%s\"%s) will not see the packets that XDP forwards: no filter, no NAT, no mark of theirs takes effect",
		     chains, chains == 1 ? "" : "s", name, chains == 1 ? "" : ", ...");
	if (system.marks)
		warn("",
		     "a routing rule goes by marks, which XDP does not see: the kernel forwards everything");
	if (system.ipsec)
		warn("",
		     "there are IPsec policies for forwarded packets (ip xfrm policy), which XDP would go past: the kernel forwards everything");
}

void forward_warn(const char *pin_dir)
{
	_cleanup_(kernel_close) struct kernel kernel = KERNEL_CLOSED;
	_cleanup_(forward_links_free) struct forward_links links = {0};
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	bool native;

	if (kernel_open(pin_dir, &kernel) || kernel_attachments(&kernel, &list, &count) ||
	    forward_links_read(&links))
		return;
	native = forward_is_native(list, count);
	for (size_t i = 0; i < count; i++) {
		const struct forward_link *link = forward_links_find(&links, list[i].ifindex);

		if (link)
			warn_of(&list[i], link, native);
	}
	warn_of_system();
}
