/* SPDX-License-Identifier: MIT */
#include "forward_links.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "netlink.h"

/* Family "netdev" of generic netlink (Linux 6.3), which the headers of Debian 12 do not have. */
#define NETDEV_COMMAND_DEV_GET 1
#define NETDEV_ATTRIBUTE_IFINDEX 1
#define NETDEV_ATTRIBUTE_XDP_FEATURES 3
#define NETDEV_FEATURE_NDO_XMIT 4U

/* --- interfaces */

/* Whether the ports of such an interface hand their packets to it. */
static bool gathers(const char *kind)
{
	static const char *const kinds[] = {"bridge", "bond", "team", "openvswitch", NULL};

	for (size_t i = 0; kinds[i]; i++)
		if (!strcmp(kinds[i], kind))
			return true;
	return false;
}

/* One link's message on its way into struct forward_link. */
struct seen_link {
	struct forward_link link;
	unsigned int below; /* the interface that a VLAN device lies on, here */
};

static void read_kind(const struct nlattr *info, struct seen_link *seen, bool *vlan)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, info)
	{
		unsigned int type = mnl_attr_get_type(attribute);

		if (type == IFLA_INFO_KIND) {
			seen->link.veth = !strcmp(mnl_attr_get_str(attribute), "veth");
			*vlan = !strcmp(mnl_attr_get_str(attribute), "vlan");
		} else if (type == IFLA_INFO_SLAVE_KIND) {
			seen->link.member = gathers(mnl_attr_get_str(attribute));
		}
	}
}

static void read_attributes(const struct nlmsghdr *header, struct seen_link *seen)
{
	const struct nlattr *attribute;
	unsigned int below = 0;
	bool vlan = false, elsewhere = false;

	mnl_attr_for_each(attribute, header, sizeof(struct ifinfomsg))
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			strncpy(seen->link.name, mnl_attr_get_str(attribute),
				sizeof(seen->link.name) - 1);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attribute) == sizeof(seen->link.mac))
				memcpy(seen->link.mac, mnl_attr_get_payload(attribute),
				       sizeof(seen->link.mac));
			break;
		case IFLA_LINK:
			below = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_LINKINFO:
			read_kind(attribute, seen, &vlan);
			break;
		default:
			break;
		}
	}
	seen->below = vlan && !elsewhere ? below : 0;
}

/* What is read of all links before they are put together. */
struct reading_links {
	struct seen_link *items;
	size_t count;
};

static int take_link(const struct nlmsghdr *header, void *data)
{
	struct reading_links *reading = data;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct seen_link *items;

	if (header->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	items = array_grow(reading->items, reading->count, sizeof(*items));
	if (!items) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	reading->items = items;
	items += reading->count++;
	*items = (struct seen_link){.link.ifindex = (unsigned int)info->ifi_index};
	items->link.ethernet = info->ifi_type == ARPHRD_ETHER;
	read_attributes(header, items);
	return MNL_CB_OK;
}

/* As `ethtool -k NAME` says of rx-vlan-offload; true also if it cannot be told. */
static bool has_offload(int fd, const char name[IF_NAMESIZE])
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (void *)&value};

	memcpy(request.ifr_name, name, sizeof(request.ifr_name));
	return ioctl(fd, SIOCETHTOOL, &request) || value.data & ETH_FLAG_RXVLAN;
}

/* --- what their drivers can do */

static int take_family(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)data = mnl_attr_get_u16(attribute);
	}
	return MNL_CB_STOP;
}

static int take_features(const struct nlmsghdr *header, void *data)
{
	struct forward_links *links = data;
	const struct nlattr *attribute;
	uint64_t features = 0;
	uint32_t ifindex = 0;

	mnl_attr_for_each(attribute, header, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attribute) == NETDEV_ATTRIBUTE_IFINDEX)
			ifindex = mnl_attr_get_u32(attribute);
		if (mnl_attr_get_type(attribute) == NETDEV_ATTRIBUTE_XDP_FEATURES)
			features = mnl_attr_get_u64(attribute);
	}
	for (size_t i = 0; i < links->count; i++)
		if (links->items[i].ifindex == ifindex)
			links->items[i].cannot_send = !(features & NETDEV_FEATURE_NDO_XMIT);
	return MNL_CB_OK;
}

static struct nlmsghdr *start_generic(char buffer[], unsigned int family, unsigned int flags,
				      unsigned int command)
{
	struct nlmsghdr *request = netlink_start(buffer, family, flags);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(request, sizeof(*generic));

	generic->cmd = (uint8_t)command;
	generic->version = 1;
	return request;
}

/* Kernels before 6.3 do not say: then every driver that takes the program is believed to send, too. */
static void read_features(struct forward_links *links)
{
	char buffer[256];
	struct nlmsghdr *request =
		start_generic(buffer, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	uint16_t family = 0;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, "netdev");
	if (netlink_ask(NETLINK_GENERIC, request, take_family, &family) || !family)
		return;
	request = start_generic(buffer, family, NLM_F_DUMP, NETDEV_COMMAND_DEV_GET);
	netlink_ask(NETLINK_GENERIC, request, take_features, links);
}

static bool has_vlans(const struct reading_links *reading, unsigned int ifindex)
{
	for (size_t i = 0; i < reading->count; i++)
		if (reading->items[i].below == ifindex)
			return true;
	return false;
}

static int ask_links(struct reading_links *reading)
{
	char buffer[256];
	struct nlmsghdr *request = netlink_start(buffer, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	int err = -EINTR;

	info->ifi_family = AF_UNSPEC;
	for (int i = 0; i < NETLINK_TRIES && err == -EINTR; i++) {
		reading->count = 0;
		err = netlink_ask(NETLINK_ROUTE, request, take_link, reading);
	}
	return err;
}

int forward_links_read(struct forward_links *links)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ struct seen_link *seen = NULL;
	struct reading_links reading = {0};
	int err = ask_links(&reading);

	seen = reading.items;
	*links = (struct forward_links){0};
	if (!err && fd < 0)
		err = -EIO;
	if (err)
		return err;
	links->items = calloc(reading.count + 1, sizeof(*links->items));
	if (!links->items)
		return -ENOMEM;
	for (size_t i = 0; i < reading.count; i++) {
		struct forward_link *link = &links->items[links->count++];

		*link = seen[i].link;
		/*
		 * XDP does not see what hardware took off, and would route the frames of every VLAN.
		 * Of a veth that is the other end's doing, which is trusted not to send any but
		 * for VLAN devices that lie here.
		 */
		link->takes_tags = (!link->veth || has_vlans(&reading, link->ifindex)) &&
				   has_offload(fd, link->name);
	}
	read_features(links);
	return 0;
}

/* --- what is asked of them */

const struct forward_link *forward_links_find(const struct forward_links *links,
					      unsigned int ifindex)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->items[i].ifindex == ifindex)
			return &links->items[i];
	return NULL;
}

void forward_links_free(struct forward_links *links)
{
	free(links->items);
	*links = (struct forward_links){0};
}

bool forward_by_xdp(const struct attachment *attachment)
{
	return attachment->ifindex && !attachment->away && attachment->hook != HOOK_TC;
}

bool forward_is_native(const struct attachment *list, size_t count)
{
	bool native = false;

	for (size_t i = 0; i < count; i++)
		native |= forward_by_xdp(&list[i]) && list[i].hook == HOOK_XDP_NATIVE;
	return native;
}

bool forward_takes(const struct attachment *attachment, const struct forward_link *link,
		   bool native)
{
	if (!forward_by_xdp(attachment))
		return false;
	return !native || (attachment->hook == HOOK_XDP_NATIVE && !link->cannot_send);
}
