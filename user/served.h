/* SPDX-License-Identifier: MIT */
/* Metrics over HTTP: a listener for few and patient clients, run by the caller's own loop. */
#ifndef ROLEWALL_SERVED_H
#define ROLEWALL_SERVED_H

#include <stdio.h>

struct served;

/* Writes the answer; errors of OUT are left to its owner. */
typedef void served_fn(FILE *out, void *context);

/*
 * WHERE: "PORT" (127.0.0.1), "ADDRESS:PORT" or "[ADDRESS]:PORT". Returns 0, ERR_USAGE if that is
 * none, or -errno; message on stderr.
 */
int served_open(const char *where, served_fn *write, void *context, struct served **served);
void served_close(struct served *served);
/* To be polled for reading; then, and when its timeout is over, served_run(). */
int served_fd(const struct served *served);
/* Milliseconds, -1 = none. */
int served_timeout(const struct served *served);
void served_run(struct served *served);

#endif
