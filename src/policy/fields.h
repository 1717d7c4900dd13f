/* SPDX-License-Identifier: MIT */
#pragma once

/* What decodes a policy: one table of fields for each mapping of the language, and the code that
 * follows them. To widen the language is to widen the tables in decode.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diagnostics.h"
#include "policy/names.h"
#include "policy/reader.h"

typedef struct Field Field;
typedef struct Mapping Mapping;
typedef struct List List;

typedef struct Decoder {
    Reader reader;
    Diagnostics *diagnostics;
    const Mapping *const *mappings; /* all of the language, NULL-terminated: for suggestions */
    uint64_t ram;                   /* bytes */
    size_t n_readings;              /* of all globs so far */
} Decoder;

/* How a node was decoded, unless -errno ended the pass (-EBADMSG: reported, -ENOMEM). */
enum {
    DECODED = 0,
    REFUSED = 1, /* reported; the rest of the file is still judged */
};

/* Decodes @node, which is of the field's kind and not empty, into the field's place in @object.
 * What was there is replaced. */
typedef int (*FieldHandler)(Decoder *decoder, const Field *field, const Node *node, void *object);

struct Field {
    const char *key;     /* NULL: the policy itself */
    FieldHandler decode; /* NULL: the language has this key, but it is not supported yet */
    const char *example; /* how to write it */
    NodeKind kind;
    bool required;
    bool entry;           /* what the list @key holds, not @key itself */
    const char *replaces; /* a required key that this one makes needless */
    size_t offset;        /* of the value in the object */
    size_t place;         /* of the PolicyPlace of a good value, 0: it is not kept */
    union {               /* what the handler needs besides */
        const EnumNames *names;
        const Mapping *mapping;
        const List *list;
        struct {
            uint64_t min; /* usec */
            uint64_t max;
        } duration;
    };
};

/* Where a key of the mapping being decoded was seen. */
typedef struct Seen {
    PolicyPlace key; /* .line is 0: it was not */
    bool refused;
    bool misspelt; /* another key was, which seems to mean this one */
} Seen;

struct Mapping {
    const char *name; /* "pin"; NULL: the policy itself */
    const Field *fields;
    size_t n_fields;                    /* to FIELDS_MAX */
    void (*set_defaults)(void *object); /* before the first key; may be NULL */

    /* Judges what spans several keys, when all have been decoded; @seen is in the order of the
     * fields. May be NULL. */
    int (*check)(Decoder *decoder, const Mapping *mapping, const Seen *seen, void *object);
};

#define FIELDS_MAX 16

struct List {
    const Field *entry;
    size_t entry_size; /* of an array at the field's offset; 0: entry->decode appends by itself */
    size_t n_offset;   /* of the array's size_t */
};

/* Handlers of the kinds that hold others. */
int decode_mapping(Decoder *decoder, const Field *field, const Node *node, void *object);
int decode_list(Decoder *decoder, const Field *field, const Node *node, void *object);

/* The node of a field, of whatever kind it is. */
int decode_node(Decoder *decoder, const Field *field, const Node *node, void *object);

const Seen *seen_key(const Mapping *mapping, const Seen *seen, const char *key);

/* Reports a mistake. REFUSED or -ENOMEM. */
int refuse(Decoder *decoder, PolicyPlace place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline void *field_of(const Field *field, void *object)
{
    return (char *)object + field->offset;
}
