/* SPDX-License-Identifier: MIT */
/*
 * A loaded instance: its pins, maps and programs. Together with kern_*.c and counters.c the only
 * code that knows libbpf; everybody else sees struct kernel and -errno.
 */
#ifndef ROLEWALL_KERNEL_H
#define ROLEWALL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "control.h"
#include "pages.h"
#include "site.h"

/* Every map is pinned under its own name; `scratch` alone has nothing to keep. */
#define PINNED_MAPS(X)                                                                             \
	X(images)                                                                                  \
	X(grace)                                                                                   \
	X(control)                                                                                 \
	X(drops)                                                                                   \
	X(passes)                                                                                  \
	X(rows)                                                                                    \
	X(pools)                                                                                   \
	X(tables)                                                                                  \
	X(sides)                                                                                   \
	X(flows4)                                                                                  \
	X(flows6)                                                                                  \
	X(fragments)                                                                               \
	X(clock)                                                                                   \
	X(drop_ports)                                                                              \
	X(drop_sources4)                                                                           \
	X(drop_sources6)                                                                           \
	X(drop_services)                                                                           \
	X(role_sets)                                                                               \
	X(role_pairs)                                                                              \
	X(events)                                                                                  \
	X(forward_in)                                                                              \
	X(forward_out)                                                                             \
	X(forwarding)                                                                              \
	X(more_xdp)                                                                                \
	X(more_tc)

enum pinned_map {
#define X(name) MAP_##name,
	PINNED_MAPS(X)
#undef X
		N_PINNED_MAPS,
};

struct kernel {
	char *pin_dir;
	int dir; /* fd of the pin directory, locked while open for writing */
	int map[N_PINNED_MAPS]; /* fds */
	int xdp, tc, xdp_trial, tc_trial; /* the entries' fds */
	int shadow_xdp, shadow_tc; /* the plain ones' place while a shadow is loaded, or -1 */
	int load, clock; /* fds while they are to be pinned, and to be started */
	struct control *control; /* the control cells, mapped */
	__u32 pages; /* of an image slot of the programs above */
	__u8 build[32]; /* of these programs */
};

#define KERNEL_CLOSED                                                                              \
	{                                                                                          \
		.dir = -1, .map = {[0 ... N_PINNED_MAPS - 1] = -1}, .xdp = -1, .tc = -1,           \
		.xdp_trial = -1, .tc_trial = -1, .shadow_xdp = -1, .shadow_tc = -1, .load = -1,    \
		.clock = -1                                                                        \
	}

/*
 * Opens what is pinned in DIR. Returns 0; -ENOENT if nothing is loaded there; -EPROTO if what is
 * loaded has another ABI; or another -errno. Messages on stderr for all but -ENOENT.
 */
int kernel_open(const char *pin_dir, struct kernel *kernel);
/* Says so, once, where pins could not be seen even if there are some. On stderr. */
void kernel_tell_hidden(const char *pin_dir);
/*
 * Takes the lock of DIR for a change, making the directory (0700) and mounting bpffs if need be.
 * Returns 0, -EBUSY if another rolewall has it, or -errno; messages on stderr.
 */
int kernel_lock(const char *pin_dir, struct kernel *kernel);
/*
 * The same for one who gives way to others: no message, and no directory is made. -EBUSY: somebody
 * has it; -ENOENT: there is no directory.
 */
int kernel_try_lock(const char *pin_dir, struct kernel *kernel);
/* Opens what is loaded, if this version can, and without a word if it cannot. */
bool kernel_peek(const char *pin_dir, struct kernel *kernel);
/* Loads programs and maps with room for images of PAGES pages, and pins them. Locked. */
int kernel_load(struct kernel *kernel, __u32 pages);
/*
 * Loads programs and image slots anew, with room for PAGES pages, beside those that run. All other
 * maps are shared with them, and the slots in use are copied. Nothing that runs changes. Locked.
 */
int kernel_reload(struct kernel *kernel, __u32 pages);
/*
 * Puts what kernel_reload() made into the pins, all at once, and under every attached link, one
 * after the other: until then either program judges by the same image. Where it ends in between,
 * kernel_settle() goes on.
 */
int kernel_switch(struct kernel *kernel);
/* Sees to what a controller that was killed left of kernel_switch(). Locked. */
int kernel_settle(struct kernel *kernel);
/* True if this binary's programs are the ones that are loaded. */
bool kernel_is_current(const struct kernel *kernel);
/*
 * Removes links and pins, whatever version they are of; every interface is let go at once. The
 * kernel is as after kernel_lock() then. Locked.
 */
int kernel_clear(struct kernel *kernel);
/* The directory, too. */
int kernel_unload(struct kernel *kernel);
void kernel_close(struct kernel *kernel);

/* kern_trial.c: what is in force, and until when. */
struct trial {
	bool running;
	bool open; /* the trial entries pass every packet */
	bool returned; /* the deadline passed, and no controller has seen to it yet */
	__u32 seconds; /* left */
	__u32 generation; /* that is on trial, or was last */
	__u32 fallback; /* slot, or NO_SLOT */
};

void kernel_trial(const struct kernel *kernel, struct trial *trial);
/*
 * True during a first apply, before its flip, and after a first trial that nobody confirmed: every
 * packet passes, whatever the active slot holds.
 */
bool kernel_nothing_in_force(const struct kernel *kernel);
/*
 * Until the next flip the trial entries let everything pass: for interfaces that are attached
 * before the image is in force. Not while a trial runs.
 */
void kernel_open_gates(const struct kernel *kernel);
/* The flip: from the next packet on, SLOT is in force on every interface and CPU. */
void kernel_flip(const struct kernel *kernel, __u32 slot);
/* The flip to a generation for SECONDS: then the clock returns to what was in force before. */
void kernel_begin_trial(const struct kernel *kernel, __u32 slot, __u32 generation, __u32 seconds);
/* Ends the trial: what is in force stays. -ETIMEDOUT: the clock was faster. */
int kernel_confirm(const struct kernel *kernel);
/* Ends the trial: what was in force before is so again. -ETIMEDOUT as well. */
int kernel_return(const struct kernel *kernel);
/* After a return, or a flip that did not come: the trial entries decide as the others do. */
void kernel_shut_gates(const struct kernel *kernel);
/* From here on until false: whoever comes after a kill has to look at the interfaces. */
void kernel_set_changing(const struct kernel *kernel, bool changing);
bool kernel_is_changing(const struct kernel *kernel);
/* A slot that holds nothing anybody needs: neither active, nor fallback, nor shadow; or NO_SLOT. */
__u32 kernel_free_slot(const struct kernel *kernel);

/* The room for an image of COUNT pages: one of a few sizes, so that growth rarely reloads. */
__u32 kernel_room(size_t count);

/*
 * kern_image.c: puts an image into a slot that is not in force; waits before, until no packet uses
 * what was there.
 */
int kernel_put_image(const struct kernel *kernel, __u32 slot, const struct pages *image);
/* How many slots there are when one has PAGES pages. */
__u32 kernel_slots(__u32 pages);
/* Waits until every packet is through that began before. 0 or -errno. */
int kernel_wait(const struct kernel *kernel);
/* Reads the first page of a slot's image. -ENOENT: empty. */
int kernel_get_header(const struct kernel *kernel, __u32 slot, struct image_page *header);
/* Reads a slot's image back, pages in use only; to be freed by pages_free(). -ENOENT: empty. */
int kernel_get_image(const struct kernel *kernel, __u32 slot, struct pages *image);

/* kern_attach.c */
enum link_entry {
	ENTRY_PLAIN, /* what is in force decides */
	ENTRY_TRIAL, /* the same, but see bpf/trial.h */
	ENTRY_OTHER, /* a program of another load, or of somebody else */
};

struct attachment {
	char name[16]; /* as pinned; the interface may have been renamed since */
	unsigned int ifindex; /* 0: the interface is gone */
	bool away; /* the interface is in another network namespace, and the index is of that one */
	enum hook hook; /* never HOOK_AUTO */
	enum side side; /* under the image in force */
	__u32 program; /* id of what its link runs */
	enum link_entry entry;
};

/* All attachments, by name; *list is to be freed. */
int kernel_attachments(const struct kernel *kernel, struct attachment **list, size_t *count);
/* Checks that INTERFACE can be attached to; nothing is changed. Messages on stderr. */
int kernel_check_interface(const struct kernel *kernel, const struct site_interface *interface,
			   bool replace);
/* Attaches; *hook is what was taken. Messages on stderr. */
int kernel_attach(const struct kernel *kernel, const struct site_interface *interface,
		  enum link_entry entry, enum hook *hook);
/* Puts an entry under what is attached. 0 or -errno. */
int kernel_set_entry(const struct kernel *kernel, const struct attachment *attachment,
		     enum link_entry entry);
int kernel_detach(const struct kernel *kernel, const struct attachment *attachment);
/*
 * kern_forward.c: brings what `forwarding: xdp` knows of the interfaces and the system up to date:
 * which are attached to, their MAC addresses, what their drivers can do, and what has the kernel
 * forward (forward_system.h). After each attachment, and whenever one of these may have changed.
 * Where it cannot tell, the kernel forwards everything; message on stderr. ROUTES: the MTUs of routes
 * as well, which takes longest; else what is known of them stays.
 */
void kernel_forward_ports(const struct kernel *kernel, bool routes);
/*
 * kern_align.c: the pins of links get the names that their interfaces have by now; "away:N" is interface
 * N of another network namespace whose name another one has here. 0, or -errno with a message. Locked.
 */
int kernel_align_links(const struct kernel *kernel);
/* kern_foreign.c: the id of an XDP program on the interface that is not ours; 0 = none. */
__u32 kernel_foreign(const struct kernel *kernel, const char *interface);
/* Takes it off, whoever holds it. 0, or -errno with a message. */
int kernel_remove_foreign(const struct kernel *kernel, const char *interface);
/* Says on which side an interface is under a slot's image. */
int kernel_set_side(const struct kernel *kernel, unsigned int ifindex, __u32 slot, enum side side);

/*
 * kern_closing.c: what an interface that goes down lets go past its program is dropped where the
 * kernel forwards (Linux 6.4). PROGRAM: fd of kernel_load_closing(), which takes CAP_PERFMON, or -1 to
 * load it now. 0, nothing to do if it is so already, or -errno; no messages. Locked.
 */
int kernel_load_closing(void);
int kernel_hold_closing(const struct kernel *kernel, int program);
bool kernel_holds_closing(const char *pin_dir);
void kernel_release_closing(const char *pin_dir);

/* kern_programs.c: ids of the pinned programs, which is what links may run. 0 or -errno. */
#define OWN_PROGRAMS_MAX 16U
int kernel_programs(const struct kernel *kernel, __u32 ids[OWN_PROGRAMS_MAX], size_t *count);

/* kern_probe.c: one frame through a loaded program, uncounted and unrecorded. */
struct probe_result {
	bool passed;
	enum reason reason;
	__u32 row, source_record, destination_record, generation;
};

struct probe_request {
	const void *frame;
	size_t length;
	unsigned int ifindex; /* the interface it comes in by; 0 = none */
	__u32 slot; /* or PROBE_ACTIVE */
	bool tc; /* through the TC program instead of the XDP one */
};

int kernel_probe(const struct kernel *kernel, const struct probe_request *request,
		 struct probe_result *result);

#endif
