/* SPDX-License-Identifier: MIT */
#pragma once

/* The types of single values: each judges the text of its node and stores the value. */

#include "policy/fields.h"

/* Readings of all globs of one policy (a glob without braces is one): each of them is matched
 * against names, and those of units are kept. */
#define POLICY_READINGS_MAX 10000

/* words.c */
extern const ValueType type_version; /* nothing is stored */
extern const ValueType type_line;    /* char * */
extern const ValueType type_bool;    /* bool */
extern const ValueType type_enum;    /* an enum, of field->names */
extern const ValueType type_flag;    /* an entry of a list: a bit of an unsigned, of field->names */
extern const ValueType type_pin_key; /* an entry of a list: appended to a PinOrder */

/* quantities.c: uint64_t within field->min and max. */
extern const ValueType type_size;      /* bytes: more than 0, and no more than the machine has */
extern const ValueType type_length;    /* bytes: more than 0 */
extern const ValueType type_duration;  /* usec */
extern const ValueType type_share;     /* of time, parts per million */
extern const ValueType type_rate;      /* per second */
extern const ValueType type_byte_rate; /* bytes per second */

/* parts.c */
extern const ValueType type_range; /* ByteRange */
extern const ValueType type_keep;  /* EvictKeep */

/* Globs, in paths.c. */
extern const ValueType type_path;      /* char *, an absolute glob */
extern const ValueType type_file_path; /* char *, an absolute path to write to */
extern const ValueType type_unit;      /* entries of lists: their readings are appended to a strv */
extern const ValueType type_cgroup;
extern const ValueType type_exclude;
