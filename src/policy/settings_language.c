/* SPDX-License-Identifier: MIT */
/* The language of pagewarden.yaml. */
#include "policy/language.h"
#include "policy/settings.h"
#include "policy/values.h"
#include "util/units.h"

/* Each look reads four files of every governed unit; less often, distress is seen too late. */
#define INTERVAL_MIN_USEC (200 * USEC_PER_MSEC)
#define INTERVAL_MAX_USEC (60 * USEC_PER_SEC)

/* A start that waits longer looks like one that hangs. The unit file of the warm start has a limit
 * above this, for a disk that does not answer. */
#define RESTORE_TIME_MIN_USEC (100 * USEC_PER_MSEC)
#define RESTORE_TIME_MAX_USEC (60 * USEC_PER_SEC)

static const Field settings_fields[] = {
    {
        .key = "version",
        .type = &type_version,
        .example = "version: 1",
        .fallback = "1",
        .help = "of the language",
    },
    {
        .key = "interval",
        .type = &type_duration,
        .offset = offsetof(Settings, interval_usec),
        .min = INTERVAL_MIN_USEC,
        .max = INTERVAL_MAX_USEC,
        .example = "interval: 1s",
        .fallback = "1s",
        .help = "the time between two looks at all governed units",
    },
    {
        .key = "pin_budget",
        .type = &type_size,
        .offset = offsetof(Settings, pin_budget),
        .example = "pin_budget: 50%",
        .fallback = "50%",
        .help = "the most that the pins of all policies together may take",
    },
    {
        .key = "reserve",
        .type = &type_size,
        .offset = offsetof(Settings, reserve),
        .example = "reserve: 10%",
        .fallback = "10%",
        .help = "of available memory (MemAvailable), what pins leave alone",
    },
    {
        .key = "restore_rate",
        .type = &type_byte_rate,
        .offset = offsetof(Settings, restore_rate),
        .min = MIB,
        .example = "restore_rate: 200M/s",
        .fallback = "200M/s",
        .help = "how fast a warm start reads, at most",
    },
    {
        .key = "restore_time",
        .type = &type_duration,
        .offset = offsetof(Settings, restore_usec),
        .min = RESTORE_TIME_MIN_USEC,
        .max = RESTORE_TIME_MAX_USEC,
        .example = "restore_time: 10s",
        .fallback = "10s",
        .help = "how long a service's start waits for its warm start, at most",
    },
    {
        .key = "log_level",
        .type = &type_enum,
        .names = &log_level_names,
        .offset = offsetof(Settings, log_level),
        .example = "log_level: info",
        .fallback = "info",
        .help = "messages less urgent than this are not written",
    },
    {
        .key = "metrics_file",
        .type = &type_file_path,
        .offset = offsetof(Settings, metrics_file),
        .later = LATER_NO_EFFECT,
        .example = "metrics_file: /run/pagewarden/metrics.prom",
        .help = "where figures are written for the textfile collector of node_exporter",
    },
    {
        .key = "refuse_network_filesystems",
        .type = &type_bool,
        .offset = offsetof(Settings, refuse_network_filesystems),
        .example = "refuse_network_filesystems: true",
        .fallback = "true",
        .help = "pass over files on NFS, CIFS, FUSE and the like, which may hang",
    },
    {
        .key = "rotational_disks",
        .type = &type_enum,
        .names = &rotational_disks_names,
        .offset = offsetof(Settings, rotational_disks),
        .example = "rotational_disks: observe",
        .fallback = "observe",
        .help = "services whose files are on slow disks: only observe them with memory_high: track "
                "(observe), or treat them like all others (enforce)",
    },
};
static const Mapping settings_mapping = {
    .fields = settings_fields,
    .n_fields = ELEMENTS(settings_fields),
};

static const Mapping *const mappings[] = { &settings_mapping, NULL };

static const Field root = {
    .type = &type_mapping,
    .mapping = &settings_mapping,
    .example = "interval: 1s",
};

const Language settings_language = {
    .subject = "the settings file",
    .document = "pagewarden.yaml",
    .other = &policy_language,
    .root = &root,
    .mappings = mappings,
    .may_be_empty = true, /* all commented out is how defaults are often installed */
};
