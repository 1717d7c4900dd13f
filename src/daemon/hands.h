/* SPDX-License-Identifier: MIT */
#pragma once

/* All that was pinned by hand, and the record of it. */

#include <json-c/json.h>

#include "control/pin_plan.h"
#include "daemon/hand.h"
#include "systemd/units.h"

/* Files; each costs some 250 bytes, and its mapping in a holder. */
#define HANDS_FILES_MAX 100000

typedef struct Hands {
    Host *host;
    int runtime_fd; /* borrowed */
    Hand **hands;
    size_t n_hands;
} Hands;

/* With what the record in @runtime_fd says; nothing is done before hands_tick(). */
int hands_new(Host *host, int runtime_fd, Hands **ret);

/* Leaves holders and record as they are. Takes NULL, returns NULL. */
Hands *hands_free(Hands *hands);

DEFINE_CLEANUP(Hands *, hands_free)

/* To be called every second or so. */
void hands_tick(Hands *hands, uint64_t now_usec);

/* systemd's list: what serves a unit that does not run is let go after PIN_AWAY_USEC. */
void hands_note_units(Hands *hands, const UnitEntry *units, size_t n_units, uint64_t now_usec);

void hands_bus_lost(Hands *hands);

/* What is released changed: files are let go, or may come back. */
void hands_look(Hands *hands);

/* None has anything that was released before @since_usec, in a holder that it is connected to. */
bool hands_have_let_go(const Hands *hands, uint64_t since_usec);

/* Whether one of them is connected to the holder whose unit is @name. */
bool hands_use_holder(const Hands *hands, const char *name);

/* Adds the mount points, other than "/", that files are on to *set. -ENOMEM. */
int hands_note_mounts(const Hands *hands, char ***set);

/* Whether the unit @name is a holder of ours. */
bool hands_own(const Hands *hands, const char *name);

/* Takes @call over in any case; @unit may be NULL. -EDQUOT: it would be too many files; -ENOMEM. */
int hands_pin(Hands *hands, const char *unit, HandCall *call);

/* Which files are meant: of @unit (NULL: of all and none), and, if one is given, this one: by
 * device and inode, or where @ino is 0 by path. */
typedef struct HandChoice {
    const char *unit;
    const char *path; /* NULL: all */
    uint64_t dev, ino;
} HandChoice;

/* Lets go what @choice means; returns how many files that is. hands_flush() does it. */
size_t hands_unpin(Hands *hands, const HandChoice *choice);
void hands_flush(Hands *hands);

/* Files that are held; *ret has room for as many as hands_count() says. */
size_t hands_count(const Hands *hands);
size_t hands_held(const Hands *hands, PinId *ret);

/* A reference for the caller: what `status` shows. NULL: out of memory. */
json_object *hands_describe(const Hands *hands);
