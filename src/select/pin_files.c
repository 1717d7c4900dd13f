/* SPDX-License-Identifier: MIT */
#include "select/pin_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "select/excludes.h"
#include "util/path.h"
#include "util/units.h"

typedef struct PinWalk {
    const SelectScope *scope;
    const PinRule *rule;
    size_t rule_index;
    Excludes *excludes;
    SelectedFiles *list;
} PinWalk;

static bool is_avoided(const SelectScope *scope, const char *path)
{
    for (const char *const *avoid = scope->avoid; avoid && *avoid; avoid++)
        if (path_is_below(path, *avoid))
            return true;
    return false;
}

SelectedPart pin_part(const PinRule *rule, uint64_t size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), begin = rule->range.begin;
    uint64_t end = min_u64(size, rule->range.end);

    if (end <= begin)
        return (SelectedPart){ 0 };
    begin -= begin % page;
    return (SelectedPart){ .offset = begin, .length = end - begin };
}

static int add_file(PinWalk *walk, const char *path, const MappedPlace *mapped, const char *shown,
                    const struct stat *st)
{
    uint64_t size = (uint64_t)st->st_size;

    if (pin_part(walk->rule, size).length == 0 || is_avoided(walk->scope, path))
        return 0;
    if (excludes_match(walk->excludes, path)) {
        walk->list->n_excluded++;
        return 0;
    }
    return selected_files_add(walk->list, size > walk->rule->max_size ? NULL : shown, mapped, st,
                              walk->rule_index);
}

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    PinWalk *walk = userdata;

    return select_is_cancelled(walk->scope) ? -ECANCELED : add_file(walk, path, NULL, path, st);
}

static int on_folder(const WalkFolder *folder, void *userdata)
{
    PinWalk *walk = userdata;

    if (select_is_cancelled(walk->scope))
        return -ECANCELED;
    walk->scope->folder(folder, walk->scope->userdata);
    return 0;
}

/* Who excludes what is no file does not want to hear of it either. */
static bool is_no_file(WalkReason reason)
{
    switch (reason) {
    case WALK_SYMLINK:
    case WALK_DIRECTORY:
    case WALK_FIFO:
    case WALK_SOCKET:
    case WALK_DEVICE:
        return true;
    case WALK_MISSING:
    case WALK_NOT_DIRECTORY:
    case WALK_UNREADABLE:
    case WALK_FILE_SYSTEM:
    case WALK_TOO_DEEP:
    case WALK_TOO_MANY:
    case _WALK_REASON_MAX:
        break;
    }
    return false;
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    PinWalk *walk = userdata;

    if (select_is_cancelled(walk->scope))
        return -ECANCELED;
    if (walk->scope->passed_over && !(is_no_file(reason) && excludes_match(walk->excludes, path)))
        walk->scope->passed_over(path, why, walk->scope->userdata);
    return 0;
}

static int add_mapped_file(PinWalk *walk, const MappedFile *file)
{
    CLEANUP_FREE char *shown = NULL;

    if (asprintf(&shown, "%s%s", file->path, file->deleted ? " (deleted)" : "") < 0) {
        shown = NULL;
        return -ENOMEM;
    }
    return add_file(walk, file->path, &file->place, shown, &file->st);
}

static unsigned mapped_kinds(const PinRule *rule)
{
    return (rule->mapped & PIN_MAPPED_EXECUTABLES ? 1u << MAPPED_EXECUTABLE : 0) |
           (rule->mapped & PIN_MAPPED_LIBRARIES ? 1u << MAPPED_LIBRARY : 0);
}

static int add_mapped(PinWalk *walk)
{
    const SelectScope *scope = walk->scope;
    const SelectProcesses *processes = scope->processes;
    cleanup(mapped_files_clear) MappedFiles list = { 0 };

    if (!processes)
        return 0;
    int r = mapped_files(
        &(MappedScope){
            .proc_fd = processes->proc_fd,
            .pids = processes->pids,
            .n_pids = processes->n_pids,
            .kinds = mapped_kinds(walk->rule),
            .network = scope->flags & WALK_NETWORK,
            .cancelled = scope->cancelled,
            .passed_over = scope->passed_over,
            .userdata = scope->userdata,
        },
        &list);
    for (size_t i = 0; i < list.n_files && r >= 0; i++)
        r = add_mapped_file(walk, &list.files[i]);
    return r;
}

static int apply_rule(const SelectScope *scope, const PinRule *rule, size_t index,
                      SelectedFiles *list)
{
    cleanup(excludes_freep) Excludes *excludes = NULL;

    int r = excludes_new(scope, rule->excludes, &excludes);
    if (r < 0)
        return r;
    PinWalk walk = { scope, rule, index, excludes, list };
    if (!rule->path)
        return add_mapped(&walk);
    WalkHandler handler = {
        .file = on_file,
        .passed_over = on_passed_over,
        .folder = scope->folder ? on_folder : NULL,
        .unopened = true,
        .avoid = scope->avoid,
        .userdata = &walk,
    };
    return walk_glob(scope->root_fd, rule->path, scope->flags, &handler);
}

typedef struct Importance {
    const PinOrder *order;
    const PinRule *rules;
} Importance;

static PinRank rank_of(const Importance *by, const SelectedFile *file)
{
    uint64_t size = pin_part(&by->rules[file->rule], file->size).length;

    return (PinRank){ .entry = file->rule, .found = file->found, .size = size };
}

static int compare_importance(const void *a, const void *b, void *userdata)
{
    const Importance *by = userdata;
    PinRank x = rank_of(by, a), y = rank_of(by, b);

    return pin_order_compare(by->order, &x, &y);
}

int pin_files(const SelectScope *scope, const PinRule *rules, size_t n_rules, const PinOrder *order,
              SelectedFiles *ret)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };

    for (size_t i = 0; i < n_rules; i++) {
        int r = apply_rule(scope, &rules[i], i, &list);
        if (r < 0)
            return r;
    }
    selected_files_finish(&list);
    Importance by = { order, rules };
    if (list.n_files > 0 && order->n_keys > 0) /* else they are as they were found */
        qsort_r(list.files, list.n_files, sizeof(SelectedFile), compare_importance, &by);
    *ret = TAKE(list, (SelectedFiles){ 0 });
    return 0;
}
