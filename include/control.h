/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the controller and the program share beside the image: names of pins, the control cells,
 * counters, and the probe header. Raise ROLEWALL_ABI when any of it changes its layout.
 */
#ifndef ROLEWALL_CONTROL_H
#define ROLEWALL_CONTROL_H

#include "image.h"
#include "reason.h"

#define ROLEWALL_ABI 8U

#define IMAGE_SLOTS 4U /* active, fallback, shadow, candidate */
#define NO_SLOT IMAGE_SLOTS
#define IFINDEX_MAX 65536U

/*
 * What is in force, and until when. The controller and the clock both write it: always both cells
 * at once, by a compare-and-swap, so that neither undoes what the other did meanwhile.
 */
union reign {
	struct {
		__u32 active; /* slot of the image in force */
		__u32 deadline; /* epoch at which the clock returns to the fallback; 0 = no trial */
	};
	__u64 both;
};

/* As a deadline: the trial entries pass every packet, as the trial is over or has not begun. */
#define DEADLINE_PASSED 0xffffffffU

/*
 * Read by every packet; one writer for each member but the first two. The flip is the swap of
 * `reign`. Where `abi` lies never changes.
 */
struct control {
	union { /* as union reign */
		struct {
			__u32 active;
			__u32 deadline;
		};
		__u64 reign;
	};
	__u32 epoch; /* seconds since the timer started, from 1 (timer) */
	__u32 fallback; /* slot to return to, NO_SLOT = nothing was in force before (controller) */
	__u32 probe_key[2]; /* random; a packet that carries both words is a probe (controller) */
	__u32 abi; /* ROLEWALL_ABI of the program that is loaded (controller) */
	__u32 shadow; /* slot of the shadow image, NO_SLOT = none (controller) */
	__u32 hash_key[2]; /* random, drawn once when the map is made (controller) */
	__u32 watch_until; /* epoch at which the watcher's lease ends, 0 = nobody (watcher) */
	__u32 watch_rate; /* events of a CPU in a second (watcher) */
	__u32 watcher; /* process id (watcher) */
	__u32 trial; /* generation that is on trial, or was last; 0 = none yet (controller) */
	__u32 returned; /* 1 after the clock returned, until the controller has seen to it */
	__u32 changing; /* 1 while a controller is at the interfaces, or was when it was killed */
	__u64 returns; /* how often the clock did (clock) */
	__u32 shadow_since; /* epoch at which it started to compare (controller) */
};

/* What belongs to one load of the programs: the read-only map `load` beside them. */
struct load {
	__u32 image_pages; /* of each slot */
	__u8 build[32]; /* identifies the program object */
};

/* An interface's side under each slot's image: an element of `sides`. */
#define SIDE_SHIFT(slot) ((slot) % IMAGE_SLOTS * 8)
#define SIDE_MASK 0xffU

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* Packets that met a drop reason; `audited` of them passed all the same (`mode: audit`). */
struct drop_counter {
	__u64 packets;
	__u64 bytes;
	__u64 audited;
};

/*
 * When this CPU has to look at a drop more closely (detail.h), and what the program that does so
 * gets from the one that dropped the packet. Nothing here is a counter.
 */
struct drop_gate {
	__u32 second; /* of control.epoch in which it did last */
	__u32 exact; /* drops of that second that it still looks at one by one */
	__u32 gap; /* drops from the last look to the next */
	__u32 left; /* of these, still to come */
	__u64 random;
	__u32 events; /* that it may still send in that second */
	__u32 reason; /* enum reason */
	__u32 port; /* as detail.h counts it */
	__u32 source, destination; /* POOL_CELL of both ends */
	__u32 generation; /* of the image */
	__u32 length; /* of the frame */
	__u32 address[4]; /* of the source */
	__u8 family; /* 0: the packet is plain, its addresses are where they lie */
	__u8 opens; /* UDP, or TCP's first segment */
	__u8 spare[2]; /* to a multiple of 8 */
};

/* One element each, so that bpftool prints every reason under its name. */
struct drop_counters {
#define X(name, text) struct drop_counter name;
	DROP_REASONS(X)
#undef X
	struct drop_gate gate;
};

struct pass_counters {
#define X(name, text) struct counter name;
	PASS_REASONS(X)
#undef X
};

/* The programs behind an entry, as an element of `more_xdp` and `more_tc`. */
enum more {
	MORE_PROBE, /* whatever has something in the place of a probe */
	MORE_FULL, /* what is not for the fast way */
	MORE_LOOK, /* at a drop */
	MORE_LOOK_AUDIT, /* at one that passes all the same */
	MORE_ENTRY, /* back to the entry */
	MORE_SHADOW, /* what a shadow's entry does not settle at a glance: the candidate's opinion */
	MORE_SHADOW_ACTIVE, /* and then the active policy's */
	MORE_FORWARD, /* XDP: what passes, where the site says `forwarding: xdp` */
	MORE_TAGGED, /* XDP: the fast way of a frame with VLAN tags */
	N_MORE,
	MORE_NONE = N_MORE,
};

#define ROW_NAME 24 /* "servers/05" */
#define POOL_NAME 32

/* Indexed by counter id; an id keeps its name for as long as the map lives. id 0 is unused. */
struct row_counter {
	char row[ROW_NAME];
	__u64 packets;
	__u64 bytes;
	__u64 last; /* control.epoch at the last of them; 0 = none yet */
};

struct pool_counter {
	char pool[POOL_NAME];
	__u64 dropped_packets;
	__u64 dropped_bytes;
};

/* Events of the two tables that packets write. */
struct table_counters {
	__u64 flows_created;
	__u64 flows_evicted; /* a live flow made room for a newer one */
	__u64 flows_lost; /* no way could be had: the packet passed, its reply may drop */
	__u64 fragments_created;
	__u64 events_sent; /* drops shown to `rolewall watch` */
	__u64 events_full; /* and some for which its ring had no room */
};

/*
 * A probe: the packet that `explain` and the self-test send through the loaded program by
 * BPF_PROG_TEST_RUN. In XDP it is the metadata in front of the frame, at TC the cb words. A probe
 * is judged like any packet, by the slot it names, but neither counted nor recorded.
 */
struct probe {
	__u32 key[2]; /* control.probe_key */
	__u32 slot; /* in: image slot, or PROBE_ACTIVE */
	__u32 reason; /* out: enum reason */
	__u32 row; /* out: counter id of the row, 0 = none */
	__u32 source_record, destination_record; /* out */
	__u32 generation; /* out */
};

#define PROBE_ACTIVE 0xffffffffU

/* TC has five words: key, key, slot in; reason, row, source record, destination record, generation out. */
#define PROBE_CB_WORDS 5U

_Static_assert(__builtin_offsetof(struct drop_counters, gate) ==
		       N_DROP_REASONS * sizeof(struct drop_counter),
	       "one counter a drop reason");
_Static_assert(sizeof(struct pass_counters) == N_PASS_REASONS * sizeof(struct counter),
	       "one counter a pass reason");
_Static_assert(__builtin_offsetof(struct control, abi) == 24, "where every version looks for it");
_Static_assert(sizeof(struct probe) == 32, "XDP metadata holds at most 32 bytes");

#endif
