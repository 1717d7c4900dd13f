/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy/diagnostics.h"
#include "policy/policy.h"

#define POLICY_TEXT_MAX (1024 * 1024) /* bytes of one file */

/* Decodes the text of one policy. Pure: the file has been read, @file is only for messages and kept
 * in the policy, @name is the policy's. @ram (bytes) is what shares of memory are of and what
 * budgets are held against.
 *
 * All mistakes are found in one pass. 0 with *ret, to be freed by policy_free(); -EBADMSG with at
 * least one entry added to @diagnostics; -ENOMEM. *ret is untouched on failure. */
int policy_decode(const char *file, const char *name, const char *text, size_t size, uint64_t ram,
                  Diagnostics *diagnostics, Policy **ret);
