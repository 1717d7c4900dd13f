/* SPDX-License-Identifier: MIT */
#pragma once

#include <string.h>

#include "policy/document.h"

/* The same texts in the same order, wherever they stand and however they are quoted. NULL is a
 * tree.
 */
static inline bool same_tree(const Node *a, const Node *b)
{
    for (; a && b; a = a->next, b = b->next) {
        if (a->kind != b->kind || (a->kind == NODE_TEXT && strcmp(a->text, b->text) != 0))
            return false;
        if (!same_tree(a->first, b->first))
            return false;
    }
    return !a && !b;
}
