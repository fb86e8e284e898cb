/* SPDX-License-Identifier: MIT */
/*
 * The pin of a link carries the name of its interface. Interfaces get other names, swap them, or go
 * to another network namespace, and their links go with them: here the pins follow, so that what is
 * found by a name is what has it. No link is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>

#include "cleanup.h"
#include "kern_internal.h"

/* No interface can be called so: the kernel refuses colons. */
#define AWAY "away:%u"

static const struct attachment *find_pin(const struct attachment *list, size_t count,
					 const char *name, enum hook hook)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].name, name) && list[i].hook == hook)
			return &list[i];
	return NULL;
}

/* The name that the pin of a live link should have. */
static void right_name(const struct attachment *link, char name[IF_NAMESIZE])
{
	if (!link->away && if_indextoname(link->ifindex, name))
		return;
	if (if_nametoindex(link->name))
		snprintf(name, IF_NAMESIZE, AWAY, link->ifindex);
	else
		memcpy(name, link->name, IF_NAMESIZE);
}

static void tell(const struct attachment *link, const char *name)
{
	if (strchr(name, ':'))
		fprintf(stderr,
			"rolewall: the interface that was %s is in another network namespace now\n",
			link->name);
	else
		fprintf(stderr, "rolewall: the interface that was %s is called %s now\n",
			link->name, name);
}

/* Whatever else has that name now gets this one's. */
static int rename_pin(const struct kernel *kernel, const struct attachment *link,
		      const struct attachment *other, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	int err = attachment_path(kernel, link->name, link->hook, from);

	if (!err)
		err = attachment_path(kernel, name, link->hook, to);
	if (!err && other && !other->ifindex) {
		unlink(to); /* of an interface that was deleted */
		other = NULL;
	}
	if (!err &&
	    renameat2(AT_FDCWD, from, AT_FDCWD, to, other ? RENAME_EXCHANGE : RENAME_NOREPLACE))
		err = -errno;
	if (!err)
		tell(link, name);
	return err;
}

/* The first pin that is called wrongly. *FOUND: there was one. */
static int align_one(const struct kernel *kernel, bool *found)
{
	_cleanup_free_ struct attachment *list = NULL;
	char name[IF_NAMESIZE];
	size_t count = 0;
	int err = kernel_attachments(kernel, &list, &count);

	*found = false;
	for (size_t i = 0; i < count && !err && !*found; i++) {
		if (!list[i].ifindex)
			continue;
		right_name(&list[i], name);
		if (!strcmp(name, list[i].name))
			continue;
		*found = true;
		err = rename_pin(kernel, &list[i], find_pin(list, count, name, list[i].hook), name);
	}
	return err;
}

int kernel_align_links(const struct kernel *kernel)
{
	bool found = true;
	int err = 0;

	/* Each step puts at least one right, and none wrong. */
	while (found && !err)
		err = align_one(kernel, &found);
	if (err)
		fprintf(stderr, "rolewall: cannot rename the pin of a link: %s\n", strerror(-err));
	return err;
}
