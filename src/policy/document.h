/* SPDX-License-Identifier: MIT */
#pragma once

/* One YAML text as a tree, whose nodes know where they stand, and the merging of several. */

#include "policy/reader.h"

typedef struct Node Node;

struct Node {
    NodeKind kind; /* never NODE_END */
    PolicyPlace place;
    char *text;      /* NODE_TEXT */
    bool plain;      /* NODE_TEXT: without quotation marks */
    bool refused;    /* has been reported, and has no value that could be judged */
    bool unfinished; /* the text could not be read up to its end */
    Node *first;     /* NODE_LIST: the entries; NODE_MAPPING: a key, its value, a key … */
    Node *next;      /* an unfinished mapping may have a key without its value */
};

/* Reads the only document of @source, of the index @file, all of whose mistakes of YAML are
 * reported. 0, where *ret is NULL if the text is empty or has comments alone; -EBADMSG: reported,
 * *ret is what could be read, or NULL; -ENOMEM. */
int document_read(const Source *source, size_t file, Diagnostics *diagnostics, Node **ret);

/* Takes NULL, returns NULL; what is @node's next is freed too. */
Node *node_free(Node *node);

DEFINE_CLEANUP(Node *, node_free)

/* The first of @n_sources documents with the others laid upon it in their order: mappings are
 * merged key by key, everything else replaces. Results as above, but for *ret on failure. */
int document_read_merged(const Source *sources, size_t n_sources, Diagnostics *diagnostics,
                         Node **ret);

/* The value of the first @key in a mapping (of any other node: none), or NULL. */
const Node *node_value(const Node *mapping, const char *key);

/* The keys of a mapping, in order; the value of one is key->next. */
#define NODE_FOREACH_KEY(key, mapping) \
    for (const Node *key = (mapping)->first; key; key = key->next ? key->next->next : NULL)
