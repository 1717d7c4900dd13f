/* SPDX-License-Identifier: MIT */
#pragma once

/* Pressure stall information, Documentation/accounting/psi.rst. */

#include "control/sample.h"

#define PSI_HOST_MEMORY "pressure/memory" /* below /proc */

/* The text of a pressure file. Sets valid. -EBADMSG, with *ret untouched, where there is no whole
 * "some" line; a missing "full" line counts as 0. */
int psi_parse(const char *text, PsiTotals *ret);

/* The host's memory pressure. What opening and reading it fails with; -EBADMSG. */
int psi_read_host(int proc_fd, PsiTotals *ret);

/* Arms a trigger on the pressure file @name in @dir_fd, and returns its descriptor: POLLPRI once
 * some task has stalled for @stall_usec within @window_usec. What the kernel fails with: -EINVAL
 * for windows that only who has CAP_SYS_RESOURCE may use, -EPERM. */
int psi_arm(int dir_fd, const char *name, uint64_t stall_usec, uint64_t window_usec);

/* 0 where the kernel keeps PSI, -EOPNOTSUPP where it does not (not built in, or psi=0 at boot). */
int psi_probe(int proc_fd);
