/* SPDX-License-Identifier: MIT */
/*
 * Fills a pinned map: "fill PIN < LINES", a line "KEY VALUE" with the bytes of both in hex; those
 * that are left out at the end of either are 0.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX 256

static int read_bytes(const char *hex, unsigned char bytes[BYTES_MAX])
{
	memset(bytes, 0, BYTES_MAX);
	for (size_t i = 0; hex[2 * i]; i++)
		if (i == BYTES_MAX || sscanf(hex + 2 * i, "%2hhx", &bytes[i]) != 1)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	char line[4 * BYTES_MAX + 4], key_text[2 * BYTES_MAX + 1], value_text[2 * BYTES_MAX + 1];
	unsigned char key[BYTES_MAX], value[BYTES_MAX];
	int map;

	if (argc != 2) {
		fprintf(stderr, "usage: fill PIN < LINES\n");
		return 2;
	}
	map = bpf_obj_get(argv[1]);
	if (map < 0) {
		fprintf(stderr, "fill: %s: %m\n", argv[1]);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%512s %512s", key_text, value_text) != 2 ||
		    read_bytes(key_text, key) || read_bytes(value_text, value)) {
			fprintf(stderr, "fill: cannot read: %s", line);
			return 2;
		}
		if (bpf_map_update_elem(map, key, value, BPF_ANY)) {
			fprintf(stderr, "fill: %s: %m: %s", argv[1], line);
			return 1;
		}
	}
	return 0;
}
