/* SPDX-License-Identifier: MIT */
#pragma once

/* The command line of `evict`. */

#include "cli/cli.h"
#include "evict/ladder.h"

typedef struct EvictArguments {
    OutputOptions output; /* the defaults are the caller's to set */
    bool dry_run;
    LadderOptions ladder; /* as far as it is said */
    char **paths;
    bool listed;          /* some of these in a file */
    char *const *command; /* to be run first, sparing what was in memory before; NULL: none */
} EvictArguments;

/* Reads lists of files, too. False: the verb is over, with *ret_code; what is wrong was told. *ret
 * is for evict_arguments_clear() in any case. */
bool evict_arguments_parse(int argc, char *argv[], EvictArguments *ret, ExitCode *ret_code);
void evict_arguments_clear(EvictArguments *arguments);
