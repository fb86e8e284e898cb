/* SPDX-License-Identifier: MIT */
/*
 * Interfaces: XDP by a pinned BPF link, TC by a pinned tcx link (Linux 6.6). Both stay when this
 * program ends, cannot be taken off by other tools, and are updated in place.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>

#include "cleanup.h"
#include "kern_internal.h"

/* Newer than the headers of Debian 12 (linux/bpf.h of 6.6). */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define LINK_TYPE_TCX 11U

#define ESCAPED_NAME (3 * IF_NAMESIZE)

/* bpffs takes no dot in a name, interfaces do: "eth0.5" is pinned as "eth0%2e5". */
static void escape_name(const char *name, char escaped[ESCAPED_NAME])
{
	for (; *name; name++) {
		if (*name == '.' || *name == '%')
			escaped += sprintf(escaped, "%%%02x", (unsigned int)*name);
		else
			*escaped++ = *name;
	}
	*escaped = '\0';
}

/* LENGTH bytes of an escaped name into NAME; false if they are none of ours. */
static bool unescape_name(const char *escaped, size_t length, char name[IF_NAMESIZE])
{
	unsigned int byte;
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (used + 1 >= IF_NAMESIZE)
			return false;
		byte = (unsigned char)escaped[i];
		if (byte == '%') {
			if (i + 2 >= length || sscanf(&escaped[i + 1], "%2x", &byte) != 1)
				return false;
			i += 2;
		}
		name[used++] = (char)byte;
	}
	name[used] = '\0';
	return used;
}

int attachment_path(const struct kernel *kernel, const char *interface, enum hook hook,
		    char path[PATH_MAX])
{
	char escaped[ESCAPED_NAME];
	int length;

	escape_name(interface, escaped);
	length = snprintf(path, PATH_MAX, "%s/" PIN_LINKS "/%s@%s", kernel->pin_dir, escaped,
			  hook_name(hook));

	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* --- what is there */

/* The program that a link leads to; the plain one is the shadow's while there is one. */
static int entry_fd(const struct kernel *kernel, enum hook hook, enum link_entry entry)
{
	bool shadow = kernel->shadow_xdp >= 0 && kernel->shadow_tc >= 0;

	if (entry == ENTRY_TRIAL)
		return hook == HOOK_TC ? kernel->tc_trial : kernel->xdp_trial;
	if (shadow)
		return hook == HOOK_TC ? kernel->shadow_tc : kernel->shadow_xdp;
	return hook == HOOK_TC ? kernel->tc : kernel->xdp;
}

static enum link_entry entry_of(const struct kernel *kernel, enum hook hook, __u32 id)
{
	if (id && id == program_id(entry_fd(kernel, hook, ENTRY_PLAIN)))
		return ENTRY_PLAIN;
	return id && id == program_id(entry_fd(kernel, hook, ENTRY_TRIAL)) ? ENTRY_TRIAL
									   : ENTRY_OTHER;
}

/* Whether the interface of that index here runs PROGRAM at that hook. Also if it cannot be told. */
static bool runs_here(unsigned int ifindex, enum hook hook, __u32 program)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, xdp);
	__u32 programs[64], count = sizeof(programs) / sizeof(programs[0]);
	char name[IF_NAMESIZE];

	if (!if_indextoname(ifindex, name))
		return false;
	if (hook != HOOK_TC)
		return bpf_xdp_query((int)ifindex, 0, &xdp) || xdp.drv_prog_id == program ||
		       xdp.skb_prog_id == program;
	if (bpf_prog_query((int)ifindex, ATTACH_TCX_INGRESS, 0, NULL, programs, &count))
		return true;
	for (__u32 i = 0; i < count; i++)
		if (programs[i] == program)
			return true;
	return false;
}

/* Where the link is, and what it runs; zeroes if it is none of an interface. */
static void read_link(const struct kernel *kernel, int fd, struct attachment *attachment)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) ||
	    (info.type != BPF_LINK_TYPE_XDP && info.type != LINK_TYPE_TCX))
		return;
	/* The first member of the union is the ifindex for both types. */
	attachment->ifindex = info.xdp.ifindex;
	attachment->program = info.prog_id;
	attachment->entry = entry_of(kernel, attachment->hook, info.prog_id);
	attachment->away = attachment->ifindex &&
			   !runs_here(attachment->ifindex, attachment->hook, attachment->program);
}

static bool hook_of_pin(const char *word, enum hook *hook)
{
	for (*hook = HOOK_XDP_NATIVE; *hook <= HOOK_TC; (*hook)++)
		if (!strcmp(word, hook_name(*hook)))
			return true;
	return false;
}

static int read_attachment(const struct kernel *kernel, const char *name,
			   struct attachment *attachment)
{
	_cleanup_close_ int fd = -1;
	char pin[PATH_MAX];
	const char *at = strrchr(name, '@');
	__u32 sides;
	int err;

	*attachment = (struct attachment){0};
	if (!at || !hook_of_pin(at + 1, &attachment->hook) ||
	    !unescape_name(name, (size_t)(at - name), attachment->name))
		return -EINVAL;
	if (snprintf(pin, sizeof(pin), PIN_LINKS "/%s", name) >= (int)sizeof(pin))
		return -ENAMETOOLONG;
	fd = open_pin(kernel, pin);
	if (fd < 0)
		return fd;
	read_link(kernel, fd, attachment);
	/* detach must work on pins of another version, where no map is open. */
	if (!attachment->ifindex || attachment->away || kernel->map[MAP_sides] < 0)
		return 0;
	err = bpf_map_lookup_elem(kernel->map[MAP_sides], &attachment->ifindex, &sides);
	if (err)
		return -errno;
	attachment->side = sides >> SIDE_SHIFT(kernel->control->active) & SIDE_MASK;
	return 0;
}

static int compare_attachments(const void *a, const void *b)
{
	const struct attachment *left = a, *right = b;

	return strcmp(left->name, right->name);
}

int kernel_attachments(const struct kernel *kernel, struct attachment **list, size_t *count)
{
	_cleanup_free_ struct attachment *found = NULL;
	char path[PATH_MAX];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;
	int err = pin_path(kernel, PIN_LINKS, path);

	if (err)
		return err;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		struct attachment *more;

		if (!strchr(entry->d_name, '@'))
			continue;
		more = array_grow(found, n, sizeof(*found));
		err = more ? 0 : -ENOMEM;
		if (!err) {
			found = more;
			err = read_attachment(kernel, entry->d_name, &found[n++]);
		}
	}
	closedir(dir);
	if (err)
		return err;
	if (n)
		qsort(found, n, sizeof(*found), compare_attachments);
	*list = TAKE_PTR(found);
	*count = n;
	return 0;
}

int kernel_check_interface(const struct kernel *kernel, const struct site_interface *interface,
			   bool replace)
{
	unsigned int ifindex = if_nametoindex(interface->name);
	char name[IF_NAMESIZE];
	__u32 foreign;

	if (!ifindex) {
		fprintf(stderr, "rolewall: there is no interface %s\n", interface->name);
		return -ENODEV;
	}
	if (if_indextoname(ifindex, name) && strcmp(name, interface->name) != 0) {
		fprintf(stderr,
			"rolewall: %s is another name of interface %s; the site has to say %s\n",
			interface->name, name, name);
		return -EINVAL;
	}
	if (ifindex >= IFINDEX_MAX) {
		fprintf(stderr, "rolewall: interface %s has index %u; at most %u is supported\n",
			interface->name, ifindex, IFINDEX_MAX - 1);
		return -E2BIG;
	}
	foreign = interface->hook == HOOK_TC || replace ? 0
							: kernel_foreign(kernel, interface->name);
	if (!foreign)
		return 0;
	fprintf(stderr,
		"rolewall: another XDP program (id %u) is attached to %s; remove it, or say `hook: tc`, or `apply --replace`\n",
		foreign, interface->name);
	return -EBUSY;
}

/* --- changes */

/* What is not attached has no side that matters. */
int kernel_copy_sides(const struct kernel *kernel, __u32 from, __u32 to)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count);

	for (size_t i = 0; i < count && !err; i++) {
		__u32 sides;

		if (!list[i].ifindex || list[i].away)
			continue;
		if (bpf_map_lookup_elem(kernel->map[MAP_sides], &list[i].ifindex, &sides))
			return -errno;
		err = kernel_set_side(kernel, list[i].ifindex, to,
				      sides >> SIDE_SHIFT(from) & SIDE_MASK);
	}
	return err;
}

int kernel_set_side(const struct kernel *kernel, unsigned int ifindex, __u32 slot, enum side side)
{
	__u32 sides;

	if (bpf_map_lookup_elem(kernel->map[MAP_sides], &ifindex, &sides))
		return -errno;
	sides &= ~(SIDE_MASK << SIDE_SHIFT(slot));
	sides |= (__u32)side << SIDE_SHIFT(slot);
	return bpf_map_update_elem(kernel->map[MAP_sides], &ifindex, &sides, BPF_ANY) ? -errno : 0;
}

/* fd of a link, or -errno. */
static int make_link(unsigned int ifindex, enum hook hook, int program)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	int fd;

	if (hook == HOOK_TC) {
		fd = bpf_link_create(program, (int)ifindex, ATTACH_TCX_INGRESS, &options);
		return fd < 0 ? -errno : fd;
	}
	options.flags = hook == HOOK_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);
	return fd < 0 ? -errno : fd;
}

static int attach_as(const struct kernel *kernel, const char *name, enum hook hook, int program)
{
	_cleanup_close_ int fd = make_link(if_nametoindex(name), hook, program);
	char path[PATH_MAX];
	int err;

	if (fd < 0)
		return fd;
	err = attachment_path(kernel, name, hook, path);
	if (err)
		return err;
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

static const char *attach_error(enum hook hook, int err)
{
	return hook == HOOK_TC && err == -EINVAL ? "this hook needs Linux 6.6" : strerror(-err);
}

int kernel_attach(const struct kernel *kernel, const struct site_interface *interface,
		  enum link_entry entry, enum hook *hook)
{
	static const enum hook order[] = {HOOK_XDP_NATIVE, HOOK_TC};
	unsigned int ifindex = if_nametoindex(interface->name);
	int err = ifindex ? 0 : -ENODEV;
	size_t i;

	*hook = interface->hook;
	if (!err && *hook != HOOK_AUTO)
		err = attach_as(kernel, interface->name, *hook, entry_fd(kernel, *hook, entry));
	for (i = 0; interface->hook == HOOK_AUTO && i < 2 && ifindex; i++) {
		*hook = order[i];
		err = attach_as(kernel, interface->name, *hook, entry_fd(kernel, *hook, entry));
		if (!err)
			break;
		fprintf(stderr, "rolewall: %s: no %s: %s\n", interface->name, hook_name(*hook),
			attach_error(*hook, err));
	}
	if (!err) {
		fprintf(stderr, "rolewall: %s: attached by %s%s\n", interface->name,
			hook_name(*hook), interface->hook == HOOK_AUTO ? " (hook: auto)" : "");
		kernel_forward_ports(kernel, false);
		return 0;
	}
	fprintf(stderr, "rolewall: cannot attach to %s by %s: %s\n", interface->name,
		hook_name(*hook), attach_error(*hook, err));
	return err;
}

int kernel_detach(const struct kernel *kernel, const struct attachment *attachment)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int err = attachment_path(kernel, attachment->name, attachment->hook, path);

	if (err)
		return err;
	/*
	 * Off the interface now. Without its pin the link would go as well, but a little later, and
	 * another XDP mode cannot come in its place before that.
	 */
	fd = bpf_obj_get(path);
	if (fd >= 0 && attachment->ifindex && bpf_link_detach(fd))
		return -errno;
	if (unlink(path))
		return -errno;
	kernel_forward_ports(kernel, false);
	return 0;
}

int kernel_set_entry(const struct kernel *kernel, const struct attachment *attachment,
		     enum link_entry entry)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int err = attachment_path(kernel, attachment->name, attachment->hook, path);

	if (err || !attachment->ifindex || attachment->entry == entry)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_link_update(fd, entry_fd(kernel, attachment->hook, entry), NULL))
		return -errno;
	return 0;
}

static int point_links(const struct kernel *kernel, enum link_entry entry, enum link_entry except)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count);

	for (size_t i = 0; i < count && !err; i++)
		if (list[i].entry != except)
			err = kernel_set_entry(kernel, &list[i], entry);
	return err;
}

int update_links(const struct kernel *kernel)
{
	return point_links(kernel, ENTRY_PLAIN, ENTRY_TRIAL);
}

int release_links(const struct kernel *kernel)
{
	return point_links(kernel, ENTRY_TRIAL, ENTRY_TRIAL);
}

int remove_links(const struct kernel *kernel)
{
	_cleanup_free_ struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count), failed = 0;

	if (err == -ENOENT)
		return 0;
	for (size_t i = 0; i < count && !err; i++) {
		failed = kernel_detach(kernel, &list[i]);
		if (failed)
			err = failed;
	}
	return err;
}
