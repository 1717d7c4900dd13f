/* SPDX-License-Identifier: MIT */
#pragma once

/* The tables of both languages, in the order in which their documents are best written. */

#include "policy/fields.h"

struct Language {
    const char *subject;  /* in messages: "a policy" */
    const char *document; /* where its keys belong, in messages of the other language */
    const Language *other;
    const Field *root;              /* the document as a whole, as if it were the value of a key */
    const Mapping *const *mappings; /* all of them, NULL-terminated */
    bool may_be_empty;              /* drop-ins may be in any case */
};

extern const Language policy_language;   /* decodes into a Policy */
extern const Language settings_language; /* decodes into Settings */
