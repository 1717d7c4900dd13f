/* SPDX-License-Identifier: MIT */
/* `pagewarden status`: asks the daemon for its JSON, and shows it, once or again and again. */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "cli/bus.h"
#include "cli/cli.h"
#include "cli/status-render.h"
#include "cli/text.h"
#include "cli/watch.h"
#include "util/units.h"

#define WATCH_USEC (2 * USEC_PER_SEC)

static void help(void)
{
    printf(
        "pagewarden status [OPTION…]\n\n"
        "Shows the units that pagewardend governs, what it did, and which policies it refused.\n\n"
        "      --watch [SECONDS]  again and again, every 2 s or so often: 5, 500ms\n"
        "  -b, --bytes            exact numbers of bytes\n"
        "      --json=MODE        pretty, short (one line) or off\n"
        "      --no-legend        no headings\n"
        "  -h, --help             show this\n");
}

static int fail(const char *text, int r, char **ret_error)
{
    *ret_error = strdup(text);
    return r;
}

static int report(FILE *out, char **ret_error, void *userdata)
{
    const OutputOptions *options = userdata;
    CLEANUP_FREE char *text = NULL;
    cleanup(json_object_putp) struct json_object *status = NULL;
    enum json_tokener_error parsed;

    int r = bus_call_manager("Describe", &text, ret_error);
    if (r < 0)
        return r;
    status = json_tokener_parse_verbose(text, &parsed);
    if (!json_object_is_type(status, json_type_object))
        return fail("pagewarden: pagewardend answered something that is no JSON object", -EBADMSG,
                    ret_error);
    return status_render(status, out, options);
}

static bool parse(int argc, char *argv[], OutputOptions *output, uint64_t *ret_watch_usec,
                  ExitCode *ret_code)
{
    enum { OPT_WATCH = 256 };
    static const struct option longs[] = {
        { "watch", optional_argument, NULL, OPT_WATCH },
        OUTPUT_OPTIONS,
        NO_LEGEND_OPTION,
        { 0 },
    };

    for (int c; (c = next_option(argv[0], argc, argv, "bh", longs)) >= 0;)
        if (c != OPT_WATCH) {
            if (!output_option_take(output, c, help, ret_code))
                return false;
        } else {
            const char *text = optarg;
            if (!text && argv[optind] && isdigit((unsigned char)*argv[optind]))
                text = argv[optind++];
            *ret_watch_usec = WATCH_USEC;
            *ret_code = EXIT_USAGE;
            if (text && !watch_interval_parse(text, ret_watch_usec)) {
                complain("status: --watch takes seconds, or a time from 100ms to 1d: 5, 500ms");
                return false;
            }
        }
    *ret_code = EXIT_USAGE;
    if (optind < argc)
        complain("status takes no arguments");
    return optind >= argc;
}

ExitCode verb_status(int argc, char *argv[])
{
    OutputOptions output = output_options_default();
    CLEANUP_FREE char *error = NULL;
    uint64_t watch_usec = 0;
    ExitCode code;

    if (!parse(argc, argv, &output, &watch_usec, &code))
        return code;
    if (watch_usec > 0)
        return watch_run(&(Watch){
            .interval_usec = watch_usec,
            .draws = output.json == JSON_OFF && isatty(STDOUT_FILENO),
            .separator = output.json == JSON_OFF ? "\n" : "",
            .report = report,
            .userdata = &output,
        });
    int r = report(stdout, &error, &output);
    if (r < 0 && r != -EIO) /* which main() tells */
        complain_lines(error);
    return r < 0 ? EXIT_FAILED : EXIT_OK;
}
