/* SPDX-License-Identifier: MIT */
/* `pagewarden simulate`: what the law of a policy would have decided at each sample of a trace. The
 * trace does not react: the decisions are those of the daemon, what would have come of them is not
 * in it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/config-options.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/trace.h"
#include "config/policies.h"
#include "control/cache_cap.h"
#include "control/disk.h"
#include "control/limit.h"
#include "policy/settings.h"
#include "util/parse.h"

typedef struct Simulation {
    ConfigOptions options;
    const char *policy_path;
    const char *trace_path;
    bool distress; /* a critical service suffers all the time */

    const Policy *policy;
    LimitState limit;
    CapState cap;
    DiskState disk;
    DistressState critical;
    bool began;
    uint64_t began_usec;
    struct libscols_table *table;
    struct json_object *list;
} Simulation;

static void help(void)
{
    printf("pagewarden simulate --policy FILE --trace FILE\n\n"
           "Shows what the policy's memory_high, cache and distress would have decided at each\n"
           "sample that pagewarden record has written. Changes nothing.\n\n"
           "      --policy FILE       one policy\n"
           "      --trace FILE        - is standard input\n"
           "      --distress          as if a critical service suffered: for mode yield\n"
           "  -b, --bytes             exact bytes\n"
           "      --no-legend         no headings\n"
           "      --json=MODE         pretty, short (one line) or off\n"
           "  -h, --help              show this\n");
}

static const char *limit_text(uint64_t bytes, const char *none, char text[FORMAT_SIZE_MAX],
                              const Simulation *s)
{
    return bytes == LIMIT_NONE ? none : format_bytes(text, bytes, s->options.output.bytes);
}

static int show_row(Simulation *s, const Sample *sample, const LimitDecision *d,
                    const CapDecision *cap, const char *suffers)
{
    char at[32], use[FORMAT_SIZE_MAX], want[FORMAT_SIZE_MAX], reclaim[FORMAT_SIZE_MAX];
    uint64_t taken = max_u64(d->reclaim, cap->reclaim);

    snprintf(at, sizeof at, "%.2f", (double)(sample->at_usec - s->began_usec) / 1e6);
    const char *const cells[] = {
        at,
        format_bytes(use, sample->current, s->options.output.bytes),
        limit_text(d->want, "-", want, s),
        taken > 0 ? format_bytes(reclaim, taken, s->options.output.bytes) : "-",
        limit_reason_to_string(d->reason),
        cap_reason_to_string(cap->reason),
        suffers,
    };
    return table_add_row(s->table, cells, ELEMENTS(cells));
}

static int put_object(Simulation *s, const Sample *sample, const LimitDecision *d,
                      const CapDecision *cap, const char *suffers)
{
    struct json_object *object = json_object_new_object();

    int r = json_append(s->list, object);
    if (r >= 0)
        r = json_add_number(object, "at_usec", true, sample->at_usec - s->began_usec);
    if (r >= 0)
        r = json_add_number(object, "current", true, sample->current);
    if (r >= 0)
        r = json_add_number(object, "want", d->want != LIMIT_NONE, d->want);
    if (r >= 0)
        r = json_add_number(object, "reclaim", true, d->reclaim);
    if (r >= 0)
        r = json_add_text(object, "reason", limit_reason_to_string(d->reason));
    struct json_object *cache = r < 0 ? NULL : json_object_new_object();
    if (r >= 0)
        r = json_add(object, "cache", cache);
    if (r >= 0)
        r = json_add_number(cache, "reclaim", true, cap->reclaim);
    if (r >= 0)
        r = json_add_text(cache, "reason", cap_reason_to_string(cap->reason));
    return r < 0 ? r : json_add_text(object, "distress", suffers);
}

/* As with the default reserve. */
static bool is_short(const TraceRow *row)
{
    Settings settings;

    settings_set_defaults(&settings, row->host_total);
    return row->host_total != TRACE_UNKNOWN && row->host_available < settings.reserve;
}

static int decide(Simulation *s, const TraceRow *row)
{
    const Sample *sample = &row->sample;
    const LimitConfig config = policy_limit(s->policy);
    const CapContext cap_context = { .max = s->policy->cache_max };
    LimitContext context = {
        .distress = s->distress,
        .memory_short = is_short(row),
        .swap_free = row->host_swap_free == TRACE_UNKNOWN ? 0 : row->host_swap_free,
        .slow_disk = disk_is_slow(&s->disk, sample), /* as with the default rotational_disks */
    };
    const char *suffers = NULL;

    if (!s->began)
        s->began_usec = sample->at_usec;
    s->began = true;
    CapDecision cap = cap_decide(&s->cap, &cap_context, sample);
    context.capped = cap_is_kept(cap.reason);
    LimitDecision decision = limit_decide(&s->limit, &config, &context, sample);
    s->cap.asked = 0; /* nothing of it was done, and so it did not fail either */
    if (s->policy->role == ROLE_CRITICAL)
        suffers = distress_reason_to_string(
            distress_update(&s->critical, &s->policy->distress, sample));
    return s->list ? put_object(s, sample, &decision, &cap, suffers)
                   : show_row(s, sample, &decision, &cap, suffers);
}

static int begin_output(Simulation *s)
{
    static const char *const columns[] = { "TIME", "USE", "WANT", "RECLAIM" };

    if (s->options.output.json != JSON_OFF) {
        s->list = json_object_new_array();
        return s->list ? 0 : -ENOMEM;
    }
    int r = table_new(stdout, s->options.output.legend, &s->table);
    for (size_t i = 0; i < ELEMENTS(columns) && r >= 0; i++)
        r = table_add_column(s->table, columns[i], SCOLS_FL_RIGHT);
    if (r >= 0)
        r = table_add_column(s->table, "REASON", 0);
    if (r >= 0)
        r = table_add_column(s->table, "CACHE", 0);
    return r < 0 ? r : table_add_column(s->table, "DISTRESS", 0);
}

static int end_output(Simulation *s)
{
    if (!s->list)
        return table_print(s->table);
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();
    if (!root || json_add(root, "decisions", json_object_get(s->list)) < 0)
        return -ENOMEM;
    return json_print(root, stdout, s->options.output.json);
}

/* Complains itself. */
static ExitCode replay(Simulation *s, TraceReader *reader)
{
    CLEANUP_FREE char *shown = escape_text(s->trace_path, false);
    uint64_t before = 0;
    TraceRow row;

    int r = trace_read_head(reader);
    if (r >= 0)
        r = begin_output(s);
    while (r >= 0 && (r = trace_read(reader, &row)) > 0) {
        if (row.sample.at_usec < before) {
            reader->error = "earlier than the sample before";
            r = -EBADMSG;
            break;
        }
        before = row.sample.at_usec;
        r = decide(s, &row);
    }
    if (r >= 0)
        r = end_output(s);
    if (r >= 0)
        return EXIT_OK;
    if (r == -EBADMSG)
        complain("%s:%zu: %s", shown ?: "", reader->line_number, reader->error);
    else
        complain("%s: %s", shown ?: "", strerror(-r));
    return EXIT_FAILED;
}

static ExitCode replay_file(Simulation *s)
{
    bool is_stdin = strcmp(s->trace_path, "-") == 0;
    TraceReader reader = { .in = is_stdin ? stdin : fopen(s->trace_path, "re") };
    ExitCode code = EXIT_FAILED;

    if (!reader.in) {
        int error = errno;
        CLEANUP_FREE char *shown = escape_text(s->trace_path, false);
        complain("%s: %s", shown ?: "", strerror(error));
        return EXIT_FAILED;
    }
    code = replay(s, &reader);
    trace_reader_clear(&reader);
    if (!is_stdin)
        fclose(reader.in);
    return code;
}

static ExitCode simulate(Simulation *s)
{
    const Source source = { .path = (char *)s->policy_path };
    Policies policies;

    int r = policies_load_files(&source, 1, s->options.ram, &policies);
    if (r < 0) {
        complain("simulate: %s", strerror(-r));
        return EXIT_FAILED;
    }
    ExitCode code = EXIT_FAILED;
    if (policies.n_refused > 0) {
        CLEANUP_FREE char *why = policies_format_refusals(&policies);
        complain_lines(why);
    } else {
        s->policy = policies.set.policies[0];
        code = replay_file(s);
    }
    policies_clear(&policies);
    return code;
}

static bool parse(int argc, char *argv[], Simulation *s, ExitCode *ret_code)
{
    enum { OPT_POLICY = 256, OPT_TRACE, OPT_DISTRESS };
    static const struct option longs[] = {
        { "policy", required_argument, NULL, OPT_POLICY },
        { "trace", required_argument, NULL, OPT_TRACE },
        { "distress", no_argument, NULL, OPT_DISTRESS },
        OUTPUT_OPTIONS,
        NO_LEGEND_OPTION,
        { 0 },
    };

    *ret_code = EXIT_USAGE;
    for (int c; (c = next_option(argv[0], argc, argv, "bh", longs)) >= 0;)
        switch (c) {
        case OPT_POLICY:
            s->policy_path = optarg;
            break;
        case OPT_TRACE:
            s->trace_path = optarg;
            break;
        case OPT_DISTRESS:
            s->distress = true;
            break;
        default:
            if (!output_option_take(&s->options.output, c, help, ret_code))
                return false;
        }
    if (!s->policy_path || !s->trace_path || optind < argc) {
        complain("simulate takes --policy FILE and --trace FILE");
        return false;
    }
    return true;
}

ExitCode verb_simulate(int argc, char *argv[])
{
    Simulation simulation = { 0 };
    ExitCode code;

    config_options_init(&simulation.options);

    if (parse(argc, argv, &simulation, &code))
        code = simulate(&simulation);
    if (simulation.table)
        scols_unref_table(simulation.table);
    json_object_put(simulation.list);
    config_options_clear(&simulation.options);
    return code;
}
