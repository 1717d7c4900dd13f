/* SPDX-License-Identifier: MIT */
#pragma once

/* A table of our own for lists that may have 100,000 rows, where libsmartcols takes longer than it
 * takes to find out what is in them. It looks the same. */

#include <stddef.h>
#include <stdio.h>

#include "util/cleanup.h"

#define ROWS_COLUMNS_MAX 16

typedef struct Rows {
    size_t n_columns; /* to be set: all but the last are aligned to the right */
    size_t n_rows;
    size_t widths[ROWS_COLUMNS_MAX]; /* internal, as is the rest */
    char *text;
    size_t used, room;
} Rows;

/* Copies a row of .n_columns cells; NULL is an empty one. Text is what a terminal shows as it is, a
 * column for each character. 0, or -ENOMEM. */
int rows_add(Rows *rows, const char *const cells[]);

/* 0, or -EIO. */
int rows_print(const Rows *rows, FILE *out);

void rows_clear(Rows *rows);
