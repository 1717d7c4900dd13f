/* SPDX-License-Identifier: MIT */
#pragma once

/* The daemon, asked over the system bus. */

/* Calls a method without arguments of the manager, and waits. *ret, to be freed, is the string that
 * it answers with; NULL for @ret: it answers nothing. On failure -errno, and *ret_error, to be
 * freed, is what to tell the user (NULL: out of memory); it may have several lines. */
int bus_call_manager(const char *method, char **ret, char **ret_error);
