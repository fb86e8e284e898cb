/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* Blocks of pcapng. */
#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_PACKET 6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
/* Options, with a 16-bit code and length each. */
#define OPTION_END 0
#define OPTION_COMMENT 1
#define OPTION_INTERFACE_NAME 2
#define OPTION_INTERFACE_RESOLUTION 9
#define PCAP_MAGIC_NANOSECONDS 0xa1b23c4dU
#define LINK_ETHERNET 1
#define SNAPLEN 262144
#define NANOSECONDS 1000000000ULL

/* A block under construction: what it holds must fit. */
struct block {
	unsigned char bytes[2048];
	size_t length;
};

static void put(struct block *block, const void *bytes, size_t length)
{
	static const unsigned char zeroes[4];
	size_t padding = (4 - length % 4) % 4;

	if (block->length + length + padding > sizeof(block->bytes))
		return;
	memcpy(block->bytes + block->length, bytes, length);
	memcpy(block->bytes + block->length + length, zeroes, padding);
	block->length += length + padding;
}

static void put32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

static void put_halves(struct block *block, unsigned int first, unsigned int second)
{
	const uint16_t halves[2] = {(uint16_t)first, (uint16_t)second};

	put(block, halves, sizeof(halves));
}

static void put_option(struct block *block, unsigned int code, const void *bytes, size_t length)
{
	put_halves(block, code, (unsigned int)length);
	put(block, bytes, length);
}

/* Type and length in front, length behind. */
static int write_block(FILE *file, uint32_t type, const struct block *block)
{
	const uint32_t total = (uint32_t)block->length + 12;

	return fwrite(&type, sizeof(type), 1, file) == 1 &&
			       fwrite(&total, sizeof(total), 1, file) == 1 &&
			       fwrite(block->bytes, 1, block->length, file) == block->length &&
			       fwrite(&total, sizeof(total), 1, file) == 1
		       ? 0
		       : -EIO;
}

static int write_section(FILE *file)
{
	struct block block = {.length = 0};

	put32(&block, BYTE_ORDER_MAGIC);
	put_halves(&block, 1, 0); /* version 1.0 */
	put32(&block, 0xffffffffU); /* of unknown length, 64 bits */
	put32(&block, 0xffffffffU);
	return write_block(file, BLOCK_SECTION, &block);
}

static int write_interface(FILE *file, const char *name)
{
	const unsigned char nanoseconds = 9;
	struct block block = {.length = 0};

	put_halves(&block, LINK_ETHERNET, 0);
	put32(&block, SNAPLEN);
	put_option(&block, OPTION_INTERFACE_NAME, name, strlen(name));
	put_option(&block, OPTION_INTERFACE_RESOLUTION, &nanoseconds, 1);
	put_option(&block, OPTION_END, NULL, 0);
	return write_block(file, BLOCK_INTERFACE, &block);
}

/* The number of the packet's interface, whose block is written before the first of its packets. */
static int find_interface(struct capture *capture, const struct captured *packet, uint32_t *number)
{
	unsigned int *all;

	for (size_t i = 0; i < capture->n_interfaces; i++)
		if (capture->interfaces[i] == packet->ifindex) {
			*number = (uint32_t)i;
			return 0;
		}
	all = array_grow(capture->interfaces, capture->n_interfaces, sizeof(*all));
	if (!all)
		return -ENOMEM;
	capture->interfaces = all;
	*number = (uint32_t)capture->n_interfaces;
	all[capture->n_interfaces++] = packet->ifindex;
	return write_interface(capture->file, packet->interface);
}

static int add_ng(struct capture *capture, const struct captured *packet)
{
	struct block block = {.length = 0};
	uint32_t number;
	int err = find_interface(capture, packet, &number);

	if (err)
		return err;
	put32(&block, number);
	put32(&block, (uint32_t)(packet->time >> 32));
	put32(&block, (uint32_t)packet->time);
	put32(&block, (uint32_t)packet->captured);
	put32(&block, (uint32_t)packet->length);
	put(&block, packet->bytes, packet->captured);
	put_option(&block, OPTION_COMMENT, packet->comment, strlen(packet->comment));
	put_option(&block, OPTION_END, NULL, 0);
	return write_block(capture->file, BLOCK_PACKET, &block);
}

static int add_pcap(FILE *file, const struct captured *packet)
{
	const uint32_t head[4] = {
		(uint32_t)(packet->time / NANOSECONDS),
		(uint32_t)(packet->time % NANOSECONDS),
		(uint32_t)packet->captured,
		(uint32_t)packet->length,
	};

	return fwrite(head, sizeof(head), 1, file) == 1 &&
			       fwrite(packet->bytes, 1, packet->captured, file) == packet->captured
		       ? 0
		       : -EIO;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length > tail && !strcmp(text + length - tail, end);
}

bool capture_is_name(const char *path, bool *ng)
{
	*ng = ends_in(path, ".pcapng");
	return *ng || ends_in(path, ".pcap");
}

int capture_open(const char *path, bool ng, struct capture *capture)
{
	const uint32_t head[6] = {
		PCAP_MAGIC_NANOSECONDS, 2 | 4 << 16, 0, 0, SNAPLEN, LINK_ETHERNET,
	};
	int err = 0;

	*capture = (struct capture){.file = fopen(path, "we"), .ng = ng};
	if (!capture->file)
		return -errno;
	if (ng)
		err = write_section(capture->file);
	else if (fwrite(head, sizeof(head), 1, capture->file) != 1)
		err = -EIO;
	return err;
}

int capture_add(struct capture *capture, const struct captured *packet)
{
	int err = capture->ng ? add_ng(capture, packet) : add_pcap(capture->file, packet);

	/* Somebody may be reading along. */
	return !err && fflush(capture->file) ? -EIO : err;
}

int capture_close(struct capture *capture)
{
	int err = 0;

	if (capture->file)
		err = fclose(capture->file) ? -EIO : 0;
	free(capture->interfaces);
	*capture = (struct capture){0};
	return err;
}
