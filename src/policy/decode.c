/* SPDX-License-Identifier: MIT */
/* The policy language: one table for each mapping, in the order in which a policy is best written.
 * A row without a handler is a key that the language has and this version does not support yet. All
 * mappings but the entries of lists are decoded into the Policy itself, so that what spans several
 * of them can be judged at the end. */
#include "policy/decode.h"

#include <errno.h>
#include <string.h>

#include "policy/fields.h"
#include "policy/values.h"
#include "util/cleanup.h"
#include "util/units.h"

/* A look at the files of a rule opens and asks each of them: more often than once a second is load,
 * not care. A day between two looks is as good as none. */
#define EVERY_MIN_USEC USEC_PER_SEC
#define EVERY_MAX_USEC (24 * 3600 * USEC_PER_SEC)
/* Looks are a second apart at least, so a shorter time means nothing. */
#define IDLE_MIN_USEC USEC_PER_SEC
#define IDLE_MAX_USEC (30 * 24 * 3600 * USEC_PER_SEC)

static void evict_defaults(void *object)
{
    EvictRule *rule = object;

    rule->idle_usec = EVICT_IDLE_DEFAULT_USEC;
    rule->every_usec = EVICT_EVERY_DEFAULT_USEC;
}

/* Of "value" and "min", the one that @mode needs is there, and no other. */
static int check_limit_key(Decoder *decoder, const Mapping *mapping, const Seen *seen,
                           const LimitConfig *config, const char *key, LimitMode mode)
{
    const Seen *mode_seen = seen_key(mapping, seen, "mode"),
               *key_seen = seen_key(mapping, seen, key);
    const char *needed = limit_mode_to_string(mode);

    if (config->mode == mode && key_seen->key.line == 0 && !key_seen->misspelt)
        return refuse(decoder, mode_seen->key,
                      "\"%s\" is missing in memory_high: mode %s needs it "
                      "(for example %s: 256M)",
                      key, needed, key);
    if (config->mode != mode && key_seen->key.line > 0)
        return refuse(decoder, key_seen->key,
                      "\"%s\" in memory_high belongs to mode %s, not to %s "
                      "(write mode: %s, or leave it out)",
                      key, needed, limit_mode_to_string(config->mode), needed);
    return DECODED;
}

static int check_limit(Decoder *decoder, const Mapping *mapping, const Seen *seen, void *object)
{
    const LimitConfig *config = &((Policy *)object)->memory_high;

    const Seen *mode = seen_key(mapping, seen, "mode");

    if (mode->refused || mode->misspelt)
        return DECODED;
    int r = check_limit_key(decoder, mapping, seen, config, "value", LIMIT_FIXED);
    if (r < 0)
        return r;
    return check_limit_key(decoder, mapping, seen, config, "min", LIMIT_YIELD);
}

static int check_policy(Decoder *decoder, const Mapping *mapping, const Seen *seen, void *object)
{
    const Policy *policy = object;
    const Seen *role = seen_key(mapping, seen, "role");

    if (policy->memory_high.mode != LIMIT_YIELD || policy->role == ROLE_BACKGROUND ||
        role->refused || role->misspelt)
        return DECODED;
    return refuse(decoder, policy->limit_place,
                  "mode yield is for role background, and this policy's role is %s (write role: "
                  "background, or mode: fixed)",
                  policy_role_to_string(policy->role));
}

#define UNITS_EXAMPLE "units: [\"nginx.service\"]"

static const Field match_units_entry = {
    .key = "units",
    .entry = true,
    .decode = decode_unit,
    .example = UNITS_EXAMPLE,
    .offset = offsetof(Policy, units),
};
static const List match_units = { .entry = &match_units_entry };

static const Field match_fields[] = {
    {
        .key = "units",
        .kind = NODE_LIST,
        .decode = decode_list,
        .list = &match_units,
        .required = true,
        .example = UNITS_EXAMPLE,
    },
    { .key = "cgroups", .replaces = "units" },
};
static const Mapping match_mapping = {
    .name = "match",
    .fields = match_fields,
    .n_fields = ELEMENTS(match_fields),
};

static const Field pin_file_fields[] = {
    {
        .key = "path",
        .decode = decode_path,
        .offset = offsetof(PinRule, path),
        .place = offsetof(PinRule, place),
        .required = true,
        .example = "path: /srv/shop/index/*",
    },
    { .key = "exclude" },
    { .key = "max_size" },
    { .key = "range" },
    { .key = "lock" },
    { .key = "mapped", .replaces = "path" },
};
static const Mapping pin_file_mapping = {
    .name = "pin.files",
    .fields = pin_file_fields,
    .n_fields = ELEMENTS(pin_file_fields),
};

#define PIN_FILES_EXAMPLE "files: [{path: /srv/shop/index/*}]"

static const Field pin_files_entry = {
    .key = "files",
    .entry = true,
    .kind = NODE_MAPPING,
    .decode = decode_mapping,
    .mapping = &pin_file_mapping,
    .example = PIN_FILES_EXAMPLE,
};
static const List pin_files = {
    .entry = &pin_files_entry,
    .entry_size = sizeof(PinRule),
    .n_offset = offsetof(Policy, n_pins),
};

static const Field pin_fields[] = {
    {
        .key = "budget",
        .decode = decode_size,
        .offset = offsetof(Policy, pin_budget),
        .required = true,
        .example = "budget: 512M",
    },
    {
        .key = "files",
        .kind = NODE_LIST,
        .decode = decode_list,
        .list = &pin_files,
        .offset = offsetof(Policy, pins),
        .required = true,
        .example = PIN_FILES_EXAMPLE,
    },
    { .key = "order" },
    { .key = "charge" },
    { .key = "restore" },
    { .key = "on_shortage" },
};
static const Mapping pin_mapping = {
    .name = "pin",
    .fields = pin_fields,
    .n_fields = ELEMENTS(pin_fields),
};

static const Field evict_fields[] = {
    {
        .key = "path",
        .decode = decode_path,
        .offset = offsetof(EvictRule, path),
        .place = offsetof(EvictRule, place),
        .required = true,
        .example = "path: /var/log/shop/*",
    },
    {
        .key = "idle",
        .decode = decode_duration,
        .offset = offsetof(EvictRule, idle_usec),
        .duration = { IDLE_MIN_USEC, IDLE_MAX_USEC },
        .example = "idle: 2m",
    },
    {
        .key = "every",
        .decode = decode_duration,
        .offset = offsetof(EvictRule, every_usec),
        .duration = { EVERY_MIN_USEC, EVERY_MAX_USEC },
        .example = "every: 30s",
    },
    { .key = "when" },
    { .key = "dirty" },
    { .key = "mapped" },
    { .key = "keep" },
    { .key = "rate" },
    { .key = "stream", .replaces = "path" },
};
static const Mapping evict_mapping = {
    .name = "evict",
    .fields = evict_fields,
    .n_fields = ELEMENTS(evict_fields),
    .set_defaults = evict_defaults,
};

#define EVICT_EXAMPLE "evict: [{path: /var/log/shop/*}]"

static const Field evict_entry = {
    .key = "evict",
    .entry = true,
    .kind = NODE_MAPPING,
    .decode = decode_mapping,
    .mapping = &evict_mapping,
    .example = EVICT_EXAMPLE,
};
static const List evict_list = {
    .entry = &evict_entry,
    .entry_size = sizeof(EvictRule),
    .n_offset = offsetof(Policy, n_evicts),
};

static const Field limit_fields[] = {
    {
        .key = "mode",
        .decode = decode_enum,
        .names = &limit_mode_names,
        .offset = offsetof(Policy, memory_high.mode),
        .place = offsetof(Policy, limit_place),
        .example = "mode: yield",
    },
    {
        .key = "value",
        .decode = decode_size,
        .offset = offsetof(Policy, memory_high.value),
        .example = "value: 2G",
    },
    {
        .key = "min",
        .decode = decode_size,
        .offset = offsetof(Policy, memory_high.min),
        .example = "min: 256M",
    },
    { .key = "max" },
    { .key = "pressure" },
    { .key = "reclaim" },
};
static const Mapping limit_mapping = {
    .name = "memory_high",
    .fields = limit_fields,
    .n_fields = ELEMENTS(limit_fields),
    .check = check_limit,
};

static const Field policy_fields[] = {
    {
        .key = "version",
        .decode = decode_version,
        .required = true,
        .example = "version: 1",
    },
    {
        .key = "description",
        .decode = decode_line,
        .offset = offsetof(Policy, description),
        .example = "description: the shop keeps its index in memory",
    },
    {
        .key = "match",
        .kind = NODE_MAPPING,
        .decode = decode_mapping,
        .mapping = &match_mapping,
        .required = true,
        .example = "match: {units: [\"nginx.service\"]}",
    },
    {
        .key = "role",
        .decode = decode_enum,
        .names = &policy_role_names,
        .offset = offsetof(Policy, role),
        .example = "role: critical",
    },
    {
        .key = "mode",
        .decode = decode_enum,
        .names = &policy_mode_names,
        .offset = offsetof(Policy, mode),
        .example = "mode: observe",
    },
    { .key = "distress" },
    {
        .key = "pin",
        .kind = NODE_MAPPING,
        .decode = decode_mapping,
        .mapping = &pin_mapping,
        .example = "pin: {budget: 512M, files: [{path: /srv/shop/index/*}]}",
    },
    {
        .key = "evict",
        .kind = NODE_LIST,
        .decode = decode_list,
        .list = &evict_list,
        .offset = offsetof(Policy, evicts),
        .example = EVICT_EXAMPLE,
    },
    { .key = "cache" },
    {
        .key = "memory_high",
        .kind = NODE_MAPPING,
        .decode = decode_mapping,
        .mapping = &limit_mapping,
        .example = "memory_high: {mode: fixed, value: 2G}",
    },
    { .key = "advise" },
};
static const Mapping policy_mapping = {
    .fields = policy_fields,
    .n_fields = ELEMENTS(policy_fields),
    .check = check_policy,
};

static const Mapping *const all_mappings[] = {
    &policy_mapping, &match_mapping, &pin_mapping, &pin_file_mapping,
    &evict_mapping,  &limit_mapping, NULL,
};

/* The file as a whole, as if it were the value of a key. */
static const Field root = {
    .kind = NODE_MAPPING,
    .decode = decode_mapping,
    .mapping = &policy_mapping,
    .example = "version: 1",
};

static int decode_text(Decoder *decoder, const char *text, size_t size, Policy *policy)
{
    Node node;

    int r = reader_open(&decoder->reader, text, size, decoder->diagnostics);
    if (r < 0)
        return r;
    r = reader_root(&decoder->reader, &node);
    if (r < 0)
        return r;
    r = decode_node(decoder, &root, &node, policy);
    if (r < 0)
        return r;
    return reader_finish(&decoder->reader);
}

static size_t n_mistakes(const Diagnostics *diagnostics)
{
    return diagnostics->n_entries + diagnostics->n_more;
}

int policy_decode(const char *file, const char *name, const char *text, size_t size, uint64_t ram,
                  Diagnostics *diagnostics, Policy **ret)
{
    Decoder decoder = { .diagnostics = diagnostics, .mappings = all_mappings, .ram = ram };
    size_t before = n_mistakes(diagnostics);

    cleanup(policy_freep) Policy *policy = calloc(1, sizeof(Policy));
    if (!policy)
        return -ENOMEM;
    policy->file = strdup(file);
    policy->name = strdup(name);
    if (!policy->file || !policy->name)
        return -ENOMEM;

    int r = decode_text(&decoder, text, size, policy);
    reader_close(&decoder.reader);
    if (r < 0)
        return r;
    if (n_mistakes(diagnostics) > before)
        return -EBADMSG;

    *ret = TAKE_PTR(policy);
    return 0;
}
