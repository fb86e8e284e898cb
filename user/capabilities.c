/* SPDX-License-Identifier: MIT */
#include "capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* CAP_BPF is 39: in the second word. */
#define KEPT_LOW (1U << CAP_NET_ADMIN)
#define KEPT_HIGH (1U << (CAP_BPF - 32))

/* Without CAP_SETPCAP it stays as it is, and no_new_privs alone keeps it out of reach. */
static int drop_bounding(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (cap == CAP_NET_ADMIN || cap == CAP_BPF || !prctl(PR_CAPBSET_READ, cap, 0, 0, 0))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return errno == EPERM ? 0 : -errno;
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

int capabilities_check(void)
{
	static const struct {
		const char *name;
		unsigned int number;
	} needed[] = {
		{"CAP_NET_ADMIN", CAP_NET_ADMIN},
		{"CAP_BPF", CAP_BPF},
		{"CAP_PERFMON", CAP_PERFMON},
	};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	char missing[64] = "";

	if (syscall(SYS_bpf, -1, NULL, 0) < 0 && errno == ENOSYS) {
		fprintf(stderr, "rolewall: this kernel has no bpf() (CONFIG_BPF_SYSCALL)\n");
		return -ENOSYS;
	}
	if (syscall(SYS_capget, &header, sets))
		return 0; /* the kernel will tell */
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		unsigned int number = needed[i].number;
		/* Before Linux 5.8, and since, CAP_SYS_ADMIN stands for the two others. */
		bool admin = sets[0].effective & 1U << CAP_SYS_ADMIN && number != CAP_NET_ADMIN;

		if (admin || sets[number / 32].effective & 1U << number % 32)
			continue;
		snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), "%s%s",
			 *missing ? ", " : "", needed[i].name);
	}
	if (!*missing)
		return 0;
	fprintf(stderr,
		"rolewall: not allowed to load programs: %s missing; run it as root, or with CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON\n",
		missing);
	return -EPERM;
}
