/* SPDX-License-Identifier: MIT */
/* The rules are walked anew, and what they mean is looked up in the snapshot: so a snapshot can
 * make nobody open what the policy does not name, and the order of importance is the policy's of
 * today.
 *
 * What is in memory already costs nothing. The rate is of all files together: the time that small
 * ones took is not theirs alone. */

#include "snapshot/warm_up.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel/residency.h"
#include "kernel/warm.h"
#include "snapshot/take.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"

#define BATCH 64 /* files that are opened by one walk */

typedef struct WarmUp {
    const SelectScope *scope;
    const PinRule *rules;
    const WarmUpLimits *limits;
    SnapshotFile *files; /* by path */
    size_t n_files;
    uint64_t began_usec;
    WarmUpOutcome outcome;
} WarmUp;

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const SnapshotFile *)a)->path, ((const SnapshotFile *)b)->path);
}

static int index_files(WarmUp *up, const Snapshot *snapshot)
{
    SnapshotCursor cursor = snapshot->files;

    up->files = calloc(snapshot->head.n_files + 1, sizeof(SnapshotFile));
    if (!up->files)
        return -ENOMEM;
    while (up->n_files < snapshot->head.n_files &&
           snapshot_next_file(&cursor, &up->files[up->n_files]))
        up->n_files++;
    qsort(up->files, up->n_files, sizeof(SnapshotFile), compare_paths);
    return 0;
}

static const SnapshotFile *find(const WarmUp *up, const SelectedFile *file)
{
    char path[SELECTED_PATH_MAX];
    SnapshotFile key = { .path = selected_path(file, path) };

    return bsearch(&key, up->files, up->n_files, sizeof(SnapshotFile), compare_paths);
}

static bool is_same(const SnapshotId *a, const SnapshotId *b)
{
    return a->ino == b->ino && a->size == b->size && a->mtime_sec == b->mtime_sec &&
           a->mtime_nsec == b->mtime_nsec;
}

/* Small files are each read at once, so the pace of all together is kept between them. */
static void keep_pace(const WarmUp *up)
{
    uint64_t rate = up->limits->rate;

    while (rate != UINT64_MAX && !select_is_cancelled(up->scope)) {
        double due = (double)up->outcome.bytes / (double)rate * USEC_PER_SEC;
        double passed = (double)(now_usec() - up->began_usec);
        if (passed >= due)
            break;
        uint64_t nap = min_u64((uint64_t)(due - passed) + 1, 100 * USEC_PER_MSEC);
        struct timespec ts = { .tv_nsec = (long)(nap * NSEC_PER_USEC) };
        (void)nanosleep(&ts, NULL);
    }
}

/* As much from @offset on as the budget allows for, given what is there already. */
static uint64_t bounded(WarmUp *up, int fd, uint64_t offset, uint64_t length)
{
    uint64_t left = sub_u64(up->limits->bytes, up->outcome.bytes);
    Residency residency;

    if (left >= length)
        return length;
    if (residency_of_range(fd, offset, length, &residency) >= 0 && residency.has_resident &&
        sub_u64(length, residency.resident) <= left)
        return length;
    up->outcome.budget_reached = true;
    return left - left % SNAPSHOT_BLOCK;
}

/* The part of a range that the rule means, too. */
static int warm_blocks(WarmUp *up, int fd, const SelectedPart *part, const SnapshotRange *range)
{
    uint64_t offset = max_u64(range->first * SNAPSHOT_BLOCK, part->offset);
    uint64_t end = min_u64((range->first + range->count) * SNAPSHOT_BLOCK,
                           part->offset + part->length);
    WarmOptions options = {
        .rate = up->limits->rate == UINT64_MAX ? 0 : up->limits->rate,
        .cancelled = up->scope->cancelled,
    };
    WarmOutcome outcome;

    if (end <= offset)
        return 0;
    uint64_t length = bounded(up, fd, offset, end - offset);
    if (length == 0)
        return 0;
    int r = warm_range(fd, offset, length, &options, &outcome);
    up->outcome.bytes += outcome.measured ? outcome.read : length;
    up->outcome.was_there += outcome.before;
    keep_pace(up);
    return r;
}

static int warm_file(WarmUp *up, const SelectedFile *file, int fd)
{
    SnapshotFile known = *find(up, file);
    SelectedPart part = pin_part(&up->rules[file->rule], file->size);
    SnapshotRange range;
    struct stat st;
    int r = 0;

    if (fd < 0 || fstat(fd, &st) < 0) {
        if (fd == -ESTALE || fd == -ENOENT)
            up->outcome.n_changed++;
        else
            up->outcome.n_failed++;
        return 0;
    }
    SnapshotId id = snapshot_id_of(&st);
    if (!is_same(&id, &known.id)) {
        up->outcome.n_changed++;
        return 0;
    }
    while (r >= 0 && !up->outcome.budget_reached && snapshot_next_range(&known, &range))
        r = warm_blocks(up, fd, &part, &range);
    if (r == -ECANCELED)
        return r;
    up->outcome.n_failed += r < 0;
    return 0;
}

static int warm_batch(WarmUp *up, const SelectedFile *files, size_t n)
{
    int fds[BATCH];
    int r = 0;

    selected_files_open(up->scope, files, n, fds);
    for (size_t i = 0; i < n; i++) {
        if (r >= 0 && !up->outcome.budget_reached)
            r = warm_file(up, &files[i], fds[i]);
        safe_close(fds[i]);
    }
    return r;
}

/* Leaves only those that the snapshot has something of. */
static void keep_known(WarmUp *up, SelectedFiles *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n_files; i++)
        if (find(up, &list->files[i]))
            list->files[n++] = list->files[i];
    list->n_files = n;
    up->outcome.n_files = n;
    up->outcome.n_missing = sub_u64(up->n_files, n);
}

int snapshot_warm_up(const SelectScope *scope, const PinRule *rules, size_t n_rules,
                     const PinOrder *order, const Snapshot *snapshot, const WarmUpLimits *limits,
                     WarmUpOutcome *ret)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    WarmUp up = {
        .scope = scope,
        .rules = rules,
        .limits = limits,
        .began_usec = now_usec(),
    };

    int r = index_files(&up, snapshot);
    if (r >= 0)
        r = pin_files(scope, rules, n_rules, order, &list);
    if (r >= 0)
        keep_known(&up, &list);
    for (size_t i = 0; i < list.n_files && r >= 0 && !up.outcome.budget_reached; i += BATCH)
        r = select_is_cancelled(scope)
                ? -ECANCELED
                : warm_batch(&up, &list.files[i], (size_t)min_u64(BATCH, list.n_files - i));
    free(up.files);
    *ret = up.outcome;
    return r;
}
