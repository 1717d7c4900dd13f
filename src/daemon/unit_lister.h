/* SPDX-License-Identifier: MIT */
#pragma once

/* Has systemd list its units when a signal says that something changed, when asked to, and now and
 * then without either. */

#include "daemon/host.h"
#include "systemd/units.h"

typedef struct UnitLister UnitLister;

/* A list, asked for at @asked_usec (CLOCK_MONOTONIC); valid during the call. */
typedef struct UnitListerHandler {
    void (*listed)(const UnitEntry *units, size_t n_units, uint64_t asked_usec, void *userdata);
    void *userdata;
} UnitListerHandler;

/* 0 or -errno. The first list is there once there is a bus. */
int unit_lister_new(Host *host, const UnitListerHandler *handler, UnitLister **ret);

/* Takes NULL, returns NULL. */
UnitLister *unit_lister_free(UnitLister *lister);

DEFINE_CLEANUP(UnitLister *, unit_lister_free)

/* The host's bus is there: its signals are followed. 0 or -errno. */
int unit_lister_bus_up(UnitLister *lister);

void unit_lister_bus_lost(UnitLister *lister);

/* Soon: many requests in a short time cause few lists. */
void unit_lister_request(UnitLister *lister);

/* Without delay; after the one that is under way, if there is one. */
void unit_lister_list(UnitLister *lister);

/* Requests a list where the last one is old, or somebody @waits for a unit. */
void unit_lister_tick(UnitLister *lister, bool waits, uint64_t now_usec);
