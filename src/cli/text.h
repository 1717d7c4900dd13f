/* SPDX-License-Identifier: MIT */
#pragma once

/* Text for people and for JSON; all of it pure. */

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "util/cleanup.h"
#include "util/parse.h"

DEFINE_CLEANUP(struct json_object *, json_object_put)

/* A copy of @text that a terminal shows and does not obey: control characters, those that turn the
 * direction of writing, and bytes that are not UTF-8 become "\n", "\t" or "\xNN"; without @unicode
 * all that is not ASCII does. To be freed; NULL: out of memory. */
char *escape_text(const char *text, bool unicode);

/* A JSON string of @text as utf8_escape() makes it. NULL: out of memory. */
struct json_object *json_text(const char *text);

#define SHARE_BAR_WIDTH 8 /* characters of the drawn bar */
#define SHARE_TEXT_MAX  64

/* "▇▇▇▇░░░░  50%" ("####....  50%" without @unicode). A full bar and 100 % mean all of it, an empty
 * bar and 0 % nothing; in between, at least one and not all. "" where @whole is 0. Returns @buffer.
 */
const char *format_share(char buffer[static SHARE_TEXT_MAX], uint64_t part, uint64_t whole,
                         bool unicode);

/* What stands behind "file". */
static inline const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* "1.5G", or the exact number. Returns @buffer. */
const char *format_bytes(char buffer[static FORMAT_SIZE_MAX], uint64_t value, bool bytes);
