/* SPDX-License-Identifier: MIT */
#pragma once

/* Many strings that end together: none is freed by itself, and each costs its bytes alone. */

typedef struct PoolBlock PoolBlock;

typedef struct Pool {
    PoolBlock *last; /* internal */
} Pool;

/* A copy of @text, valid until pool_clear(). NULL: out of memory. */
char *pool_strdup(Pool *pool, const char *text);

/* Leaves an empty pool. */
void pool_clear(Pool *pool);
