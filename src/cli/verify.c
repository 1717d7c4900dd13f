/* SPDX-License-Identifier: MIT */
/* `pagewarden verify`: what the daemon would say of its configuration, said before it sees it.
 * Reads files and nothing else, so it works without a daemon, without a cgroup, and as anybody. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/config-options.h"
#include "cli/json.h"
#include "cli/unmatched.h"
#include "config/names.h"
#include "policy/decode.h"
#include "policy/excerpt.h"
#include "policy/reader.h"
#include "util/log.h"

#define STDIN_LABEL   "<stdin>"
#define SETTINGS_NAME "pagewarden"
#define SETTINGS_FILE SETTINGS_NAME ".yaml"
#define POLICIES_DIR  "policies.d"

#define SETTINGS_ARE_MASKED "the settings are masked: the defaults hold"

typedef struct Verification {
    ConfigOptions options;
    bool strict;  /* warnings are as bad as mistakes */
    bool quiet;   /* only what is bad is told */
    int root_fd;  /* where globs look for files; negative: nowhere */
    bool excerpt; /* somebody is reading standard error */
    struct json_object *entries;
    size_t n_of[N_SEVERITIES];
    size_t n_policies; /* in force */
    bool has_settings;
    bool failed; /* something could not be done */
} Verification;

static bool is_told(const Verification *v, Severity severity)
{
    return !v->quiet || severity == SEVERITY_MISTAKE || (v->strict && severity == SEVERITY_WARNING);
}

/* For people */

static void print_diagnostic(const Verification *v, const ConfigEntry *entry,
                             const Diagnostic *diagnostic)
{
    bool unicode = v->options.output.unicode;
    CLEANUP_FREE char *line = diagnostic_format(diagnostic, entry->sources);
    CLEANUP_FREE char *shown = line ? escape_text(line, unicode) : NULL;
    CLEANUP_FREE char *excerpt = NULL;

    log_error("%s", shown ?: "out of memory");
    if (!v->excerpt)
        return;
    excerpt = excerpt_format(&entry->sources[diagnostic->place.file], &diagnostic->place, unicode);
    fputs(excerpt ?: "", stderr);
}

static void print_entry(const Verification *v, const ConfigEntry *entry)
{
    const Diagnostics *diagnostics = &entry->diagnostics;

    for (size_t i = 0; i < diagnostics->n_entries; i++)
        if (is_told(v, diagnostics->entries[i].severity))
            print_diagnostic(v, entry, &diagnostics->entries[i]);
}

/* "3 policies and the settings are good." */
static void print_success(const Verification *v)
{
    bool settings = v->has_settings, one = v->n_policies == 1;

    if (v->n_policies > 0)
        printf("%zu polic%s%s %s good.\n", v->n_policies, one ? "y" : "ies",
               settings ? " and the settings" : "", one && !settings ? "is" : "are");
    else
        printf("There are no policies%s.\n", settings ? "; the settings are good" : "");
}

/* For programs */

static struct json_object *diagnostics_to_json(const Verification *v, const ConfigEntry *entry)
{
    cleanup(json_object_putp) struct json_object *list = json_object_new_array();
    size_t n = entry->diagnostics.n_entries;

    if (n > DIAGNOSTICS_MAX) /* the last one only counts the others */
        n = DIAGNOSTICS_MAX;
    for (size_t i = 0; i < n && list; i++) {
        const Diagnostic *diagnostic = &entry->diagnostics.entries[i];
        if (is_told(v, diagnostic->severity) &&
            json_append(list, json_diagnostic(entry, diagnostic)) < 0)
            return NULL;
    }
    return TAKE_PTR(list);
}

static struct json_object *entry_to_json(const Verification *v, const char *kind,
                                         const ConfigEntry *entry)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();

    if (!object || json_add_text(object, "kind", kind) < 0 ||
        json_add_text(object, "name", entry->name) < 0 ||
        json_add_text(object, "state", config_state_to_string(entry->state)) < 0 ||
        json_add(object, "files", json_sources(entry, 0)) < 0 ||
        json_add(object, "diagnostics", diagnostics_to_json(v, entry)) < 0 ||
        json_add_number(object, "more", true, entry->diagnostics.n_more) < 0)
        return NULL;
    return TAKE_PTR(object);
}

/* The verification */

/* Tells what was found. @policy is what @entry was decoded into; NULL: none. */
static int report(Verification *v, const char *kind, ConfigEntry *entry, const Policy *policy)
{
    if (policy && !v->quiet && v->root_fd >= 0) {
        int r = note_unmatched(entry, policy, v->root_fd);
        if (r < 0)
            return r;
    }
    v->n_policies += policy != NULL;
    for (size_t i = 0; i < N_SEVERITIES; i++)
        v->n_of[i] += entry->diagnostics.n_of[i];
    if (v->entries)
        return json_append(v->entries, entry_to_json(v, kind, entry));
    print_entry(v, entry);
    return 0;
}

static const Policy *policy_of(const Policies *policies, const ConfigEntry *entry)
{
    return entry->state == CONFIG_IN_FORCE ? policy_set_find(&policies->set, entry->name) : NULL;
}

static int verify_installed(Verification *v)
{
    cleanup(config_clear) Config config = { 0 };

    int r = config_load(&v->options.places, v->options.ram, &config);
    if (r < 0)
        return r;

    Policies *policies = &config.policies;
    if (policies->folders.n_sources > 0)
        r = report(v, "folders", &policies->folders, NULL);
    v->has_settings = config.settings_entry.n_sources > 0 &&
                      config.settings_entry.state == CONFIG_IN_FORCE;
    if (r >= 0 && config.settings_entry.state == CONFIG_MASKED)
        r = diagnostics_add(&config.settings_entry.diagnostics, SEVERITY_NOTE, (PolicyPlace){ 0 },
                            SETTINGS_ARE_MASKED);
    if (r >= 0 && config.settings_entry.n_sources > 0)
        r = report(v, "settings", &config.settings_entry, NULL);
    for (size_t i = 0; i < policies->n_entries && r >= 0; i++)
        r = report(v, "policy", &policies->entries[i], policy_of(policies, &policies->entries[i]));
    return r;
}

/* "…/pagewarden.yaml", unless it is a policy of that name. */
static bool is_settings_file(const char *path)
{
    size_t n = strlen(path), name = strlen(SETTINGS_FILE), folder = strlen(POLICIES_DIR "/");

    if (n < name || strcmp(path + n - name, SETTINGS_FILE) != 0)
        return false;
    n -= name;
    if (n == 0 || path[n - 1] != '/')
        return n == 0;
    return n < folder || strncmp(path + n - folder, POLICIES_DIR "/", folder) != 0 ||
           (n > folder && path[n - folder - 1] != '/');
}

static int verify_settings_file(Verification *v, const char *path)
{
    cleanup(config_entry_clear) ConfigEntry entry = { .name = strdup(SETTINGS_NAME) };
    const ConfigRoot here = { .fd = AT_FDCWD };
    Settings settings;

    int r = entry.name ? config_entry_add_source(&entry, 0, path) : -ENOMEM;
    if (r >= 0)
        r = config_entry_read(&entry, &here);
    if (r > 0) { /* nothing is there */
        r = config_entry_add_source(&entry, 0, path);
        if (r >= 0)
            r = config_entry_refuse(&entry, 0, -ENOENT);
    }
    if (r >= 0 && entry.state == CONFIG_IN_FORCE) {
        r = settings_decode(entry.sources, 1, v->options.ram, &entry.diagnostics, &settings);
        if (r >= 0)
            settings_clear(&settings);
        if (r == -EBADMSG)
            entry.state = CONFIG_REFUSED;
    }
    return r < 0 && r != -EBADMSG ? r : report(v, "settings", &entry, NULL);
}

static int verify_policy_file(Verification *v, const Source *file)
{
    cleanup(policies_clear) Policies policies = { 0 };

    int r = policies_load_files(file, 1, v->options.ram, &policies);
    if (r < 0)
        return r;
    return report(v, "policy", &policies.entries[0], policy_of(&policies, &policies.entries[0]));
}

/* A file that is not looked into, because of @why. */
static int pass_file_over(Verification *v, const char *kind, const char *name, const char *path,
                          ConfigState state, const char *why)
{
    cleanup(config_entry_clear) ConfigEntry entry = { .name = strdup(name), .state = state };
    Severity severity = state == CONFIG_MASKED ? SEVERITY_NOTE : SEVERITY_MISTAKE;

    int r = entry.name ? config_entry_add_source(&entry, 0, path) : -ENOMEM;
    if (r >= 0)
        r = diagnostics_add(&entry.diagnostics, severity, (PolicyPlace){ 0 }, "%s", why);
    return r < 0 ? r : report(v, kind, &entry, NULL);
}

static int refuse_file(Verification *v, const char *kind, const char *name, const char *path,
                       const char *why)
{
    return pass_file_over(v, kind, name, path, CONFIG_REFUSED, why);
}

/* No mistake: who lets the shell name all files of a folder names those as well. */
static int note_mask(Verification *v, const char *path)
{
    const char *base = basename(path);
    CLEANUP_FREE char *name = strndup(base, config_stem_length(base, CONFIG_FILE_SUFFIX));

    if (!name)
        return -ENOMEM;
    if (is_settings_file(path))
        return pass_file_over(v, "settings", name, path, CONFIG_MASKED, SETTINGS_ARE_MASKED);
    return pass_file_over(v, "policy", name, path, CONFIG_MASKED, "the policy is masked");
}

/* The NAME in "…/NAME.yaml.d/FILE", to be freed, if @path is such. 0, or -ENOMEM. */
static int dropin_name(const char *path, char **ret)
{
    const char *end = strrchr(path, '/');
    const char *start = end ? memrchr(path, '/', (size_t)(end - path)) : NULL;
    size_t suffix = strlen(CONFIG_DROPINS_SUFFIX), n;

    *ret = NULL;
    if (!end)
        return 0;
    start = start ? start + 1 : path;
    n = (size_t)(end - start);
    if (n <= suffix || strncmp(end - suffix, CONFIG_DROPINS_SUFFIX, suffix) != 0)
        return 0;
    *ret = strndup(start, n - suffix);
    return *ret ? 0 : -ENOMEM;
}

/* A drop-in makes no sense without what it is merged into. */
static int refuse_dropin(Verification *v, const char *name, const char *path)
{
    CLEANUP_FREE char *folder = strdup(path);

    if (!folder)
        return -ENOMEM;
    *strrchr(folder, '/') = '\0';
    folder[strlen(folder) - strlen(".d")] = '\0'; /* what it is merged into */
    if (is_settings_file(folder))
        return refuse_file(v, "settings", name, path,
                           "is a drop-in (pagewarden verify without a file checks it with the "
                           "settings)");
    return refuse_file(v, "policy", name, path,
                       "is a drop-in (pagewarden verify without a file checks it with its policy)");
}

/* What a shell makes of <(…), and the like; a policy's link to /dev/null is none. */
static bool is_stream(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return false;
    return S_ISFIFO(st.st_mode) ||
           (strncmp(path, "/dev/", 5) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* Standard input may be a pipe, which has no beginning to go back to. What is more than a policy
 * may have is read up to where that is clear. */
static int verify_stdin(Verification *v)
{
    CLEANUP_FREE char *text = malloc(READER_TEXT_MAX + 1);
    size_t size = 0;
    if (!text)
        return -ENOMEM;

    while (size < READER_TEXT_MAX + 1) {
        ssize_t n = read(STDIN_FILENO, text + size, READER_TEXT_MAX + 1 - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            complain(STDIN_LABEL ": %s", strerror(errno));
            v->failed = true;
            return 0;
        }
        if (n == 0)
            break;
        size += (size_t)n;
    }
    return verify_policy_file(v, &(Source){ STDIN_LABEL, text, size });
}

static int verify_file(Verification *v, const char *path)
{
    const ConfigRoot here = { .fd = AT_FDCWD };

    if (strcmp(path, "-") == 0)
        return verify_stdin(v);
    if (!*path)
        return refuse_file(v, "policy", "", "\"\"", strerror(ENOENT));

    CLEANUP_FREE char *dropin = NULL;
    int r = dropin_name(path, &dropin);
    if (r < 0)
        return r;
    if (dropin)
        return refuse_dropin(v, dropin, path);
    if (config_stem_length(basename(path), CONFIG_FILE_SUFFIX) > 0 && config_is_mask(&here, path))
        return note_mask(v, path);
    if (is_settings_file(path))
        return verify_settings_file(v, path);
    if (is_stream(path))
        return refuse_file(v, "policy", basename(path), path,
                           "not a regular file (- is standard input)");
    return verify_policy_file(v, &(Source){ .path = path });
}

static int print_json(const Verification *v)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();

    if (!root || json_add(root, "entries", json_object_get(v->entries)) < 0)
        return -ENOMEM;
    return json_print(root, stdout, v->options.output.json);
}

static ExitCode verify(Verification *v, char *const files[])
{
    const char *root = v->options.places.root ?: "/";
    bool installed = !*files;
    int r = 0;

    /* What keeps it from being opened is told where the configuration is looked for. */
    CLEANUP_CLOSE int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup(json_object_putp) struct json_object *entries = NULL;
    v->root_fd = root_fd;
    if (v->options.output.json != JSON_OFF) {
        v->entries = entries = json_object_new_array();
        r = entries ? 0 : -ENOMEM;
    }
    if (r >= 0 && installed)
        r = verify_installed(v);
    for (; *files && r >= 0; files++)
        r = verify_file(v, *files);
    if (r >= 0 && v->entries)
        r = print_json(v);
    if (r < 0) {
        complain("%s", r == -ENOMEM ? "out of memory" : strerror(-r));
        return EXIT_FAILED;
    }

    size_t n_warnings = v->n_of[SEVERITY_WARNING];
    if (v->failed || v->n_of[SEVERITY_MISTAKE] > 0 || (v->strict && n_warnings > 0))
        return EXIT_FAILED;
    if (installed && !v->entries && !v->quiet && n_warnings == 0 && isatty(STDOUT_FILENO))
        print_success(v);
    return EXIT_OK;
}

static void help(void)
{
    printf("pagewarden verify [OPTION…] [FILE…]\n\n"
           "Checks policies and settings, without a daemon: those files (- is standard input), or\n"
           "all that is installed. Prints mistakes, warnings and notes on standard error, each as\n"
           "FILE:LINE:COLUMN: message. Only mistakes are bad.\n\n"
           "      --strict       warnings are bad, too\n"
           "  -q, --quiet        tell only what is bad\n" CONFIG_OPTIONS_HELP
           "  -h, --help         show this\n");
}

ExitCode verb_verify(int argc, char *argv[])
{
    enum { OPT_STRICT = 256 };
    static const struct option longs[] = {
        { "strict", no_argument, NULL, OPT_STRICT },
        { "quiet", no_argument, NULL, 'q' },
        CONFIG_OPTIONS,
        { 0 },
    };
    Verification v = { .root_fd = -1, .excerpt = isatty(STDERR_FILENO) };
    ExitCode code = EXIT_OK;
    bool go_on = true;

    config_options_init(&v.options);
    for (int c; go_on && (c = next_option(argv[0], argc, argv, "hq", longs)) >= 0;)
        if (c == OPT_STRICT)
            v.strict = true;
        else if (c == 'q')
            v.quiet = true;
        else
            go_on = config_options_take(&v.options, c, help, &code);
    if (go_on && optind < argc && config_options_have_places(&v.options)) {
        complain("verify: --root and --config are of what is installed, and not of files");
        code = EXIT_USAGE;
    } else if (go_on) {
        code = verify(&v, argv + optind);
    }
    config_options_clear(&v.options);
    return code;
}
