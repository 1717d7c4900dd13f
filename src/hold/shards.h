/* SPDX-License-Identifier: MIT */
#pragma once

/* The files of a holder, spread over as many processes as it takes: vm.max_map_count bounds the
 * mappings of one. */

#include <poll.h>

#include "hold/apply.h"

/* Leaves files that grow room below the kernel's default of 65,530. */
#define SHARD_MAPPINGS 60000

/* Processes besides the first one. */
#define SHARDS_MAX 64

typedef struct Shards Shards;

/* This process takes new files while it has fewer than @mappings mappings of them. Then, if
 * @spread, further processes are started: this program with the argument --shard. */
int shards_new(size_t mappings, bool spread, Shards **ret);

/* Ends the other processes, and unlocks everything. Takes NULL, returns NULL. */
Shards *shards_free(Shards *shards);

DEFINE_CLEANUP(Shards *, shards_free)

/* As hold_apply(). What is with a process that died is answered with -EPIPE. */
void shards_apply(Shards *shards, HoldPacket *packet, const int *fds);

/* As hold_list(). */
int shards_list(Shards *shards, int (*send)(const HoldPacket *packet, void *userdata),
                void *userdata);

/* Sets the oom_score_adj of all processes; those that come later have this one's. -EACCES: it is
 * below the one that this process was started with. */
int shards_set_score(Shards *shards, int score);

/* How many mappings this process can take before others have to. */
uint32_t shards_room(const Shards *shards);

/* For poll(2): fills in @ret, of SHARDS_MAX; how many there are. When any of them has an event,
 * shards_check() is to be called. */
size_t shards_poll(const Shards *shards, struct pollfd *ret);
void shards_check(Shards *shards, const struct pollfd *polled, size_t n);

/* The next HOLD_GONE for files whose process died; whether there is one. */
bool shards_take_gone(Shards *shards, HoldPacket *ret);
