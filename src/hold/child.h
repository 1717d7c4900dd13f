/* SPDX-License-Identifier: MIT */
#pragma once

/* A process of pagewarden-hold that somebody runs for himself, with one end of a socket pair as its
 * standard input. */

#include <sys/types.h>

typedef struct HoldChild {
    pid_t pid;
    int fd; /* our end; -1: there is no process */
} HoldChild;

/* Runs @program, with only that descriptor of ours and no signal blocked. -errno. */
int hold_child_start(const char *program, char *const argv[], HoldChild *ret);

/* Kills it, and waits for that. */
void hold_child_end(HoldChild *child);
