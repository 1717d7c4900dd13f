/* SPDX-License-Identifier: MIT */
#pragma once

/* The daemon, asked over the system bus. What fails returns -errno, and *ret_error, to be freed, is
 * what to tell the user (NULL: out of memory); it may have several lines. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

typedef struct ManagerBus ManagerBus;

int manager_bus_open(ManagerBus **ret, char **ret_error);

/* Takes NULL, returns NULL. */
ManagerBus *manager_bus_close(ManagerBus *bus);

DEFINE_CLEANUP(ManagerBus *, manager_bus_close)

/* Calls a method without arguments, and waits. *ret, to be freed, is the string that it answers
 * with; NULL for @ret: it answers nothing. */
int manager_bus_call(ManagerBus *bus, const char *method, char **ret, char **ret_error);

/* The same over a connection of its own. */
int bus_call_manager(const char *method, char **ret, char **ret_error);

typedef struct BusPinFile {
    int fd;     /* open for reading only */
    char *path; /* absolute */
} BusPinFile;

typedef struct BusPin {
    const char *unit; /* NULL: none */
    uint64_t usec;    /* for how long; 0: for ever */
    uint64_t user;
    const BusPinFile *files;
    size_t n_files; /* at most PAGEWARDEN_PIN_MAX */
    /* Of a file that is not pinned. */
    void (*problem)(const char *path, const char *reason, void *userdata);
    void *userdata;
} BusPin;

/* Has files pinned: on return the holder has them, and locks them as there is room. */
int manager_bus_pin(ManagerBus *bus, const BusPin *pin, char **ret_error);

typedef struct BusUnpinFile {
    uint64_t dev, ino; /* ino 0: known by its path alone */
    char *path;
} BusUnpinFile;

typedef struct BusUnpin {
    const char *unit; /* NULL: whichever */
    bool all;         /* files are none then */
    const BusUnpinFile *files;
    size_t n_files;
    /* Of a file that was not pinned by hand. */
    void (*unknown)(const char *path, void *userdata);
    void *userdata;
} BusUnpin;

/* *ret_n: files that are let go. */
int manager_bus_unpin(ManagerBus *bus, const BusUnpin *unpin, uint64_t *ret_n, char **ret_error);

/* A file that a holder has. Strings are valid during the call. */
typedef struct BusHeldFile {
    const char *unit; /* "": none */
    const char *path; /* "": not known */
    uint64_t dev, ino;
    uint64_t user;       /* UINT64_MAX: not known */
    uint64_t since_usec; /* CLOCK_REALTIME; 0: not known */
    uint64_t until_usec; /* CLOCK_REALTIME; 0: for ever */
    uint64_t size;       /* bytes that are wanted */
    uint64_t length;     /* bytes that are mapped */
    uint64_t locked;     /* bytes of these */
} BusHeldFile;

/* Calls @file with each that is pinned by hand; it returns 0, or -errno to end. */
int manager_bus_list_by_hand(ManagerBus *bus, int (*file)(const BusHeldFile *, void *userdata),
                             void *userdata, char **ret_error);

/* The same of what @unit's policy has pinned; of these only dev, ino, since, length and
 * locked are known. */
int manager_bus_list_pins(ManagerBus *bus, const char *unit,
                          int (*file)(const BusHeldFile *, void *userdata), void *userdata,
                          char **ret_error);

/* The same of one that takes a path, and answers nothing. -EHOSTUNREACH: there is no bus, or nobody
 * answers, or not within half a minute. */
int bus_call_manager_path(const char *method, const char *path, char **ret_error);
