/* SPDX-License-Identifier: MIT */
/* What of the kernel's own path forwarding in XDP goes past. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "forward_links.h"
#include "netlink.h"

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
		netlink_start(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP);
	struct nfgenmsg *message = mnl_nlmsg_put_extra_header(request, sizeof(*message));

	message->nfgen_family = AF_UNSPEC;
	message->version = NFNETLINK_V0;
	netlink_ask(NETLINK_NETFILTER, request, take_chain, &chains);
	return chains.count;
}
