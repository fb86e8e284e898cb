/* SPDX-License-Identifier: MIT */
#include "nft_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <string.h>

#include "cleanup.h"
#include "netlink.h"

static void start(struct nft_batch *batch, unsigned int type, unsigned int flags, int family)
{
	struct nfgenmsg *header;

	batch->used += batch->message ? NLMSG_ALIGN(batch->message->nlmsg_len) : 0;
	batch->message = mnl_nlmsg_put_header(&batch->buffer[batch->used]);
	batch->message->nlmsg_type = (uint16_t)type;
	batch->message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	header = mnl_nlmsg_put_extra_header(batch->message, sizeof(*header));
	header->nfgen_family = (uint8_t)family;
	header->version = NFNETLINK_V0;
	header->res_id = 0;
	if (family == AF_UNSPEC)
		header->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

void nft_begin(struct nft_batch *batch)
{
	batch->used = 0;
	batch->messages = 0;
	batch->message = NULL;
	start(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC);
}

void nft_add(struct nft_batch *batch, unsigned int type, unsigned int flags)
{
	start(batch, NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_ACK | flags, NFPROTO_INET);
	batch->messages++;
}

void nft_put_text(struct nft_batch *batch, unsigned int attribute, const char *text)
{
	mnl_attr_put_strz(batch->message, (uint16_t)attribute, text);
}

void nft_put_u32(struct nft_batch *batch, unsigned int attribute, __u32 value)
{
	mnl_attr_put_u32(batch->message, (uint16_t)attribute, htonl(value));
}

struct nlattr *nft_nest(struct nft_batch *batch, unsigned int attribute)
{
	return mnl_attr_nest_start(batch->message, (uint16_t)attribute);
}

void nft_end_nest(struct nft_batch *batch, struct nlattr *nest)
{
	mnl_attr_nest_end(batch->message, nest);
}

struct nft_expression nft_expression(struct nft_batch *batch, const char *name)
{
	struct nft_expression expression = {.element = nft_nest(batch, NFTA_LIST_ELEM)};

	nft_put_text(batch, NFTA_EXPR_NAME, name);
	expression.data = nft_nest(batch, NFTA_EXPR_DATA);
	return expression;
}

void nft_end_expression(struct nft_batch *batch, struct nft_expression expression)
{
	nft_end_nest(batch, expression.data);
	nft_end_nest(batch, expression.element);
}

/* --- the socket */

static int send_all(const struct nft_batch *batch, struct mnl_socket **socket)
{
	return netlink_send(NETLINK_NETFILTER, batch->buffer,
			    batch->used + batch->message->nlmsg_len, socket);
}

/* One answer: 0, 1 = it was data, or -errno. */
static int receive(const struct mnl_socket *socket, char *buffer, mnl_cb_t reply, void *context)
{
	ssize_t length = netlink_receive(socket, buffer, NFT_BATCH_BYTES);
	int rc;

	if (length < 0)
		return (int)length;
	rc = mnl_cb_run(buffer, (size_t)length, 0, 0, reply, context);
	return rc < 0 ? -errno : rc > 0;
}

int nft_commit(struct nft_batch *batch)
{
	_cleanup_(netlink_close) struct mnl_socket *socket = NULL;
	unsigned int messages = batch->messages;
	int err, failed = 0;

	start(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC);
	err = send_all(batch, &socket);
	/* Each answer comes by itself; a refusal ends them. */
	while (!err && messages--) {
		failed = receive(socket, batch->buffer, NULL, NULL);
		err = failed < 0 ? failed : 0;
	}
	return err;
}

int nft_ask(struct nft_batch *batch, mnl_cb_t reply, void *context)
{
	_cleanup_(netlink_close) struct mnl_socket *socket = NULL;
	int err;

	/* The answer, or an error: no receipt comes with the former. */
	batch->message->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	err = send_all(batch, &socket);
	if (!err)
		err = receive(socket, batch->buffer, reply, context);
	return err < 0 ? err : 0;
}
