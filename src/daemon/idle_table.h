/* SPDX-License-Identifier: MIT */
#pragma once

/* Since when files have been in memory, unchanged and in nobody's hands, as far as our looks tell.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct IdleTable IdleTable;

/* NULL: out of memory. */
IdleTable *idle_table_new(void);

/* Takes NULL, returns NULL. */
IdleTable *idle_table_free(IdleTable *table);

/* Begins a look: what is not noted until idle_table_end() is forgotten then. */
void idle_table_begin(IdleTable *table, uint64_t now_usec);
void idle_table_end(IdleTable *table);

/* It is later, and the look is not over. */
void idle_table_go_on(IdleTable *table, uint64_t now_usec);

/* The file is in memory now, and maybe in someone's hands. For how long it has not been, this look
 * included; 0 where there is no room for one more. */
uint64_t idle_table_note(IdleTable *table, const struct stat *st, bool in_use);

/* Nothing of it is in memory any more: others may have its place, in this look already. */
void idle_table_forget(IdleTable *table, const struct stat *st);

/* The disk takes nothing of it. So it is, says idle_table_is_stuck(), until that is noted not to be
 * so any more, or it is not in memory at a look. */
void idle_table_note_stuck(IdleTable *table, const struct stat *st, bool stuck);
bool idle_table_is_stuck(const IdleTable *table, const struct stat *st);
