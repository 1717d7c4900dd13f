/* SPDX-License-Identifier: MIT */
/* Prints the JSON schema of a language; run while building, never installed. What it prints is in
 * docs/schema/, lest an editor need a build. */
#include <stdio.h>
#include <string.h>

#include "policy/schema.h"
#include "util/cleanup.h"

static const struct {
    const char *name;
    const Language *language;
    const char *title;
} languages[] = {
    { "policy", &policy_language, "A policy of pagewarden" },
    { "settings", &settings_language, "Settings of pagewardend" },
};

static int print_schema(const Language *language, const char *title)
{
    CLEANUP_FREE char *schema = NULL;

    int r = schema_format(language, title, &schema);
    if (r < 0) {
        fprintf(stderr, "print-schema: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    return fputs(schema, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    for (size_t i = 0; argc == 2 && i < ELEMENTS(languages); i++)
        if (strcmp(argv[1], languages[i].name) == 0)
            return print_schema(languages[i].language, languages[i].title);
    fprintf(stderr, "Usage: print-schema policy | settings\n");
    return 2;
}
