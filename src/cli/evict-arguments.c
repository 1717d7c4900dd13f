/* SPDX-License-Identifier: MIT */
#include "cli/evict-arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/file-list.h"
#include "util/parse.h"
#include "util/strv.h"

static void help(void)
{
    printf(
        "pagewarden evict [OPTION…] PATH… [-- COMMAND…]\n\n"
        "Takes each file out of memory, of folders all files in them, and says what is left and\n"
        "why. Nothing is lost, and what is locked stays. PATH - is a list as --files0-from=-.\n\n"
        "      --dirty=skip|write-back\n"
        "                          leave what is not on the disk yet (default), or write it\n"
        "      --mapped=skip|page-out\n"
        "                          leave what processes have mapped (default), or take it out\n"
        "                          of them\n"
        "      --range=RANGE       only this part of each file: 0-8M, or 1G- for all behind 1 GiB\n"
        "      --keep=first|last SIZE\n"
        "                          leave the head or the tail of each file: --keep last 16M\n"
        "      --spare-cached      run COMMAND, and take out what was not in memory before\n"
        "  -n, --dry-run           only say how much would be evicted at most\n"
        "      --rate=RATE         evict and write so much per second at most: 16M/s\n"
        "      --files0-from=FILE  the paths in FILE, each with a NUL behind it; -: standard "
        "input\n"
        "  -b, --bytes             exact numbers of bytes\n"
        "      --json=MODE         pretty, short (one line) or off\n"
        "  -h, --help              show this\n");
}

static bool parse_choice(const char *option, const char *text, const char *off, const char *on,
                         bool *ret)
{
    if (strcmp(text, off) != 0 && strcmp(text, on) != 0) {
        complain("evict: --%s is %s or %s", option, off, on);
        return false;
    }
    *ret = strcmp(text, on) == 0;
    return true;
}

/* "last 16M" as one word, or as two, of which @next is the second. */
static bool parse_keep(const char *text, const char *next, bool *ret_used_next,
                       LadderOptions *options)
{
    size_t n = strcspn(text, " ");
    const char *size = text[n] ? text + n + 1 : next;
    uint64_t bytes = 0;
    bool first = n == 5 && strncmp(text, "first", n) == 0;
    bool last = n == 4 && strncmp(text, "last", n) == 0;

    if ((!first && !last) || !size || parse_length(size, &bytes) < 0 || bytes == 0) {
        complain("evict: --keep takes first or last, and a size: --keep last 16M");
        return false;
    }
    *(first ? &options->bounds.first : &options->bounds.last) = bytes;
    *ret_used_next = size == next;
    return true;
}

static bool parse_bounds(const char *text, EvictBounds *bounds)
{
    if (parse_range(text, &bounds->begin, &bounds->end) < 0) {
        complain("evict: --range takes 0-8M, for the first 8 MiB, or 1G-, for all behind 1 GiB");
        return false;
    }
    return true;
}

enum { OPT_RATE = 256, OPT_FILES0_FROM, OPT_DIRTY, OPT_MAPPED, OPT_RANGE, OPT_KEEP, OPT_SPARE };

/* One option with a value. False: it is wrong, with *ret_code where that is not EXIT_USAGE. */
static bool take_option(int option, char *argv[], EvictArguments *ret, ExitCode *ret_code)
{
    LadderOptions *options = &ret->ladder;
    bool two;

    *ret_code = EXIT_USAGE;
    switch (option) {
    case OPT_SPARE:
        return true;
    case 'n':
        ret->dry_run = true;
        return true;
    case OPT_RATE:
        return rate_option_parse("evict", optarg, &options->rate);
    case OPT_DIRTY:
        return parse_choice("dirty", optarg, "skip", "write-back", &options->allowed.write_back);
    case OPT_MAPPED:
        return parse_choice("mapped", optarg, "skip", "page-out", &options->allowed.page_out);
    case OPT_RANGE:
        return parse_bounds(optarg, &options->bounds);
    case OPT_KEEP:
        if (!parse_keep(optarg, argv[optind], &two, options))
            return false;
        optind += two;
        return true;
    case OPT_FILES0_FROM:
        *ret_code = EXIT_FAILED;
        return file_list_read(optarg, &ret->paths) >= 0;
    default:
        return output_option_take(&ret->output, option, help, ret_code);
    }
}

/* @command is what stands behind "--". False: the verb is over, with *ret_code. */
static bool parse(int argc, char *argv[], char *const command[], EvictArguments *ret,
                  ExitCode *ret_code)
{
    static const struct option longs[] = {
        { "dirty", required_argument, NULL, OPT_DIRTY },
        { "mapped", required_argument, NULL, OPT_MAPPED },
        { "range", required_argument, NULL, OPT_RANGE },
        { "keep", required_argument, NULL, OPT_KEEP },
        { "spare-cached", no_argument, NULL, OPT_SPARE },
        { "dry-run", no_argument, NULL, 'n' },
        { "rate", required_argument, NULL, OPT_RATE },
        { "files0-from", required_argument, NULL, OPT_FILES0_FROM },
        OUTPUT_OPTIONS,
        { 0 },
    };
    const EvictBounds *bounds = &ret->ladder.bounds;
    bool spare = false;

    ret->ladder.bounds = EVICT_WHOLE_FILE;
    for (int c; (c = next_option(argv[0], argc, argv, "nbh", longs)) >= 0;) {
        spare |= c == OPT_SPARE;
        ret->listed |= c == OPT_FILES0_FROM;
        if (!take_option(c, argv, ret, ret_code))
            return false;
    }
    *ret_code = EXIT_USAGE;
    ret->command = spare ? command : NULL;
    if (optind >= argc && !ret->listed && (spare || !*command))
        complain("evict: which files or folders?");
    else if (spare && !*command)
        complain("evict: --spare-cached takes a command: PATH… -- COMMAND…");
    else if (spare && ret->dry_run)
        complain("evict: --dry-run runs no command, and --spare-cached is about one");
    else if (spare && (bounds->first > 0 || bounds->last > 0))
        complain("evict: --keep or --spare-cached, not both");
    else if (spare && (bounds->begin > 0 || bounds->end < UINT64_MAX))
        complain("evict: --range or --spare-cached, not both");
    else if (bounds->first >= bounds->end)
        complain("evict: --keep leaves nothing to go of --range");
    else
        return true;
    return false;
}

/* Appends what is named behind the options. */
static int add_paths(char *const named[], char ***paths)
{
    int r = 0;

    while (*named && r >= 0) {
        size_t n = 0;

        while (named[n] && strcmp(named[n], "-") != 0)
            n++;
        r = n > 0 ? file_list_add(named, n, paths) : file_list_read("-", paths);
        named += n > 0 ? n : 1;
    }
    return r;
}

/* Where "--" stands, which is taken out; @argc: nowhere. */
static int cut_at_dashes(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            return i;
        }
    return argc;
}

bool evict_arguments_parse(int argc, char *argv[], EvictArguments *ret, ExitCode *ret_code)
{
    int end = cut_at_dashes(argc, argv);
    char *const *behind = argv + (end < argc ? end + 1 : argc);

    if (!parse(end, argv, behind, ret, ret_code))
        return false;
    int r = add_paths(argv + optind, &ret->paths);
    if (r >= 0 && !ret->command)
        r = add_paths(behind, &ret->paths);
    *ret_code = EXIT_FAILED;
    return r >= 0;
}

void evict_arguments_clear(EvictArguments *arguments)
{
    strv_free(arguments->paths);
}
