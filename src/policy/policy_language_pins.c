/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"
#include "policy/policy_checks.h"
#include "policy/policy_language.h"
#include "policy/values.h"

#define PIN_FILES_EXAMPLE "files: [{path: /srv/shop/index/*}]"
#define EXCLUDE_EXAMPLE   "exclude: [\"*.tmp\"]"
#define MAPPED_EXAMPLE    "mapped: [executables, libraries]"
#define ORDER_EXAMPLE     "order: [listed, smallest]"

static const Field pin_file_exclude_entry = {
    .key = "exclude",
    .entry = true,
    .type = &type_exclude,
    .example = EXCLUDE_EXAMPLE,
    .offset = offsetof(PinRule, excludes),
};
static const List pin_file_exclude = { .entry = &pin_file_exclude_entry };

static const Field pin_file_mapped_entry = {
    .key = "mapped",
    .entry = true,
    .type = &type_flag,
    .names = &pin_mapped_names,
    .example = MAPPED_EXAMPLE,
    .offset = offsetof(PinRule, mapped),
};
static const List pin_file_mapped = { .entry = &pin_file_mapped_entry };

static void pin_file_defaults(void *object)
{
    PinRule *rule = object;

    rule->max_size = UINT64_MAX;
    rule->range.end = UINT64_MAX;
}

static const Field pin_file_fields[] = {
    {
        .key = "path",
        .type = &type_path,
        .offset = offsetof(PinRule, path),
        .place = offsetof(PinRule, place),
        .required = true,
        .example = "path: /srv/shop/index/*",
        .help = "the files to keep in memory, as an absolute path or glob",
    },
    {
        .key = "exclude",
        .type = &type_list,
        .list = &pin_file_exclude,
        .example = EXCLUDE_EXAMPLE,
        .help = "files to leave out, as globs over names or over whole paths",
    },
    {
        .key = "max_size",
        .type = &type_length,
        .offset = offsetof(PinRule, max_size),
        .example = "max_size: 64M",
        .help = "files above are passed over",
    },
    {
        .key = "range",
        .type = &type_range,
        .offset = offsetof(PinRule, range),
        .example = "range: 0-8M",
        .help = "only this part of each file",
    },
    {
        .key = "lock",
        .type = &type_enum,
        .names = &pin_lock_names,
        .offset = offsetof(PinRule, lock),
        .example = "lock: now",
        .fallback = "now",
        .help = "how: now (read and lock), populate (the same), on-fault (lock what is in memory "
                "already, or comes), none (read once, and not lock)",
    },
    {
        .key = "mapped",
        .type = &type_list,
        .list = &pin_file_mapped,
        .place = offsetof(PinRule, place),
        .replaces = "path",
        .example = MAPPED_EXAMPLE,
        .help = "instead of a path: what the service's own processes have mapped",
    },
};
const Mapping pin_file_mapping = {
    .name = "pin.files",
    .help = "files to keep in memory",
    .fields = pin_file_fields,
    .n_fields = ELEMENTS(pin_file_fields),
    .set_defaults = pin_file_defaults,
    .check = check_pin_file,
};

static const Field pin_files_entry = {
    .key = "files",
    .entry = true,
    .type = &type_mapping,
    .mapping = &pin_file_mapping,
    .example = PIN_FILES_EXAMPLE,
};
static const List pin_files = {
    .entry = &pin_files_entry,
    .entry_size = sizeof(PinRule),
    .n_offset = offsetof(Policy, n_pins),
};

static const Field pin_order_entry = {
    .key = "order",
    .entry = true,
    .type = &type_pin_key,
    .names = &pin_key_names,
    .example = ORDER_EXAMPLE,
    .offset = offsetof(Policy, pin_order),
};
static const List pin_order = { .entry = &pin_order_entry };

static const Field pin_fields[] = {
    {
        .key = "budget",
        .type = &type_size,
        .offset = offsetof(Policy, pin_budget),
        .required = true,
        .example = "budget: 512M",
        .help = "never more than this is pinned",
    },
    {
        .key = "files",
        .type = &type_list,
        .list = &pin_files,
        .offset = offsetof(Policy, pins),
        .required = true,
        .example = PIN_FILES_EXAMPLE,
        .help = "the files to keep in memory",
    },
    {
        .key = "order",
        .type = &type_list,
        .list = &pin_order,
        .example = ORDER_EXAMPLE,
        .fallback = "[listed]",
        .help = "what comes first when the budget is short; the next decides between equals",
    },
    {
        .key = "charge",
        .type = &type_enum,
        .names = &pin_charge_names,
        .offset = offsetof(Policy, pin_charge),
        .example = "charge: holder",
        .fallback = "holder",
        .help = "whose memory it is: a unit beside the service's, or the service's own",
    },
    {
        .key = "restore",
        .type = &type_bool,
        .offset = offsetof(Policy, pin_restore),
        .example = "restore: true",
        .fallback = "false",
        .help = "warm, before the service starts, what was in memory when it stopped",
    },
    {
        .key = "on_shortage",
        .type = &type_enum,
        .names = &pin_shortage_names,
        .offset = offsetof(Policy, on_shortage),
        .example = "on_shortage: release",
        .fallback = "release",
        .help = "when the host runs out of memory: let the pins go, or keep them",
    },
};
const Mapping pin_mapping = {
    .name = "pin",
    .help = "what is kept in memory",
    .fields = pin_fields,
    .n_fields = ELEMENTS(pin_fields),
};
