/* SPDX-License-Identifier: MIT */
#pragma once

/* Sizes and durations as people write them, and back. All functions are pure. */

#include <stddef.h>
#include <stdint.h>

/* "4096", "512M", "2G" (K, M, G, T, P: powers of 1024), or "10%" of @ram bytes; fractions ("1.5G")
 * are refused. *ret in bytes. -EINVAL: not a size; -ERANGE: does not fit 64 bits, or a share over
 * 100 %; -EDOM: an unknown unit (*ret_unit, when not NULL, points at it inside @text). */
int parse_size(const char *text, uint64_t ram, uint64_t *ret, const char **ret_unit);

/* "500ms", "30s", "10m", "1h", "2d"; a bare number is refused, because nobody agrees on its unit.
 * *ret in microseconds. Errors as parse_size(). */
int parse_duration(const char *text, uint64_t *ret, const char **ret_unit);

/* An unsigned decimal number and nothing else (no sign, no space). -EINVAL, -ERANGE. */
int parse_u64(const char *text, uint64_t *ret);

/* "0.5%", "20%": at most four decimals. *ret in parts per million. Errors as parse_size(). */
int parse_share(const char *text, uint64_t *ret, const char **ret_unit);

/* "50/s". *ret per second. Errors as parse_size(). */
int parse_rate(const char *text, uint64_t *ret, const char **ret_unit);

/* "16M/s". *ret in bytes per second. Errors as parse_size(). */
int parse_byte_rate(const char *text, uint64_t *ret, const char **ret_unit);

/* "4096", "16M": of a file, of which no share of RAM makes sense. *ret in bytes. -EINVAL, -ERANGE.
 */
int parse_length(const char *text, uint64_t *ret);

/* "0-8M", "1G-": bytes [*ret_begin, *ret_end) of a file; UINT64_MAX: to its end. -EINVAL: not a
 * range; -ERANGE: an empty one. */
int parse_range(const char *text, uint64_t *ret_begin, uint64_t *ret_end);

/* "0-8M", as parse_range() reads it. Returns @buffer. */
#define FORMAT_RANGE_MAX 48
const char *format_range(char buffer[static FORMAT_RANGE_MAX], uint64_t begin, uint64_t end);

#define FORMAT_DURATION_MAX 32

/* "30s": in the largest unit that divides it. Returns @buffer. */
const char *format_duration(char buffer[static FORMAT_DURATION_MAX], uint64_t usec);

/* "0.5%". Returns @buffer. */
#define FORMAT_PPM_MAX 32
const char *format_ppm(char buffer[static FORMAT_PPM_MAX], uint64_t ppm);

#define FORMAT_SIZE_MAX 32

/* "512M", "1.5G", "0": at most one decimal, exact where the value is a whole number of its unit.
 * Returns @buffer, which holds FORMAT_SIZE_MAX bytes. */
const char *format_size(char buffer[static FORMAT_SIZE_MAX], uint64_t bytes);

/* Rounds down to whole pages of @page bytes. */
static inline uint64_t page_floor(uint64_t bytes, uint64_t page)
{
    return bytes - bytes % page;
}
