/* SPDX-License-Identifier: MIT */
/* Who makes a change: the user of this process, and the one behind sudo or su. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "state_internal.h"

#define NO_LOGIN 0xffffffffU /* what the kernel says of processes that nobody logged in for */

static char *name_of(unsigned int uid)
{
	const struct passwd *user = getpwuid(uid);
	char *name = NULL;

	if (user)
		return strdup(user->pw_name);
	return asprintf(&name, "%u", uid) < 0 ? NULL : name;
}

static bool read_number(const char *text, unsigned int *number)
{
	char *end;
	unsigned long long value;

	if (!text || *text < '0' || *text > '9')
		return false;
	value = strtoull(text, &end, 10);
	if ((*end && *end != '\n') || value >= NO_LOGIN)
		return false;
	*number = (unsigned int)value;
	return true;
}

/* sudo says it; else the kernel knows who logged in. */
static bool find_login(unsigned int *uid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char text[16];

	if (read_number(getenv("SUDO_UID"), uid))
		return true;
	file = fopen("/proc/self/loginuid", "re");
	return file && fgets(text, sizeof(text), file) && read_number(text, uid);
}

int state_who(struct state_who *who)
{
	unsigned int login;

	*who = (struct state_who){.uid = getuid()};
	who->user = name_of(who->uid);
	if (!who->user)
		return -ENOMEM;
	if (!find_login(&login) || login == who->uid)
		return 0;
	who->login_uid = login;
	who->login = name_of(login);
	return who->login ? 0 : -ENOMEM;
}
