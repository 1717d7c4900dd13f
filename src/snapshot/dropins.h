/* SPDX-License-Identifier: MIT */
#pragma once

/* Drop-ins that make services wait for their warm start. */

#include "config/load.h"

/* Writes into the folder @out one drop-in for each service that a policy with `restore` governs,
 * as far as its name can be known: those that the policy names, the templates and installed units
 * that its globs match, and all that begin with what comes before a "-*". Units are looked for
 * below @root ("" is this system). Returns how many, or -errno. */
int dropins_write(const Config *config, const char *root, const char *out);
