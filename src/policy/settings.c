/* SPDX-License-Identifier: MIT */
#include "policy/settings.h"

#include <stdlib.h>
#include <syslog.h>

#include "util/units.h"

void settings_set_defaults(Settings *settings, uint64_t ram)
{
    *settings = (Settings){
        .interval_usec = USEC_PER_SEC,
        .pin_budget = ram / 2,
        .reserve = ram / 10,
        .restore_rate = 200 * MIB,
        .restore_usec = 10 * USEC_PER_SEC,
        .log_level = LOG_LEVEL_INFO,
        .refuse_network_filesystems = true,
        .rotational_disks = ROTATIONAL_OBSERVE,
    };
}

void settings_clear(Settings *settings)
{
    free(settings->metrics_file);
    *settings = (Settings){ 0 };
}

int log_level_to_syslog(LogLevel level)
{
    static const int priorities[] = {
        [LOG_LEVEL_ERROR] = LOG_ERR,     [LOG_LEVEL_WARNING] = LOG_WARNING,
        [LOG_LEVEL_NOTICE] = LOG_NOTICE, [LOG_LEVEL_INFO] = LOG_INFO,
        [LOG_LEVEL_DEBUG] = LOG_DEBUG,
    };

    return priorities[level];
}
