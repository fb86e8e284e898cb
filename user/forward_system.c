/* SPDX-License-Identifier: MIT */
#include "forward_system.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

#include "netlink.h"

/* Whether the kernel says that it does not have such a thing at all. */
static bool is_missing(int err)
{
	return err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP;
}

/* --- routing rules */

static int take_rule(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header, sizeof(struct fib_rule_hdr))
	{
		unsigned int type = mnl_attr_get_type(attribute);

		if (type == FRA_FWMARK || type == FRA_FWMASK) /* alone, where the mark is 0 */
			*(bool *)data = true;
	}
	return MNL_CB_OK;
}

static bool has_rules_by_mark(void)
{
	static const unsigned char families[] = {AF_INET, AF_INET6};
	bool found = false;

	for (size_t i = 0; i < sizeof(families); i++) {
		char buffer[256];
		struct nlmsghdr *request = netlink_start(buffer, RTM_GETRULE, NLM_F_DUMP);
		struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(request, sizeof(*rule));
		int err;

		rule->family = families[i];
		err = netlink_ask_again(NETLINK_ROUTE, request, take_rule, &found);
		found |= err && !is_missing(err);
	}
	return found;
}

/* --- IPsec policies */

static int take_policy(const struct nlmsghdr *header, void *data)
{
	const struct xfrm_userpolicy_info *policy = mnl_nlmsg_get_payload(header);

	if (header->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*policy))
		return MNL_CB_OK;
	/* Those of sockets have numbers of their own. */
	if (policy->dir != XFRM_POLICY_OUT && policy->dir != XFRM_POLICY_FWD)
		return MNL_CB_OK;
	*(bool *)data = true;
	return MNL_CB_STOP;
}

static int take_default(const struct nlmsghdr *header, void *data)
{
	const struct xfrm_userpolicy_default *policy = mnl_nlmsg_get_payload(header);

	if (header->nlmsg_type == XFRM_MSG_GETDEFAULT &&
	    mnl_nlmsg_get_payload_len(header) >= sizeof(*policy))
		*(bool *)data |= policy->fwd == XFRM_USERPOLICY_BLOCK ||
				 policy->out == XFRM_USERPOLICY_BLOCK;
	return MNL_CB_STOP;
}

static bool has_ipsec(void)
{
	char buffer[512];
	struct nlmsghdr *request = netlink_start(buffer, XFRM_MSG_GETPOLICY, NLM_F_DUMP);
	bool found = false;
	int err;

	mnl_nlmsg_put_extra_header(request, sizeof(struct xfrm_userpolicy_id));
	err = netlink_ask_again(NETLINK_XFRM, request, take_policy, &found);
	if (err || found)
		return !is_missing(err);
	request = netlink_start(buffer, XFRM_MSG_GETDEFAULT, 0);
	mnl_nlmsg_put_extra_header(request, sizeof(struct xfrm_userpolicy_default));
	err = netlink_ask(NETLINK_XFRM, request, take_default, &found);
	return found || (err && err != -EINVAL); /* before Linux 5.15 */
}

/* --- IPv6 */

static int take_forwarding(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, header, sizeof(struct netconfmsg))
	{
		if (mnl_attr_get_type(attribute) == NETCONFA_FORWARDING)
			*(bool *)data = mnl_attr_get_u32(attribute) == 0;
	}
	return MNL_CB_STOP;
}

/* net.ipv6.conf.all.forwarding, which the agent's unit has no file of. */
static bool is_off6(void)
{
	char buffer[256];
	struct nlmsghdr *request = netlink_start(buffer, RTM_GETNETCONF, 0);
	struct netconfmsg *message = mnl_nlmsg_put_extra_header(request, sizeof(*message));
	bool off = true;

	message->ncm_family = AF_INET6;
	mnl_attr_put_u32(request, NETCONFA_IFINDEX, (uint32_t)NETCONFA_IFINDEX_ALL);
	netlink_ask(NETLINK_ROUTE, request, take_forwarding, &off);
	return off;
}

void forward_system_read(struct forward_system *system)
{
	*system = (struct forward_system){
		.marks = has_rules_by_mark(),
		.ipsec = has_ipsec(),
		.off6 = is_off6(),
	};
	forward_chains_read(&system->chains);
}
