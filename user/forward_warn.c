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
		     "takes VLAN tags off before XDP sees them: the kernel forwards what comes in by it (ethtool -K %s rxvlan off changes it)",
		     link->name);
	if (attachment->hook == HOOK_XDP_NATIVE && link->veth)
		warn(name,
		     "a veth: its other end has to compute checksums itself (ethtool -K PEER tx off), or what it sends arrives broken");
}

static void warn_of_system(void)
{
	struct forward_system system;
	const char *why = NULL;

	forward_system_read(&system);
	if (system.marks)
		why = "a routing rule goes by marks, which XDP does not see";
	else if (system.ipsec)
		why = "there are IPsec policies for forwarded packets (ip xfrm policy), which XDP would go past";
	else if (system.chains.nat)
		why = "there are chains of NAT, which XDP would go past";
	if (why)
		warn("", "%s: the kernel forwards everything", why);
	else if (system.chains.count)
		warn("",
		     "%u chain%s of nf_tables (\"%s\"%s) will not see the packets that XDP forwards: no filter, no mark of theirs takes effect",
		     system.chains.count, system.chains.count == 1 ? "" : "s", system.chains.name,
		     system.chains.count == 1 ? "" : ", ...");
	if (system.off6)
		warn("", "net.ipv6.conf.all.forwarding is 0: the kernel has all of IPv6");
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
