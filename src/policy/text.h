/* SPDX-License-Identifier: MIT */
#pragma once

/* What people typed: shown without harm, and compared with what they may have meant. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A control character is in @text, of ASCII or of Latin-1. */
bool text_has_control(const char *text);

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
