/* SPDX-License-Identifier: MIT */
#include "capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* CAP_BPF is 39: in the second word. */
#define KEPT_LOW (1U << CAP_NET_ADMIN)
#define KEPT_HIGH (1U << (CAP_BPF - 32))

static int drop_bounding(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (cap == CAP_NET_ADMIN || cap == CAP_BPF || !prctl(PR_CAPBSET_READ, cap, 0, 0, 0))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	}
	return 0;
}

static int set_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct sets[2] = {
		{.effective = KEPT_LOW, .permitted = KEPT_LOW},
		{.effective = KEPT_HIGH, .permitted = KEPT_HIGH},
	};

	return syscall(SYS_capset, &header, sets) ? -errno : 0;
}

int capabilities_drop(void)
{
	int err = drop_bounding();

	if (!err && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		err = -errno;
	if (!err)
		err = set_capabilities();
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (err)
		fprintf(stderr,
			"rolewall: cannot drop privileges: %s; CAP_NET_ADMIN and CAP_BPF are needed\n",
			strerror(-err));
	return err;
}
