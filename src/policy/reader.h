/* SPDX-License-Identifier: MIT */
#pragma once

/* The nodes of one YAML text, one after the other, with their places; what YAML has and a policy
 * has not (anchors, aliases, tags, several documents, endless nesting) is reported here. */

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "policy/diagnostics.h"
#include "policy/place.h"

#define READER_TEXT_MAX   (1024 * 1024) /* bytes of one file */
#define READER_TOO_LARGE  "larger than 1 MiB (a page of text is plenty)"
#define READER_DEPTH_MAX  32     /* lists and mappings within each other; policies need 4 */
#define READER_EVENTS_MAX 100000 /* what libyaml tells of one text; a long policy has 1000 */

typedef enum NodeKind {
    NODE_TEXT,
    NODE_LIST,    /* its entries follow, then NODE_END */
    NODE_MAPPING, /* its keys and values follow in turns, then NODE_END */
    NODE_END,
} NodeKind;

typedef struct Event {
    NodeKind kind;
    PolicyPlace place;
    const char *text; /* NODE_TEXT: valid until the next node is read */
    bool plain;       /* NODE_TEXT: without quotation marks */
    bool refused;     /* has been reported, and has no value that could be judged */
} Event;

typedef struct Reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    bool is_ahead; /* the event has been read, and not been told */
    const char *text;
    size_t size;
    size_t depth;
    size_t n_events;
    size_t value_end_line; /* of what was read last */
    size_t quote_line;     /* where that begins, if it is quoted and of several lines; else 0 */
    size_t unspaced_line;  /* where that begins, if it is "key:value" joined to the next line */
    bool is_joined;        /* that is any other text without quotation marks, of several lines */
    bool is_spoilt; /* the rest of its last line is not YAML: it took in more than was meant */
    size_t file;    /* the index of the source */
    Diagnostics *diagnostics;
} Reader;

/* @source, of the index @file, and @diagnostics stay the caller's and must outlive the reader. 0;
 * -EBADMSG: reported (too large, not UTF-8, a NUL or control character); -ENOMEM. After a failure
 * reader_close() is not needed, and harmless. */
int reader_open(Reader *reader, const Source *source, size_t file, Diagnostics *diagnostics);
void reader_close(Reader *reader);

/* The root of the only document; -ENODATA: there is none, which is not reported. */
int reader_root(Reader *reader, Event *ret);

/* The next node. 0; -EBADMSG: reported, nothing more can be read; -ENOMEM. */
int reader_next(Reader *reader, Event *ret);

/* Behind the root: that nothing follows it. */
int reader_finish(Reader *reader);
