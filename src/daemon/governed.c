/* SPDX-License-Identifier: MIT */
#include "daemon/governed.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/path.h"

void governed_clear(Governed *g)
{
    for (size_t i = 0; i < g->n_targets; i++)
        target_free(g->targets[i]);
    free(TAKE_PTR(g->targets));
    g->n_targets = 0;
}

Target *governed_find(const Governed *g, const char *unit)
{
    for (size_t i = 0; i < g->n_targets; i++)
        if (strcmp(g->targets[i]->unit, unit) == 0)
            return g->targets[i];
    return NULL;
}

static void warn_of_draw(const char *unit, const Policy *policy, const Policy *draw)
{
    log_warning("%s: policies \"%s\" and \"%s\" match it equally well; \"%s\" governs it", unit,
                policy->name, draw->name, policy->name);
}

static int add_target(Governed *g, const Policy *policy, const char *unit, const char *object_path,
                      Target **ret)
{
    Target **grown = reallocarray(g->targets, g->n_targets + 1, sizeof(Target *));
    if (!grown)
        return -ENOMEM;
    g->targets = grown;

    Target *target;
    int r = target_new(g->host, policy, unit, object_path, g->pressed, g->userdata, &target);
    if (r < 0)
        return r;
    g->targets[g->n_targets++] = *ret = target;
    return 0;
}

/* Policies can be about the control group, which may be another one than it was. While it is not
 * there, nobody knows. */
static bool is_another(const Target *t, const Policy *policy, const char *cgroup)
{
    return t->policy != policy && (cgroup || t->state == TARGET_LEFT);
}

void governed_note(Governed *g, const char *unit, const char *cgroup, const char *object_path,
                   uint64_t now)
{
    const Policy *draw = NULL, *policy;
    Target *target = governed_find(g, unit);

    policy = policy_set_match(g->set, object_path ? unit : NULL, cgroup, &draw);
    if (!policy)
        return;
    if (!target) {
        int r = add_target(g, policy, unit, object_path, &target);
        if (r < 0) {
            log_error("%s: cannot be governed: %s", unit, strerror(-r));
            return;
        }
        if (draw)
            warn_of_draw(unit, policy, draw);
    } else if (is_another(target, policy, cgroup) && target_set_policy(target, policy) < 0) {
        log_error("%s: out of memory", unit);
    }
    target->listed = true;
    target_note_listed(target, true, now);
}

void governed_begin_list(Governed *g, bool of_cgroups)
{
    for (size_t i = 0; i < g->n_targets; i++)
        if (target_is_cgroup(g->targets[i]) == of_cgroups)
            g->targets[i]->listed = false;
}

void governed_end_list(Governed *g, bool of_cgroups, uint64_t now)
{
    for (size_t i = 0; i < g->n_targets; i++)
        if (target_is_cgroup(g->targets[i]) == of_cgroups && !g->targets[i]->listed)
            target_note_listed(g->targets[i], false, now);
}

/* Tells of a draw that was not there with the policies of before. */
static void adopt_policy(Target *t, const PolicySet *old, const PolicySet *set)
{
    const Policy *draw = NULL, *old_draw = NULL;
    const char *unit = target_is_cgroup(t) ? NULL : t->unit;
    const Policy *policy = policy_set_match(set, unit, t->control_group, &draw);

    if (!policy) {
        target_dismiss(t);
        return;
    }
    (void)policy_set_match(old, unit, t->control_group, &old_draw);
    if (draw && (!old_draw || strcmp(draw->name, old_draw->name) != 0 ||
                 strcmp(policy->name, t->policy->name) != 0))
        warn_of_draw(t->unit, policy, draw);
    if (target_set_policy(t, policy) < 0)
        log_error("%s: out of memory", t->unit);
}

void governed_adopt(Governed *g, const PolicySet *old)
{
    theirs_clear(&g->host->theirs);
    for (size_t i = 0; i < g->n_targets; i++)
        adopt_policy(g->targets[i], old, g->set);
}

static const Target *critical_below(const Governed *g, const Target *above)
{
    for (size_t i = 0; i < g->n_targets && above->control_group; i++) {
        const Target *t = g->targets[i];

        if (t->policy->role == ROLE_CRITICAL && t->policy->mode == MODE_ENFORCE &&
            t->state != TARGET_LEFT && t != above && t->control_group &&
            path_is_below(t->control_group, above->control_group))
            return t;
    }
    return NULL;
}

void governed_note_critical(Governed *g)
{
    for (size_t i = 0; i < g->n_targets; i++) {
        const Target *critical = critical_below(g, g->targets[i]);

        target_note_critical_below(g->targets[i], critical ? critical->unit : NULL);
    }
}

void governed_remove_finished(Governed *g, uint64_t now)
{
    for (size_t i = g->n_targets; i-- > 0;) {
        if (!target_is_finished(g->targets[i], now))
            continue;
        log_debug("%s: forgotten", g->targets[i]->unit);
        target_free(g->targets[i]);
        g->targets[i] = g->targets[--g->n_targets];
    }
}
