/* SPDX-License-Identifier: MIT */
/* nf_tables by netlink: messages that take effect together, or not at all. */
#ifndef ROLEWALL_NFT_BATCH_H
#define ROLEWALL_NFT_BATCH_H

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/types.h>
#include <stddef.h>

#define NFT_BATCH_BYTES (1U << 15) /* 64 interfaces take a fifth of it */

struct nft_batch {
	char buffer[NFT_BATCH_BYTES];
	size_t used;
	unsigned int messages; /* that are answered */
	struct nlmsghdr *message; /* the last one */
};

void nft_begin(struct nft_batch *batch);
/* Starts a message of family inet: NFT_MSG_*, and NLM_F_* beyond the usual. */
void nft_add(struct nft_batch *batch, unsigned int type, unsigned int flags);
void nft_put_text(struct nft_batch *batch, unsigned int attribute, const char *text);
void nft_put_u32(struct nft_batch *batch, unsigned int attribute, __u32 value); /* big endian */
struct nlattr *nft_nest(struct nft_batch *batch, unsigned int attribute);
void nft_end_nest(struct nft_batch *batch, struct nlattr *nest);
/* An expression of a rule; its data until nft_end_expression(). */
struct nft_expression {
	struct nlattr *element, *data;
};
struct nft_expression nft_expression(struct nft_batch *batch, const char *name);
void nft_end_expression(struct nft_batch *batch, struct nft_expression expression);
/* Sends it all. Returns 0 or the -errno of the first message that was refused. */
int nft_commit(struct nft_batch *batch);
/* One message outside of a transaction; REPLY is called with its answer. 0 or -errno. */
int nft_ask(struct nft_batch *batch, mnl_cb_t reply, void *context);

#endif
