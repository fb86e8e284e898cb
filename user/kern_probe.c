/* SPDX-License-Identifier: MIT */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include "cleanup.h"
#include "kern_internal.h"

#define XDP_PASSED 2U /* XDP_PASS */
#define TC_PASSED ((__u32)-1) /* TCX_NEXT */
#define FRAME_MAX 9000U

/* XDP: the probe lies in front of the frame as metadata, and comes back there. */
static int probe_xdp(const struct kernel *kernel, const struct probe_request *request,
		     struct probe_result *result)
{
	struct probe probe = {
		.key = {kernel->control->probe_key[0], kernel->control->probe_key[1]},
		.slot = request->slot,
	};
	struct xdp_md context = {
		.data = sizeof(probe),
		.data_end = (__u32)(sizeof(probe) + request->length),
		.ingress_ifindex = request->ifindex,
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &context, .ctx_size_in = sizeof(context),
		    .repeat = 1);
	_cleanup_free_ unsigned char *in = malloc(sizeof(probe) + request->length);
	_cleanup_free_ unsigned char *out = malloc(sizeof(probe) + request->length);

	if (!in || !out)
		return -ENOMEM;
	memcpy(in, &probe, sizeof(probe));
	memcpy(in + sizeof(probe), request->frame, request->length);
	options.data_in = in;
	options.data_out = out;
	options.data_size_in = options.data_size_out = (__u32)(sizeof(probe) + request->length);
	if (bpf_prog_test_run_opts(kernel->xdp, &options))
		return -errno;
	memcpy(&probe, out, sizeof(probe));
	*result = (struct probe_result){
		.passed = options.retval == XDP_PASSED,
		.reason = probe.reason,
		.row = probe.row,
		.source_record = probe.source_record,
		.destination_record = probe.destination_record,
		.generation = probe.generation,
	};
	return 0;
}

/* TC: the words travel in skb->cb. */
static int probe_tc(const struct kernel *kernel, const struct probe_request *request,
		    struct probe_result *result)
{
	struct __sk_buff context = {.ifindex = request->ifindex}, answer = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = request->frame,
		    .data_size_in = (__u32)request->length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .ctx_out = &answer,
		    .ctx_size_out = sizeof(answer), .repeat = 1);

	context.cb[0] = kernel->control->probe_key[0];
	context.cb[1] = kernel->control->probe_key[1];
	context.cb[2] = request->slot;
	if (bpf_prog_test_run_opts(kernel->tc, &options))
		return -errno;
	*result = (struct probe_result){
		.passed = options.retval == TC_PASSED,
		.reason = answer.cb[0],
		.row = answer.cb[1],
		.source_record = answer.cb[2],
		.destination_record = answer.cb[3],
		.generation = answer.cb[4],
	};
	return 0;
}

int kernel_probe(const struct kernel *kernel, const struct probe_request *request,
		 struct probe_result *result)
{
	int err;

	if (request->length > FRAME_MAX)
		return -EMSGSIZE;
	err = request->tc ? probe_tc(kernel, request, result) : probe_xdp(kernel, request, result);
	if (err)
		return err;
	/* A program that did not see the probe leaves the key where the answer belongs. */
	return result->reason < N_REASONS ? 0 : -EPROTO;
}
