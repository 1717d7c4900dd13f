/* SPDX-License-Identifier: MIT */
#include "select/evict_files.h"

#include <unistd.h>

#include "util/cleanup.h"

EvictBounds evict_rule_bounds(const EvictRule *rule)
{
    return (EvictBounds){
        .begin = rule->range.begin,
        .end = rule->range.end,
        .first = rule->keep.first,
        .last = rule->keep.last,
    };
}

typedef struct EvictWalk {
    const SelectScope *scope;
    EvictBounds bounds;
    size_t rule_index;
    SelectedFiles *list;
} EvictWalk;

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    EvictWalk *walk = userdata;

    if (select_is_cancelled(walk->scope))
        return -ECANCELED;
    EvictPart part = evict_part((uint64_t)st->st_size, &walk->bounds,
                                (uint64_t)sysconf(_SC_PAGESIZE));
    if (part.begin == part.end)
        return 0;
    return selected_files_add(walk->list, path, NULL, st, walk->rule_index);
}

static int on_passed_over(const char *path, WalkReason reason, const char *why, void *userdata)
{
    EvictWalk *walk = userdata;

    if (select_is_cancelled(walk->scope))
        return -ECANCELED;
    if (walk->scope->passed_over)
        walk->scope->passed_over(path, why, walk->scope->userdata);
    return 0;
}

static int walk_rule(const SelectScope *scope, const EvictRule *rules, size_t i,
                     SelectedFiles *list)
{
    EvictWalk walk = {
        .scope = scope,
        .bounds = evict_rule_bounds(&rules[i]),
        .rule_index = i,
        .list = list,
    };
    WalkHandler handler = {
        .file = on_file,
        .passed_over = on_passed_over,
        .unopened = true,
        .userdata = &walk,
    };

    return walk_glob(scope->root_fd, rules[i].path, scope->flags, &handler);
}

static int add_range(const SelectScope *scope, const EvictRule *rules, size_t i,
                     SelectedFiles *list)
{
    cleanup(selected_files_clear) SelectedFiles own = { 0 };

    int r = walk_rule(scope, rules, i, &own);
    selected_files_finish(&own);
    for (size_t k = 0; k < own.n_files && r >= 0; k++)
        r = selected_files_add_copy(list, &own.files[k]);
    return r;
}

int evict_files(const SelectScope *scope, const EvictRule *rules, size_t n_rules,
                SelectedFiles *ret)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    int r = 0;

    for (size_t i = 0; i < n_rules && r >= 0; i++)
        if (!rules[i].stream && range_is_all(&rules[i].range))
            r = walk_rule(scope, rules, i, &list);
    selected_files_finish(&list);
    for (size_t i = 0; i < n_rules && r >= 0; i++)
        if (!rules[i].stream && !range_is_all(&rules[i].range))
            r = add_range(scope, rules, i, &list);
    if (r < 0)
        return r;
    *ret = TAKE(list, (SelectedFiles){ 0 });
    return 0;
}
