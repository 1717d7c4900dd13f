/* SPDX-License-Identifier: MIT */
#include "cli/config-options.h"

#include <string.h>
#include <unistd.h>

#include "cli/text.h"
#include "util/parse.h"
#include "util/strv.h"

/* Memory of this machine in bytes. */
static uint64_t ram_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

void config_options_init(ConfigOptions *options)
{
    *options = (ConfigOptions){
        .ram = ram_bytes(),
        .output = output_options_default(),
    };
}

void config_options_clear(ConfigOptions *options)
{
    options->folders = strv_free(options->folders);
}

static bool take_root(ConfigOptions *options, const char *folder)
{
    if (!*folder) {
        complain("--root takes the folder of an image");
        return false;
    }
    options->places.root = folder;
    return true;
}

static bool take_folder(ConfigOptions *options, const char *folder)
{
    if (!*folder) {
        complain("--config takes a folder");
        return false;
    }
    if (strv_append(&options->folders, folder) < 0) {
        complain("out of memory");
        return false;
    }
    options->places.folders = (const char *const *)options->folders;
    return true;
}

static bool take_ram(ConfigOptions *options, const char *text)
{
    if (strchr(text, '%') || parse_size(text, 0, &options->ram, NULL) < 0 || options->ram == 0) {
        complain("--ram takes a size, such as 16G");
        return false;
    }
    options->ram_given = true;
    return true;
}

bool config_options_take(ConfigOptions *options, int c, void (*help)(void), ExitCode *ret_code)
{
    bool good = false;

    switch (c) {
    case OPT_ROOT:
        good = take_root(options, optarg);
        break;
    case OPT_CONFIG:
        good = take_folder(options, optarg);
        break;
    case OPT_RAM:
        good = take_ram(options, optarg);
        break;
    default:
        return output_option_take(&options->output, c, help, ret_code);
    }
    if (!good)
        *ret_code = EXIT_USAGE;
    return good;
}

bool config_options_have_places(const ConfigOptions *options)
{
    return options->places.root || options->places.folders;
}

int config_options_load(const ConfigOptions *options, Config *ret)
{
    int r = config_load(&options->places, options->ram, ret);

    if (r < 0)
        complain("%s", r == -ENOMEM ? "out of memory" : strerror(-r));
    return r;
}

void complain_of_entry(const ConfigEntry *entry, Severity severity)
{
    CLEANUP_FREE char *text = config_entry_format(entry, severity);

    complain_lines(text);
}

const char *suggest_entry(const Config *config, const char *name)
{
    const Policies *policies = &config->policies;
    CLEANUP_FREE const char **names = calloc(policies->n_entries + 2, sizeof(char *));
    if (!names)
        return NULL;

    names[0] = config->settings_entry.name;
    for (size_t i = 0; i < policies->n_entries; i++)
        names[i + 1] = policies->entries[i].name;
    return suggest_name(name, names);
}

int complain_of_unknown(const Config *config, const char *name)
{
    const char *meant = suggest_entry(config, name);
    CLEANUP_FREE char *shown = escape_text(name, locale_is_unicode());
    CLEANUP_FREE char *shown_meant = escape_text(meant ?: "", locale_is_unicode());
    if (!shown || !shown_meant)
        return -ENOMEM;

    if (meant)
        complain("there is no policy \"%s\" (did you mean \"%s\"?)", shown, shown_meant);
    else
        complain("there is no policy \"%s\" (see pagewarden list-policies)", shown);
    return 0;
}
