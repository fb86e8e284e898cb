/* SPDX-License-Identifier: MIT */
/*
 * without bpf COMMAND...: runs it on a kernel that has no bpf() any more, as far as it can tell.
 * without netlink BUS COMMAND...: no socket of that bus can be opened.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NETLINK 16 /* AF_NETLINK */
#define WORD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

static int forbid(struct sock_filter *filter, size_t length)
{
	const struct sock_fprog program = {(unsigned short)length, filter};

	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 0;
	perror("without");
	return -1;
}

static int forbid_bpf(void)
{
	struct sock_filter filter[] = {
		WORD(nr),
		UNLESS(SYS_bpf, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOSYS),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return forbid(filter, sizeof(filter) / sizeof(filter[0]));
}

/* As when memory is short. */
static int forbid_netlink(unsigned int bus)
{
	struct sock_filter filter[] = {
		WORD(nr),
		UNLESS(SYS_socket, 5),
		WORD(args[0]),
		UNLESS(NETLINK, 3),
		WORD(args[2]),
		UNLESS(bus, 1),
		RETURN(SECCOMP_RET_ERRNO | ENOBUFS),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return forbid(filter, sizeof(filter) / sizeof(filter[0]));
}

int main(int argc, char **argv)
{
	bool netlink = argc >= 4 && !strcmp(argv[1], "netlink");
	char **command = argv + (netlink ? 3 : 2);

	if (argc < 3 || (!netlink && strcmp(argv[1], "bpf") != 0)) {
		fprintf(stderr, "usage: without bpf|netlink BUS COMMAND...\n");
		return 2;
	}
	if (netlink ? forbid_netlink((unsigned int)atoi(argv[2])) : forbid_bpf())
		return 2;
	execvp(command[0], command);
	perror(command[0]);
	return 2;
}
