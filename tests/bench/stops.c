/* SPDX-License-Identifier: MIT */
/*
 * How often a CPU is elsewhere, for the hypervisor's sake or another task's:
 *
 *	stops CPU SECONDS
 *
 * Reads the clock as fast as it can, before all other tasks, and prints the part of the time, in percent, that was
 * lost in stops of more than 100 us, and the longest of them in us.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define STOP 100000 /* ns */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv)
{
	int64_t lost = 0, longest = 0, start, last, end;
	cpu_set_t cpus;

	if (argc != 3 || atof(argv[2]) <= 0) {
		fprintf(stderr, "usage: stops CPU SECONDS\n");
		return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(argv[1]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) || setpriority(PRIO_PROCESS, 0, -20)) {
		fprintf(stderr, "stops: %s\n", strerror(errno));
		return 1;
	}
	start = last = now();
	end = start + (int64_t)(atof(argv[2]) * 1e9);
	while (last < end) {
		int64_t time = now(), stop = time - last;

		if (stop > STOP) {
			lost += stop;
			longest = stop > longest ? stop : longest;
		}
		last = time;
	}
	printf("%.2f %lld\n", 100.0 * (double)lost / (double)(last - start),
	       (long long)longest / 1000);
	return 0;
}
