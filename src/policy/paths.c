/* SPDX-License-Identifier: MIT */
/* Values that name files, units and cgroups. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/globs.h"
#include "policy/text.h"
#include "policy/values.h"
#include "util/pattern.h"
#include "util/strv.h"

typedef int (*GlobCheck)(const char *glob, char ***ret_readings, char reason[static REASON_MAX]);

/* Judges a glob, and charges its readings to the policy. Behind one that was too much none is
 * looked at any more: expanding them is what the quota is against. */
static int read_glob(Decoder *decoder, const Node *node, GlobCheck check, char ***ret_readings)
{
    cleanup(strv_freep) char **readings = NULL;
    char reason[REASON_MAX];

    if (decoder->n_readings > POLICY_READINGS_MAX)
        return REFUSED;
    int r = check(node->text, &readings, reason);
    if (r == -EINVAL)
        return refuse(decoder, node->place, "%s %s", QUOTE(node->text), reason);
    if (r < 0)
        return r;

    decoder->n_readings += strv_length(readings);
    if (decoder->n_readings > POLICY_READINGS_MAX)
        return refuse(
            decoder, node->place,
            "%s is too much: the globs of this policy stand for more than %d (write fewer "
            "braces)",
            QUOTE(node->text), POLICY_READINGS_MAX);

    *ret_readings = TAKE_PTR(readings);
    return DECODED;
}

static int store_text(const Field *field, void *object, const char *text)
{
    char **target = field_of(field, object);
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;

    free(*target);
    *target = copy;
    return DECODED;
}

/* Kept as it is written: the walk expands its braces. */
static int decode_path(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    cleanup(strv_freep) char **readings = NULL;

    int r = read_glob(decoder, node, path_glob_check, &readings);
    return r == DECODED ? store_text(field, object, node->text) : r;
}

static int decode_file_path(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    cleanup(strv_freep) char **readings = NULL;

    if (pattern_has_wildcard(node->text))
        return refuse(decoder, node->place, "%s is a glob (write one path)", QUOTE(node->text));
    if (node->text[0] == '/' && node->text[strlen(node->text) - 1] == '/')
        return refuse(decoder, node->place, "%s is a folder (write the path of a file in it)",
                      QUOTE(node->text));
    int r = read_glob(decoder, node, path_glob_check, &readings);
    return r == DECODED ? store_text(field, object, node->text) : r;
}

static int append_readings(Decoder *decoder, const Field *field, const Node *node, GlobCheck check,
                           void *object)
{
    cleanup(strv_freep) char **readings = NULL;

    int r = read_glob(decoder, node, check, &readings);
    if (r != DECODED)
        return r;

    STRV_FOREACH (reading, readings) {
        r = strv_append(field_of(field, object), *reading);
        if (r < 0)
            return r;
    }
    return DECODED;
}

static int decode_unit(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    int r = append_readings(decoder, field, node, unit_glob_check, object);
    if (r != DECODED || decoder->fragment || pattern_literal_length(node->text) > 0)
        return r;
    return remark(decoder, SEVERITY_WARNING, node->place,
                  "%s matches every unit, slices too (write *.service for all services)",
                  QUOTE(node->text));
}

static int decode_cgroup(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return append_readings(decoder, field, node, cgroup_glob_check, object);
}

static int decode_exclude(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return append_readings(decoder, field, node, exclude_glob_check, object);
}

#define ABSOLUTE "^/"

const ValueType type_path = { "path glob", NODE_TEXT, decode_path, ABSOLUTE };
const ValueType type_file_path = { "path", NODE_TEXT, decode_file_path, ABSOLUTE };
const ValueType type_unit = { "unit glob", NODE_TEXT, decode_unit, "^[^/]+$" };
const ValueType type_cgroup = { "cgroup glob", NODE_TEXT, decode_cgroup, ABSOLUTE };
const ValueType type_exclude = { "name or path glob", NODE_TEXT, decode_exclude, NULL, PLAIN_ANY };
