/* SPDX-License-Identifier: MIT */
#pragma once

/* The options of the verbs that read the configuration themselves, without the daemon. */

#include <getopt.h>

#include "cli/cli.h"
#include "config/load.h"

typedef struct ConfigOptions {
    ConfigPlaces places; /* borrows from argv and from folders */
    char **folders;
    uint64_t ram;   /* bytes: what shares are of, and budgets are held against */
    bool ram_given; /* --ram */
    OutputOptions output;
} ConfigOptions;

enum { OPT_ROOT = 768, OPT_CONFIG, OPT_RAM };

/* Rows of a table for next_option(), and what --help says of them. */
/* clang-format off */
#define CONFIG_OPTIONS                                 \
    { "root", required_argument, NULL, OPT_ROOT },     \
    { "config", required_argument, NULL, OPT_CONFIG }, \
    { "ram", required_argument, NULL, OPT_RAM },       \
    { "json", required_argument, NULL, OPT_JSON },     \
    { "help", no_argument, NULL, 'h' }
/* clang-format on */
#define CONFIG_OPTIONS_HELP                                                          \
    "      --root DIR     what is installed in the image that is mounted there\n"    \
    "      --config DIR   what is in this folder, in place of /etc/pagewarden and\n" \
    "                     its like; several, the first wins\n"                       \
    "      --ram SIZE     for a machine with so much memory\n"                       \
    "      --json=MODE    pretty, short (one line) or off\n"

/* For config_options_clear(). */
void config_options_init(ConfigOptions *options);
void config_options_clear(ConfigOptions *options);

/* As output_option_take(), for these too. */
bool config_options_take(ConfigOptions *options, int c, void (*help)(void), ExitCode *ret_code);

/* --root or --config was given. */
bool config_options_have_places(const ConfigOptions *options);

/* All that is installed there. Complains where it fails, which is not because of what is found. */
int config_options_load(const ConfigOptions *options, Config *ret);

/* Prints what is said of @entry at @severity on standard error. */
void complain_of_entry(const ConfigEntry *entry, Severity severity);

/* The name of an entry that was probably meant by @name, or NULL. */
const char *suggest_entry(const Config *config, const char *name);

/* Prints on standard error that there is no entry @name, and what was probably meant. 0, or
 * -ENOMEM.
 */
int complain_of_unknown(const Config *config, const char *name);
