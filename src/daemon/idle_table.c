/* SPDX-License-Identifier: MIT */
/* A file is idle since the first of our looks that found it in memory, in nobody's hands, and as it
 * was at the look before: what was written to, or is another file of the same number, begins anew;
 * evicting and writing back change neither time. That it was read between two looks goes unseen.
 * Access times are not asked: relatime makes them lie. Files that are not in memory cost nothing
 * here.
 *
 * A file that a disk does not take is remembered: else each look would wait for that anew. */
#include "daemon/idle_table.h"

#include <stdlib.h>
#include <string.h>

/* Out of memory is this look's trouble, not the end of the daemon, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "util/units.h"

/* Files of one rule that are in memory and waited for; beyond it they wait for a later look. */
#define IDLE_FILES_MAX 200000

typedef struct FileId {
    uint64_t dev, ino;
} FileId;

typedef struct IdleFile {
    FileId id;
    uint64_t since_usec;
    int64_t written_nsec, changed_nsec; /* mtime and ctime */
    uint32_t look;                      /* the look that saw it last */
    bool stuck;
    UT_hash_handle hh;
} IdleFile;

struct IdleTable {
    IdleFile *files;
    uint32_t look;
    uint64_t now_usec;
};

IdleTable *idle_table_new(void)
{
    return calloc(1, sizeof(IdleTable));
}

IdleTable *idle_table_free(IdleTable *table)
{
    IdleFile *file, *next;

    if (!table)
        return NULL;
    HASH_ITER (hh, table->files, file, next) {
        HASH_DEL(table->files, file);
        free(file);
    }
    free(table);
    return NULL;
}

void idle_table_begin(IdleTable *table, uint64_t now_usec)
{
    table->look++;
    table->now_usec = now_usec;
}

void idle_table_go_on(IdleTable *table, uint64_t now_usec)
{
    table->now_usec = now_usec;
}

void idle_table_end(IdleTable *table)
{
    IdleFile *file, *next;

    HASH_ITER (hh, table->files, file, next) {
        if (file->look != table->look) {
            HASH_DEL(table->files, file);
            free(file);
        }
    }
}

static int64_t nsec(struct timespec t)
{
    return (int64_t)((uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec);
}

static void note_times(IdleFile *file, const struct stat *st, uint64_t now_usec)
{
    int64_t written = nsec(st->st_mtim), changed = nsec(st->st_ctim);

    if (file->written_nsec == written && file->changed_nsec == changed)
        return;
    file->since_usec = now_usec;
    file->written_nsec = written;
    file->changed_nsec = changed;
}

static IdleFile *find_or_add(IdleTable *table, const struct stat *st)
{
    FileId id = { .dev = st->st_dev, .ino = st->st_ino };
    IdleFile *file;

    HASH_FIND(hh, table->files, &id, sizeof(id), file);
    if (file)
        note_times(file, st, table->now_usec);
    if (file || HASH_COUNT(table->files) >= IDLE_FILES_MAX)
        return file;
    file = calloc(1, sizeof(IdleFile));
    if (!file)
        return NULL;
    file->id = id;
    file->since_usec = table->now_usec;
    file->written_nsec = nsec(st->st_mtim);
    file->changed_nsec = nsec(st->st_ctim);
    HASH_ADD(hh, table->files, id, sizeof(FileId), file);
    if (!file->hh.tbl) {
        free(file);
        return NULL;
    }
    return file;
}

uint64_t idle_table_note(IdleTable *table, const struct stat *st, bool in_use)
{
    IdleFile *file = find_or_add(table, st);

    if (!file)
        return 0;
    if (in_use)
        file->since_usec = table->now_usec;
    file->look = table->look;
    return table->now_usec - file->since_usec;
}

void idle_table_forget(IdleTable *table, const struct stat *st)
{
    FileId id = { .dev = st->st_dev, .ino = st->st_ino };
    IdleFile *file;

    HASH_FIND(hh, table->files, &id, sizeof(id), file);
    if (!file)
        return;
    HASH_DEL(table->files, file);
    free(file);
}

void idle_table_note_stuck(IdleTable *table, const struct stat *st, bool stuck)
{
    IdleFile *file = find_or_add(table, st);

    if (!file)
        return;
    file->stuck = stuck;
    file->look = table->look;
}

bool idle_table_is_stuck(const IdleTable *table, const struct stat *st)
{
    FileId id = { .dev = st->st_dev, .ino = st->st_ino };
    IdleFile *file;

    HASH_FIND(hh, table->files, &id, sizeof(id), file);
    return file && file->stuck;
}
