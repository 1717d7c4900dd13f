/* SPDX-License-Identifier: MIT */
/* The reader's events, kept. A tree costs memory that a stream would not, at most 100,000 nodes; it
 * buys that drop-ins can be merged before they are decoded, and that what spans several keys can be
 * judged wherever they stand. Recursion is bounded by READER_DEPTH_MAX. */
#include "policy/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

Node *node_free(Node *node)
{
    while (node) {
        Node *next = node->next;

        (void)node_free(node->first);
        free(node->text);
        free(node);
        node = next;
    }
    return NULL;
}

static int read_children(Reader *reader, Node *parent);

/* On failure too *ret is what could be read of the node, or NULL. */
static int read_node(Reader *reader, const Event *event, Node **ret)
{
    Node *node = calloc(1, sizeof(Node));
    if (!node)
        return -ENOMEM;

    *ret = node;
    node->kind = event->kind;
    node->place = event->place;
    node->plain = event->plain;
    node->refused = event->refused;
    if (event->kind != NODE_TEXT)
        return read_children(reader, node);
    node->text = strdup(event->text);
    return node->text ? 0 : -ENOMEM;
}

static int read_children(Reader *reader, Node *parent)
{
    Node *last = NULL;

    parent->unfinished = true;
    for (Node **tail = &parent->first;; tail = &last->next) {
        Event event;

        int r = reader_next(reader, &event);
        if (r < 0 && last && last->kind == NODE_TEXT && reader->is_spoilt)
            last->refused = true; /* one mistake is one message */
        if (r < 0)
            return r;
        if (event.kind == NODE_END)
            break;
        r = read_node(reader, &event, tail);
        if (r < 0)
            return r;
        last = *tail;
    }
    parent->unfinished = false;
    return 0;
}

int document_read(const Source *source, size_t file, Diagnostics *diagnostics, Node **ret)
{
    Reader reader;
    Event event;

    *ret = NULL;
    int r = reader_open(&reader, source, file, diagnostics);
    if (r >= 0)
        r = reader_root(&reader, &event);
    if (r >= 0)
        r = read_node(&reader, &event, ret);
    if (r >= 0)
        r = reader_finish(&reader);
    reader_close(&reader);
    return r == -ENODATA ? 0 : r;
}

static void merge(Node **base, Node *over);

/* The link to the first @key of @mapping, or to where it would be appended. */
static Node **find_key(Node *mapping, const char *key)
{
    Node **link = &mapping->first;

    while (*link && !((*link)->kind == NODE_TEXT && strcmp((*link)->text, key) == 0))
        link = &(*link)->next->next;
    return link;
}

/* A key of @base, with its value, is laid over by @key, which has no other behind its value. */
static void merge_key(Node *base, Node *key)
{
    Node **link = find_key(base, key->text);
    Node *old = *link;

    if (!old) {
        *link = key;
        return;
    }
    if (old->next->kind == NODE_MAPPING && key->next->kind == NODE_MAPPING) {
        merge(&old->next, TAKE_PTR(key->next));
        (void)node_free(key);
        return;
    }
    key->next->next = TAKE_PTR(old->next->next);
    *link = key;
    (void)node_free(old);
}

/* Takes @over over. */
static void merge(Node **base, Node *over)
{
    if ((*base)->kind != NODE_MAPPING || over->kind != NODE_MAPPING) {
        over->next = TAKE_PTR((*base)->next);
        (void)node_free(*base);
        *base = over;
        return;
    }
    while (over->first) {
        Node *key = over->first;

        over->first = TAKE_PTR(key->next->next);
        merge_key(*base, key);
    }
    (void)node_free(over);
}

int document_read_merged(const Source *sources, size_t n_sources, Diagnostics *diagnostics,
                         Node **ret)
{
    cleanup(node_freep) Node *merged = NULL;

    for (size_t i = 0; i < n_sources; i++) {
        cleanup(node_freep) Node *tree = NULL;

        int r = document_read(&sources[i], i, diagnostics, &tree);
        if (r < 0)
            return r;
        if (merged && tree)
            merge(&merged, TAKE_PTR(tree));
        else if (tree)
            merged = TAKE_PTR(tree);
    }
    *ret = TAKE_PTR(merged);
    return 0;
}

const Node *node_value(const Node *mapping, const char *key)
{
    if (!mapping || mapping->kind != NODE_MAPPING)
        return NULL;
    NODE_FOREACH_KEY(node, mapping)
    if (node->kind == NODE_TEXT && strcmp(node->text, key) == 0)
        return node->next;
    return NULL;
}
