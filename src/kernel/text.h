/* SPDX-License-Identifier: MIT */
#pragma once

/* The kernel's line formats: walking lines and taking numbers without copying. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the next line that ends with a newline off *text; returns its length without the newline
 * and puts its start into *ret_line, or -1 where no whole line is left (a cut one is dropped: its
 * number would be another number). */
ptrdiff_t text_next_line(const char **text, const char **ret_line);

/* A decimal number at *p, before @end; *p is moved behind it. -EINVAL: no digit; -ERANGE: over 64
 * bits. */
int text_take_u64(const char **p, const char *end, uint64_t *ret);

/* Cuts off the " (deleted)" that d_path() (fs/d_path.c) puts behind a path whose name is gone; a
 * file that was named so cannot be told from that. False: it is not there. */
bool text_cut_deleted(char *path);
