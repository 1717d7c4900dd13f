/* SPDX-License-Identifier: MIT */
/* From texts to a policy. Where there are several, each is first decoded by itself, into an object
 * that is thrown away, so that all its mistakes are told where they stand; only then are they
 * merged, and what they say together is judged. */
#include "policy/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/document.h"
#include "policy/language.h"
#include "util/strv.h"

/* Decodes what could be read of one source, to its end. */
static int decode_one(Decoder *decoder, const Language *language, size_t i, void *object)
{
    cleanup(node_freep) Node *tree = NULL;

    int error = document_read(&decoder->sources[i], i, decoder->diagnostics, &tree);
    if (error == 0 && !tree && i == 0 && !language->may_be_empty)
        return refuse(decoder, (PolicyPlace){ 0 }, "the file is empty (it begins with version: 1)");
    if (error == -ENOMEM || !tree)
        return error;
    decoder->n_readings = 0;
    int r = decode_node(decoder, language->root, tree, object);
    return r < 0 ? r : error;
}

static int decode_merged(Decoder *decoder, const Language *language, size_t n_sources, void *object)
{
    cleanup(node_freep) Node *tree = NULL;

    int r = document_read_merged(decoder->sources, n_sources, decoder->diagnostics, &tree);
    if (r < 0 || !tree)
        return r;
    decoder->n_readings = 0;
    return decode_node(decoder, language->root, tree, object);
}

static int decode(const Language *language, const Source *sources, size_t n_sources, uint64_t ram,
                  Diagnostics *diagnostics, void *(*new_object)(void),
                  void (*free_object)(void *object), void *object)
{
    size_t before = diagnostics->n_of[SEVERITY_MISTAKE];
    Decoder decoder = {
        .sources = sources,
        .diagnostics = diagnostics,
        .language = language,
        .ram = ram,
        .fragment = n_sources > 1,
    };
    int r = 0;

    for (size_t i = 0; n_sources > 1 && i < n_sources; i++) {
        void *scratch = new_object();
        if (!scratch)
            return -ENOMEM;
        r = decode_one(&decoder, language, i, scratch);
        free_object(scratch);
        if (r == -ENOMEM)
            return r;
    }
    if (diagnostics->n_of[SEVERITY_MISTAKE] > before)
        return -EBADMSG;

    decoder.fragment = false;
    r = n_sources > 1 ? decode_merged(&decoder, language, n_sources, object)
                      : decode_one(&decoder, language, 0, object);
    if (r == -ENOMEM)
        return r;
    return diagnostics->n_of[SEVERITY_MISTAKE] > before ? -EBADMSG : 0;
}

static void *new_policy(void)
{
    return calloc(1, sizeof(Policy));
}

static void free_policy(void *object)
{
    (void)policy_free(object);
}

int policy_decode(const char *name, const Source *sources, size_t n_sources, uint64_t ram,
                  Diagnostics *diagnostics, Policy **ret)
{
    cleanup(policy_freep) Policy *policy = new_policy();
    if (!policy)
        return -ENOMEM;
    policy->name = strdup(name);
    if (!policy->name)
        return -ENOMEM;
    for (size_t i = 0; i < n_sources; i++) {
        int r = strv_append(&policy->files, sources[i].path);
        if (r < 0)
            return r;
    }

    int r = decode(&policy_language, sources, n_sources, ram, diagnostics, new_policy, free_policy,
                   policy);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(policy);
    return 0;
}

static void *new_settings(void)
{
    return calloc(1, sizeof(Settings));
}

static void free_settings(void *object)
{
    settings_clear(object);
    free(object);
}

int settings_decode(const Source *sources, size_t n_sources, uint64_t ram, Diagnostics *diagnostics,
                    Settings *ret)
{
    Settings settings;

    settings_set_defaults(&settings, ram);
    if (n_sources > 0) {
        int r = decode(&settings_language, sources, n_sources, ram, diagnostics, new_settings,
                       free_settings, &settings);
        if (r < 0) {
            settings_clear(&settings);
            return r;
        }
    }
    *ret = settings;
    return 0;
}
