/* SPDX-License-Identifier: MIT */
#pragma once

/* Files whose only good copy may be the one in memory, because the disk refused to take it. The
 * kernel takes such pages for clean, and tells of them once, to whoever asks first. All of this may
 * be called by several threads. */

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"

typedef struct Barred Barred;

/* So many files are known one by one; of a file system with one more, every file counts. */
#define BARRED_MAX 4096

/* NULL: out of memory. */
Barred *barred_new(void);

/* Takes NULL, returns NULL. */
Barred *barred_free(Barred *barred);

DEFINE_CLEANUP(Barred *, barred_free)

/* In the folder of the controller's run-time files, beside the ledger. */
#define BARRED_NAME "barred"

/* Adds what the record in @dir_fd says; *ret_bad, unless NULL, is the lines of it that cannot be
 * understood. No record is an empty one. */
int barred_read(Barred *barred, int dir_fd, size_t *ret_bad);

/* From now on it is kept there, which is borrowed. */
void barred_keep(Barred *barred, int dir_fd);

/* Whether the file open for reading as @fd must stay: it could not be written, and something of it
 * has been in memory since. Where nothing is any more, it is forgotten. @barred may be NULL: none
 * is. */
bool barred_holds(Barred *barred, int fd);

/* Whether what is in memory of the file may go: all of it is clean, and on the disk. Asks for that
 * only if nothing is dirty, so that nothing is written. */
bool barred_lets_go(Barred *barred, int fd);

/* Whether @error, of writing or of asking, says nothing about the disk: there was no memory, or a
 * signal. By any other a write may have failed: each file system has its own. */
bool barred_is_of_the_moment(int error);

/* The disk would not even be asked to take it. @barred may be NULL. */
void barred_add(Barred *barred, int fd);

/* Whether all of the file that seems to be clean is on the disk, as evict_check_written(); where it
 * is not, the file is barred from now on, but not for what is of the moment alone. -EIO: it is
 * already; then the kernel is not asked. One file is asked about by one thread at a time: others
 * wait for what it is told. @barred may be NULL: nobody remembers. */
int barred_ask(Barred *barred, int fd);
