/* SPDX-License-Identifier: MIT */
#pragma once

/* The keys of a mapping, and what is said of those that are not. For fields.c only. */

#include "policy/fields.h"

/* The pair " in NAME", or nothing for the document itself. */
#define IN(mapping) (mapping)->name ? " in " : "", (mapping)->name ? (mapping)->name : ""

/* NULL: @mapping has no such key. */
const Field *find_field(const Mapping *mapping, const char *key);

/* "budget:512M", the text of @node: the field whose key is before the colon; NULL: it is something
 * else. */
const Field *find_unspaced(const Mapping *mapping, const Node *node);

/* Reports such a text, where a key or all of @mapping should be. REFUSED or -ENOMEM. */
int refuse_unspaced(Decoder *decoder, const Mapping *mapping, const Node *node);

/* Reports @key. REFUSED, *ret_meant is the field that seems to be meant, or NULL; -ENOMEM. */
int refuse_unknown_key(Decoder *decoder, const Mapping *mapping, const Node *key,
                       const Field **ret_meant);
