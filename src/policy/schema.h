/* SPDX-License-Identifier: MIT */
#pragma once

/* A language as a JSON schema (draft 7), for editors that check and complete YAML by one. It
 * accepts whatever the decoder does, as YAML 1.2 reads it, and refuses what the tables alone can
 * tell to be wrong. Left to the decoder: limits, globs, keys that exclude each other, roles. It is
 * of whole files; a drop-in may lack what it requires. */

#include "policy/language.h"

/* @title is what the schema is of, for people. 0 with *ret, a text to be freed; -ENOMEM; -EBADMSG:
 * an example or default of the tables is not YAML. */
int schema_format(const Language *language, const char *title, char **ret);
