/* SPDX-License-Identifier: MIT */
/* Values that are words or text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rules.h"
#include "policy/text.h"
#include "policy/values.h"
#include "util/cleanup.h"

static int decode_version(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    if (strcmp(node->text, "1") == 0)
        return DECODED;
    return refuse(decoder, node->place, "%s is no version that is known here (write version: 1)",
                  QUOTE(node->text));
}

const ValueType type_version = { "version", NODE_TEXT, decode_version, "^1$", PLAIN_INTEGER };

static int decode_line(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    char **target = field_of(field, object);
    size_t n = strlen(node->text);

    while (n > 0 && node->text[n - 1] == '\n') /* what "|" and ">" leave behind */
        n--;
    if (memchr(node->text, '\n', n))
        return refuse(decoder, node->place,
                      "\"%s\" must be one line (write > instead of | to fold several into one)",
                      field->key);

    CLEANUP_FREE char *line = strndup(node->text, n);
    if (!line)
        return -ENOMEM;
    if (text_has_control(line))
        return refuse(decoder, node->place, "%s has a control character in it (leave it out)",
                      QUOTE(line));
    free(*target);
    *target = TAKE_PTR(line);
    return DECODED;
}

const ValueType type_line = { "text", NODE_TEXT, decode_line, NULL, PLAIN_ANY };

/* "off, fixed or yield" */
static char *join_names(const EnumNames *names)
{
    char *joined = strdup(names->names[0]);

    for (size_t i = 1; joined && i < names->n_names; i++) {
        char *longer;
        int r = asprintf(&longer, "%s%s%s", joined, i + 1 < names->n_names ? ", " : " or ",
                         names->names[i]);

        free(joined);
        joined = r < 0 ? NULL : longer;
    }
    return joined;
}

/* From three letters on a beginning says more than a likeness. */
static const char *find_name_meant(const EnumNames *names, const char *typed)
{
    Suggestion suggestion = { 0 };
    size_t n = strlen(typed);

    for (size_t i = 0; n >= 3 && i < names->n_names; i++)
        if (strncasecmp(names->names[i], typed, n) == 0)
            return names->names[i];
    for (size_t i = 0; i < names->n_names; i++)
        suggestion_offer(&suggestion, typed, names->names[i]);
    return suggestion.word;
}

/* U+2018 to U+201F, which text processors make of quotation marks. */
static bool has_typographic_quote(const char *text)
{
    return strncmp(text, "\xe2\x80", 2) == 0 && (unsigned char)text[2] >= 0x98 &&
           (unsigned char)text[2] <= 0x9f;
}

static int refuse_name(Decoder *decoder, const Field *field, const EnumNames *names,
                       const Node *node)
{
    const char *what = field->entry ? "word" : field->key;
    const char *in = field->entry ? " in " : "", *list = field->entry ? field->key : "";
    const char *meant = find_name_meant(names, node->text);
    CLEANUP_FREE char *known = join_names(names);
    if (!known)
        return -ENOMEM;

    if (has_typographic_quote(node->text))
        return refuse(decoder, node->place,
                      "unknown %s %s%s%s (leave the quotation marks out, or use \" or ')", what,
                      QUOTE(node->text), in, list);
    if (meant)
        return refuse(decoder, node->place, "unknown %s %s%s%s (did you mean \"%s\"?)", what,
                      QUOTE(node->text), in, list, meant);
    return refuse(decoder, node->place, "unknown %s %s%s%s (%s)", what, QUOTE(node->text), in, list,
                  known);
}

static int decode_name(Decoder *decoder, const Field *field, const EnumNames *names,
                       const Node *node, unsigned *ret)
{
    for (unsigned i = 0; i < names->n_names; i++)
        if (strcmp(names->names[i], node->text) == 0) {
            *ret = i;
            return DECODED;
        }
    return refuse_name(decoder, field, names, node);
}

_Static_assert(sizeof(PinLock) == sizeof(unsigned) && sizeof(Access) == sizeof(unsigned),
               "enums are stored through unsigned");

static int decode_enum(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return decode_name(decoder, field, field->names, node, field_of(field, object));
}

const ValueType type_enum = { "word", NODE_TEXT, decode_enum, NULL };

static int decode_bool(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    static const char *const words[] = { "false", "true" };
    static const EnumNames names = { words, ELEMENTS(words) };
    static const char *const others[][2] = {
        { "no", "false" }, { "n", "false" }, { "off", "false" }, { "0", "false" },
        { "yes", "true" }, { "y", "true" },  { "on", "true" },   { "1", "true" },
    };
    unsigned value = 0;

    for (size_t i = 0; i < ELEMENTS(others); i++)
        if (strcasecmp(node->text, others[i][0]) == 0)
            return refuse(decoder, node->place, "\"%s\" is true or false, not %s (write %s: %s)",
                          field->key, QUOTE(node->text), field->key, others[i][1]);
    int r = decode_name(decoder, field, &names, node, &value);
    if (r == DECODED)
        *(bool *)field_of(field, object) = value;
    return r;
}

const ValueType type_bool = { "true or false", NODE_TEXT, decode_bool, "^(true|false)$",
                              PLAIN_BOOLEAN };

static int refuse_twice(Decoder *decoder, const Field *field, const Node *node)
{
    return refuse(decoder, node->place, "%s is in \"%s\" already (leave it out)", QUOTE(node->text),
                  field->key);
}

static int decode_flag(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    unsigned *flags = field_of(field, object), value = 0;

    int r = decode_name(decoder, field, field->names, node, &value);
    if (r != DECODED)
        return r;
    if (*flags & 1u << value)
        return refuse_twice(decoder, field, node);
    *flags |= 1u << value;
    return DECODED;
}

const ValueType type_flag = { "word", NODE_TEXT, decode_flag, NULL };

static int decode_pin_key(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    PinOrder *order = field_of(field, object);
    unsigned value = 0;

    int r = decode_name(decoder, field, field->names, node, &value);
    if (r != DECODED)
        return r;
    for (size_t i = 0; i < order->n_keys; i++)
        if (order->keys[i] == (PinKey)value)
            return refuse_twice(decoder, field, node);
    order->keys[order->n_keys++] = (PinKey)value;
    return DECODED;
}

const ValueType type_pin_key = { "word", NODE_TEXT, decode_pin_key, NULL };
