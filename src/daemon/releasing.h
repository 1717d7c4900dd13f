/* SPDX-License-Identifier: MIT */
#pragma once

/* Lets go of what is pinned below a folder, for who asks over the bus, and answers when it is done.
 */

#include "daemon/host.h"
#include "daemon/released.h"

typedef struct Releasing Releasing;

typedef struct ReleasingHandler {
    /* What is released changed: pins are to be looked at, at once. */
    void (*look)(void *userdata);
    /* Nothing is pinned any more that was released before @since_usec. */
    bool (*has_let_go)(uint64_t since_usec, void *userdata);
    void *userdata;
} ReleasingHandler;

/* Host.released is its, too. */
int releasing_new(Host *host, const ReleasingHandler *handler, Releasing **ret);

/* Takes NULL, returns NULL. */
Releasing *releasing_free(Releasing *releasing);

DEFINE_CLEANUP(Releasing *, releasing_free)

/* Release(path) and PinAgain(path). */
int releasing_on_release(Releasing *releasing, sd_bus_message *message, sd_bus_error *error);
int releasing_on_pin_again(Releasing *releasing, sd_bus_message *message, sd_bus_error *error);

/* Everything is pinned again: a reload. */
void releasing_forget(Releasing *releasing);

/* Nobody waits for an answer any more. */
void releasing_bus_lost(Releasing *releasing);
