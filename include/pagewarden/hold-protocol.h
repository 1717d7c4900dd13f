/* SPDX-License-Identifier: MIT */
#pragma once

/* What the controller and a holder say to each other, over a SOCK_SEQPACKET socket that the holder
 * has as its standard input, listening. A packet is a HoldHeader and n_items HoldItems, in the
 * machine's byte order; both ends run on the same kernel. Requests are answered one by one, in
 * their order, each with the items that it had, and what came of each:
 *
 *   HOLD_HELLO   → HOLD_DONE with the holder's pid
 *   HOLD_LIST    → HOLD_ITEMS with up to HOLD_BATCH_MAX files each, then HOLD_DONE without items
 *   HOLD_PIN     → HOLD_DONE: the items were mapped, read and locked as far as they say, in order
 *   HOLD_REFRESH → HOLD_DONE: what a rewriting of the files in place took is locked again, in
 *                  [offset, offset + length) of each; without a length, everywhere
 *   HOLD_RELEASE → HOLD_DONE: the files are unmapped
 *   HOLD_SCORE   → HOLD_DONE: all processes of the holder have the header's score
 *
 * Unasked, at any time but not between the packets of one answer, comes only
 *
 *   HOLD_GONE      these files are no longer held: a process of the holder that had them died
 *
 * An item of HOLD_PIN with HOLD_WITH_FD takes the next descriptor of the packet (SCM_RIGHTS; there
 * are as many as such items), and its device and inode are the descriptor's: [offset, offset +
 * length) of the file is mapped, or what is mapped of it is extended to that. Without it, a file
 * that is held is meant. Either way up to `locked` further bytes of it are locked, in whole pages;
 * all items of a packet together ask for at most HOLD_SLICE_MAX, so that no limit is overshot by
 * more.
 *
 * A file is known by its device and inode, and is held in one piece. HOLD_LOCK_NOW locks it from
 * `offset` on without gaps, HOLD_LOCK_ON_FAULT what the controller says of it is in memory: an item
 * without a descriptor, with that range, which costs no reading then. (The holder cannot know: the
 * kernel tells only a file's owner.) HOLD_LOCK_NONE reads ahead and keeps nothing.
 *
 * Pages stay locked until HOLD_RELEASE or the holder's end; that the controller goes away changes
 * nothing.
 *
 * Versions: of any version of this protocol are the HoldHeader, HOLD_HELLO, which may have anything
 * behind it, and that it is answered by HOLD_DONE with one's own version. Everything else of
 * another version ends the connection. (Version 1 ends it at a HOLD_HELLO of another, too.) Who
 * meets another version starts a holder of its own beside it, and stops the other one when that has
 * all pins. */

#include <stdint.h>

#define HOLD_VERSION 3
#define HOLD_SLICE_MAX \
    (UINT64_C(16) * 1024 * 1024) /* bytes; what one request can overshoot a limit by */

#define HOLD_BATCH_MAX 128 /* items, and so descriptors, of a packet */

typedef enum HoldType {
    HOLD_HELLO = 1,
    HOLD_LIST,
    HOLD_PIN,
    HOLD_REFRESH,
    HOLD_RELEASE,
    HOLD_SCORE,
    HOLD_ITEMS = 64,
    HOLD_DONE,
    HOLD_GONE,
} HoldType;

typedef enum HoldLock {
    HOLD_LOCK_NOW,
    HOLD_LOCK_ON_FAULT,
    HOLD_LOCK_NONE,
} HoldLock;

#define HOLD_WITH_FD 1u

typedef struct HoldHeader {
    uint16_t version;
    uint16_t type; /* HoldType */
    union {
        int32_t error; /* HOLD_DONE: 0, or -errno: nothing of what was asked was begun */
        int32_t score; /* HOLD_SCORE: oom_score_adj, see proc(5) */
    };
    uint32_t n_items;
    uint32_t room; /* HOLD_DONE of one of the holder's processes to another: mappings it can take */
    uint64_t pid;  /* HOLD_DONE */
} HoldHeader;

typedef struct HoldItem {
    uint64_t dev;    /* st_dev */
    uint64_t ino;    /* st_ino */
    uint64_t offset; /* bytes, whole pages */
    uint64_t length; /* bytes; in an answer those that are mapped, 0: the file is not held */
    uint64_t locked; /* request: bytes to lock; answer: bytes of this file that are locked now */
    int32_t error;   /* answer: 0 or -errno; what was asked did not (wholly) happen */
    uint16_t lock;   /* HoldLock */
    uint16_t flags;  /* request: HOLD_WITH_FD; else 0 */
    uint64_t since;  /* answer: microseconds since the epoch, when it was mapped first */
} HoldItem;

typedef struct HoldPacket {
    HoldHeader header;
    HoldItem items[HOLD_BATCH_MAX];
} HoldPacket;
