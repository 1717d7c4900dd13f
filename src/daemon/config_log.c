/* SPDX-License-Identifier: MIT */
#include "daemon/config_log.h"

#include <string.h>

#include "util/log.h"

static void log_entry(const ConfigEntry *entry)
{
    static const int levels[N_SEVERITIES] = {
        [SEVERITY_MISTAKE] = LOG_ERR,
        [SEVERITY_WARNING] = LOG_WARNING,
        [SEVERITY_NOTE] = LOG_INFO,
    };

    for (size_t i = 0; i < entry->diagnostics.n_entries; i++) {
        const Diagnostic *diagnostic = &entry->diagnostics.entries[i];
        CLEANUP_FREE char *line = diagnostic_format(diagnostic, entry->sources);
        log_message(levels[diagnostic->severity], "%s", line ?: "out of memory");
    }
}

static void log_count(const Policies *policies, const char *folder)
{
    size_t n = policies->set.n_policies;

    if (policies->n_entries == 0 && policies->n_refused == 0)
        log_notice("There are no policies: nothing is governed. Put them into %s/policies.d",
                   folder);
    else if (policies->n_refused > 0)
        log_info("%zu %s in force, %zu refused", n, n == 1 ? "policy" : "policies",
                 policies->n_refused);
    else
        log_info("%zu %s in force", n, n == 1 ? "policy" : "policies");
}

void config_log(const Config *config, const char *folder)
{
    log_entry(&config->settings_entry);
    log_entry(&config->policies.folders);
    for (size_t i = 0; i < config->policies.n_entries; i++)
        log_entry(&config->policies.entries[i]);
    log_count(&config->policies, folder);
}

void config_log_refusals(const char *text)
{
    log_error("The configuration was not loaded; what is in force stays:");
    while (*text) {
        size_t length = strcspn(text, "\n");
        log_message(LOG_ERR, "%.*s", (int)length, text);
        text += length + (text[length] == '\n');
    }
}
