/* SPDX-License-Identifier: MIT */
#pragma once

/* Bytes read as UTF-8, and made such. */

#include <stddef.h>
#include <stdint.h>

/* The character at @text, of which @size bytes (> 0) are left. Returns its length in bytes (1–4),
 * or -EINVAL where the bytes are not UTF-8 (RFC 3629: no surrogates, nothing overlong). */
int utf8_decode(const char *text, size_t size, uint32_t *ret);

#define ESCAPED_BYTE 4 /* "\xNN": what put_escaped() writes for one byte */

/* Writes "\xNN" for each of the @n bytes. Returns the end, where it writes no '\0'. */
char *put_escaped(char *out, const char *bytes, size_t n);

/* A copy of @text that is UTF-8 and that D-Bus takes: each byte that is not, and those of Unicode's
 * noncharacters, which sd-bus refuses, become "\xNN". To be freed; NULL: out of memory. */
char *utf8_escape(const char *text);
