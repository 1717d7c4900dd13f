/* SPDX-License-Identifier: MIT */
#include "select/evict_files.h"

#include <unistd.h>

#include "control/evict_plan.h"
#include "util/cleanup.h"

typedef struct EvictWalk {
    const SelectScope *scope;
    const EvictKeep *keep;
    size_t rule_index;
    SelectedFiles *list;
} EvictWalk;

static int on_file(const char *path, int path_fd, const struct stat *st, void *userdata)
{
    EvictWalk *walk = userdata;

    if (select_is_cancelled(walk->scope))
        return -ECANCELED;
    EvictPart part = evict_part((uint64_t)st->st_size, walk->keep->first, walk->keep->last,
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

int evict_files(const SelectScope *scope, const EvictRule *rules, size_t n_rules,
                SelectedFiles *ret)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };

    for (size_t i = 0; i < n_rules; i++) {
        EvictWalk walk = {
            .scope = scope,
            .keep = &rules[i].keep,
            .rule_index = i,
            .list = &list,
        };
        WalkHandler handler = {
            .file = on_file,
            .passed_over = on_passed_over,
            .unopened = true,
            .userdata = &walk,
        };

        if (rules[i].stream)
            continue;
        int r = walk_glob(scope->root_fd, rules[i].path, scope->flags, &handler);
        if (r < 0)
            return r;
    }
    selected_files_finish(&list);
    *ret = TAKE(list, (SelectedFiles){ 0 });
    return 0;
}
