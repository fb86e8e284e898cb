/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An object of its own, for Linux 6.4 and later: a netfilter program that drops what comes from an
 * interface that is going down. veth_close() takes a native XDP program off and only then stops the
 * queue; __LINK_STATE_START is clear before either (__dev_close_many()), so what went past the
 * program because of that is seen here.
 */
#include <linux/types.h>
/* types before libbpf's */
#include <bpf/bpf_helpers.h>

#define OF_THE_KERNEL __attribute__((preserve_access_index))
#define NF_DROP 0
#define NF_ACCEPT 1
#define LINK_STATE_START 1UL

struct net_device {
	unsigned long state;
} OF_THE_KERNEL;

struct nf_hook_state {
	struct net_device *in;
} OF_THE_KERNEL;

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	void *skb;
};

SEC("netfilter")
int rolewall_closing(const struct bpf_nf_ctx *context)
{
	const struct net_device *in = context->state->in;

	return in && !(in->state & LINK_STATE_START) ? NF_DROP : NF_ACCEPT;
}

const char program_license[] SEC("license") = "GPL";
