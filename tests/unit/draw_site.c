/* SPDX-License-Identifier: MIT */
#include "expect.h"

#include "draw_site.h"

#define POOLS 12

static const char *const roles[] = {"front-end", "director",      "mediation",    "client",
				    "ip-phone",  "front-end-cms", "reverse-proxy"};

__u32 seed = 1;

__u32 draw(__u32 below)
{
	seed = seed * 1664525U + 1013904223U;
	return (seed >> 8) % below;
}

/* A prefix near 10.0.0.0/8 or 2001:db8::/32, so that many nest; host bits cleared. */
static void draw_prefix(bool ip6, struct prefix *prefix)
{
	static const __u8 base6[] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};

	*prefix = (struct prefix){.family = ip6 ? FAMILY_IPV6 : FAMILY_IPV4};
	prefix->length = (__u8)(ip6 ? 33 + draw(96) : 9 + draw(24));
	if (ip6)
		memcpy(prefix->address.byte, base6, sizeof(base6));
	else
		prefix->address.byte[0] = 10;
	for (unsigned int bit = ip6 ? 32 : 8; bit < prefix->length; bit++)
		if (draw(5) == 0)
			prefix->address.byte[bit / 8] |= (__u8)(0x80 >> bit % 8);
		else
			prefix->address.byte[bit / 8] &= (__u8) ~(0x80 >> bit % 8);
	for (unsigned int bit = prefix->length; bit < (ip6 ? 128U : 32U); bit++)
		prefix->address.byte[bit / 8] &= (__u8) ~(0x80 >> bit % 8);
}

/* Prefixes as they come, one of them given twice now and then. */
static void write_prefixes(FILE *out, __u32 count)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	for (__u32 i = 0; i < count; i++) {
		draw_prefix(draw(2), &prefix);
		fprintf(out, "%s\"%s\"", i ? ", " : "", prefix_format(&prefix, text, sizeof(text)));
	}
}

/* Ports that rows and clients have too, so that they meet. */
static void write_options(FILE *out)
{
	fprintf(out, "profile: %s\noutbound: %s\nunlisted: %s\n",
		draw(2) ? "literal" : "least-privilege", draw(3) ? "matrix" : "open",
		draw(2) ? "pass" : "drop");
	if (draw(2)) {
		fprintf(out, "failsafe: {ports: [22/tcp, 400-500/udp, %u-%u/tcp], from: [",
			1000 + draw(500), 1500 + draw(4000));
		write_prefixes(out, 3);
		fprintf(out, "]}\n");
	}
	if (draw(2)) {
		fprintf(out, "ipsec:\n  - between: [%s, ", roles[draw(7)]);
		write_prefixes(out, 1);
		fprintf(out, "]\n  - between: [%s, %s]\n", roles[draw(7)], roles[draw(7)]);
	}
}

static void write_site(FILE *out)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	fprintf(out, "version: 1\ninterfaces: [eth0]\n");
	write_options(out);
	fprintf(out, "pools:\n");
	for (int pool = 0; pool < POOLS; pool++) {
		fprintf(out, "  - name: p%d\n    roles: [%s]\n    addresses:\n", pool,
			roles[draw(7)]);
		for (__u32 i = 0, n = 1 + draw(6); i < n; i++) {
			draw_prefix(draw(2), &prefix);
			fprintf(out, "      - %s\n", prefix_format(&prefix, text, sizeof(text)));
		}
	}
	fprintf(out, "extra:\n");
	for (int row = 0; row < 4; row++) {
		draw_prefix(draw(2), &prefix);
		fprintf(out,
			"  - {roles: [%s], ports: [%u-%u], protocols: [tcp, udp], %s: [%s, \"%s\"]}\n",
			roles[draw(6)], 300 + draw(1200), 1500 + draw(4000),
			row % 2 ? "from" : "direction: out, to", roles[draw(7)],
			prefix_format(&prefix, text, sizeof(text)));
	}
}

void draw_input(struct input *input)
{
	struct diagnostics diags = {0};
	char path[] = "/tmp/rolewall-test-image-XXXXXX";
	int fd = mkstemp(path), err;
	FILE *out = fdopen(fd, "w");

	assert_non_null(out);
	do {
		rewind(out);
		assert_int_equal(ftruncate(fd, 0), 0);
		write_site(out);
		fflush(out);
		err = input_load(path, input, &diags);
		diag_free(&diags);
		if (err)
			input_free(input);
	} while (err);
	fclose(out);
	unlink(path);
}

void draw_address(const struct policy *policy, struct prefix *address)
{
	const struct prefix *prefix = &policy->prefixes[draw((__u32)policy->n_prefixes)].prefix;
	unsigned int bytes = prefix->family == FAMILY_IPV4 ? 4 : 16;

	*address = *prefix;
	address->length = (__u8)(bytes * 8);
	switch (draw(4)) {
	case 0:
		return;
	case 1: /* the last one */
		for (unsigned int bit = prefix->length; bit < bytes * 8; bit++)
			address->address.byte[bit / 8] |= (__u8)(0x80 >> bit % 8);
		return;
	case 2: /* one bit off */
		address->address.byte[draw(bytes)] ^= (__u8)(1 << draw(8));
		return;
	default:
		for (unsigned int bit = prefix->length; bit < bytes * 8; bit++)
			if (draw(2))
				address->address.byte[bit / 8] |= (__u8)(0x80 >> bit % 8);
	}
}

void compile_input(const struct input *input, struct registries *registries, struct pages *image)
{
	struct diagnostics diags = {0};

	assert_int_equal(registries_init(registries), 0);
	assert_int_equal(policy_compile(&input->policy, registries, image, &diags), 0);
	assert_int_equal(diags.errors, 0);
}
