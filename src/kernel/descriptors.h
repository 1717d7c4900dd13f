/* SPDX-License-Identifier: MIT */
#pragma once

/* The regular files that a process has open. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Descriptor {
    pid_t pid;
    int number;
    const char *path; /* in the mount namespace of the process; valid during the call */
    bool deleted;     /* it has lost that name */
    dev_t dev;
    ino_t ino;
    uint64_t size;  /* bytes, as this kernel knows it */
    uint64_t mount; /* its number, as fdinfo has it; 0: not looked up, where networks are wanted */
} Descriptor;

typedef struct DescriptorHandler {
    /* Whether the file is worth being looked at; NULL: each is. */
    bool (*wanted)(const char *path, bool deleted, void *userdata);
    /* Each by itself, twice where two numbers lead to one file. Something else than 0 ends it. */
    int (*found)(const Descriptor *descriptor, void *userdata);
    void *userdata;
    /* Also on network and FUSE file systems, whose server may be asked then, and never answer. */
    bool network;
} DescriptorHandler;

/* 0; what @handler's found() returned; -ESRCH: the process has ended; -EACCES, -EPERM: it may not
 * be looked into; -ENOMEM, -EMFILE, -ENFILE. Not seen: descriptors of threads with a table of their
 * own. */
int descriptors_of(int proc_fd, pid_t pid, const DescriptorHandler *handler);

/* Whether the number leads to a file on that mount still; nothing of the file is touched. */
bool descriptor_is_on(int proc_fd, pid_t pid, int number, uint64_t mount);
