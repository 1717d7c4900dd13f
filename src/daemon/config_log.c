/* SPDX-License-Identifier: MIT */
#include "daemon/config_log.h"

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

void config_log(const Config *config)
{
    log_entry(&config->settings_entry);
    log_entry(&config->policies.folders);
    for (size_t i = 0; i < config->policies.n_entries; i++)
        log_entry(&config->policies.entries[i]);
}
