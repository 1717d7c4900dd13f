/* SPDX-License-Identifier: MIT */
#pragma once

/* What the controller and a holder say to each other, over a SOCK_SEQPACKET socket that the holder
 * has as its standard input, listening. One HoldMessage a packet, in the machine's byte order; both
 * ends run on the same kernel. The holder speaks only when asked, and answers requests one by one,
 * in their order:
 *
 *   HOLD_HELLO            → HOLD_DONE with the holder's pid in `ino`
 *   HOLD_LIST             → HOLD_ITEM for every file, then HOLD_DONE
 *   HOLD_OPEN + descriptor→ HOLD_DONE: `length` bytes of the file are mapped, nothing new is locked
 *   HOLD_LOCK             → HOLD_DONE: up to `length` (≤ HOLD_SLICE_MAX) further bytes are locked
 *   HOLD_REFRESH          → HOLD_DONE: what a rewriting of the file in place took is locked again
 *   HOLD_RELEASE          → HOLD_DONE: the file is unmapped
 *
 * A file is known by its device and inode. It is locked from its beginning, without gaps, and its
 * pages stay locked until HOLD_RELEASE or the holder's end; that the controller goes away changes
 * nothing. */

#include <stdint.h>

#define HOLD_VERSION 1
#define HOLD_SLICE_MAX \
    (UINT64_C(16) * 1024 * 1024) /* bytes; what one request can overshoot a limit by */

typedef enum HoldType {
    HOLD_HELLO = 1,
    HOLD_LIST,
    HOLD_OPEN,
    HOLD_LOCK,
    HOLD_RELEASE,
    HOLD_REFRESH,
    HOLD_ITEM = 64,
    HOLD_DONE,
} HoldType;

typedef struct HoldMessage {
    uint16_t version;
    uint16_t type;   /* HoldType */
    int32_t error;   /* HOLD_DONE: 0 or -errno; what was asked did not (wholly) happen */
    uint64_t dev;    /* st_dev */
    uint64_t ino;    /* st_ino */
    uint64_t length; /* bytes */
    uint64_t locked; /* HOLD_ITEM, HOLD_DONE: bytes of this file that are locked now */
} HoldMessage;
