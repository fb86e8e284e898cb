/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cases.h"

#define MAC_BYTES 12

static size_t place(const struct frame *frame, enum spot spot, int offset)
{
	const size_t bases[] = {
		[SPOT_FRAME] = 0,
		[SPOT_IP] = frame->ip,
		[SPOT_TRANSPORT] = frame->transport,
		[SPOT_END] = frame->length,
	};

	return (size_t)((long)bases[spot] + offset);
}

static void apply_edit(const struct edit *edit, struct frame *frame)
{
	unsigned char *bytes = frame->bytes + place(frame, edit->spot, edit->offset);

	if (edit->size == 4)
		put32(bytes, edit->value);
	else if (edit->size == 2)
		put16(bytes, edit->value);
	else
		*bytes = (unsigned char)edit->value;
}

static void insert_tags(const struct packet_case *packet_case, struct frame *frame)
{
	size_t length = packet_case->tags * 4;

	memmove(frame->bytes + MAC_BYTES + length, frame->bytes + MAC_BYTES,
		frame->length - MAC_BYTES);
	for (size_t i = 0; i < packet_case->tags; i++) {
		put16(frame->bytes + MAC_BYTES + i * 4, 0x8100);
		put16(frame->bytes + MAC_BYTES + i * 4 + 2, packet_case->tag_vid_zero ? 0xa000 : 7);
	}
	frame->length += length;
	frame->ip += length;
	frame->transport += length;
}

void make_case_frame(const struct packet_case *packet_case, const struct serving *serving,
		     struct frame *frame)
{
	make_frame(&packet_case->recipe, serving, frame);
	if (packet_case->tags)
		insert_tags(packet_case, frame);
	for (size_t i = 0; i < sizeof(packet_case->edits) / sizeof(packet_case->edits[0]); i++)
		if (packet_case->edits[i].spot)
			apply_edit(&packet_case->edits[i], frame);
	if (packet_case->cut_spot)
		frame->length = place(frame, packet_case->cut_spot, packet_case->cut_offset);
}
