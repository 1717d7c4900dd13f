/* SPDX-License-Identifier: MIT */
#pragma once

/* The daemon's own settings: pagewarden.yaml and its drop-ins. Immutable once decoded. */

#include <stdbool.h>
#include <stdint.h>

typedef enum LogLevel {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
} LogLevel;

/* Squeezing a service whose files are on a spinning disk makes each miss cost 10 ms. */
typedef enum RotationalDisks {
    ROTATIONAL_OBSERVE,
    ROTATIONAL_ENFORCE,
} RotationalDisks;

typedef struct Settings {
    uint64_t interval_usec; /* between two looks at all governed units */
    uint64_t pin_budget;    /* bytes that all pins of this host together may take */
    uint64_t reserve;       /* bytes of MemAvailable that pins leave alone */
    uint64_t restore_rate;  /* bytes per second that a warm start reads */
    uint64_t restore_usec;  /* for which it goes on at most */
    LogLevel log_level;
    char *metrics_file; /* NULL: none */
    bool refuse_network_filesystems;
    RotationalDisks rotational_disks;
} Settings;

/* What holds without a file, on a machine with @ram bytes. */
void settings_set_defaults(Settings *settings, uint64_t ram);
void settings_clear(Settings *settings);

/* LOG_ERR … LOG_DEBUG of syslog(3). */
int log_level_to_syslog(LogLevel level);
