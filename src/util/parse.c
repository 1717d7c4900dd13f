/* SPDX-License-Identifier: MIT */
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/units.h"

/* Leading decimal digits of *text, which is moved behind them. */
static int take_digits(const char **text, uint64_t *ret)
{
    const char *p = *text;
    uint64_t value = 0;

    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return -ERANGE;

    *text = p;
    *ret = value;
    return 0;
}

int parse_u64(const char *text, uint64_t *ret)
{
    uint64_t value;
    int r = take_digits(&text, &value);
    if (r < 0)
        return r;
    if (*text)
        return -EINVAL;

    *ret = value;
    return 0;
}

typedef struct UnitName {
    const char *name;
    uint64_t factor;
} UnitName;

static int scale(uint64_t value, const char *unit, const UnitName names[], size_t n_names,
                 uint64_t *ret, const char **ret_unit)
{
    uint64_t scaled;

    for (size_t i = 0; i < n_names; i++) {
        if (strcmp(unit, names[i].name) != 0)
            continue;
        if (__builtin_mul_overflow(value, names[i].factor, &scaled))
            return -ERANGE;
        *ret = scaled;
        return 0;
    }

    if (ret_unit)
        *ret_unit = unit;
    return -EDOM;
}

int parse_size(const char *text, uint64_t ram, uint64_t *ret, const char **ret_unit)
{
    static const UnitName names[] = {
        { "", 1 },    { "K", KIB },        { "M", MIB },
        { "G", GIB }, { "T", GIB * 1024 }, { "P", GIB * 1024 * 1024 },
    };
    uint64_t value;

    int r = take_digits(&text, &value);
    if (r < 0)
        return r;

    if (strcmp(text, "%") == 0) {
        if (value > 100)
            return -ERANGE;
        *ret = (uint64_t)((unsigned __int128)ram * value / 100);
        return 0;
    }

    return scale(value, text, names, ELEMENTS(names), ret, ret_unit);
}

/* A leading "16M" of *text, which is moved behind it. */
static int take_length(const char **text, uint64_t *ret)
{
    static const char units[] = "KMGTP";
    const char *p = *text;
    uint64_t value;

    int r = take_digits(&p, &value);
    if (r < 0)
        return r;
    const char *unit = *p ? strchr(units, *p) : NULL;
    if (unit) {
        if (__builtin_mul_overflow(value, KIB << 10 * (unit - units), &value))
            return -ERANGE;
        p++;
    }
    *text = p;
    *ret = value;
    return 0;
}

int parse_length(const char *text, uint64_t *ret)
{
    uint64_t value;

    int r = take_length(&text, &value);
    if (r < 0)
        return r;
    if (*text)
        return -EINVAL;
    *ret = value;
    return 0;
}

int parse_range(const char *text, uint64_t *ret_begin, uint64_t *ret_end)
{
    uint64_t begin, end = UINT64_MAX;

    if (take_length(&text, &begin) < 0 || *text++ != '-' || (*text && parse_length(text, &end) < 0))
        return -EINVAL;
    if (begin >= end)
        return -ERANGE;
    *ret_begin = begin;
    *ret_end = end;
    return 0;
}

int parse_duration(const char *text, uint64_t *ret, const char **ret_unit)
{
    static const UnitName names[] = {
        { "us", 1 },
        { "ms", USEC_PER_MSEC },
        { "s", USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC },
        { "h", 3600 * USEC_PER_SEC },
        { "d", 24 * 3600 * USEC_PER_SEC },
    };
    uint64_t value;

    int r = take_digits(&text, &value);
    return r < 0 ? r : scale(value, text, names, ELEMENTS(names), ret, ret_unit);
}

/* The decimals of *text, which begins with their point, in units of 10^-4. */
static int take_decimals(const char **text, uint64_t *ret)
{
    const char *p = *text + 1;
    uint64_t value;

    int r = take_digits(&p, &value);
    if (r < 0)
        return r;
    if (p - *text > 1 + 4)
        return -EINVAL;
    for (const char *end = *text + 1 + 4; p < end; end--)
        value *= 10;
    *text = p;
    *ret = value;
    return 0;
}

int parse_share(const char *text, uint64_t *ret, const char **ret_unit)
{
    uint64_t percent, decimals = 0;

    int r = take_digits(&text, &percent);
    if (r >= 0 && *text == '.')
        r = take_decimals(&text, &decimals);
    if (r < 0)
        return r;
    if (strcmp(text, "%") != 0) {
        if (ret_unit)
            *ret_unit = text;
        return -EDOM;
    }
    if (percent > 100 || (percent == 100 && decimals > 0))
        return -ERANGE;

    *ret = percent * 10000 + decimals;
    return 0;
}

int parse_rate(const char *text, uint64_t *ret, const char **ret_unit)
{
    static const UnitName names[] = { { "/s", 1 } };
    uint64_t value;

    int r = take_digits(&text, &value);
    return r < 0 ? r : scale(value, text, names, ELEMENTS(names), ret, ret_unit);
}

int parse_byte_rate(const char *text, uint64_t *ret, const char **ret_unit)
{
    static const UnitName names[] = {
        { "/s", 1 }, { "K/s", KIB }, { "M/s", MIB }, { "G/s", GIB }, { "T/s", GIB * 1024 },
    };
    uint64_t value;

    int r = take_digits(&text, &value);
    return r < 0 ? r : scale(value, text, names, ELEMENTS(names), ret, ret_unit);
}

/* Appends @bytes in the largest unit that divides it. */
static void put_length(char buffer[static FORMAT_RANGE_MAX], uint64_t bytes)
{
    static const char *const units[] = { "", "K", "M", "G", "T", "P" };
    size_t i = 0, n = strlen(buffer);

    for (; bytes > 0 && bytes % KIB == 0 && i + 1 < ELEMENTS(units); i++)
        bytes /= KIB;
    snprintf(buffer + n, FORMAT_RANGE_MAX - n, "%" PRIu64 "%s", bytes, units[i]);
}

const char *format_range(char buffer[static FORMAT_RANGE_MAX], uint64_t begin, uint64_t end)
{
    buffer[0] = '\0';
    put_length(buffer, begin);
    strcat(buffer, "-");
    if (end != UINT64_MAX)
        put_length(buffer, end);
    return buffer;
}

const char *format_duration(char buffer[static FORMAT_DURATION_MAX], uint64_t usec)
{
    static const UnitName units[] = {
        { "d", 24 * 3600 * USEC_PER_SEC }, { "h", 3600 * USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC },        { "s", USEC_PER_SEC },
        { "ms", USEC_PER_MSEC },           { "us", 1 },
    };
    size_t i = 0;

    while (usec % units[i].factor != 0)
        i++;
    snprintf(buffer, FORMAT_DURATION_MAX, "%" PRIu64 "%s", usec / units[i].factor, units[i].name);
    return buffer;
}

const char *format_ppm(char buffer[static FORMAT_PPM_MAX], uint64_t ppm)
{
    int n = snprintf(buffer, FORMAT_PPM_MAX, "%" PRIu64 ".%04" PRIu64, ppm / 10000, ppm % 10000);

    while (buffer[n - 1] == '0')
        n--;
    if (buffer[n - 1] == '.')
        n--;
    strcpy(buffer + n, "%");
    return buffer;
}

/* Decimal, as printf() would; returns where the text ends. Tables have hundreds of thousands. */
static char *put_u64(char *out, uint64_t value)
{
    char digits[20];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n > 0)
        *out++ = digits[--n];
    *out = '\0';
    return out;
}

const char *format_size(char buffer[static FORMAT_SIZE_MAX], uint64_t bytes)
{
    static const char suffixes[] = "KMGTPE";
    uint64_t unit = 1;
    int suffix = -1;

    while (suffix < 5 && bytes / unit >= 1024) {
        unit *= 1024;
        suffix++;
    }
    if (suffix < 0) {
        put_u64(buffer, bytes);
        return buffer;
    }

    /* Tenths, rounded to nearest; 1023.96M would read "1024.0M", which is as good as "1.0G". */
    uint64_t whole = bytes / unit;
    uint64_t tenths = ((bytes % unit) / (unit / 1024) * 10 + 512) / 1024;
    if (tenths == 10) {
        whole++;
        tenths = 0;
    }
    char *out = put_u64(buffer, whole);
    if (tenths > 0) {
        *out++ = '.';
        *out++ = (char)('0' + tenths);
    }
    *out++ = suffixes[suffix];
    *out = '\0';
    return buffer;
}
