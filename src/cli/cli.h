/* SPDX-License-Identifier: MIT */
#pragma once

/* What the verbs share: their table, their exit codes, their options. */

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum ExitCode {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* what was asked could not be done, or is not well; the reason was printed */
    EXIT_USAGE = 2,  /* the command line makes no sense */
} ExitCode;

typedef struct Verb {
    const char *name;
    const char *arguments;                   /* for --help; NULL: none */
    const char *help;                        /* one line; NULL: together with the next one */
    ExitCode (*run)(int argc, char *argv[]); /* argv[0] is the verb */
} Verb;

ExitCode verb_verify(int argc, char *argv[]);
ExitCode verb_status(int argc, char *argv[]);
ExitCode verb_inspect(int argc, char *argv[]);
ExitCode verb_files(int argc, char *argv[]);
ExitCode verb_who(int argc, char *argv[]);
ExitCode verb_plan(int argc, char *argv[]);
ExitCode verb_reload(int argc, char *argv[]);
ExitCode verb_release(int argc, char *argv[]);
ExitCode verb_cat_config(int argc, char *argv[]);
ExitCode verb_list_policies(int argc, char *argv[]);
ExitCode verb_record(int argc, char *argv[]);
ExitCode verb_simulate(int argc, char *argv[]);
ExitCode verb_warm(int argc, char *argv[]);
ExitCode verb_pin(int argc, char *argv[]);
ExitCode verb_unpin(int argc, char *argv[]);
ExitCode verb_pause(int argc, char *argv[]);
ExitCode verb_resume(int argc, char *argv[]);
ExitCode verb_pins(int argc, char *argv[]);
ExitCode verb_evict(int argc, char *argv[]);

typedef enum JsonMode {
    JSON_OFF,    /* a table for people */
    JSON_SHORT,  /* one line */
    JSON_PRETTY, /* indented */
} JsonMode;

/* What the verbs that print a table have in common. */
typedef struct OutputOptions {
    JsonMode json;
    bool bytes;   /* exact bytes instead of "1.5G" */
    bool legend;  /* headings and totals */
    bool unicode; /* the terminal's locale is UTF-8 */
} OutputOptions;

/* As getopt_long(), which prints nothing then: complains itself of what returns '?'. @verb is NULL
 * for the command's own options. No short option takes a value, and no long one has the value of a
 * short one that is not in @shorts. */
int next_option(const char *verb, int argc, char *argv[], const char *shorts,
                const struct option *longs);

/* Their rows of a table for next_option(), whose short options are "bh". What a verb has besides is
 * counted from 256 on. */
enum { OPT_JSON = 512, OPT_NO_LEGEND };
/* clang-format off */
#define OUTPUT_OPTIONS                             \
    { "bytes", no_argument, NULL, 'b' },           \
    { "json", required_argument, NULL, OPT_JSON }, \
    { "help", no_argument, NULL, 'h' }
#define NO_LEGEND_OPTION { "no-legend", no_argument, NULL, OPT_NO_LEGEND }
/* clang-format on */

/* As they are without any option. */
OutputOptions output_options_default(void);

/* Takes @c, which next_option() returned for one of these, or what it did not know. False: the verb
 * is over, with *ret_code. */
bool output_option_take(OutputOptions *options, int c, void (*help)(void), ExitCode *ret_code);

/* Reads these, where a verb has no others. False: the verb is over, with *ret_code. */
bool output_options_parse(int argc, char *argv[], void (*help)(void), OutputOptions *ret,
                          ExitCode *ret_code);

/* The value of --rate, bytes per second. Complains where it is none, and returns false. */
bool rate_option_parse(const char *verb, const char *text, uint64_t *ret);

/* "pagewarden: …" on standard error. What comes from outside goes through escape_text() first. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the daemon said, line by line, as it is but for escapes. NULL: out of memory. */
void complain_lines(const char *text);

/* Whether the user's locale, and so probably the terminal, is UTF-8. */
bool locale_is_unicode(void);

/* The name in @names (ends with NULL) that @name was probably meant to be, or NULL. */
const char *suggest_name(const char *name, const char *const names[]);
