/* SPDX-License-Identifier: GPL-2.0-only */
/* The program that does nothing: what BPF_PROG_TEST_RUN itself costs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

const char program_license[] SEC("license") = "GPL";
