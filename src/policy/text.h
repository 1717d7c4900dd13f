/* SPDX-License-Identifier: MIT */
#pragma once

/* What people typed: shown without harm, and compared with what they may have meant. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A control character is in @text, of ASCII or of Latin-1. */
bool text_has_control(const char *text);

/* @c ends a line, as libyaml counts them; "\r\n" is one break, told of its second half. @next is
 * the byte behind @c, '\0' at the end. */
bool text_is_break(uint32_t c, char next);

/* One character of @text, of which @size bytes (> 0) are left, as a terminal may be given it:
 * itself, or one of YAML's escapes ("\n", "\t", "\x1b", "\u202e") where it would be obeyed or would
 * hide or reorder others; without @unicode, where it is not ASCII. Returns the bytes of @text that
 * it took.
 */
#define TEXT_SHOWN_MAX 11 /* "\U000e0001" and its end */
size_t text_show(const char *text, size_t size, bool unicode, char shown[static TEXT_SHOWN_MAX]);

/* The columns that @shown takes on a terminal, where LC_CTYPE is of UTF-8; one for each character
 * elsewhere, and for those that the locale does not know. */
size_t text_columns(const char *shown);

/* @text in quotation marks, with what does not print or would reorder a line written as an escape,
 * and cut after QUOTE_CHARACTERS. Returns @buffer. */
#define QUOTE_CHARACTERS 60
#define QUOTE_MAX        (QUOTE_CHARACTERS * 10 + 8)
const char *quote(char buffer[static QUOTE_MAX], const char *text);

/* The same in a buffer of the enclosing block. */
#define QUOTE(text) quote((char[QUOTE_MAX]){ 0 }, (text))

/* @text with the same escapes, whole and without marks, to be freed; NULL: out of memory. */
char *text_printable(const char *text);

/* The nearest of the candidates offered so far; .word is NULL where none is near enough. */
typedef struct Suggestion {
    const char *word;
    size_t distance;
} Suggestion;

/* Near enough: at most two letters added, left out, changed or swapped with their neighbour, one in
 * a candidate of less than four letters; case does not count. The first of equals stays. */
void suggestion_offer(Suggestion *suggestion, const char *typed, const char *candidate);
