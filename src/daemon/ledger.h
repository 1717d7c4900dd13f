/* SPDX-License-Identifier: MIT */
#pragma once

/* What was before we changed it, in a file that outlives us, so that it can be put back whatever
 * happens. An entry is on the file before the change is made, and leaves it after it was undone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

typedef struct LedgerEntry {
    char *unit;        /* "backup.service"; of a control group that is no unit, its path */
    char *cgroup;      /* its path below the root */
    uint64_t original; /* memory.high, bytes, LIMIT_NONE: max */
    uint64_t ours[2];  /* what is in force, and what is about to be: either may be, after a crash */
    bool had_dropin;   /* someone else had set MemoryHigh at run time: what is put back stays a
                          drop-in */
    uint64_t id;       /* cgroup_id() of what is at its path */
} LedgerEntry;

typedef struct Ledger {
    int dir_fd; /* borrowed */
    LedgerEntry *entries;
    size_t n_entries;
} Ledger;

#define LEDGER_NAME "ledger"

/* Reads the file; none is an empty one. A line that cannot be read is skipped: *ret_bad (may be
 * NULL) counts those. 0, -ENOMEM, or what reading failed with. */
int ledger_open(Ledger *ledger, int dir_fd, size_t *ret_bad);
void ledger_close(Ledger *ledger);

const LedgerEntry *ledger_find(const Ledger *ledger, const char *unit);

/* Notes that memory.high of a unit is about to be changed. @values is copied. The first note of a
 * unit keeps its original and had_dropin, later ones leave them as they are. What cannot be written
 * is not noted; -EFBIG: there is too much to be read again. */
int ledger_note(Ledger *ledger, const LedgerEntry *values);

/* What is put back is another value from now on, and someone else's files say it. Errors as
 * ledger_note(), and nothing has changed. */
int ledger_set_original(Ledger *ledger, const char *unit, uint64_t original);
int ledger_forget(Ledger *ledger, const char *unit);

/* No unit of systemd's: its files are all that is written. */
static inline bool ledger_is_cgroup(const char *unit)
{
    return unit[0] == '/';
}

/* Whether @value is one that we set. */
bool ledger_entry_is_ours(const LedgerEntry *entry, uint64_t value);
