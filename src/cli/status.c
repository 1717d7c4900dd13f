/* SPDX-License-Identifier: MIT */
/* `pagewarden status`: asks the daemon for its JSON, and shows it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "cli/bus.h"
#include "cli/cli.h"
#include "cli/status-render.h"
#include "cli/text.h"

static void help(void)
{
    printf(
        "pagewarden status [OPTION…]\n\n"
        "Shows the units that pagewardend governs, what it did, and which policies it refused.\n\n"
        "  -b, --bytes        exact numbers of bytes\n"
        "      --json=MODE    pretty, short (one line) or off\n"
        "      --no-legend    no headings\n"
        "  -h, --help         show this\n");
}

static ExitCode show(const OutputOptions *options)
{
    CLEANUP_FREE char *text = NULL, *error = NULL;
    cleanup(json_object_putp) struct json_object *status = NULL;

    if (bus_call_manager("Describe", &text, &error) < 0) {
        complain_lines(error);
        return EXIT_FAILED;
    }

    enum json_tokener_error parsed;
    status = json_tokener_parse_verbose(text, &parsed);
    if (!json_object_is_type(status, json_type_object)) {
        complain("pagewardend answered something that is no JSON object");
        return EXIT_FAILED;
    }

    int r = status_render(status, stdout, options);
    if (r == -ENOMEM)
        complain("out of memory");
    return r < 0 ? EXIT_FAILED : EXIT_OK;
}

ExitCode verb_status(int argc, char *argv[])
{
    OutputOptions options;
    ExitCode code;

    if (!output_options_parse(argc, argv, help, &options, &code))
        return code;
    if (optind < argc) {
        complain("status takes no arguments");
        return EXIT_USAGE;
    }
    return show(&options);
}
