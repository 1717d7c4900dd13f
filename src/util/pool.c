/* SPDX-License-Identifier: MIT */
/* Blocks that double in size. The large ones come from mmap(2) and go back to the system when they
 * are freed, which 100,000 small pieces of a heap do not. */

#include "util/pool.h"

#include <string.h>

#include "util/cleanup.h"

#define BLOCK_MIN 1024
#define BLOCK_MAX (256 * 1024)

struct PoolBlock {
    PoolBlock *before;
    size_t size, used; /* bytes of text */
    char text[];
};

/* One with room for @needed bytes, as the last. */
static PoolBlock *block_new(Pool *pool, size_t needed)
{
    size_t size = BLOCK_MIN;

    if (pool->last)
        size = pool->last->size < BLOCK_MAX ? pool->last->size * 2 : BLOCK_MAX;
    if (size < needed)
        size = needed;
    PoolBlock *block = malloc(sizeof(PoolBlock) + size);
    if (!block)
        return NULL;

    *block = (PoolBlock){ .before = pool->last, .size = size };
    return pool->last = block;
}

char *pool_strdup(Pool *pool, const char *text)
{
    size_t size = strlen(text) + 1;
    PoolBlock *block = pool->last;

    if (!block || block->size - block->used < size)
        block = block_new(pool, size);
    if (!block)
        return NULL;
    char *copy = memcpy(block->text + block->used, text, size);
    block->used += size;
    return copy;
}

void pool_clear(Pool *pool)
{
    for (PoolBlock *block = pool->last, *before; block; block = before) {
        before = block->before;
        free(block);
    }
    pool->last = NULL;
}
