/* SPDX-License-Identifier: MIT */
#pragma once

/* Pressure stall information, Documentation/accounting/psi.rst. */

#include "control/sample.h"

/* The text of a pressure file. Sets valid. -EBADMSG, with *ret untouched, where there is no whole
 * "some" line; a missing "full" line counts as 0. */
int psi_parse(const char *text, PsiTotals *ret);

/* 0 where the kernel keeps PSI, -EOPNOTSUPP where it does not (not built in, or psi=0 at boot). */
int psi_probe(int proc_fd);
