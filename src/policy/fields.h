/* SPDX-License-Identifier: MIT */
#pragma once

/* What decodes a document: one table of fields for each mapping of the language, and the code that
 * follows them. To widen the language is to widen the tables. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/diagnostics.h"
#include "policy/document.h"
#include "policy/names.h"

typedef struct Field Field;
typedef struct Mapping Mapping;
typedef struct List List;
typedef struct Language Language;

typedef struct Decoder {
    const Source *sources; /* for messages that name another place */
    Diagnostics *diagnostics;
    const Language *language;
    uint64_t ram;      /* bytes */
    bool fragment;     /* one of several documents: judged only for what it says by itself */
    size_t n_readings; /* of all globs so far */
} Decoder;

/* How a node was decoded, unless it is -ENOMEM. */
enum {
    DECODED = 0,
    REFUSED = 1, /* reported; the rest is still judged */
};

/* Decodes @node, which is of the type's kind and not empty, into the field's place in @object. What
 * was there is replaced. */
typedef int (*FieldHandler)(Decoder *decoder, const Field *field, const Node *node, void *object);

/* What YAML 1.2 takes values for where they are not quoted. */
typedef enum PlainType {
    PLAIN_TEXT,
    PLAIN_INTEGER, /* some: those that are a number alone */
    PLAIN_BOOLEAN,
    PLAIN_ANY,
} PlainType;

typedef struct ValueType {
    const char *name; /* in documentation: "size"; NULL: the kind says it */
    NodeKind kind;
    FieldHandler decode;
    const char *pattern; /* of a single value, as an ECMA 262 regular expression: what an editor can
                          * check as it is typed; NULL: any text */
    PlainType plain;
} ValueType;

/* What this version does with a value that it understands and cannot do yet. */
typedef enum FieldLater {
    LATER_NEVER,     /* it is acted on */
    LATER_NO_EFFECT, /* as if the key were not there */
} FieldLater;

struct Field {
    const char *key; /* NULL: the document itself */
    const ValueType *type;
    const char *example;  /* how to write it */
    const char *help;     /* what it is for, in one line */
    const char *fallback; /* what holds without it, as it would be written; NULL: nothing does */
    bool required;
    bool entry;           /* what the list @key holds, not @key itself */
    const char *replaces; /* a required key that this one makes needless */
    unsigned with;        /* words of the mapping's selector that it belongs to, as bits; 0: all */
    unsigned needed;      /* those that need it */
    size_t offset;        /* of the value in the object */
    size_t place;         /* of the PolicyPlace of a good value, 0: it is not kept */
    FieldLater later;
    unsigned acted_on;      /* later, type_enum and type_bool: values acted on, as bits */
    const EnumNames *names; /* of words */
    const Mapping *mapping; /* type_mapping */
    const List *list;       /* type_list */
    uint64_t min, max;      /* of quantities, in the unit that is stored */
};

/* A key of the mapping being decoded; .key is NULL where it was not seen. */
typedef struct Seen {
    const Node *key;
    bool refused;
    bool misspelt; /* another key was, which seems to mean this one */
} Seen;

struct Mapping {
    const char *name; /* "pin"; NULL: the document itself */
    const char *help;
    const Field *fields;
    size_t n_fields;      /* to FIELDS_MAX */
    const char *selector; /* a key, type_enum with a fallback, that others depend on */
    void (*set_defaults)(void *object); /* before the first key; may be NULL */

    /* Judges what spans several keys, when all have been decoded; @seen is in the order of the
     * fields, @node the mapping. May be NULL. */
    int (*check)(Decoder *decoder, const Mapping *mapping, const Node *node, const Seen *seen,
                 void *object);
};

#define FIELDS_MAX 16

struct List {
    const Field *entry;
    size_t entry_size; /* of an array at the field's offset; 0: the entry's type appends itself */
    size_t n_offset;   /* of the array's size_t */
};

/* The types that hold others. */
extern const ValueType type_mapping;
extern const ValueType type_list;

/* The node of a field, of whatever kind it is. */
int decode_node(Decoder *decoder, const Field *field, const Node *node, void *object);

const Seen *seen_key(const Mapping *mapping, const Seen *seen, const char *key);

/* The key is there, and its value is good. */
static inline bool is_good(const Seen *seen)
{
    return seen->key && !seen->refused;
}

/* Its value cannot be known: it is there and bad, or another key seems to mean it. */
static inline bool is_unclear(const Seen *seen)
{
    return seen->refused || seen->misspelt;
}

/* Reports a mistake. REFUSED or -ENOMEM. */
int refuse(Decoder *decoder, PolicyPlace place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reports something that is no mistake. DECODED or -ENOMEM. */
int remark(Decoder *decoder, Severity severity, PolicyPlace place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Where @place is, for a message at @from: "line 5", or "FILE:5" in another file; to be freed.
 * NULL: out of memory. */
char *place_from(const Decoder *decoder, PolicyPlace place, PolicyPlace from);

static inline void *field_of(const Field *field, void *object)
{
    return (char *)object + field->offset;
}
