/* SPDX-License-Identifier: MIT */
#include "lock_owner.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cleanup.h"

/*
 * A line of /proc/locks (proc_locks(5)): "1: FLOCK  ADVISORY  WRITE 4711 00:1f:2049 0 EOF". The
 * device is that of the filesystem, which stat(2) gives as well.
 */
static int holder(const struct stat *file)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	char line[256];

	while (locks && fgets(line, sizeof(line), locks)) {
		unsigned int major_number, minor_number;
		unsigned long inode;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major_number,
			   &minor_number, &inode) == 4 &&
		    inode == file->st_ino && major_number == major(file->st_dev) &&
		    minor_number == minor(file->st_dev))
			return pid;
	}
	return 0;
}

/* Its words with blanks between; what is no text becomes a question mark. */
static void read_command(int pid, char *text, size_t size)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32];
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	length = file ? fread(text, 1, size - 1, file) : 0;
	while (length && !text[length - 1])
		length--;
	text[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = ' ';
		else if (!isprint((unsigned char)text[i]))
			text[i] = '?';
}

const char *lock_owner(int fd, char *text, size_t size)
{
	char command[96] = "";
	struct stat file;
	int pid = fstat(fd, &file) ? 0 : holder(&file);

	if (pid > 0)
		read_command(pid, command, sizeof(command));
	if (pid <= 0)
		snprintf(text, size, "another process");
	else
		snprintf(text, size, "process %d%s%s%s", pid, *command ? " (" : "", command,
			 *command ? ")" : "");
	return text;
}
