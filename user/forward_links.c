/* SPDX-License-Identifier: MIT */
#include "forward_links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
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

/* Family "netdev" of generic netlink (Linux 6.3), which the headers of Debian 12 do not have. */
#define NETDEV_COMMAND_DEV_GET 1
#define NETDEV_ATTRIBUTE_IFINDEX 1
#define NETDEV_ATTRIBUTE_XDP_FEATURES 3
#define NETDEV_FEATURE_NDO_XMIT 4U

#define ANSWER_BYTES (1 << 15)

/* --- netlink */

static void close_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

/* Sends REQUEST, and gives each message of the answer to CALL. 0 or -errno. */
static int ask(int bus, struct nlmsghdr *request, mnl_cb_t call, void *context)
{
	_cleanup_(close_socket) struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	const struct timeval patience = {.tv_sec = 2};
	_cleanup_free_ char *answer = malloc(ANSWER_BYTES);
	int rc = MNL_CB_OK;

	if (!answer)
		return -ENOMEM;
	request->nlmsg_seq = 1;
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) ||
	    setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (rc == MNL_CB_OK) {
		ssize_t length = mnl_socket_recvfrom(socket, answer, ANSWER_BYTES);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		rc = mnl_cb_run(answer, (size_t)length, request->nlmsg_seq,
				mnl_socket_get_portid(socket), call, context);
	}
	return rc < 0 ? -errno : 0;
}

static struct nlmsghdr *start(char buffer[], unsigned int type, unsigned int flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = (uint16_t)type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return request;
}

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

/* As `ethtool -k NAME` says of rx-vlan-offload. */
static bool takes_tags(int fd, const char name[IF_NAMESIZE])
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (void *)&value};

	memcpy(request.ifr_name, name, sizeof(request.ifr_name));
	return !ioctl(fd, SIOCETHTOOL, &request) && value.data & ETH_FLAG_RXVLAN;
}

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

/* --- what XDP may do with them */

bool forward_by_xdp(const struct attachment *attachment)
{
	return attachment->ifindex && attachment->hook != HOOK_TC;
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
	struct nlmsghdr *request = start(buffer, family, flags);
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
	if (ask(NETLINK_GENERIC, request, take_family, &family) || !family)
		return;
	request = start_generic(buffer, family, NLM_F_DUMP, NETDEV_COMMAND_DEV_GET);
	ask(NETLINK_GENERIC, request, take_features, links);
}

static bool has_vlans(const struct reading_links *reading, unsigned int ifindex)
{
	for (size_t i = 0; i < reading->count; i++)
		if (reading->items[i].below == ifindex)
			return true;
	return false;
}

int forward_links_read(struct forward_links *links)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ struct seen_link *seen = NULL;
	struct reading_links reading = {0};
	char buffer[256];
	struct nlmsghdr *request = start(buffer, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	int err;

	info->ifi_family = AF_UNSPEC;
	err = ask(NETLINK_ROUTE, request, take_link, &reading);
	seen = reading.items;
	*links = (struct forward_links){0};
	if (err)
		return err;
	links->items = calloc(reading.count + 1, sizeof(*links->items));
	if (!links->items)
		return -ENOMEM;
	for (size_t i = 0; i < reading.count; i++) {
		struct forward_link *link = &links->items[links->count++];

		*link = seen[i].link;
		link->has_vlans = has_vlans(&reading, link->ifindex);
		link->takes_tags = fd >= 0 && takes_tags(fd, link->name);
	}
	read_features(links);
	return 0;
}

/* --- what forwarding in XDP goes past */

static int take_rule(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header, sizeof(struct fib_rule_hdr))
	{
		if (mnl_attr_get_type(attribute) == FRA_FWMARK)
			*(bool *)data = true;
	}
	return MNL_CB_OK;
}

bool forward_rules_by_mark(void)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	bool found = false;

	for (size_t i = 0; i < sizeof(families); i++) {
		char buffer[256];
		struct nlmsghdr *request = start(buffer, RTM_GETRULE, NLM_F_DUMP);
		struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(request, sizeof(*rule));

		rule->family = families[i];
		ask(NETLINK_ROUTE, request, take_rule, &found);
	}
	return found;
}

struct chains {
	unsigned int count;
	char *name;
};

static int hook_number(const struct nlattr *hook)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, hook)
	{
		if (mnl_attr_get_type(attribute) == NFTA_HOOK_HOOKNUM)
			return (int)ntohl(mnl_attr_get_u32(attribute));
	}
	return -1;
}

static int take_chain(const struct nlmsghdr *header, void *data)
{
	const struct nfgenmsg *message = mnl_nlmsg_get_payload(header);
	const char *table = "", *chain = "";
	const struct nlattr *attribute;
	struct chains *chains = data;
	int hook = -1;

	mnl_attr_for_each(attribute, header, sizeof(*message))
	{
		unsigned int type = mnl_attr_get_type(attribute);

		if (type == NFTA_CHAIN_TABLE)
			table = mnl_attr_get_str(attribute);
		else if (type == NFTA_CHAIN_NAME)
			chain = mnl_attr_get_str(attribute);
		else if (type == NFTA_CHAIN_HOOK)
			hook = hook_number(attribute);
	}
	if ((message->nfgen_family != NFPROTO_INET && message->nfgen_family != NFPROTO_IPV4 &&
	     message->nfgen_family != NFPROTO_IPV6) ||
	    (hook != NF_INET_FORWARD && hook != NF_INET_POST_ROUTING) ||
	    !strncmp(table, "rolewall", strlen("rolewall")))
		return MNL_CB_OK;
	if (!chains->count++)
		snprintf(chains->name, FORWARD_CHAIN_NAME, "%.38s %.38s", table, chain);
	return MNL_CB_OK;
}

unsigned int forward_chains(char name[FORWARD_CHAIN_NAME])
{
	struct chains chains = {.name = name};
	char buffer[256];
	struct nlmsghdr *request =
		start(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP);
	struct nfgenmsg *message = mnl_nlmsg_put_extra_header(request, sizeof(*message));

	message->nfgen_family = AF_UNSPEC;
	message->version = NFNETLINK_V0;
	ask(NETLINK_NETFILTER, request, take_chain, &chains);
	return chains.count;
}
