/* SPDX-License-Identifier: MIT */
/* The policy language. All mappings but the entries of lists are decoded into the Policy itself, so
 * that what spans several of them can be judged at the end. */
#include "policy/policy_language.h"
#include "policy/language.h"
#include "policy/policy.h"
#include "policy/policy_checks.h"
#include "policy/values.h"
#include "util/units.h"

/* A look at the files of a rule opens and asks each of them: more often than once a second is load,
 * not care. A day between two looks is as good as none. */
#define EVERY_MIN_USEC USEC_PER_SEC
#define EVERY_MAX_USEC (24 * 3600 * USEC_PER_SEC)
/* Looks are a second apart at least, so a shorter time means nothing. */
#define IDLE_MIN_USEC USEC_PER_SEC
#define IDLE_MAX_USEC (30 * 24 * 3600 * USEC_PER_SEC)
/* Below, a file of 1 GiB would take hours to leave. */
#define EVICT_RATE_MIN (64 * KIB)
/* PSI totals are in microseconds: 0.01 % of a window of 1 s are 100 of them. */
#define SHARE_MIN 100

#define BIT(value) (1u << (value))

#define UNITS_EXAMPLE   "units: [\"nginx.service\"]"
#define CGROUPS_EXAMPLE "cgroups: [\"/kubepods.slice/**/cri-*.scope\"]"
#define EVICT_EXAMPLE   "evict: [{path: /var/log/shop/*}]"
#define WHEN_EXAMPLE    "when: [pressure]"
#define ADVISE_EXAMPLE  "advise: [{path: /srv/shop/index/*, access: random}]"

static const Field match_units_entry = {
    .key = "units",
    .entry = true,
    .type = &type_unit,
    .example = UNITS_EXAMPLE,
    .offset = offsetof(Policy, units),
};
static const List match_units = { .entry = &match_units_entry };

static const Field match_cgroups_entry = {
    .key = "cgroups",
    .entry = true,
    .type = &type_cgroup,
    .example = CGROUPS_EXAMPLE,
    .offset = offsetof(Policy, cgroups),
};
static const List match_cgroups = { .entry = &match_cgroups_entry };

static const Field match_fields[] = {
    {
        .key = "units",
        .type = &type_list,
        .list = &match_units,
        .required = true,
        .example = UNITS_EXAMPLE,
        .help = "systemd units that the policy governs: services, scopes, slices; globs",
    },
    {
        .key = "cgroups",
        .type = &type_list,
        .list = &match_cgroups,
        .replaces = "units",
        .example = CGROUPS_EXAMPLE,
        .help = "control groups that the policy governs, by their path below the root; globs",
    },
};
static const Mapping match_mapping = {
    .name = "match",
    .help = "what the policy governs",
    .fields = match_fields,
    .n_fields = ELEMENTS(match_fields),
};

static const Field distress_fields[] = {
    {
        .key = "window",
        .type = &type_duration,
        .offset = offsetof(Policy, distress.window_usec),
        .min = DISTRESS_WINDOW_MIN_USEC,
        .max = DISTRESS_WINDOW_MAX_USEC,
        .example = "window: 2s",
        .fallback = "2s",
        .help = "the time over which the others are judged",
    },
    {
        .key = "memory_pressure",
        .type = &type_share,
        .offset = offsetof(Policy, distress.memory_pressure),
        .min = SHARE_MIN,
        .example = "memory_pressure: 1%",
        .fallback = "1%",
        .help = "share of the time in which some task waited for memory (PSI some)",
    },
    {
        .key = "io_pressure",
        .type = &type_share,
        .offset = offsetof(Policy, distress.io_pressure),
        .min = SHARE_MIN,
        .example = "io_pressure: 20%",
        .help = "share of the time in which some task waited for I/O (PSI some)",
    },
    {
        .key = "refaults",
        .type = &type_rate,
        .offset = offsetof(Policy, distress.refaults),
        .example = "refaults: 500/s",
        .fallback = "20/s",
        .help = "pages of files that had been reclaimed and were read again "
                "(workingset_refault_file)",
    },
    {
        .key = "major_faults",
        .type = &type_rate,
        .offset = offsetof(Policy, distress.major_faults),
        .example = "major_faults: 50/s",
        .help = "page faults that had to read (pgmajfault)",
    },
    {
        .key = "stolen",
        .type = &type_byte_rate,
        .offset = offsetof(Policy, distress.stolen),
        .min = 4 * KIB,
        .example = "stolen: 16M/s",
        .fallback = "16M/s",
        .help = "what reclaim takes from this service (pgsteal): the sign before the damage; not "
                "looked at by itself in memory_high's mode track",
    },
};
static const Mapping distress_mapping = {
    .name = "distress",
    .help = "what counts as suffering of a critical service: any one of these, over the window",
    .fields = distress_fields,
    .n_fields = ELEMENTS(distress_fields),
};

static void evict_defaults(void *object)
{
    EvictRule *rule = object;

    rule->idle_usec = EVICT_IDLE_DEFAULT_USEC;
    rule->every_usec = EVICT_EVERY_DEFAULT_USEC;
    rule->range.end = UINT64_MAX;
    rule->rate = UINT64_MAX;
}

static const Field evict_when_entry = {
    .key = "when",
    .entry = true,
    .type = &type_flag,
    .names = &evict_when_names,
    .example = WHEN_EXAMPLE,
    .offset = offsetof(EvictRule, when),
};
static const List evict_when = { .entry = &evict_when_entry };

static const Field evict_fields[] = {
    {
        .key = "path",
        .type = &type_path,
        .offset = offsetof(EvictRule, path),
        .place = offsetof(EvictRule, place),
        .required = true,
        .example = "path: /var/log/shop/*",
        .help = "the files to take out of memory, as an absolute path or glob",
    },
    {
        .key = "idle",
        .type = &type_duration,
        .offset = offsetof(EvictRule, idle_usec),
        .min = IDLE_MIN_USEC,
        .max = IDLE_MAX_USEC,
        .example = "idle: 2m",
        .fallback = "2m",
        .help = "only files that nobody has had open for that long",
    },
    {
        .key = "every",
        .type = &type_duration,
        .offset = offsetof(EvictRule, every_usec),
        .min = EVERY_MIN_USEC,
        .max = EVERY_MAX_USEC,
        .example = "every: 30s",
        .fallback = "30s",
        .help = "the time between two looks",
    },
    {
        .key = "when",
        .type = &type_list,
        .list = &evict_when,
        .example = WHEN_EXAMPLE,
        .help = "only when memory is short (pressure) or a critical service suffers (distress)",
    },
    {
        .key = "dirty",
        .type = &type_enum,
        .names = &evict_dirty_names,
        .offset = offsetof(EvictRule, dirty),
        .example = "dirty: write-back",
        .fallback = "skip",
        .help =
            "pages that are not on disk yet: leave them, or write them out first (as streams are, "
            "unless it says skip)",
    },
    {
        .key = "mapped",
        .type = &type_enum,
        .names = &evict_mapped_names,
        .offset = offsetof(EvictRule, mapped),
        .example = "mapped: page-out",
        .fallback = "skip",
        .help = "pages that processes have mapped: leave them, or take them out of the processes",
    },
    {
        .key = "range",
        .type = &type_range,
        .offset = offsetof(EvictRule, range),
        .example = "range: 1G-",
        .help = "only this part of each file",
    },
    {
        .key = "keep",
        .type = &type_keep,
        .offset = offsetof(EvictRule, keep),
        .example = "keep: last 16M",
        .help = "the head or the tail of each file, to be left in memory",
    },
    {
        .key = "rate",
        .type = &type_byte_rate,
        .offset = offsetof(EvictRule, rate),
        .min = EVICT_RATE_MIN,
        .example = "rate: 200M/s",
        .help = "no faster than this",
    },
    {
        .key = "stream",
        .type = &type_bool,
        .offset = offsetof(EvictRule, stream),
        .place = offsetof(EvictRule, place),
        .replaces = "path",
        .example = "stream: true",
        .help = "instead of a path: whatever the service reads or writes once, behind its position",
    },
};
static const Mapping evict_mapping = {
    .name = "evict",
    .help = "files to take out of memory",
    .fields = evict_fields,
    .n_fields = ELEMENTS(evict_fields),
    .set_defaults = evict_defaults,
    .check = check_evict,
};

static const Field evict_entry = {
    .key = "evict",
    .entry = true,
    .type = &type_mapping,
    .mapping = &evict_mapping,
    .example = EVICT_EXAMPLE,
};
static const List evict_list = {
    .entry = &evict_entry,
    .entry_size = sizeof(EvictRule),
    .n_offset = offsetof(Policy, n_evicts),
};

static const Field cache_fields[] = {
    {
        .key = "max",
        .type = &type_length,
        .offset = offsetof(Policy, cache_max),
        .required = true,
        .example = "max: 2G",
        .help = "the most page cache that the service may have",
    },
    {
        .key = "brake",
        .type = &type_bool,
        .offset = offsetof(Policy, cache_brake),
        .example = "brake: true",
        .fallback = "false",
        .help = "memory.high as a brake above it, for what comes in between two looks; with no "
                "mode of memory_high but off",
    },
};
static const Mapping cache_mapping = {
    .name = "cache",
    .help = "a cap on the service's page cache",
    .fields = cache_fields,
    .n_fields = ELEMENTS(cache_fields),
};

static const Field limit_fields[] = {
    {
        .key = "mode",
        .type = &type_enum,
        .names = &limit_mode_names,
        .offset = offsetof(Policy, memory_high.mode),
        .example = "mode: yield",
        .fallback = "off",
        .help = "off (left alone), fixed (to the value), track (follow the working set), yield "
                "(give way while a critical service suffers)",
    },
    {
        .key = "value",
        .type = &type_length,
        .offset = offsetof(Policy, memory_high.value),
        .with = BIT(LIMIT_FIXED),
        .needed = BIT(LIMIT_FIXED),
        .example = "value: 2G",
        .help = "mode fixed: the limit",
    },
    {
        .key = "min",
        .type = &type_length,
        .offset = offsetof(Policy, memory_high.min),
        .with = BIT(LIMIT_FIXED) | BIT(LIMIT_TRACK) | BIT(LIMIT_YIELD),
        .needed = BIT(LIMIT_YIELD),
        .example = "min: 256M",
        .help = "never below; what cannot be reclaimed is a floor by itself",
    },
    {
        .key = "max",
        .type = &type_length,
        .offset = offsetof(Policy, memory_high.max),
        .with = BIT(LIMIT_FIXED) | BIT(LIMIT_TRACK),
        .example = "max: 4G",
        .help = "modes fixed and track: never above",
    },
    {
        .key = "pressure",
        .type = &type_share,
        .offset = offsetof(Policy, memory_high.pressure),
        .with = BIT(LIMIT_TRACK),
        .min = SHARE_MIN,
        .example = "pressure: 0.1%",
        .fallback = "0.1%",
        .help = "mode track: the memory pressure (PSI some) to hold",
    },
    {
        .key = "reclaim",
        .type = &type_enum,
        .names = &limit_reclaim_names,
        .offset = offsetof(Policy, memory_high.reclaim),
        .with = BIT(LIMIT_TRACK),
        .example = "reclaim: file",
        .fallback = "file",
        .help = "mode track: what probing may take, the page cache alone (file) or swap too (all)",
    },
};
static const Mapping limit_mapping = {
    .name = "memory_high",
    .help = "memory.high of the service's control group",
    .fields = limit_fields,
    .n_fields = ELEMENTS(limit_fields),
    .selector = "mode",
    .check = check_limit,
};

static const Field advise_fields[] = {
    {
        .key = "path",
        .type = &type_path,
        .offset = offsetof(AdviseRule, path),
        .place = offsetof(AdviseRule, place),
        .required = true,
        .example = "path: /srv/shop/index/*",
        .help = "the files, as an absolute path or glob",
    },
    {
        .key = "access",
        .type = &type_enum,
        .names = &access_names,
        .offset = offsetof(AdviseRule, access),
        .required = true,
        .example = "access: random",
        .help = "how the service reads them: normal, sequential (more read-ahead), random (none)",
    },
};
static const Mapping advise_mapping = {
    .name = "advise",
    .help = "the read-ahead of files that the service has open",
    .fields = advise_fields,
    .n_fields = ELEMENTS(advise_fields),
};

static const Field advise_entry = {
    .key = "advise",
    .entry = true,
    .type = &type_mapping,
    .mapping = &advise_mapping,
    .example = ADVISE_EXAMPLE,
};
static const List advise_list = {
    .entry = &advise_entry,
    .entry_size = sizeof(AdviseRule),
    .n_offset = offsetof(Policy, n_advises),
};

static void policy_defaults(void *object)
{
    Policy *policy = object;

    policy->distress = DISTRESS_CONFIG_DEFAULT;
    policy->cache_max = LIMIT_NONE;
    policy->memory_high.max = LIMIT_NONE;
    policy->memory_high.pressure = LIMIT_PRESSURE_DEFAULT;
}

static const Field policy_fields[] = {
    {
        .key = "version",
        .type = &type_version,
        .required = true,
        .example = "version: 1",
        .help = "of the language",
    },
    {
        .key = "description",
        .type = &type_line,
        .offset = offsetof(Policy, description),
        .example = "description: the shop keeps its index in memory",
        .help = "what the policy is for, in one line",
    },
    {
        .key = "match",
        .type = &type_mapping,
        .mapping = &match_mapping,
        .required = true,
        .example = "match: {units: [\"nginx.service\"]}",
        .help = "what the policy governs",
    },
    {
        .key = "role",
        .type = &type_enum,
        .names = &policy_role_names,
        .offset = offsetof(Policy, role),
        .example = "role: critical",
        .fallback = "normal",
        .help = "critical services are protected, background services give way to them",
    },
    {
        .key = "mode",
        .type = &type_enum,
        .names = &policy_mode_names,
        .offset = offsetof(Policy, mode),
        .example = "mode: observe",
        .fallback = "enforce",
        .help = "observe: decide and report, but change nothing",
    },
    {
        .key = "distress",
        .type = &type_mapping,
        .mapping = &distress_mapping,
        .example = "distress: {memory_pressure: 1%}",
        .help = "what counts as suffering of a critical service",
    },
    {
        .key = "pin",
        .type = &type_mapping,
        .mapping = &pin_mapping,
        .example = "pin: {budget: 512M, files: [{path: /srv/shop/index/*}]}",
        .help = "what is kept in memory",
    },
    {
        .key = "evict",
        .type = &type_list,
        .list = &evict_list,
        .offset = offsetof(Policy, evicts),
        .example = EVICT_EXAMPLE,
        .help = "what is taken out of memory",
    },
    {
        .key = "cache",
        .type = &type_mapping,
        .mapping = &cache_mapping,
        .example = "cache: {max: 2G}",
        .help = "a cap on the service's page cache",
    },
    {
        .key = "memory_high",
        .type = &type_mapping,
        .mapping = &limit_mapping,
        .example = "memory_high: {mode: fixed, value: 2G}",
        .help = "memory.high of the service's control group",
    },
    {
        .key = "advise",
        .type = &type_list,
        .list = &advise_list,
        .offset = offsetof(Policy, advises),
        .example = ADVISE_EXAMPLE,
        .help = "the read-ahead of files that the service has open",
    },
};
static const Mapping policy_mapping = {
    .fields = policy_fields,
    .n_fields = ELEMENTS(policy_fields),
    .set_defaults = policy_defaults,
    .check = check_policy,
};

static const Mapping *const mappings[] = {
    &policy_mapping, &match_mapping, &distress_mapping, &pin_mapping,    &pin_file_mapping,
    &evict_mapping,  &cache_mapping, &limit_mapping,    &advise_mapping, NULL,
};

static const Field root = {
    .type = &type_mapping,
    .mapping = &policy_mapping,
    .example = "version: 1",
};

const Language policy_language = {
    .subject = "a policy",
    .document = "a policy",
    .other = &settings_language,
    .root = &root,
    .mappings = mappings,
};
