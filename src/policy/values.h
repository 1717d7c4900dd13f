/* SPDX-License-Identifier: MIT */
#pragma once

/* Handlers of single values: each judges the text of its node and stores the value. */

#include "policy/fields.h"

/* Readings of all globs of one policy (a glob without braces is one): each of them is matched
 * against names, and those of units are kept. */
#define POLICY_READINGS_MAX 10000

int decode_version(Decoder *decoder, const Field *field, const Node *node, void *object); /* - */
int decode_line(Decoder *decoder, const Field *field, const Node *node, void *object); /* char * */
int decode_enum(Decoder *decoder, const Field *field, const Node *node, void *object); /* an enum */

/* uint64_t, bytes: more than 0, and no more than the machine has. */
int decode_size(Decoder *decoder, const Field *field, const Node *node, void *object);

/* uint64_t, usec: within field->duration. */
int decode_duration(Decoder *decoder, const Field *field, const Node *node, void *object);

int decode_path(Decoder *decoder, const Field *field, const Node *node, void *object); /* char * */

/* Appends the readings of one glob to a strv. */
int decode_unit(Decoder *decoder, const Field *field, const Node *node, void *object);
