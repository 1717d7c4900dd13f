/* SPDX-License-Identifier: MIT */
#pragma once

/* What the verbs about pins by hand share. */

#include <stdbool.h>
#include <stdint.h>

#include "cli/bus.h"

/* What is pinned by hand for one unit, or for none. */
typedef struct ByHand {
    bool known;     /* the daemon has any; else the rest is 0 */
    bool settled;   /* nothing is being done now */
    bool waits;     /* for a holder: nothing is locked */
    uint64_t files; /* that are wanted */
    uint64_t files_locked;
    uint64_t wanted;   /* bytes */
    uint64_t held;     /* bytes that the holder has locked, as it says */
    uint64_t locked;   /* as measured */
    char *bound;       /* why not more; NULL: nothing keeps it */
    size_t n_problems; /* files that cannot be locked */
} ByHand;

/* Frees what is in it, and leaves it empty. */
void by_hand_clear(ByHand *by_hand);

/* Asks for what is pinned for @unit (NULL: for none), in place of what *ret had. Complains, and
 * returns -errno. */
int by_hand_read(ManagerBus *bus, const char *unit, ByHand *ret);

/* Who sits in front of it: the user who logged in, whoever he has become since; else the caller. */
uint64_t login_user(void);

/* The value of --unit: a unit's name, "shop" meaning shop.service. *ret, to be freed, replaces what
 * was there. Complains where it is none, and returns false. */
bool unit_name_parse(const char *verb, const char *text, char **ret);
