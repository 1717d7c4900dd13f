/* SPDX-License-Identifier: MIT */
/* Values that are amounts. Units are matched strictly, but those that people know from elsewhere
 * (MB, MiB, sec, min) are understood well enough to tell how we write them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/text.h"
#include "policy/values.h"
#include "util/parse.h"
#include "util/units.h"

#define DIGITS "0123456789"

/* A unit of ours, and how it or its like is written elsewhere; any beginning of a word counts, from
 * two letters on. */
typedef struct UnitWord {
    const char *symbol;
    const char *word;
} UnitWord;

/* What parses and prints a kind of amount, and how messages speak of it. */
typedef struct Quantity {
    int (*parse)(const char *text, uint64_t ram, uint64_t *ret, const char **ret_unit);
    const char *(*format)(char buffer[static FORMAT_SIZE_MAX], uint64_t value);
    const char *name;
    const char *known;
    const char *examples;
    const char *example;  /* one of them */
    const char *unit;     /* to be written where it is missing; "": any would be a guess */
    const char *fraction; /* how to write one that is no share; NULL: no example would do */
    const char *too_small;
    const char *too_large;
    const UnitWord *words;
    size_t n_words;
} Quantity;

static int parse_duration_of(const char *text, uint64_t ram, uint64_t *ret, const char **ret_unit)
{
    (void)ram;
    return parse_duration(text, ret, ret_unit);
}

/* Looks like one of ours and is another amount: megabits, a rate per minute. */
static bool is_foreign(const char *unit)
{
    const char *slash = strchr(unit, '/');

    return strcasestr(unit, "bit") || strcasestr(unit, "bps") ||
           (slash && slash[1] != 's' && slash[1] != 'S');
}

/* Too short a word is near to others, and a first letter is what tells units apart: mega from peta,
 * milli from nano. */
static bool may_be_misspelt(const char *unit, const char *word)
{
    return strlen(unit) >= 4 && strlen(word) > 4 && strncasecmp(unit, word, 1) == 0;
}

/* Our symbol for a unit that people write otherwise, or NULL: no guess is better than another
 * amount. */
static const char *symbol_meant(const Quantity *quantity, const char *unit)
{
    Suggestion suggestion = { 0 };
    size_t n = strlen(unit);

    if (is_foreign(unit) || strpbrk(unit, DIGITS))
        return NULL;
    for (size_t i = 0; i < quantity->n_words; i++)
        if ((n > 1 && strncasecmp(quantity->words[i].word, unit, n) == 0) ||
            strcasecmp(quantity->words[i].word, unit) == 0 ||
            strcasecmp(quantity->words[i].symbol, unit) == 0)
            return quantity->words[i].symbol;

    for (size_t i = 0; i < quantity->n_words; i++)
        if (may_be_misspelt(unit, quantity->words[i].word))
            suggestion_offer(&suggestion, unit, quantity->words[i].word);
    for (size_t i = 0; suggestion.word && i < quantity->n_words; i++)
        if (quantity->words[i].word == suggestion.word)
            return quantity->words[i].symbol;
    return NULL;
}

static bool has_symbol(const Quantity *quantity, const char *symbol)
{
    for (size_t i = 0; i < quantity->n_words; i++)
        if (strcmp(quantity->words[i].symbol, symbol) == 0)
            return true;
    return false;
}

/* The sum of "1m30s", of durations one behind the other. False: @text is something else. */
static bool add_durations(const char *text, uint64_t *ret)
{
    uint64_t sum = 0;

    while (*text) {
        size_t n_digits = strspn(text, DIGITS), n = n_digits + strcspn(text + n_digits, " " DIGITS);
        char part[32];
        uint64_t value;

        if (n >= sizeof(part))
            return false;
        memcpy(part, text, n);
        part[n] = '\0';
        if (parse_duration(part, &value, NULL) < 0 || __builtin_add_overflow(sum, value, &sum))
            return false;
        text += n;
        text += strspn(text, " ");
    }
    *ret = sum;
    return true;
}

/* A unit that has digits in it: of durations, another one is behind the first. */
static int refuse_compound(Decoder *decoder, const Quantity *quantity, const Node *node)
{
    char sum[FORMAT_SIZE_MAX];
    uint64_t value;
    bool known = add_durations(node->text, &value);

    return refuse(decoder, node->place,
                  "%s is not a %s: one number and one unit are wanted (%s %s; %s)",
                  QUOTE(node->text), quantity->name, known ? "write" : "for example",
                  known ? format_duration(sum, value) : quantity->example, quantity->known);
}

static int refuse_fraction(Decoder *decoder, const Quantity *quantity, const Node *node)
{
    const char *example = strchr(node->text, '%') ? NULL : quantity->fraction;

    return refuse(decoder, node->place, "%s is not a %s: fractions are not known (write %s%s)",
                  QUOTE(node->text), quantity->name, example ? "whole numbers: " : "a whole number",
                  example ? example : "");
}

static int refuse_missing_unit(Decoder *decoder, const Quantity *quantity, const Node *node)
{
    bool sure = quantity->unit[0];

    return refuse(decoder, node->place, "%s is not a %s: its unit is missing (write %.20s%s; %s)",
                  QUOTE(node->text), quantity->name, sure ? node->text : quantity->examples,
                  quantity->unit, quantity->known);
}

/* @unit is behind the number, and none that is known. */
static int refuse_unit(Decoder *decoder, const Quantity *quantity, const Node *node,
                       const char *unit)
{
    int n_digits = (int)min_u64((uint64_t)(unit - node->text), 20);
    const char *word = unit + strspn(unit, " ");

    if (unit[0] == ',' && quantity->unit[0] == '%')
        return refuse(decoder, node->place,
                      "%s is not a %s: decimals stand behind a point (for example 0.5%%)",
                      QUOTE(node->text), quantity->name);
    if ((unit[0] == '.' || unit[0] == ',') && unit[1] >= '0' && unit[1] <= '9')
        return refuse_fraction(decoder, quantity, node);
    if (!unit[0])
        return refuse_missing_unit(decoder, quantity, node);
    if (word[0] == '%' && word[1] && has_symbol(quantity, "%"))
        return refuse(decoder, node->place,
                      "%s is not a %s: nothing stands behind the %% (write %.*s%%)",
                      QUOTE(node->text), quantity->name, n_digits, node->text);
    if (quantity->parse == parse_duration_of && strpbrk(unit, DIGITS))
        return refuse_compound(decoder, quantity, node);

    const char *symbol = symbol_meant(quantity, word);
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
        return refuse(decoder, node->place, "%s is more than all of %s (at most 100%%)",
                      QUOTE(node->text), quantity->unit[0] == '%' ? "the time" : "RAM");
    if (error == -ERANGE)
        return refuse(decoder, node->place, "%s is too large to be a %s (for example %s)",
                      QUOTE(node->text), quantity->name, quantity->example);
    if (node->text[0] == '-' && node->text[1] >= '0' && node->text[1] <= '9')
        return refuse(decoder, node->place, "%s is negative (for example %s)", QUOTE(node->text),
                      quantity->example);
    return refuse(decoder, node->place, "%s is not a %s (write %s; %s)", QUOTE(node->text),
                  quantity->name, quantity->examples, quantity->known);
}

static int decode_quantity(Decoder *decoder, const Field *field, const Quantity *quantity,
                           const Node *node, void *object)
{
    char bound[FORMAT_SIZE_MAX];
    const char *unit = NULL;
    uint64_t value;

    int r = quantity->parse(node->text, decoder->ram, &value, &unit);
    if (r < 0)
        return refuse_quantity(decoder, quantity, node, r, unit);
    if (value == 0 && field->min == 0)
        return refuse(decoder, node->place, "\"%s\" must be more than 0, not %s (for example %s)",
                      field->key, QUOTE(node->text), field->example);
    if (value < field->min)
        return refuse(decoder, node->place, "%s is too %s for \"%s\" (at least %s)",
                      QUOTE(node->text), quantity->too_small, field->key,
                      quantity->format(bound, field->min));
    if (field->max > 0 && value > field->max)
        return refuse(decoder, node->place, "%s is too %s for \"%s\" (at most %s)",
                      QUOTE(node->text), quantity->too_large, field->key,
                      quantity->format(bound, field->max));

    *(uint64_t *)field_of(field, object) = value;
    return DECODED;
}

static const UnitWord size_words[] = {
    { "K", "kilobytes" }, { "K", "kbytes" }, { "K", "kib" },     { "K", "kibibytes" },
    { "M", "megabytes" }, { "M", "mbytes" }, { "M", "mib" },     { "M", "mebibytes" },
    { "G", "gigabytes" }, { "G", "gbytes" }, { "G", "gib" },     { "G", "gibibytes" },
    { "T", "terabytes" }, { "T", "tbytes" }, { "T", "tib" },     { "T", "tebibytes" },
    { "P", "petabytes" }, { "P", "pbytes" }, { "P", "pib" },     { "P", "pebibytes" },
    { "", "bytes" },      { "", "b" },       { "%", "percent" },
};
static const Quantity quantity_size = {
    .parse = parse_size,
    .format = format_size,
    .name = "size",
    .known = "K, M, G, T and % of RAM are known",
    .examples = "512M, 2G or 10%",
    .example = "512M",
    .unit = "M",
    .fraction = "1536M for 1.5G",
    .too_small = "small",
    .too_large = "large",
    .words = size_words,
    .n_words = ELEMENTS(size_words),
};

#define SIZE_PATTERN "^([0-9]+[KMGTP]?|0*(100|[0-9]{1,2})%)$"

static int decode_length(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return decode_quantity(decoder, field, &quantity_size, node, object);
}

static int decode_size(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    char ram[FORMAT_SIZE_MAX];

    int r = decode_length(decoder, field, node, object);
    if (r == DECODED && *(uint64_t *)field_of(field, object) > decoder->ram)
        return refuse(decoder, node->place,
                      "%s is more than this machine's RAM, %s (a share fits every machine: 10%%)",
                      QUOTE(node->text), format_size(ram, decoder->ram));
    return r;
}

const ValueType type_size = { "size", NODE_TEXT, decode_size, SIZE_PATTERN, PLAIN_INTEGER };
const ValueType type_length = { "size", NODE_TEXT, decode_length, SIZE_PATTERN, PLAIN_INTEGER };

static const UnitWord duration_words[] = {
    { "s", "seconds" }, { "s", "secs" },   { "m", "minutes" },       { "m", "mins" },
    { "h", "hours" },   { "h", "hrs" },    { "d", "days" },          { "ms", "milliseconds" },
    { "ms", "msecs" },  { "us", "usecs" }, { "us", "microseconds" },
};
static const Quantity quantity_duration = {
    .parse = parse_duration_of,
    .format = format_duration,
    .name = "duration",
    .known = "ms, s, m, h and d are known",
    .examples = "30s, 10m or 1h",
    .example = "30s",
    .unit = "s",
    .fraction = "90m for 1.5h",
    .too_small = "short",
    .too_large = "long",
    .words = duration_words,
    .n_words = ELEMENTS(duration_words),
};

static int decode_duration(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return decode_quantity(decoder, field, &quantity_duration, node, object);
}

const ValueType type_duration = { "duration", NODE_TEXT, decode_duration,
                                  "^[0-9]+(us|ms|s|m|h|d)$" };

static int parse_share_of(const char *text, uint64_t ram, uint64_t *ret, const char **ret_unit)
{
    (void)ram;
    return parse_share(text, ret, ret_unit);
}

static const UnitWord share_words[] = { { "%", "percent" }, { "%", "pct" } };
static const Quantity quantity_share = {
    .parse = parse_share_of,
    .format = format_ppm,
    .name = "share",
    .known = "% of the time is known, with up to four decimals",
    .examples = "0.5%, 1% or 20%",
    .example = "1%",
    .unit = "%",
    .too_small = "small",
    .too_large = "large",
    .words = share_words,
    .n_words = ELEMENTS(share_words),
};

static int decode_share(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return decode_quantity(decoder, field, &quantity_share, node, object);
}

const ValueType type_share = { "share", NODE_TEXT, decode_share,
                               "^0*(100([.]0{1,4})?|[0-9]{1,2}([.][0-9]{1,4})?)%$" };

static int parse_rate_of(const char *text, uint64_t ram, uint64_t *ret, const char **ret_unit)
{
    (void)ram;
    return parse_rate(text, ret, ret_unit);
}

static const char *format_rate(char buffer[static FORMAT_SIZE_MAX], uint64_t value)
{
    snprintf(buffer, FORMAT_SIZE_MAX, "%" PRIu64 "/s", value);
    return buffer;
}

static const UnitWord rate_words[] = {
    { "/s", "/seconds" }, { "/s", "per second" }, { "/s", "ps" }, { "/s", "hz" }, { "/s", "s" },
};
static const Quantity quantity_rate = {
    .parse = parse_rate_of,
    .format = format_rate,
    .name = "rate",
    .known = "only /s is known",
    .examples = "50/s or 500/s",
    .example = "50/s",
    .unit = "/s",
    .too_small = "low",
    .too_large = "high",
    .words = rate_words,
    .n_words = ELEMENTS(rate_words),
};

static int decode_rate(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return decode_quantity(decoder, field, &quantity_rate, node, object);
}

const ValueType type_rate = { "rate", NODE_TEXT, decode_rate, "^[0-9]+/s$" };

static int parse_byte_rate_of(const char *text, uint64_t ram, uint64_t *ret, const char **ret_unit)
{
    (void)ram;
    return parse_byte_rate(text, ret, ret_unit);
}

static const char *format_byte_rate(char buffer[static FORMAT_SIZE_MAX], uint64_t value)
{
    format_size(buffer, value);
    return strcat(buffer, "/s");
}

static const UnitWord byte_rate_words[] = {
    { "K/s", "kb/seconds" }, { "K/s", "kib/seconds" },  { "K/s", "k/seconds" }, { "K/s", "k" },
    { "M/s", "mb/seconds" }, { "M/s", "mib/seconds" },  { "M/s", "m/seconds" }, { "M/s", "m" },
    { "G/s", "gb/seconds" }, { "G/s", "gib/seconds" },  { "G/s", "g/seconds" }, { "G/s", "g" },
    { "/s", "b/seconds" },   { "/s", "bytes/seconds" },
};
static const Quantity quantity_byte_rate = {
    .parse = parse_byte_rate_of,
    .format = format_byte_rate,
    .name = "rate",
    .known = "K/s, M/s and G/s of bytes are known",
    .examples = "16M/s or 200M/s",
    .example = "16M/s",
    .unit = "",
    .fraction = "1536K/s for 1.5M/s",
    .too_small = "low",
    .too_large = "high",
    .words = byte_rate_words,
    .n_words = ELEMENTS(byte_rate_words),
};

static int decode_byte_rate(Decoder *decoder, const Field *field, const Node *node, void *object)
{
    return decode_quantity(decoder, field, &quantity_byte_rate, node, object);
}

const ValueType type_byte_rate = { "rate of bytes", NODE_TEXT, decode_byte_rate,
                                   "^[0-9]+[KMGT]?/s$" };
