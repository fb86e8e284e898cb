/* SPDX-License-Identifier: MIT */
/*
 * What BPF_PROG_TEST_RUN cannot make: frames that come in over a wire. The kernel takes the outer
 * VLAN tag off before TC sees them (7), leaves headers out of the linear part (77), and lets
 * super-packets through whole (78).
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "check.h"

#define WIRE_MTU "9000"
#define PATIENCE 200 /* times 5 ms that a frame may take */
#define ACK 0x10
#define SUPER_BYTES 20000 /* of a TCP super-packet */
#define SEGMENT 1400

/* The hooks of this world's interfaces. */
static const char hooks[] = "interfaces:\n"
			    "  - {name: any0, hook: xdp-native}\n"
			    "  - {name: out0, hook: tc}\n"
			    "  - {name: in0, hook: xdp-generic}\n";

/* Before Linux 6.6, which hook tc needs; its cases are skipped. */
static const char old_hooks[] = "interfaces:\n"
				"  - {name: any0, hook: xdp-native}\n"
				"  - {name: in0, hook: xdp-generic}\n";

static bool has_tcx(void)
{
	struct utsname system;
	unsigned int major, minor;

	return uname(&system) || sscanf(system.release, "%u.%u", &major, &minor) != 2 ||
	       major > 6 || (major == 6 && minor >= 6);
}

static const char *const peers[N_DEVICES] = {
	[DEVICE_ANY] = "any1", [DEVICE_OUTSIDE] = "out1", [DEVICE_INSIDE] = "in1"};
static const char *const hook_words[N_DEVICES] = {
	[DEVICE_ANY] = "native XDP", [DEVICE_OUTSIDE] = "TC", [DEVICE_INSIDE] = "generic XDP"};

struct wire_case {
	const char *name;
	struct packet_case packet; /* its tags come in front; ip4 and ip6 are the reasons */
	bool super; /* sent as a super-packet; TC alone takes it whole */
};

#define BOTH(reason) .ip4 = REASON_##reason, .ip6 = REASON_##reason

static const struct wire_case cases[] = {
	{"no tag", .packet = {BOTH(matrix)}},
	{"a shut port",
	 .packet = {.recipe = {.destination_port = PORT_SHUT}, BOTH(port_not_in_matrix)}},
	{"one tag", .packet = {.tags = 1, BOTH(matrix)}},
	{"a priority tag", .packet = {.tags = 1, .tag_vid_zero = true, BOTH(matrix)}},
	{"one tag before a shut port", .packet = {.recipe = {.destination_port = PORT_SHUT},
						  .tags = 1,
						  BOTH(port_not_in_matrix)}},
	{"two tags", .packet = {.tags = 2, BOTH(matrix)}},
	{"two priority tags", .packet = {.tags = 2, .tag_vid_zero = true, BOTH(matrix)}},
	{"three tags", .packet = {.tags = 3, BOTH(vlan_depth)}},
	{"four tags", .packet = {.tags = 4, BOTH(vlan_depth)}},
	{"a tag, then a cut one",
	 .packet = {.tags = 2, .cut_spot = SPOT_IP, .cut_offset = -1, BOTH(vlan_cut)}},
	{"padding", .packet = {.recipe = {.padding = 6}, BOTH(matrix)}},
	{"8000 bytes: headers outside the linear part",
	 .packet = {.recipe = {.flags = ACK, .data = 8000}, BOTH(matrix)}},
	{"8000 bytes to a shut port",
	 .packet = {.recipe = {.flags = ACK, .data = 8000, .destination_port = PORT_SHUT},
		    BOTH(port_not_in_matrix)}},
	{"8000 bytes behind a tag",
	 .packet = {.recipe = {.flags = ACK, .data = 8000}, .tags = 1, BOTH(matrix)}},
	{"8000 bytes, cut", .packet = {.recipe = {.flags = ACK, .data = 8000},
				       .cut_spot = SPOT_END,
				       .cut_offset = -1,
				       BOTH(ip_length)}},
	{"8000 bytes behind 64 bytes of options",
	 .packet = {.recipe = {.flags = ACK,
			       .data = 8000,
			       .extensions = {HEADER(60, 7)},
			       .n_extensions = 1},
		    .ip4 = NO_PACKET,
		    .ip6 = REASON_matrix}},
	{"a super-packet", .packet = {.recipe = {.flags = ACK}, BOTH(matrix)}, .super = true},
	{"a super-packet to a shut port",
	 .packet = {.recipe = {.flags = ACK, .destination_port = PORT_SHUT},
		    BOTH(port_not_in_matrix)},
	 .super = true},
};

/* --- sending */

static int open_wire(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int one = 1, wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (wire < 0 || bind(wire, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(wire, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)))
		fail_msg("%s: %s", interface, strerror(errno));
	return wire;
}

static void send_frame(const char *interface, const unsigned char *bytes, size_t length,
		       const struct virtio_net_hdr *offload)
{
	struct virtio_net_hdr header = *offload;
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)bytes, length}};
	int wire = open_wire(interface);
	ssize_t sent = writev(wire, parts, 2);

	close(wire);
	if (sent != (ssize_t)(sizeof(header) + length))
		fail_msg("%s: %zu bytes: %s", interface, length, strerror(errno));
}

static __u64 counted(const struct counters *counters)
{
	__u64 packets = 0;

	for (int i = 0; i < N_DROP_REASONS; i++)
		packets += counters->drops[i].packets;
	for (int i = 0; i < N_PASS_REASONS; i++)
		packets += counters->passes[i].packets;
	return packets;
}

/* Waits until something more than BEFORE has been counted. */
static void await(const struct kernel *kernel, const struct counters *before,
		  struct counters *after)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < PATIENCE; i++) {
		assert_int_equal(counters_read(kernel, after), 0);
		if (counted(after) != counted(before))
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("the frame did not arrive");
}

/* --- the test */

static __u64 packets_of(const struct counters *counters, enum reason reason, __u64 *bytes)
{
	if (is_pass_reason(reason)) {
		*bytes = counters->passes[reason - FIRST_PASS_REASON].bytes;
		return counters->passes[reason - FIRST_PASS_REASON].packets;
	}
	*bytes = counters->drops[reason].bytes;
	return counters->drops[reason].packets;
}

/* TC counts what is left in the skb: without the tag that the kernel took off. */
static size_t counted_length(const struct frame *frame, enum device device)
{
	bool tagged = frame->bytes[12] == 0x81 || frame->bytes[12] == 0x88;

	return frame->length - (device == DEVICE_OUTSIDE && tagged ? 4 : 0);
}

static void lengthen(struct frame *frame, enum family family, struct virtio_net_hdr *offload)
{
	size_t l4 = frame->transport - frame->ip;

	frame->length = frame->transport + 20 + SUPER_BYTES;
	if (family == FAMILY_IPV4)
		put16(frame->bytes + frame->ip + 2, (unsigned int)(l4 + 20 + SUPER_BYTES));
	else
		put16(frame->bytes + frame->ip + 4, 20 + SUPER_BYTES);
	*offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = family == FAMILY_IPV4 ? VIRTIO_NET_HDR_GSO_TCPV4
						  : VIRTIO_NET_HDR_GSO_TCPV6,
		.gso_size = SEGMENT,
		.hdr_len = (__u16)(frame->transport + 20),
		.csum_start = (__u16)frame->transport,
		.csum_offset = 16,
	};
}

static void test_wire(void **state)
{
	const struct task *task = *state;
	const struct wire_case *wire_case = task->row;
	const struct kernel *kernel = &task->bench->world->kernel;
	const struct serving serving = {
		.family = task->family,
		.variation = next_variation(task->bench),
	};
	enum device device = (enum device)task->choice;
	enum reason reason = task->family == FAMILY_IPV4 ? wire_case->packet.ip4
							 : wire_case->packet.ip6;
	struct virtio_net_hdr offload = {0};
	struct frame frame;
	struct counters before, after;
	__u64 old_bytes, new_bytes, packets;
	static unsigned char bytes[FRAME_ROOM + SUPER_BYTES]; /* zeroes behind the headers */

	if (device == DEVICE_OUTSIDE && !has_tcx())
		skip();
	make_case_frame(&wire_case->packet, &serving, &frame);
	if (wire_case->super)
		lengthen(&frame, task->family, &offload);
	memcpy(bytes, frame.bytes, sizeof(frame.bytes));
	assert_int_equal(counters_read(kernel, &before), 0);
	send_frame(peers[device], bytes, frame.length, &offload);
	await(kernel, &before, &after);
	task->bench->sent++;
	packets = packets_of(&after, reason, &new_bytes) - packets_of(&before, reason, &old_bytes);
	if (packets != 1 || counted(&after) != counted(&before) + 1)
		fail_msg("not exactly one more %d (reason), but %llu", (int)reason, packets);
	assert_int_equal(new_bytes - old_bytes, counted_length(&frame, device));
}

static void add_case(struct suite *suite, const struct wire_case *wire_case, enum family family)
{
	struct task task = {.row = wire_case, .family = family};
	char *name;

	for (int device = 0; device < N_DEVICES; device++) {
		if (wire_case->super && device != DEVICE_OUTSIDE)
			continue;
		task.choice = device;
		if (asprintf(&name, "%s, %s, %s", wire_case->name, family_name(family),
			     hook_words[device]) < 0)
			abort();
		add_task(suite, name, test_wire, &task);
	}
}

static int run(struct world *world, void *unused)
{
	struct suite suite = {.name = "wire", .bench = {.world = world}};
	char *site = site_with_interfaces(has_tcx() ? hooks : old_hooks);
	int err;

	(void)unused;
	for (int i = 0; i < N_DEVICES; i++) {
		char command[128];

		snprintf(command, sizeof(command),
			 "ip link set %s mtu " WIRE_MTU " && ip link set %.*s0 mtu " WIRE_MTU,
			 peers[i], (int)strlen(peers[i]) - 1, peers[i]);
		if (system(command))
			return 1;
	}
	err = world_apply(world, site);
	free(site);
	if (err)
		return 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (cases[i].packet.ip4 != NO_PACKET)
			add_case(&suite, &cases[i], FAMILY_IPV4);
		add_case(&suite, &cases[i], FAMILY_IPV6);
	}
	return run_suite(&suite, true) != 0;
}

int main(void)
{
	return world_run(run, NULL);
}
