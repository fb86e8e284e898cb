/* SPDX-License-Identifier: MIT */
/* Netfilter, which forwarding in XDP goes past. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "forward_system.h"
#include "netlink.h"

/* --- chains of nf_tables */

struct seen_chain {
	const char *table, *name, *type;
	unsigned char family;
	int hook; /* -1 = none */
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

static void read_chain(const struct nlmsghdr *header, struct seen_chain *seen)
{
	const struct nfgenmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;

	*seen = (struct seen_chain){"", "", "", message->nfgen_family, -1};
	mnl_attr_for_each(attribute, header, sizeof(*message))
	{
		unsigned int type = mnl_attr_get_type(attribute);

		if (type == NFTA_CHAIN_TABLE)
			seen->table = mnl_attr_get_str(attribute);
		else if (type == NFTA_CHAIN_NAME)
			seen->name = mnl_attr_get_str(attribute);
		else if (type == NFTA_CHAIN_TYPE)
			seen->type = mnl_attr_get_str(attribute);
		else if (type == NFTA_CHAIN_HOOK)
			seen->hook = hook_number(attribute);
	}
}

/* Whether the kernel would show it packets that it forwards. */
static bool is_on_the_way(const struct seen_chain *seen)
{
	switch (seen->family) {
	case NFPROTO_NETDEV:
		return seen->hook >= 0;
	case NFPROTO_INET:
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
		return seen->hook >= 0 && seen->hook != NF_INET_LOCAL_IN &&
		       seen->hook != NF_INET_LOCAL_OUT;
	default:
		return false;
	}
}

static int take_chain(const struct nlmsghdr *header, void *data)
{
	struct forward_chains *chains = data;
	struct seen_chain seen;

	read_chain(header, &seen);
	if (!is_on_the_way(&seen) || !strncmp(seen.table, "rolewall", strlen("rolewall")))
		return MNL_CB_OK;
	if (!strcmp(seen.type, "nat"))
		chains->nat = true;
	else if (!chains->count++)
		snprintf(chains->name, sizeof(chains->name), "%.38s %.38s", seen.table, seen.name);
	return MNL_CB_OK;
}

static int read_chains(struct forward_chains *chains)
{
	char buffer[256];
	struct nlmsghdr *request =
		netlink_start(buffer, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP);
	struct nfgenmsg *message = mnl_nlmsg_put_extra_header(request, sizeof(*message));

	message->nfgen_family = AF_UNSPEC;
	message->version = NFNETLINK_V0;
	*chains = (struct forward_chains){0};
	return netlink_ask(NETLINK_NETFILTER, request, take_chain, chains);
}

/* --- iptables-legacy, of which only the tables' names can be read */

/* thread-self: /proc/net is not there where the agent's unit runs. */
#define OWN_NET "/proc/thread-self/net"

static bool has_legacy_nat(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	bool found = false;
	char line[64];

	if (!file)
		return errno != ENOENT;
	while (fgets(line, sizeof(line), file))
		found |= !strcmp(line, "nat\n");
	return found || ferror(file);
}

void forward_chains_read(struct forward_chains *chains)
{
	int err = -EINTR;

	for (int i = 0; i < NETLINK_TRIES && err == -EINTR; i++)
		err = read_chains(chains);
	/* A kernel without netfilter, or without nf_tables. */
	chains->nat |= err && err != -EPROTONOSUPPORT && err != -EINVAL;
	chains->nat |= access(OWN_NET, F_OK) || has_legacy_nat(OWN_NET "/ip_tables_names") ||
		       has_legacy_nat(OWN_NET "/ip6_tables_names");
}
