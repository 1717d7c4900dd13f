/* SPDX-License-Identifier: MIT */
#pragma once

/* Files that were pinned by hand for one unit, or for none, in a holder of their own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Out of memory is this file's trouble, not the end of the daemon, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "control/pin_room.h"
#include "daemon/hand_check.h"
#include "daemon/holder.h"
#include "daemon/pin_scan.h"

#define HAND_BY_UNKNOWN UINT64_MAX

typedef struct HandId {
    uint64_t dev, ino;
} HandId;

typedef struct HandFile {
    HandId id;
    char *path;          /* NULL: the holder has it, and nobody knows why */
    uint64_t by;         /* user; HAND_BY_UNKNOWN */
    uint64_t since_usec; /* CLOCK_REALTIME; 0: not known */
    uint64_t until_usec; /* CLOCK_MONOTONIC; 0: for ever */
    uint64_t size;       /* bytes that are wanted */
    uint64_t length;     /* bytes that the holder has mapped; 0: it does not have the file */
    uint64_t locked;     /* bytes of these, as it says */
    int fd;              /* to be handed over; -1 */
    int error;           /* why it is not locked further; 0 */
    bool asked;    /* in the call that is being answered: what is wrong with it is told there */
    bool let_go;   /* to be released, and forgotten */
    bool released; /* not to be held while what is below a folder is released, */
    bool shed;     /* or while the host's memory is short; see hand_away.h */
    bool renew;    /* to be released, and handed over again: it was truncated */
    bool refresh;  /* was rewritten in place: what is missing of it is to be locked again, */
    uint64_t refreshed; /* and so many bytes of it were looked at already */
    UT_hash_handle hh;
} HandFile;

/* What a call wants pinned. */
typedef struct HandWish {
    char *path;
    uint64_t dev, ino;
    uint64_t size; /* bytes; not 0 */
    int fd;        /* open for reading */
} HandWish;

/* Owned by whoever makes it, until it is handed to hand_pin(). */
typedef struct HandCall {
    HandWish *wishes;
    size_t n_wishes;
    uint64_t by, until_usec;
    PinProblems problems; /* out */
    /* Once all are handed over, or not: @error is NULL, or why nothing was done. Frees the call. */
    void (*answer)(struct HandCall *call, const char *error_name, const char *error);
    void *userdata;
    struct HandCall *next;
} HandCall;

/* Frees what is in it but for userdata, and the call. */
void hand_call_free(HandCall *call);

typedef enum HandState {
    HAND_WAITING, /* for its unit to be known, for the bus, for the next try */
    HAND_CONNECTING,
    HAND_LISTING,
    HAND_PINNING, /* a request is under way */
    HAND_SETTLED, /* nothing is to be done now */
} HandState;

typedef struct Hand {
    Host *host;
    char *unit;   /* NULL: none */
    char *key;    /* what its holder is named by */
    char *label;  /* "shop.service, by hand" */
    char *slice;  /* of the holder; NULL until it is known */
    char *cgroup; /* whose limits bound the pins */
    HandState state;
    bool listed;        /* the unit runs, says the list that is being read */
    uint64_t left_usec; /* since when it does not; 0: it does */
    int runtime_fd;     /* borrowed: where the record is */
    bool changed;       /* what the record says of its files is no longer so */

    HandFile *files; /* in the order in which they came; new ones at the end */
    size_t n_open;   /* of these, with a descriptor */
    bool releases;   /* there may be some to let go or to renew, */
    bool refreshes;  /* or to refresh */
    uint64_t mapped; /* bytes that the holder has mapped, in whole pages */
    HandCall *calls; /* the first is being answered, the others wait */
    bool begun;      /* the first one's files are among ours */

    sd_bus_slot *describing;
    Holder *holder;
    pid_t holder_pid;
    HoldPacket packet; /* the request under way */
    HoldFds fds;
    uint64_t sum;         /* bytes that are locked, in whole pages: our part of host->locked */
    PinBound bound;       /* why not more */
    PinBound last_bound;  /* as it was told */
    PinProblems problems; /* of files that are still ours */

    bool keeps;       /* in a shortage: the unit's policy says so */
    int score;        /* that the holder was told to have; 0: none yet */
    bool withheld;    /* something went because the host's memory is short: nothing is locked */
    HandCheck *check; /* in the queue's hands */
    bool check_again; /* after the round that is under way, another one */
    uint64_t check_began_usec;
    char **mounts;      /* that files of ours are on, other than "/" */
    char **next_mounts; /* as far as this round found them */
    void (*round_ended)(struct Hand *hand);
    HandId check_at; /* the last that was checked */
    Job *measuring;
    uint64_t locked;                        /* bytes, as last measured */
    uint64_t measured_usec, measuring_usec; /* when it began last, and how long it took */
    uint64_t check_usec;                    /* when to look at the files again */
    uint64_t next_usec;                     /* WAITING: when to go on */
    uint64_t backoff_usec;
    unsigned tries; /* to have a holder for the calls */
} Hand;

/* @unit is copied, and may be NULL. */
int hand_new(Host *host, int runtime_fd, const char *unit, Hand **ret);

/* The holder goes on; calls are dropped without an answer. Takes NULL, returns NULL. */
Hand *hand_free(Hand *hand);

DEFINE_CLEANUP(Hand *, hand_free)

/* NULL: there is none. */
HandFile *hand_find(const Hand *hand, uint64_t dev, uint64_t ino);

/* A file that is to be held; how far it is, its holder tells. NULL: out of memory. */
HandFile *hand_add(Hand *hand, const char *path, uint64_t dev, uint64_t ino);

/* Takes @call over. */
void hand_pin(Hand *hand, HandCall *call);

/* Marks the file as to be let go; hand_tick() does it. */
void hand_let_go(Hand *hand, HandFile *file);

/* Takes @fd over as what is to be handed over of the file; -1: nothing. */
void hand_set_fd(Hand *hand, HandFile *file, int fd);

/* To be called every second or so, and after hand_let_go(). */
void hand_tick(Hand *hand, uint64_t now_usec);

/* The unit runs, or not. */
void hand_note_running(Hand *hand, bool running, uint64_t now_usec);

/* The system bus is gone. */
void hand_bus_lost(Hand *hand);

/* Nothing is pinned or asked for, and there is no holder. */
bool hand_is_finished(const Hand *hand);

const char *hand_state_to_string(HandState state);
