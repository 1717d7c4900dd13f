/* SPDX-License-Identifier: MIT */
#pragma once

/* Many small things that end together: none is freed by itself, and strings cost their bytes alone.
 */

#include <stddef.h>

typedef struct PoolBlock PoolBlock;

typedef struct Pool {
    PoolBlock *last; /* internal */
} Pool;

/* @size bytes, for what holds pointers and numbers, too. Valid as those of pool_strdup(). */
void *pool_alloc(Pool *pool, size_t size);

/* A copy of @text, valid until pool_clear(). NULL: out of memory. */
char *pool_strdup(Pool *pool, const char *text);

/* Leaves an empty pool. */
void pool_clear(Pool *pool);
