/* SPDX-License-Identifier: MIT */
/* Values that name a part of a file. */
#include <errno.h>
#include <string.h>

#include "policy/rules.h"
#include "policy/text.h"
#include "policy/values.h"
#include "util/parse.h"

static int refuse_range(Decoder *decoder, const Node *node)
{
    return refuse(decoder, node->place,
                  "%s is not a range (write 0-8M for the first 8 MiB, or 1G- for all behind 1 GiB)",
                  QUOTE(node->text));
}

static int decode_range(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    ByteRange range;
    int r = parse_range(node->text, &range.begin, &range.end);

    if (r == -EINVAL)
        return refuse_range(decoder, node);
    if (r < 0)
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
    if (!target || parse_length(text, target) < 0 || *target == 0)
        return refuse(decoder, node->place,
                      "%s is no part to keep (write last 16M for the tail, first 1M for the head)",
                      QUOTE(node->text));

    *(EvictKeep *)field_of(field, object) = keep;
    return DECODED;
}

const ValueType type_keep = { "part", NODE_TEXT, decode_keep, "^(first|last) [0-9]+[KMGTP]?$" };
