/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/settings.h"

/* Decodes a policy: @sources[0] is its file, the others (at least one in all) its drop-ins, which
 * are merged into it in their order. Pure: the files have been read; their texts need not outlive
 * the policy. @ram (bytes) is what shares of memory are of and what budgets are held against.
 *
 * All mistakes of a file are found in one pass, and those of all files before what they say
 * together is judged. 0 with *ret, to be freed by policy_free(); -EBADMSG with at least one mistake
 * added to @diagnostics; -ENOMEM. *ret is untouched on failure; warnings and notes may be added in
 * any case. */
int policy_decode(const char *name, const Source *sources, size_t n_sources, uint64_t ram,
                  Diagnostics *diagnostics, Policy **ret);

/* The same of the daemon's settings, for settings_clear(); without any source they are the
 * defaults. */
int settings_decode(const Source *sources, size_t n_sources, uint64_t ram, Diagnostics *diagnostics,
                    Settings *ret);
