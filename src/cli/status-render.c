/* SPDX-License-Identifier: MIT */
#include "cli/status-render.h"

#include <errno.h>

#include "cli/json.h"
#include "cli/status-parts.h"

static void render_empty(struct json_object *status, FILE *out)
{
    struct json_object *policies = MEMBER(status, "policies");

    if (json_object_is_type(policies, json_type_array) && json_object_array_length(policies) > 0)
        fprintf(out, "No unit is governed: none that runs is matched by a policy in force.\n");
    else
        fprintf(out, "No unit is governed: there are no policies.\n");
}

int status_render(struct json_object *status, FILE *out, const OutputOptions *options)
{
    if (options->json != JSON_OFF)
        return json_print(status, out, options->json);

    struct json_object *targets = MEMBER(status, "targets");
    int r = 0;
    if (json_object_is_type(targets, json_type_array) && json_object_array_length(targets) > 0)
        r = status_render_targets(targets, out, options);
    else if (options->legend)
        render_empty(status, out);
    if (r >= 0)
        r = status_render_notes(status, out, options);
    return r < 0 ? r : ferror(out) ? -EIO : 0;
}
