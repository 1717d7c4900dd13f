/* SPDX-License-Identifier: MIT */
#pragma once

/* When the files of one pinner are looked for again, and how long their changes waited for it. */

#include "control/follow.h"
#include "daemon/host.h"
#include "daemon/pin_watch.h"

typedef struct PinFollowStatus {
    size_t watched, unwatched;    /* folders */
    uint64_t changes;             /* that were followed */
    uint64_t last_usec, max_usec; /* from the arrival of a change to the holder's last answer */
    uint64_t overflows;           /* of the host's queue */
} PinFollowStatus;

typedef struct PinFollow {
    Host *host;
    void (*due)(void *userdata);
    void *userdata;

    FollowState state;
    PinWatchUser user;
    bool joined;
    sd_event_source *timer;
    WatchList folders;    /* that the last scan walked */
    bool scanning;        /* the next list of folders is being made */
    uint64_t moment;      /* the scan sees what happened up to it */
    uint64_t began_usec;  /* the scan */
    uint64_t scan_usec;   /* how long it took */
    uint64_t change_usec; /* the oldest that this scan sees; 0: none */
    PinFollowStatus status;
} PinFollow;

/* @due: it is time for a scan, unless one is under way. */
int pin_follow_init(PinFollow *follow, Host *host, void (*due)(void *userdata), void *userdata);

/* Repeatable, and good for zeroes. */
void pin_follow_done(PinFollow *follow);

/* A scan begins. Returns the empty list that it is to fill with the folders it walks. */
WatchList pin_follow_begin(PinFollow *follow);

/* It has ended; @folders, which is taken, may be NULL where it failed. */
void pin_follow_scanned(PinFollow *follow, WatchList *folders);

/* All is done that it found. @requests: there was something, @pins: locking files, too. */
void pin_follow_settled(PinFollow *follow, bool requests, bool pins);

bool pin_follow_is_due(const PinFollow *follow, uint64_t now_usec);

PinFollowStatus pin_follow_status(const PinFollow *follow);
