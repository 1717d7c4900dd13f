/* SPDX-License-Identifier: MIT */
#pragma once

/* Looks which parts of the files that pin rules mean are in memory. */

#include "select/pin_files.h"
#include "snapshot/format.h"

/* Adds to @writer, which was begun, the files of @rules of which something is in memory, the most
 * important first; those of mapped rules only as far as @scope has processes. Waits for disks.
 * *ret_full: the snapshot got no more of them, because it has the size that it may have. Fails as
 * pin_files() does, and with -ENOMEM; what cannot be opened or looked at is left out. */
int snapshot_take(const SelectScope *scope, const PinRule *rules, size_t n_rules,
                  const PinOrder *order, SnapshotWriter *writer, bool *ret_full);

/* What identifies the file behind @st. */
SnapshotId snapshot_id_of(const struct stat *st);
