/* SPDX-License-Identifier: MIT */
/* Blocks that double in size. The large ones come from mmap(2) and go back to the system when they
 * are freed, which 100,000 small pieces of a heap do not. */

#include "util/pool.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/cleanup.h"

#define BLOCK_MIN 1024
#define BLOCK_MAX (256 * 1024)

struct PoolBlock {
    PoolBlock *before;
    size_t size, used; /* bytes */
    alignas(max_align_t) char bytes[];
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

static void *take(Pool *pool, size_t size, size_t alignment)
{
    PoolBlock *block = pool->last;
    size_t at = block ? (block->used + alignment - 1) / alignment * alignment : 0;

    if (!block || at > block->size || block->size - at < size) {
        block = block_new(pool, size);
        at = 0;
    }
    if (!block)
        return NULL;
    block->used = at + size;
    return block->bytes + at;
}

void *pool_alloc(Pool *pool, size_t size)
{
    return take(pool, size, alignof(uint64_t));
}

char *pool_strdup(Pool *pool, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = take(pool, size, 1);

    return copy ? memcpy(copy, text, size) : NULL;
}

void pool_clear(Pool *pool)
{
    for (PoolBlock *block = pool->last, *before; block; block = before) {
        before = block->before;
        free(block);
    }
    pool->last = NULL;
}
