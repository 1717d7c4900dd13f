/* SPDX-License-Identifier: MIT */
#pragma once

/* What the tables of `plan` are made of. Everything returns 0, or -ENOMEM, -EIO. */

#include "cli/plan.h"
#include "cli/table.h"
#include "cli/text.h"

/* A line; if @format begins with a line break, an empty one before it. All of it is escaped, so
 * that names may be as they are. */
int say(FILE *out, const PlanOptions *options, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A table with the columns of numbers @numbers, and one more. */
int plan_table_new(FILE *out, const PlanOptions *options, const char *const numbers[],
                   size_t n_numbers, const char *last, struct libscols_table **ret);

/* A size in a buffer of the enclosing block. */
#define BYTES(n, options) format_bytes((char[FORMAT_SIZE_MAX]){ 0 }, (n), (options)->output.bytes)

/* What stands for a number that is not known. */
static inline const char *unknown(const PlanOptions *options)
{
    return options->output.unicode ? "–" : "-";
}

/* Why nothing is known of the units, or of one unit's cgroup; or NULL. */
const char *plan_units_error(const Plan *plan);
const char *plan_unit_error(const PlanUnit *unit);

/* The parts of one policy, in plan-render-files.c. */
int plan_render_pins(FILE *out, const PlanOptions *options, const Plan *plan, const PlanPolicy *p);
int plan_render_evictions(FILE *out, const PlanOptions *options, const PlanPolicy *p);
