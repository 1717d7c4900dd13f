/* SPDX-License-Identifier: MIT */
#pragma once

/* From now on this process (and what it forks) sees system call @nr fail with @error. Not to be
 * taken back: for forked children. */
void seccomp_answer(int nr, int error);

/* The same, only where argument @index (from 0; its lower 32 bits) is @value. */
void seccomp_answer_if(int nr, unsigned index, unsigned value, int error);
