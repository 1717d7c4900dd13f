/* SPDX-License-Identifier: MIT */
#include "config/load.h"

#include <stdio.h>

#include "config/find.h"
#include "policy/decode.h"

void config_clear(Config *config)
{
    settings_clear(&config->settings);
    config_entry_clear(&config->settings_entry);
    policies_clear(&config->policies);
    *config = (Config){ 0 };
}

static int load_settings(const ConfigRoot *root, uint64_t ram, ConfigEntry *folders,
                         ConfigEntry *entry, Settings *ret)
{
    int r = config_find_settings(root, folders, entry);
    if (r >= 0 && entry->state == CONFIG_IN_FORCE)
        r = config_entry_read(entry, root);
    if (r < 0 || entry->state != CONFIG_IN_FORCE)
        return r;

    r = settings_decode(entry->sources, entry->n_sources, ram, &entry->diagnostics, ret);
    if (r != -EBADMSG)
        return r;
    entry->state = CONFIG_REFUSED;
    return 0;
}

int config_load(const ConfigPlaces *places, uint64_t ram, Config *ret)
{
    cleanup(config_clear) Config config = { 0 };
    cleanup(config_root_close) ConfigRoot root = { .fd = -1 };

    settings_set_defaults(&config.settings, ram);
    int r = policies_load(places, ram, &config.policies);
    if (r < 0)
        return r;
    r = config_root_open(places, &root);
    if (r >= 0)
        r = load_settings(&root, ram, &config.policies.folders, &config.settings_entry,
                          &config.settings);
    else if (r != -ENOMEM)
        r = 0; /* the policies tell */
    if (r < 0)
        return r;

    *ret = TAKE(config, (Config){ 0 });
    return 0;
}

bool config_is_good(const Config *config)
{
    return config->settings_entry.state != CONFIG_REFUSED && config->policies.n_refused == 0;
}

char *config_format_refusals(const Config *config)
{
    const ConfigEntry *entry = &config->settings_entry;
    CLEANUP_FREE char *settings = NULL, *policies = policies_format_refusals(&config->policies);
    char *text;

    if (entry->state != CONFIG_REFUSED)
        return TAKE_PTR(policies);
    settings = config_entry_format(entry, SEVERITY_MISTAKE);
    if (!settings || !policies || asprintf(&text, "%s\n%s", settings, policies) < 0)
        return NULL;
    return text;
}

int config_adopt_refusals(Config *config, Config *newer)
{
    int r = policies_adopt_refusals(&config->policies, &newer->policies);
    if (r < 0)
        return r;

    config_entry_clear(&config->settings_entry);
    config->settings_entry = TAKE(newer->settings_entry, (ConfigEntry){ 0 });
    return 0;
}
