/* SPDX-License-Identifier: MIT */
/* What every verb says in the same words. */
#include <getopt.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "policy/text.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"

/* The value of --json. Complains where it is none, and returns false. */
static bool json_mode_parse(const char *text, JsonMode *ret)
{
    static const char *const names[] = {
        [JSON_OFF] = "off",
        [JSON_SHORT] = "short",
        [JSON_PRETTY] = "pretty",
    };

    for (size_t i = 0; i < ELEMENTS(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (JsonMode)i;
            return true;
        }
    complain("--json takes pretty, short or off");
    return false;
}

static void complain_of_option(const char *verb, const char *option)
{
    CLEANUP_FREE char *shown = escape_text(option, locale_is_unicode());

    complain("%s%sunknown option \"%s\" (see pagewarden %s%s--help)", verb ?: "", verb ? ": " : "",
             shown ?: "", verb ?: "", verb ? " " : "");
}

int next_option(const char *verb, int argc, char *argv[], const char *shorts,
                const struct option *longs)
{
    opterr = 0;
    int c = getopt_long(argc, argv, shorts, longs, NULL);
    if (c != '?')
        return c;

    if (optopt == 0) { /* a long one */
        complain_of_option(verb, argv[optind - 1]);
        return c;
    }
    for (const struct option *known = longs; known->name; known++)
        if (known->val == optopt) {
            complain("%s%s--%s takes %s value", verb ?: "", verb ? ": " : "", known->name,
                     known->has_arg == required_argument ? "a" : "no");
            return c;
        }
    complain_of_option(verb, (char[]){ '-', (char)optopt, '\0' });
    return c;
}

OutputOptions output_options_default(void)
{
    return (OutputOptions){ .legend = true, .unicode = locale_is_unicode() };
}

bool output_option_take(OutputOptions *options, int c, void (*help)(void), ExitCode *ret_code)
{
    *ret_code = EXIT_USAGE;
    switch (c) {
    case 'b':
        options->bytes = true;
        return true;
    case OPT_JSON:
        return json_mode_parse(optarg, &options->json);
    case OPT_NO_LEGEND:
        options->legend = false;
        return true;
    case 'h':
        help();
        *ret_code = EXIT_OK;
        return false;
    default:
        return false;
    }
}

bool output_options_parse(int argc, char *argv[], void (*help)(void), OutputOptions *ret,
                          ExitCode *ret_code)
{
    static const struct option longs[] = { OUTPUT_OPTIONS, NO_LEGEND_OPTION, { 0 } };

    *ret = output_options_default();
    for (int c; (c = next_option(argv[0], argc, argv, "bh", longs)) >= 0;)
        if (!output_option_take(ret, c, help, ret_code))
            return false;
    return true;
}

void complain(const char *format, ...)
{
    CLEANUP_FREE char *text = NULL;
    va_list ap;

    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    log_error("pagewarden: %s", text ? text : "out of memory");
}

void complain_lines(const char *text)
{
    CLEANUP_FREE char *copy = text ? strdup(text) : NULL;
    if (!copy)
        complain("out of memory");

    for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
        CLEANUP_FREE char *shown = escape_text(line, locale_is_unicode());
        if (*line)
            log_error("%s", shown ? shown : "out of memory");
    }
}

bool locale_is_unicode(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

const char *suggest_name(const char *name, const char *const names[])
{
    Suggestion suggestion = { 0 };

    for (size_t i = 0; names[i]; i++) {
        /* The beginning of a name is meant to be that name. */
        if (strlen(name) > 1 && strncmp(names[i], name, strlen(name)) == 0)
            return names[i];
        suggestion_offer(&suggestion, name, names[i]);
    }
    return suggestion.word;
}

bool rate_option_parse(const char *verb, const char *text, uint64_t *ret)
{
    uint64_t rate;

    if (parse_byte_rate(text, &rate, NULL) < 0 || rate == 0) {
        complain("%s: --rate takes bytes per second: 16M/s", verb);
        return false;
    }
    *ret = rate;
    return true;
}
