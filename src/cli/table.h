/* SPDX-License-Identifier: MIT */
#pragma once

/* libsmartcols, as all our tables want it: no second escaping, and nothing is cut off: half of a
 * path is of no use. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <libsmartcols.h>

#include "util/cleanup.h"

DEFINE_CLEANUP(struct libscols_table *, scols_unref_table)

/* 0, or -ENOMEM. The caller unrefs the table. */
int table_new(FILE *out, bool legend, struct libscols_table **ret);
int table_add_column(struct libscols_table *table, const char *name, int flags);

/* A row of copies of the @n @cells; NULL is an empty cell. 0, or -ENOMEM. */
int table_add_row(struct libscols_table *table, const char *const cells[], size_t n);

/* 0 or -errno. */
int table_print(struct libscols_table *table);
