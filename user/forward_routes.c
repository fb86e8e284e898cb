/* SPDX-License-Identifier: MIT */
/*
 * MTUs of routes. The kernel keeps to them when it forwards; bpf_fib_lookup does only where they are
 * locked.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <sys/socket.h>

#include "forward_system.h"
#include "netlink.h"

static void take_metrics(const struct nlattr *metrics, __u16 *smallest)
{
	const struct nlattr *attribute;
	uint32_t mtu = 0, locked = 0;

	mnl_attr_for_each_nested(attribute, metrics)
	{
		if (mnl_attr_get_type(attribute) == RTAX_MTU)
			mtu = mnl_attr_get_u32(attribute);
		if (mnl_attr_get_type(attribute) == RTAX_LOCK)
			locked = mnl_attr_get_u32(attribute);
	}
	if (mtu && mtu < UINT16_MAX && !(locked & 1U << RTAX_MTU) &&
	    (!*smallest || mtu < *smallest))
		*smallest = (__u16)mtu;
}

static int take_route(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attribute;

	if (header->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, header, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attribute) == RTA_METRICS)
			take_metrics(attribute, data);
	}
	return MNL_CB_OK;
}

static int read_mtu(unsigned char family, __u16 *mtu)
{
	char buffer[256];
	struct nlmsghdr *request = netlink_start(buffer, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	int err;

	route->rtm_family = family;
	err = netlink_ask_again(NETLINK_ROUTE, request, take_route, mtu);
	return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err; /* no such family here */
}

int forward_mtus_read(struct forward_mtus *mtus)
{
	int err;

	*mtus = (struct forward_mtus){0};
	err = read_mtu(AF_INET, &mtus->of4);
	return err ? err : read_mtu(AF_INET6, &mtus->of6);
}
