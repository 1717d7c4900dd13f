/* SPDX-License-Identifier: MIT */
/* Prints the tables of both languages, one key a line, for `reference`, which holds the
 * documentation against them:
 *
 *   LANGUAGE  KEY  TYPE  DEFAULT  LIMITS  WORDS  NOT-YET  EXAMPLE
 *
 * with tabs in between. KEY is "pin.budget"; DEFAULT as it would be written, or "required" or
 * "none"; LIMITS "1s 10s" with "-" for one that there is not; WORDS all that can be written;
 * NOT-YET "WORDS|what happens with them", where WORDS may be "-" for every value.
 *
 * With the argument "settings", decodes standard input as pagewarden.yaml instead. */
#include <stdio.h>
#include <string.h>

#include "policy/decode.h"
#include "policy/language.h"
#include "policy/reader.h"
#include "policy/values.h"
#include "util/cleanup.h"
#include "util/parse.h"
#include "util/units.h"

static const char *type_name(const ValueType *type)
{
    return type->name ? type->name : type->kind == NODE_LIST ? "list" : "mapping";
}

static void print_type(const Field *field)
{
    if (field->type == &type_list)
        printf("\tlist of %s", type_name(field->list->entry->type));
    else
        printf("\t%s", type_name(field->type));
}

static void print_default(const Field *field)
{
    printf("\t%s", field->fallback ? field->fallback : field->required ? "required" : "none");
}

static void print_bound(const ValueType *type, uint64_t bound)
{
    char text[FORMAT_SIZE_MAX];

    if (bound == 0)
        printf("-");
    else if (type == &type_duration)
        printf("%s", format_duration(text, bound));
    else if (type == &type_share)
        printf("%s", format_ppm(text, bound));
    else if (type == &type_byte_rate)
        printf("%s/s", format_size(text, bound));
    else
        printf("%s", format_size(text, bound));
}

static void print_limits(const Field *field)
{
    printf("\t");
    print_bound(field->type, field->min);
    printf(" ");
    print_bound(field->type, field->max);
}

static const EnumNames *words_of(const Field *field)
{
    static const char *const words[] = { "false", "true" };
    static const EnumNames names = { words, ELEMENTS(words) };

    if (field->type == &type_bool)
        return &names;
    return field->type == &type_list ? field->list->entry->names : field->names;
}

/* Those whose bit is not in @but. */
static void print_words(const EnumNames *names, unsigned but)
{
    bool any = false;

    for (unsigned i = 0; names && i < names->n_names; i++) {
        if (but & 1u << i)
            continue;
        printf("%s%s", any ? " " : "", names->names[i]);
        any = true;
    }
    if (!any)
        printf("-");
}

/* Of a key that is acted on: the modes it belongs to that are not. */
static void print_modes_not_yet(const Mapping *mapping, const Field *field)
{
    for (size_t i = 0; mapping->selector && i < mapping->n_fields; i++) {
        const Field *mode = &mapping->fields[i];

        if (strcmp(mode->key, mapping->selector) != 0 || mode->later == LATER_NEVER ||
            !(field->with & ~mode->acted_on))
            continue;
        print_words(mode->names, ~field->with | mode->acted_on);
        printf("|no effect");
        return;
    }
    printf("-");
}

static void print_not_yet(const Mapping *mapping, const Field *field)
{
    bool some = field->type == &type_enum || field->type == &type_bool;

    printf("\t");
    if (field->later == LATER_NEVER) {
        print_modes_not_yet(mapping, field);
        return;
    }
    print_words(some && field->acted_on ? words_of(field) : NULL, field->acted_on);
    printf("|no effect");
}

static void print_language(const char *name, const Language *language)
{
    for (const Mapping *const *mapping = language->mappings; *mapping; mapping++)
        for (size_t i = 0; i < (*mapping)->n_fields; i++) {
            const Field *field = &(*mapping)->fields[i];
            const char *prefix = (*mapping)->name;

            printf("%s\t%s%s%s", name, prefix ? prefix : "", prefix ? "." : "", field->key);
            print_type(field);
            print_default(field);
            print_limits(field);
            printf("\t");
            print_words(words_of(field), 0);
            print_not_yet(*mapping, field);
            printf("\t%s\n", field->example);
        }
}

/* Prints what is to be said of them. Returns the exit status. */
static int check_settings(void)
{
    CLEANUP_FREE char *text = malloc(READER_TEXT_MAX);
    Diagnostics diagnostics = { 0 };
    Settings settings = { 0 };
    if (!text)
        return 1;

    Source source = { "<stdin>", text, fread(text, 1, READER_TEXT_MAX, stdin) };
    int r = settings_decode(&source, 1, 4 * GIB, &diagnostics, &settings);
    for (size_t i = 0; i < diagnostics.n_entries; i++) {
        CLEANUP_FREE char *line = diagnostic_format(&diagnostics.entries[i], &source);
        puts(line ? line : "out of memory");
    }
    diagnostics_clear(&diagnostics);
    if (r < 0)
        return 1;
    settings_clear(&settings);
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "settings") == 0)
        return check_settings();
    if (argc > 1)
        return 2;
    print_language("policy", &policy_language);
    print_language("settings", &settings_language);
    return 0;
}
