/* SPDX-License-Identifier: MIT */
/* The command `pagewarden`: finds the verb and runs it. Options before the verb are the command's
 * own, those after it the verb's. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "config.h"
#include "util/log.h"

static const Verb verbs[] = {
    { "status", NULL, "what pagewarden governs, and what it did", verb_status },
    { "inspect", "PATH…", "what of these files is in memory", verb_inspect },
    { "who", "FILE…", "which processes have them open or mapped", verb_who },
    { "files", "UNIT", "what a unit has in memory, file by file", verb_files },
    { "pins", NULL, "which files are pinned, by whom, and how far", verb_pins },
    { "pin", "FILE…", "keep files in memory, by hand", verb_pin },
    { "unpin", "FILE…", "let go what was pinned by hand", verb_unpin },
    { "warm", "PATH…", "read files into memory, without keeping them", verb_warm },
    { "evict", "PATH…", "take files out of memory, and say what is left", verb_evict },
    { "verify", "[FILE…]", "check policies and settings, without a daemon", verb_verify },
    { "cat-config", "[NAME…]", "what is in force, with its origins", verb_cat_config },
    { "list-policies", NULL, "the policies, and whether they are in force", verb_list_policies },
    { "plan", "[NAME…]", "what policies would do now, without a daemon", verb_plan },
    { "record", "UNIT", "samples of a unit's memory, for simulate", verb_record },
    { "simulate", NULL, "what a policy would have decided at them", verb_simulate },
    { "release", "PATH…", "let go of what is pinned there, to unmount it", verb_release },
    { "reload", NULL, "read the policies again, all or nothing", verb_reload },
    { "pause", NULL, NULL, verb_pause },
    { "resume", NULL, "give all limits back and evict nothing; go on after it", verb_resume },
};

#define HELP_COLUMN 24 /* where what verbs do begins in --help */

static void help(void)
{
    int width = 0; /* of the line so far */

    printf("pagewarden [OPTION…] VERB [ARGUMENT…]\n"
           "Keeps the page cache of services in the state that their policies declare.\n\n");
    for (const Verb *verb = verbs; verb < verbs + ELEMENTS(verbs); verb++) {
        if (width == 0)
            width = printf("  ");
        width += printf("%s %s", verb->name, verb->arguments ? verb->arguments : "");
        if (!verb->help) {
            width += printf("| ");
            continue;
        }
        if (verb->arguments && strstr(verb->arguments, "…")) /* three bytes and one column */
            width -= (int)strlen("…") - 1;
        printf("%*s%s\n", HELP_COLUMN - width, "", verb->help);
        width = 0;
    }
    printf("\n"
           "  -h, --help            show this, or after a verb what that one takes; --version\n"
           "Exit status: 0 done, 1 failed, 2 wrong usage. "
           "See pagewarden(1), pagewarden.policy(5).\n");
}

static ExitCode unknown_verb(const char *name)
{
    const char *names[ELEMENTS(verbs) + 1] = { 0 };
    for (size_t i = 0; i < ELEMENTS(verbs); i++)
        names[i] = verbs[i].name;

    CLEANUP_FREE char *shown = escape_text(name, false);
    const char *meant = suggest_name(name, names);
    if (meant)
        complain("unknown verb \"%s\" (did you mean \"%s\"?)", shown ? shown : "", meant);
    else
        complain("unknown verb \"%s\" (see pagewarden --help)", shown ? shown : "");
    return EXIT_USAGE;
}

static ExitCode run_verb(int argc, char *argv[])
{
    for (const Verb *verb = verbs; verb < verbs + ELEMENTS(verbs); verb++)
        if (strcmp(verb->name, argv[0]) == 0) {
            optind = 0; /* getopt starts again, on the verb's own arguments */
            return verb->run(argc, argv);
        }
    return unknown_verb(argv[0]);
}

static ExitCode run(int argc, char *argv[])
{
    enum { OPT_VERSION = 256 };
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPT_VERSION },
        { 0 },
    };

    for (int c; (c = next_option(NULL, argc, argv, "+h", options)) >= 0;)
        switch (c) {
        case 'h':
            help();
            return EXIT_OK;
        case OPT_VERSION:
            puts("pagewarden " PAGEWARDEN_VERSION);
            return EXIT_OK;
        default:
            return EXIT_USAGE;
        }
    if (optind >= argc) {
        complain("no verb (see pagewarden --help)");
        return EXIT_USAGE;
    }
    return run_verb(argc - optind, argv + optind);
}

int main(int argc, char *argv[])
{
    /* The characters are the user's, numbers stay as scripts know them. */
    setlocale(LC_CTYPE, "");
    log_open(false);

    ExitCode code = run(argc, argv);
    /* A full disk is seen only here. */
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain("cannot write: %s", errno ? strerror(errno) : "standard output failed");
        return code == EXIT_OK ? EXIT_FAILED : code;
    }
    return code;
}
