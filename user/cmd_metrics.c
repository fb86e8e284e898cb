/* SPDX-License-Identifier: MIT */
/* rolewall metrics: what runs, as OpenMetrics, on stdout or in a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "command.h"
#include "openmetrics.h"
#include "reading.h"

enum { OPTION_TEXTFILE };

/* Writes and syncs the open file; closes it in any case. */
static int fill_file(int fd, const struct reading *reading)
{
	FILE *out = fdopen(fd, "w");
	int err = 0;

	if (!out) {
		err = -errno;
		close(fd);
		return err;
	}
	openmetrics_write(reading, out);
	openmetrics_end(out);
	errno = 0;
	if (fflush(out) || ferror(out) || fchmod(fd, 0644) || fsync(fd))
		err = errno ? -errno : -EIO;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

/* Readers see the old file or the new one, whole: it is renamed into its place. */
static int write_textfile(const char *path, const struct reading *reading)
{
	_cleanup_free_ char *draft = NULL;
	int fd, err;

	if (asprintf(&draft, "%s.XXXXXX", path) < 0) {
		draft = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(draft, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
	} else {
		err = fill_file(fd, reading);
		if (!err && rename(draft, path))
			err = -errno;
		if (err)
			unlink(draft);
	}
	if (err)
		fprintf(stderr, "rolewall: cannot write %s: %s\n", path, strerror(-err));
	return err;
}

static int run(const struct arguments *arguments)
{
	_cleanup_(reading_free) struct reading reading = {.running.kernel = KERNEL_CLOSED};
	const char *path = arguments->values[OPTION_TEXTFILE];
	int err;

	err = reading_take(arguments->common.pin_dir, &reading);
	if (err)
		return err;
	if (path)
		return write_textfile(path, &reading);
	openmetrics_write(&reading, stdout);
	openmetrics_end(stdout);
	return 0;
}

#define ONE_FORMAT "it has one format, OpenMetrics"

const struct command command_metrics = {
	.name = "metrics",
	.summary = "Print every counter and fill level as OpenMetrics",
	.help = "OpenMetrics 1.0 text, which Prometheus reads. With --textfile it goes to a file, in one\n"
		"step: a reader sees the old one or the new one. Names stay what they are from version\n"
		"to version; docs/metrics.md lists them.",
	.no_json = ONE_FORMAT,
	.no_csv = ONE_FORMAT,
	.options = {{"textfile", "FILE", "write FILE instead of stdout"}},
	.run = run,
};
