/* SPDX-License-Identifier: MIT */
/* Keys that are none here, and what was meant: one of another mapping or of the other language, a
 * misspelt one, or one that has grown together with its value. */
#include "policy/keys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/language.h"
#include "policy/text.h"
#include "util/cleanup.h"

#define HOMES_MAX 16 /* mappings of a language */

const Field *find_field(const Mapping *mapping, const char *key)
{
    for (size_t i = 0; i < mapping->n_fields; i++)
        if (strcmp(mapping->fields[i].key, key) == 0)
            return &mapping->fields[i];
    return NULL;
}

/* "budget, files": the keys of @mapping. */
static int list_keys(const Mapping *mapping, char **ret)
{
    CLEANUP_FREE char *keys = NULL;

    for (size_t i = 0; i < mapping->n_fields; i++) {
        char *longer;

        if (asprintf(&longer, "%s%s%s", keys ? keys : "", keys ? ", " : "",
                     mapping->fields[i].key) < 0)
            return -ENOMEM;
        free(keys);
        keys = longer;
    }
    *ret = TAKE_PTR(keys);
    return 0;
}

/* Where @key is known: "at the top", "in cache or memory_high", "in pagewarden.yaml"; *ret is NULL
 * where it is not. */
static int list_homes(const Decoder *decoder, const char *key, char **ret)
{
    const Language *other = decoder->language->other;
    const Mapping *homes[HOMES_MAX];
    size_t n = 0;
    CLEANUP_FREE char *list = NULL;

    for (const Mapping *const *m = decoder->language->mappings; *m; m++) {
        assert(n < HOMES_MAX);
        if (find_field(*m, key))
            homes[n++] = *m;
    }
    for (size_t i = 0; i < n; i++) {
        const char *before = i == 0 ? "" : i + 1 < n ? ", " : " or ";
        const char *in = homes[i]->name && (i == 0 || !homes[i - 1]->name) ? "in " : "";
        char *longer;

        if (asprintf(&longer, "%s%s%s%s", list ? list : "", before, in,
                     homes[i]->name ? homes[i]->name : "at the top") < 0)
            return -ENOMEM;
        free(list);
        list = longer;
    }
    for (const Mapping *const *m = other->mappings; !list && *m; m++)
        if (find_field(*m, key) && asprintf(&list, "in %s", other->document) < 0) {
            list = NULL;
            return -ENOMEM;
        }
    *ret = TAKE_PTR(list);
    return 0;
}

static const Field *find_likeness(const Mapping *mapping, const char *key)
{
    Suggestion suggestion = { 0 };

    for (size_t i = 0; i < mapping->n_fields; i++)
        suggestion_offer(&suggestion, key, mapping->fields[i].key);
    return suggestion.word ? find_field(mapping, suggestion.word) : NULL;
}

const Field *find_unspaced(const Mapping *mapping, const Node *node)
{
    size_t n = strcspn(node->text, ":");

    for (size_t i = 0; node->plain && node->text[n] && i < mapping->n_fields; i++)
        if (strlen(mapping->fields[i].key) == n &&
            memcmp(mapping->fields[i].key, node->text, n) == 0)
            return &mapping->fields[i];
    return NULL;
}

int refuse_unspaced(Decoder *decoder, const Mapping *mapping, const Node *node)
{
    /* libyaml has joined the lines behind it to it. */
    CLEANUP_FREE char *first = strndup(node->text, strcspn(node->text, " \n"));
    if (!first)
        return -ENOMEM;
    return refuse(decoder, node->place, "unknown key %s%s%s (a space is missing behind the colon)",
                  QUOTE(first), IN(mapping));
}

int refuse_unknown_key(Decoder *decoder, const Mapping *mapping, const Node *key,
                       const Field **ret_meant)
{
    CLEANUP_FREE char *homes = NULL, *known = NULL;

    *ret_meant = NULL;
    if (key->plain && strchr(key->text, ':')) {
        *ret_meant = find_unspaced(mapping, key);
        return refuse_unspaced(decoder, mapping, key);
    }
    int r = list_homes(decoder, key->text, &homes);
    if (r < 0)
        return r;
    if (homes)
        return refuse(decoder, key->place, "unknown key %s%s%s (it belongs %s)", QUOTE(key->text),
                      IN(mapping), homes);

    *ret_meant = find_likeness(mapping, key->text);
    if (*ret_meant)
        return refuse(decoder, key->place, "unknown key %s%s%s (did you mean \"%s\"?)",
                      QUOTE(key->text), IN(mapping), (*ret_meant)->key);

    r = list_keys(mapping, &known);
    if (r < 0)
        return r;
    return refuse(decoder, key->place, "unknown key %s%s%s (known here: %s)", QUOTE(key->text),
                  IN(mapping), known);
}
