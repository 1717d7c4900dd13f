/* SPDX-License-Identifier: MIT */
#pragma once

#include "policy/document.h"

/* @tree, whose keys are texts and which was read from @sources, as YAML in block style: it reads
 * back as the same tree. Behind each line a comment has its origin, "  # FILE:LINE". To be freed;
 * NULL: out of memory. */
char *show_document(const Node *tree, const Source *sources);
