/* SPDX-License-Identifier: MIT */
/*
 * The flow and fragment tables over time, and the parser on random bytes, as the program has them,
 * under sanitizers: every frame lies in a buffer of exactly its length.
 */
#include "expect.h"

#include "host_env.h"

#define TIMEOUT 100
#define TIMEOUT_OPENING 10
#define TIMEOUT_CLOSING 20

static __u32 header[PAGE_CELLS] = {
	[HEADER_TIMEOUT_TCP] = TIMEOUT,
	[HEADER_TIMEOUT_TCP_OPENING] = TIMEOUT_OPENING,
	[HEADER_TIMEOUT_TCP_CLOSING] = TIMEOUT_CLOSING,
	[HEADER_TIMEOUT_UDP] = TIMEOUT,
	[HEADER_TIMEOUT_ECHO] = TIMEOUT,
};

static int fresh_tables(void **state)
{
	(void)state;
	memset(host.flows4, 0, sizeof(host.flows4));
	memset(host.flows6, 0, sizeof(host.flows6));
	memset(host.fragments, 0, sizeof(host.fragments));
	host.epoch = 1;
	host.created = host.evicted = host.lost = 0;
	host.cells = header;
	return 0;
}

static struct flow_key key_of(__u8 family, __u8 protocol, __u32 local, __u16 port)
{
	return (struct flow_key){
		.local.word[0] = local,
		.remote.word[0] = 0x08080808,
		.ports = (__u32)port << 16 | 443,
		.protocol = protocol,
		.family = family,
	};
}

static bool out(const struct flow_key *key, __u8 flags)
{
	const struct flow_touch touch = {.tcp_flags = flags, .outbound = true};

	return flow_find(key, &touch) || flow_record(key, &touch) == 0;
}

static bool in(const struct flow_key *key, __u8 flags)
{
	const struct flow_touch touch = {.tcp_flags = flags};

	return flow_find(key, &touch);
}

/* One step of a TCP flow's life: what is sent, and until when the flow then lasts. */
struct step {
	const char *name;
	__u8 out_first, in_then, out_then; /* flags, 0 = nothing sent */
	__u32 lasts;
};

static const struct step steps[] = {
	{"opening lasts a short while", TCP_SYN, 0, 0, TIMEOUT_OPENING},
	{"an answer opens it", TCP_SYN, TCP_SYN | TCP_ACK, 0, TIMEOUT},
	{"a RST from outside opens nothing", TCP_SYN, TCP_RST | TCP_ACK, 0, TIMEOUT_OPENING},
	{"a FIN from outside ends nothing", TCP_SYN, TCP_FIN | TCP_ACK, 0, TIMEOUT},
	{"a RST of the host closes it", TCP_SYN, TCP_SYN | TCP_ACK, TCP_RST, TIMEOUT_CLOSING},
	{"a FIN of the host closes it", TCP_SYN, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK,
	 TIMEOUT_CLOSING},
	{"a new SYN opens it again", TCP_SYN, TCP_SYN | TCP_ACK, TCP_SYN, TIMEOUT_OPENING},
};

static void test_step(void **state)
{
	const struct step *step = *state;

	for (__u8 family = FAMILY_IPV4; family <= FAMILY_IPV6; family += 2) {
		struct flow_key key = key_of(family, PROTOCOL_TCP, 0x0a010203, 40000);

		fresh_tables(NULL);
		assert_true(out(&key, step->out_first));
		if (step->in_then)
			assert_true(in(&key, step->in_then));
		if (step->out_then)
			assert_true(out(&key, step->out_then));
		host.epoch += step->lasts - 1;
		/* A look changes nothing, so it can be asked twice. */
		assert_true(flow_find(&key, &(struct flow_touch){.look = true}));
		assert_true(flow_find(&key, &(struct flow_touch){.look = true}));
		host.epoch++;
		assert_false(flow_find(&key, &(struct flow_touch){.look = true}));
	}
}

/* Each part of the key alone keeps a packet out. */
static void test_other_keys(void **state)
{
	(void)state;
	for (__u8 family = FAMILY_IPV4; family <= FAMILY_IPV6; family += 2) {
		struct flow_key key = key_of(family, PROTOCOL_UDP, 0x0a010203, 40000), other;

		fresh_tables(NULL);
		assert_true(out(&key, 0));
		assert_true(in(&key, 0));
		other = key;
		other.ports ^= 1;
		assert_false(in(&other, 0));
		other = key;
		other.ports ^= 1U << 16;
		assert_false(in(&other, 0));
		other = key;
		other.protocol = PROTOCOL_TCP;
		assert_false(in(&other, TCP_ACK));
		other = key;
		other.remote.word[0] ^= 1;
		assert_false(in(&other, 0));
		other = key;
		other.local.word[0] ^= 1;
		assert_false(in(&other, 0));
		other = key;
		other.remote.word[3] ^= 1;
		assert_int_equal(in(&other, 0), family == FAMILY_IPV4);
	}
}

/* Ten times more flows than the table holds: it stays bounded, and counts whom it pushed out. */
static void test_overload(void **state)
{
	const __u32 size = FLOW_BUCKETS * WAYS;
	struct flow_key young = key_of(FAMILY_IPV4, PROTOCOL_UDP, 1, 1);

	(void)state;
	for (__u32 i = 0; i < size * 10; i++) {
		struct flow_key key = key_of(FAMILY_IPV4, PROTOCOL_UDP, 0x0b000000 + i, 40000);

		if (i % size == 0)
			host.epoch++;
		assert_true(out(&key, 0));
	}
	assert_int_equal(host.created, size * 10);
	assert_int_equal(host.lost, 0);
	/* At least nine of ten had to go; the hash leaves a few ways of other buckets unused. */
	assert_in_range(host.evicted, size * 9, size * 10);
	assert_true(out(&young, 0));
	assert_true(in(&young, 0));
}

/* The oldest of a bucket goes first, so a flow in use survives what floods its bucket once over. */
static void test_oldest_goes(void **state)
{
	struct flow_key first = key_of(FAMILY_IPV4, PROTOCOL_UDP, 0x0a000001, 1);
	__u32 bucket = flow_bucket_of(&first), found = 0;

	(void)state;
	assert_true(out(&first, 0));
	for (__u32 i = 2; found < WAYS - 1; i++) {
		struct flow_key key = key_of(FAMILY_IPV4, PROTOCOL_UDP, i, 2);

		if (flow_bucket_of(&key) != bucket)
			continue;
		host.epoch++;
		found++;
		assert_true(out(&key, 0));
	}
	assert_int_equal(host.evicted, 0);
	host.epoch++;
	assert_true(in(&first, 0)); /* now the youngest */
	for (__u32 i = 1, more = 0; more < WAYS - 1; i++) {
		struct flow_key key = key_of(FAMILY_IPV4, PROTOCOL_UDP, 0x40000000 + i, 2);

		if (flow_bucket_of(&key) != bucket)
			continue;
		host.epoch++;
		more++;
		assert_true(out(&key, 0));
	}
	assert_int_equal(host.evicted, WAYS - 1);
	assert_true(in(&first, 0));
}

static struct packet fragment_of(__u32 id, __u16 port)
{
	return (struct packet){
		.source.word[0] = 1,
		.destination.word[0] = 2,
		.fragment_id = id,
		.fragment_protocol = PROTOCOL_UDP,
		.source_port = 7,
		.destination_port = port,
	};
}

static void test_fragments(void **state)
{
	struct packet first = fragment_of(9, 50000), other = fragment_of(9, 50001);
	struct packet stranger = fragment_of(10, 50000);

	(void)state;
	assert_int_equal(fragment_follow(&first, FRAGMENT_LIVE), REASON_fragment_unmatched);
	assert_int_equal(fragment_record(&first, 30, FRAGMENT_LIVE), GO_ON);
	assert_int_equal(fragment_record(&first, 30, FRAGMENT_LIVE), GO_ON); /* sent twice */
	assert_int_equal(fragment_follow(&first, FRAGMENT_LIVE), REASON_fragment);
	assert_int_equal(fragment_follow(&stranger, FRAGMENT_LIVE), REASON_fragment_unmatched);
	assert_int_equal(fragment_record(&other, 30, FRAGMENT_LIVE), REASON_fragment_conflict);
	assert_int_equal(fragment_follow(&first, FRAGMENT_LIVE), REASON_fragment_conflict);
	host.epoch += 30;
	assert_int_equal(fragment_follow(&first, FRAGMENT_LIVE), REASON_fragment_unmatched);
	assert_int_equal(fragment_record(&other, 30, FRAGMENT_LIVE), GO_ON);
	assert_int_equal(fragment_follow(&other, FRAGMENT_LIVE), REASON_fragment);
}

/* A full bucket refuses, and pushes nobody out. */
static void test_fragment_flood(void **state)
{
	unsigned int refused = 0;

	(void)state;
	for (__u32 id = 0; id < FRAGMENT_BUCKETS * WAYS * 4; id++) {
		struct packet packet = fragment_of(id, 50000);
		enum reason reason = fragment_record(&packet, 30, FRAGMENT_LIVE);

		assert_true(reason == GO_ON || reason == REASON_fragment_table_full);
		refused += reason == REASON_fragment_table_full;
		if (reason == GO_ON)
			assert_int_equal(fragment_follow(&packet, FRAGMENT_LIVE), REASON_fragment);
	}
	assert_in_range(refused, FRAGMENT_BUCKETS * WAYS * 3, FRAGMENT_BUCKETS * WAYS * 4);
}

/* Random frames that begin like real ones: no read outside, no reason that does not exist. */
static void test_random_frames(void **state)
{
	static const __u8 starts[][4] = {{0x08, 0x00, 0x45, 0}, {0x86, 0xdd, 0x60, 0},
					 {0x81, 0x00, 0x00, 1}, {0x88, 0xa8, 0x00, 1},
					 {0x08, 0x06, 0x00, 1}, {0x08, 0x00, 0x4f, 0}};
	static const __u8 protocols[] = {0, 1, 6, 17, 43, 44, 51, 58, 59, 60, 132, 255};

	(void)state;
	srandom(1);
	for (int i = 0; i < 300000; i++) {
		__u32 length = 14 + (__u32)(random() % 200);
		/* As drivers do: two bytes in front, so that the IP header is aligned. */
		__u8 *buffer = malloc(length + 2), *bytes = buffer + 2;
		struct frame frame = {
			.data = bytes,
			.end = bytes + length,
			.length = length,
			.home = FRAME_HOST,
		};
		struct packet packet = {0};

		for (__u32 k = 0; k < length; k++)
			bytes[k] = (__u8)(random() % 4 ? 0 : random());
		for (__u32 k = 0; k < 4 && 12 + k < length; k++)
			bytes[12 + k] = starts[i % 6][k];
		if (length > 54) {
			bytes[i % 2 ? 23 : 20] = protocols[random() % 12];
			bytes[i % 2 ? 17 : 19] = (__u8)(length - (i % 2 ? 14 : 54));
			bytes[54] = protocols[random() % 12];
		}
		assert_in_range(parse(&frame, &packet), 0, N_REASONS - 1);
		free(buffer);
	}
}

int main(void)
{
	struct CMUnitTest tests[32];
	size_t count = 0;

	ADD_ROWS(tests, count, steps, test_step);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test_setup(test_other_keys, fresh_tables);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test_setup(test_overload, fresh_tables);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test_setup(test_oldest_goes, fresh_tables);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test_setup(test_fragments, fresh_tables);
	tests[count++] =
		(struct CMUnitTest)cmocka_unit_test_setup(test_fragment_flood, fresh_tables);
	tests[count++] =
		(struct CMUnitTest)cmocka_unit_test_setup(test_random_frames, fresh_tables);
	return RUN_TESTS("tables", tests, count);
}
