/* SPDX-License-Identifier: MIT */
#pragma once

/* Reads the configuration again, on a worker, and judges it. */

#include "config/load.h"
#include "daemon/host.h"

/* On the loop. Both may take what they like out of the configuration. */
typedef struct ReloadHandler {
    void (*adopt)(Config *config, void *userdata);  /* it is good: puts it in force */
    void (*refuse)(Config *config, void *userdata); /* it has mistakes, which were told */
    void *userdata;
} ReloadHandler;

/* NULL: it is in force; or all mistakes, one a line. */
typedef void (*reloaded_t)(const char *errors, void *userdata);

/* @done may be NULL; it is called once, at the latest when the host's queues end. @places outlives
 * them. -ENOMEM. */
int reload_begin(Host *host, const ConfigPlaces *places, const ReloadHandler *handler,
                 reloaded_t done, void *userdata);
