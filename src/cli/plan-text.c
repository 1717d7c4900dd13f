/* SPDX-License-Identifier: MIT */
#include "cli/plan-text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int say(FILE *out, const PlanOptions *options, const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    bool section = format[0] == '\n';
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    CLEANUP_FREE char *shown = text ? escape_text(text + section, options->output.unicode) : NULL;
    if (!shown)
        return -ENOMEM;
    return fprintf(out, "%s%s\n", section ? "\n" : "", shown) < 0 ? -EIO : 0;
}

int plan_table_new(FILE *out, const PlanOptions *options, const char *const numbers[],
                   size_t n_numbers, const char *last, struct libscols_table **ret)
{
    int r = table_new(out, options->output.legend, ret);
    for (size_t i = 0; i < n_numbers && r >= 0; i++)
        r = table_add_column(*ret, numbers[i], SCOLS_FL_RIGHT);
    return r < 0 ? r : table_add_column(*ret, last, 0);
}

const char *plan_units_error(const Plan *plan)
{
    if (plan->units_error >= 0)
        return NULL;
    return plan->units_error == -ENOTSUP || plan->units_error == -ENOENT ||
                   plan->units_error == -ENOLINK
               ? "there is no cgroup v2 tree with the memory controller"
               : strerror(-plan->units_error);
}

const char *plan_unit_error(const PlanUnit *unit)
{
    if (unit->error >= 0)
        return NULL;
    if (strcmp(unit->cgroup, "/") == 0)
        return "the root of the cgroup tree has no limits";
    switch (-unit->error) {
    case ENOTSUP:
        return "its cgroup has no memory controller";
    case ENOENT:
    case ENODEV:
        return "has ended just now";
    default:
        return strerror(-unit->error);
    }
}
