/* SPDX-License-Identifier: MIT */
#pragma once

/* What was in memory before a command ran, so that what it leaves behind can be taken out without
 * that. */

#include <stddef.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "kernel/residency.h"

typedef struct SparedFile {
    dev_t dev;
    ino_t ino;
    int error;             /* the kernel did not tell, so that all of the file is to stay */
    ResidentRange *ranges; /* rising */
    size_t n_ranges;
} SparedFile;

typedef struct Spared {
    SparedFile *files; /* by device and inode: those of which anything was in memory */
    size_t n_files;
    size_t room; /* internal */
} Spared;

/* Of the files that @paths name, and those below. What cannot be looked at is left out without a
 * word: there will be another look. *ret is for spared_clear(), on failure too. -ENOMEM, -EMFILE,
 * -ENFILE. */
int spared_note(Spared *ret, char *const paths[]);
void spared_clear(Spared *spared);

/* NULL: nothing of it was in memory. */
const SparedFile *spared_find(const Spared *spared, const struct stat *st);

/* Runs the program, with SIGINT and SIGQUIT for it alone. Its exit status, as a shell has it; it
 * could not be started, which is complained of: 126, 127. */
ExitCode run_command(char *const command[]);
