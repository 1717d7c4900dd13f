/* SPDX-License-Identifier: MIT */
/* Values that name a part of a file. */
#include <errno.h>
#include <string.h>

#include "policy/rules.h"
#include "policy/text.h"
#include "policy/values.h"
#include "util/cleanup.h"
#include "util/parse.h"

/* The bytes that @n characters of @text stand for. A share of RAM makes no sense in a file. */
static int parse_bytes(const char *text, size_t n, uint64_t *ret)
{
    CLEANUP_FREE char *number = strndup(text, n);
    if (!number)
        return -ENOMEM;
    if (strchr(number, '%'))
        return -EINVAL;
    return parse_size(number, 0, ret, NULL);
}

static int refuse_range(Decoder *decoder, const Node *node)
{
    return refuse(decoder, node->place,
                  "%s is not a range (write 0-8M for the first 8 MiB, or 1G- for all behind 1 GiB)",
                  QUOTE(node->text));
}

static int decode_range(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    ByteRange range = { .end = UINT64_MAX };
    const char *dash = strchr(node->text, '-');

    if (!dash)
        return refuse_range(decoder, node);
    int r = parse_bytes(node->text, (size_t)(dash - node->text), &range.begin);
    if (r >= 0 && dash[1])
        r = parse_bytes(dash + 1, strlen(dash + 1), &range.end);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return refuse_range(decoder, node);
    if (range.begin >= range.end)
        return refuse(decoder, node->place,
                      "%s is empty: it ends where it begins, or before (write its beginning first: "
                      "0-8M)",
                      QUOTE(node->text));

    *(ByteRange *)field_of(field, object) = range;
    return DECODED;
}

const ValueType type_range = { "range", NODE_TEXT, decode_range,
                               "^[0-9]+[KMGTP]?-([0-9]+[KMGTP]?)?$" };

static int decode_keep(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    static const char first[] = "first ", last[] = "last ";
    EvictKeep keep = { 0 };
    const char *text = node->text;
    uint64_t *target = NULL;

    if (strncmp(text, first, strlen(first)) == 0) {
        target = &keep.first;
        text += strlen(first);
    } else if (strncmp(text, last, strlen(last)) == 0) {
        target = &keep.last;
        text += strlen(last);
    }
    int r = target ? parse_bytes(text, strlen(text), target) : -EINVAL;
    if (r == -ENOMEM)
        return r;
    if (r < 0 || *target == 0)
        return refuse(decoder, node->place,
                      "%s is no part to keep (write last 16M for the tail, first 1M for the head)",
                      QUOTE(node->text));

    *(EvictKeep *)field_of(field, object) = keep;
    return DECODED;
}

const ValueType type_keep = { "part", NODE_TEXT, decode_keep, "^(first|last) [0-9]+[KMGTP]?$" };
