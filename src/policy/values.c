/* SPDX-License-Identifier: MIT */
/* Every message here has the value as it was written, and what would have been right. Units are
 * matched strictly, but those that people know from elsewhere (MB, MiB, sec, min) are understood
 * well enough to tell how we write them. */
#include "policy/values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/globs.h"
#include "util/cleanup.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

int decode_version(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    if (strcmp(node->text, "1") == 0)
        return DECODED;
    return refuse(decoder, node->place, "%s is no version that is known here (write version: 1)",
                  QUOTE(node->text));
}

static int store_text(const Field *field, void *object, const char *text, size_t n)
{
    char **target = field_of(field, object);
    char *copy = strndup(text, n);
    if (!copy)
        return -ENOMEM;

    free(*target);
    *target = copy;
    return DECODED;
}

int decode_line(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    size_t n = strlen(node->text);

    while (n > 0 && node->text[n - 1] == '\n') /* what "|" and ">" leave behind */
        n--;
    if (memchr(node->text, '\n', n))
        return refuse(decoder, node->place,
                      "\"%s\" must be one line (write > instead of | to fold "
                      "several into one)",
                      field->key);

    CLEANUP_FREE char *line = strndup(node->text, n);
    if (!line)
        return -ENOMEM;
    if (text_has_control(line))
        return refuse(decoder, node->place, "%s has a control character in it (leave it out)",
                      QUOTE(line));
    return store_text(field, object, line, n);
}

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

static int refuse_name(Decoder *decoder, const Field *field, const Node *node)
{
    Suggestion suggestion = { 0 };
    CLEANUP_FREE char *known = join_names(field->names);
    if (!known)
        return -ENOMEM;

    for (const char *const *later = field->names->later; later && *later; later++)
        if (strcmp(*later, node->text) == 0)
            return refuse(decoder, node->place, "\"%s\" is not supported yet (%s)", *later, known);

    for (size_t i = 0; i < field->names->n_names; i++)
        suggestion_offer(&suggestion, node->text, field->names->names[i]);
    if (suggestion.word)
        return refuse(decoder, node->place, "unknown %s %s (did you mean \"%s\"?)", field->key,
                      QUOTE(node->text), suggestion.word);
    return refuse(decoder, node->place, "unknown %s %s (%s)", field->key, QUOTE(node->text), known);
}

_Static_assert(sizeof(PolicyRole) == sizeof(unsigned) && sizeof(LimitMode) == sizeof(unsigned),
               "enums are stored through unsigned");

int decode_enum(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    for (unsigned i = 0; i < field->names->n_names; i++)
        if (strcmp(field->names->names[i], node->text) == 0) {
            *(unsigned *)field_of(field, object) = i;
            return DECODED;
        }
    return refuse_name(decoder, field, node);
}

/* A unit of ours, and how it or its like is written elsewhere; any beginning of a word counts. */
typedef struct UnitWord {
    const char *symbol;
    const char *word;
} UnitWord;

/* A quantity in messages. */
typedef struct Quantity {
    const char *name;
    const char *known;
    const char *examples;
    const char *example; /* one of them */
    const char *fraction;
    const UnitWord *words;
    size_t n_words;
} Quantity;

static const UnitWord size_words[] = {
    { "K", "kilobytes" }, { "K", "kb" },      { "K", "kib" }, { "K", "kibibytes" },
    { "M", "megabytes" }, { "M", "mb" },      { "M", "mib" }, { "M", "mebibytes" },
    { "G", "gigabytes" }, { "G", "gb" },      { "G", "gib" }, { "G", "gibibytes" },
    { "T", "terabytes" }, { "T", "tb" },      { "T", "tib" }, { "T", "tebibytes" },
    { "", "bytes" },      { "%", "percent" },
};
static const Quantity quantity_size = {
    .name = "size",
    .known = "K, M, G, T and % of RAM are known",
    .examples = "512M, 2G or 10%",
    .example = "512M",
    .fraction = "1536M for 1.5G",
    .words = size_words,
    .n_words = ELEMENTS(size_words),
};

static const UnitWord duration_words[] = {
    { "s", "seconds" }, { "s", "secs" },   { "m", "minutes" },       { "m", "mins" },
    { "h", "hours" },   { "h", "hrs" },    { "d", "days" },          { "ms", "milliseconds" },
    { "ms", "msecs" },  { "us", "usecs" }, { "us", "microseconds" },
};
static const Quantity quantity_duration = {
    .name = "duration",
    .known = "ms, s, m, h and d are known",
    .examples = "30s, 10m or 1h",
    .example = "30s",
    .fraction = "90m for 1.5h",
    .words = duration_words,
    .n_words = ELEMENTS(duration_words),
};

/* Our symbol for a unit that people write otherwise, or NULL. */
static const char *symbol_meant(const Quantity *quantity, const char *unit)
{
    Suggestion suggestion = { 0 };

    unit += strspn(unit, " ");
    for (size_t i = 0; i < quantity->n_words; i++)
        if (strncasecmp(quantity->words[i].word, unit, strlen(unit)) == 0)
            return quantity->words[i].symbol;

    for (size_t i = 0; i < quantity->n_words; i++)
        suggestion_offer(&suggestion, unit, quantity->words[i].word);
    for (size_t i = 0; suggestion.word && i < quantity->n_words; i++)
        if (quantity->words[i].word == suggestion.word)
            return quantity->words[i].symbol;
    return NULL;
}

static int refuse_unit(Decoder *decoder, const Quantity *quantity, const Node *node,
                       const char *unit)
{
    int n_digits = (int)min_u64((uint64_t)(unit - node->text), 20);

    if ((unit[0] == '.' || unit[0] == ',') && unit[1] >= '0' && unit[1] <= '9')
        return refuse(decoder, node->place,
                      "%s is not a %s: fractions are not known (write whole numbers: %s)",
                      QUOTE(node->text), quantity->name, quantity->fraction);
    if (!unit[0])
        return refuse(decoder, node->place, "%s is not a %s: its unit is missing (write %.*ss; %s)",
                      QUOTE(node->text), quantity->name, n_digits, node->text, quantity->known);

    const char *symbol = symbol_meant(quantity, unit);
    if (!symbol)
        return refuse(decoder, node->place, "%s is not a %s: unknown unit %s (%s)",
                      QUOTE(node->text), quantity->name, QUOTE(unit), quantity->known);
    return refuse(decoder, node->place, "%s is not a %s: unknown unit %s (write %.*s%s; %s)",
                  QUOTE(node->text), quantity->name, QUOTE(unit), n_digits, node->text, symbol,
                  quantity->known);
}

static int refuse_quantity(Decoder *decoder, const Quantity *quantity, const Node *node, int error,
                           const char *unit)
{
    if (error == -EDOM)
        return refuse_unit(decoder, quantity, node, unit);
    if (error == -ERANGE && strchr(node->text, '%'))
        return refuse(decoder, node->place, "%s is more than all of RAM (at most 100%%)",
                      QUOTE(node->text));
    if (error == -ERANGE)
        return refuse(decoder, node->place, "%s is too large to be a %s (for example %s)",
                      QUOTE(node->text), quantity->name, quantity->example);
    if (node->text[0] == '-' && node->text[1] >= '0' && node->text[1] <= '9')
        return refuse(decoder, node->place, "%s is negative (for example %s)", QUOTE(node->text),
                      quantity->example);
    return refuse(decoder, node->place, "%s is not a %s (write %s; %s)", QUOTE(node->text),
                  quantity->name, quantity->examples, quantity->known);
}

int decode_size(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    char ram[FORMAT_SIZE_MAX];
    const char *unit = NULL;
    uint64_t bytes;

    int r = parse_size(node->text, decoder->ram, &bytes, &unit);
    if (r < 0)
        return refuse_quantity(decoder, &quantity_size, node, r, unit);
    if (bytes == 0)
        return refuse(decoder, node->place, "\"%s\" must be more than 0, not %s (for example %s)",
                      field->key, QUOTE(node->text), field->example);
    if (bytes > decoder->ram)
        return refuse(decoder, node->place,
                      "%s is more than this machine's RAM, %s (a share fits "
                      "every machine: 10%%)",
                      QUOTE(node->text), format_size(ram, decoder->ram));

    *(uint64_t *)field_of(field, object) = bytes;
    return DECODED;
}

#define DURATION_MAX 32

/* "30s": in the largest unit that divides it. */
static const char *format_duration(char buffer[static DURATION_MAX], uint64_t usec)
{
    static const struct {
        const char *symbol;
        uint64_t usec;
    } units[] = {
        { "d", 24 * 3600 * USEC_PER_SEC }, { "h", 3600 * USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC },        { "s", USEC_PER_SEC },
        { "ms", USEC_PER_MSEC },           { "us", 1 },
    };
    size_t i = 0;

    while (usec % units[i].usec != 0)
        i++;
    snprintf(buffer, DURATION_MAX, "%" PRIu64 "%s", usec / units[i].usec, units[i].symbol);
    return buffer;
}

int decode_duration(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    char limit[DURATION_MAX];
    const char *unit = NULL;
    uint64_t usec;

    int r = parse_duration(node->text, &usec, &unit);
    if (r < 0)
        return refuse_quantity(decoder, &quantity_duration, node, r, unit);
    if (usec < field->duration.min)
        return refuse(decoder, node->place, "%s is too short for \"%s\" (at least %s)",
                      QUOTE(node->text), field->key, format_duration(limit, field->duration.min));
    if (usec > field->duration.max)
        return refuse(decoder, node->place, "%s is too long for \"%s\" (at most %s)",
                      QUOTE(node->text), field->key, format_duration(limit, field->duration.max));

    *(uint64_t *)field_of(field, object) = usec;
    return DECODED;
}

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

int decode_path(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    cleanup(strv_freep) char **readings = NULL;

    int r = read_glob(decoder, node, path_glob_check, &readings);
    if (r != DECODED)
        return r;
    return store_text(field, object, node->text, strlen(node->text));
}

int decode_unit(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    cleanup(strv_freep) char **readings = NULL;

    int r = read_glob(decoder, node, unit_glob_check, &readings);
    if (r != DECODED)
        return r;

    STRV_FOREACH (reading, readings) {
        r = strv_append(field_of(field, object), *reading);
        if (r < 0)
            return r;
    }
    return DECODED;
}
