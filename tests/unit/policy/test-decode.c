/* SPDX-License-Identifier: MIT */
/* What good policies decode to: every key, and what holds without it. */
#include "policy/decode.h"

#include <string.h>

#include "unit/policy/decoding.h"
#include "unit/test.h"
#include "util/strv.h"

static void the_least_policy_has_the_defaults(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_good(LEAST);

    assert_string_equal(policy->name, "p");
    assert_int_equal(strv_length(policy->files), 1);
    assert_string_equal(policy->files[0], "/etc/p.yaml");
    assert_null(policy->description);
    assert_int_equal(strv_length(policy->units), 1);
    assert_string_equal(policy->units[0], "a.service");
    assert_int_equal(policy->role, ROLE_NORMAL);
    assert_int_equal(policy->mode, MODE_ENFORCE);
    assert_int_equal(policy->pin_budget, 0);
    assert_int_equal(policy->n_pins, 0);
    assert_int_equal(policy->n_evicts, 0);
    assert_null(policy->cgroups);
    assert_true(policy->distress.window_usec == 2 * USEC_PER_SEC);
    assert_int_equal(policy->distress.memory_pressure, 10000);
    assert_true(policy->distress.io_pressure == DISTRESS_NEVER);
    assert_int_equal(policy->distress.refaults, 20);
    assert_true(policy->distress.major_faults == DISTRESS_NEVER);
    assert_true(policy->distress.stolen == 16 * MIB);
    assert_int_equal(policy->pin_order.n_keys, 0);
    assert_int_equal(policy->pin_charge, PIN_CHARGE_HOLDER);
    assert_false(policy->pin_restore);
    assert_int_equal(policy->on_shortage, PIN_SHORTAGE_RELEASE);
    assert_true(policy->cache_max == LIMIT_NONE);
    assert_int_equal(policy->memory_high.mode, LIMIT_OFF);
    assert_int_equal(policy->memory_high.value, 0);
    assert_int_equal(policy->memory_high.min, 0);
    assert_true(policy->memory_high.max == LIMIT_NONE);
    assert_int_equal(policy->memory_high.pressure, LIMIT_PRESSURE_DEFAULT);
    assert_int_equal(policy->memory_high.reclaim, LIMIT_RECLAIM_FILE);
    assert_int_equal(policy->n_advises, 0);
}

static void the_least_rules_have_the_defaults(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_good(
        LEAST "pin: {budget: 1M, files: [{path: /srv/a}]}\nevict: [{path: /srv/b}]\n");
    const PinRule *pin = &policy->pins[0];
    const EvictRule *evict = &policy->evicts[0];

    assert_int_equal(pin->mapped, 0);
    assert_null(pin->excludes);
    assert_true(pin->max_size == UINT64_MAX);
    assert_int_equal(pin->range.begin, 0);
    assert_true(pin->range.end == UINT64_MAX);
    assert_int_equal(pin->lock, PIN_LOCK_NOW);

    assert_false(evict->stream);
    assert_int_equal(evict->idle_usec, EVICT_IDLE_DEFAULT_USEC);
    assert_int_equal(evict->every_usec, EVICT_EVERY_DEFAULT_USEC);
    assert_int_equal(evict->when, 0);
    assert_int_equal(evict->dirty, EVICT_DIRTY_SKIP);
    assert_int_equal(evict->mapped, EVICT_MAPPED_SKIP);
    assert_int_equal(evict->range.begin, 0);
    assert_true(evict->range.end == UINT64_MAX);
    assert_int_equal(evict->keep.first, 0);
    assert_int_equal(evict->keep.last, 0);
    assert_true(evict->rate == UINT64_MAX);
}

static void the_keys_of_every_day_are_decoded(void **state)
{
    cleanup(policy_freep)
        Policy *policy = decode_good("version: 1\n"
                                     "description: the shop's index\n"
                                     "match:\n"
                                     "  units: [\"shop@*.service\", shop-cache.service]\n"
                                     "role: critical\n"
                                     "mode: observe\n"
                                     "pin:\n"
                                     "  budget: 512M\n"
                                     "  files:\n"
                                     "    - path: /srv/shop/index/*\n"
                                     "    - path: /srv/shop/index/**/{a,b}.idx\n"
                                     "evict:\n"
                                     "  - path: /srv/shop/wal/*\n"
                                     "    idle: 5m\n"
                                     "    every: 10s\n"
                                     "  - path: /var/log/shop/*\n"
                                     "memory_high:\n"
                                     "  mode: fixed\n"
                                     "  value: 2G\n");

    assert_string_equal(policy->description, "the shop's index");
    assert_int_equal(strv_length(policy->units), 2);
    assert_string_equal(policy->units[0], "shop@*.service");
    assert_string_equal(policy->units[1], "shop-cache.service");
    assert_int_equal(policy->role, ROLE_CRITICAL);
    assert_int_equal(policy->mode, MODE_OBSERVE);

    assert_int_equal(policy->pin_budget, 512 * MIB);
    assert_int_equal(policy->n_pins, 2);
    assert_string_equal(policy->pins[0].path, "/srv/shop/index/*");
    assert_int_equal(policy->pins[0].place.line, 10);
    assert_int_equal(policy->pins[0].place.column, 13);
    assert_string_equal(policy->pins[1].path, "/srv/shop/index/**/{a,b}.idx");

    assert_int_equal(policy->n_evicts, 2);
    assert_string_equal(policy->evicts[0].path, "/srv/shop/wal/*");
    assert_int_equal(policy->evicts[0].idle_usec, 300 * USEC_PER_SEC);
    assert_int_equal(policy->evicts[0].every_usec, 10 * USEC_PER_SEC);
    assert_int_equal(policy->evicts[1].idle_usec, EVICT_IDLE_DEFAULT_USEC);
    assert_int_equal(policy->evicts[1].every_usec, EVICT_EVERY_DEFAULT_USEC);
    assert_int_equal(policy->evicts[1].place.line, 16);

    assert_int_equal(policy->memory_high.mode, LIMIT_FIXED);
    assert_int_equal(policy->memory_high.value, 2 * GIB);
}

/* Decodes a good text of which something may be noted. */
static Policy *decode_noted(const char *text)
{
    Diagnostics diagnostics = { 0 };
    Policy *policy = NULL;

    int r = decode_text(text, strlen(text), &diagnostics, &policy);
    diagnostics_clear(&diagnostics);
    assert_int_equal(r, 0);
    return policy;
}

static void cgroups(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_noted(
        "version: 1\nmatch: {cgroups: [\"/kubepods.slice/**/{cri,docker}-*.scope\", /a]}\n");

    assert_null(policy->units);
    assert_int_equal(strv_length(policy->cgroups), 3);
    assert_string_equal(policy->cgroups[0], "/kubepods.slice/**/cri-*.scope");
    assert_string_equal(policy->cgroups[1], "/kubepods.slice/**/docker-*.scope");
    assert_string_equal(policy->cgroups[2], "/a");
}

static void every_sign_of_distress(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_good(LEAST "role: critical\n"
                                                             "distress:\n"
                                                             "  window: 10s\n"
                                                             "  memory_pressure: 0.01%\n"
                                                             "  io_pressure: 100%\n"
                                                             "  refaults: 1/s\n"
                                                             "  major_faults: 50/s\n"
                                                             "  stolen: 32M/s\n");

    assert_int_equal(policy->distress.window_usec, 10 * USEC_PER_SEC);
    assert_int_equal(policy->distress.memory_pressure, 100);
    assert_int_equal(policy->distress.io_pressure, 1000000);
    assert_int_equal(policy->distress.refaults, 1);
    assert_int_equal(policy->distress.major_faults, 50);
    assert_int_equal(policy->distress.stolen, 32 * MIB);
}

static void what_is_taken_for_its_own_policy_is_not_stolen(void **state)
{
#define TRACKS LEAST "role: critical\nmemory_high: {mode: track, min: 1M}\n"
    cleanup(policy_freep) Policy *silent = decode_noted(TRACKS);
    cleanup(policy_freep) Policy *other = decode_noted(TRACKS "distress: {refaults: 9/s}\n");
    cleanup(policy_freep) Policy *written = decode_noted(TRACKS "distress: {stolen: 8M/s}\n");
    cleanup(policy_freep) Policy *capped = decode_noted(LEAST "role: critical\ncache: {max: 1G}\n");

    assert_true(silent->distress.stolen == DISTRESS_NEVER);
    assert_true(other->distress.stolen == DISTRESS_NEVER);
    assert_true(capped->distress.stolen == DISTRESS_NEVER);
    assert_int_equal(written->distress.stolen, 8 * MIB);
}

static void every_key_of_a_pin(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_noted(
        LEAST "pin:\n"
              "  budget: 1M\n"
              "  files:\n"
              "  - path: /srv/a\n"
              "    exclude: [\"*_{fsm,vm}\", /srv/a/b]\n"
              "    max_size: 64M\n"
              "    range: 1K-8M\n"
              "    lock: on-fault\n"
              "  - {path: /srv/b, range: 4096-, lock: populate, max_size: 16G}\n"
              "  - {path: /srv/c, range: 0-1, lock: none, max_size: 10%}\n"
              "  - mapped: [libraries, executables]\n"
              "  - mapped: [libraries]\n"
              "  order: [smallest, listed, largest]\n"
              "  charge: service\n"
              "  restore: true\n"
              "  on_shortage: keep\n");
    const PinRule *pins = policy->pins;

    assert_int_equal(policy->n_pins, 5);
    assert_int_equal(strv_length(pins[0].excludes), 3);
    assert_string_equal(pins[0].excludes[0], "*_fsm");
    assert_string_equal(pins[0].excludes[1], "*_vm");
    assert_string_equal(pins[0].excludes[2], "/srv/a/b");
    assert_int_equal(pins[0].max_size, 64 * MIB);
    assert_int_equal(pins[0].range.begin, KIB);
    assert_int_equal(pins[0].range.end, 8 * MIB);
    assert_int_equal(pins[0].lock, PIN_LOCK_ON_FAULT);
    assert_int_equal(pins[0].mapped, 0);

    assert_int_equal(pins[1].range.begin, 4096);
    assert_true(pins[1].range.end == UINT64_MAX);
    assert_int_equal(pins[1].lock, PIN_LOCK_POPULATE);
    assert_true(pins[1].max_size == 16 * GIB); /* files may be larger than RAM */
    assert_int_equal(pins[2].range.end, 1);
    assert_int_equal(pins[2].lock, PIN_LOCK_NONE);
    assert_true(pins[2].max_size == RAM / 10);

    assert_null(pins[3].path);
    assert_int_equal(pins[3].mapped, PIN_MAPPED_EXECUTABLES | PIN_MAPPED_LIBRARIES);
    assert_int_equal(pins[3].place.line, 13);
    assert_int_equal(pins[3].place.column, 13);
    assert_int_equal(pins[4].mapped, PIN_MAPPED_LIBRARIES);

    assert_int_equal(policy->pin_order.n_keys, 3);
    assert_int_equal(policy->pin_order.keys[0], PIN_BY_SMALLEST);
    assert_int_equal(policy->pin_order.keys[1], PIN_BY_LIST);
    assert_int_equal(policy->pin_order.keys[2], PIN_BY_LARGEST);
    assert_int_equal(policy->pin_charge, PIN_CHARGE_SERVICE);
    assert_true(policy->pin_restore);
    assert_int_equal(policy->on_shortage, PIN_SHORTAGE_KEEP);
}

static void every_key_of_an_eviction(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_noted(
        LEAST "evict:\n"
              "- path: /srv/a\n"
              "  when: [distress]\n"
              "  dirty: write-back\n"
              "  mapped: page-out\n"
              "  range: 1G-\n"
              "  keep: last 16M\n"
              "  rate: 64K/s\n"
              "- {path: /srv/b, when: [pressure, distress], range: 1K-8M, keep: first 1}\n"
              "- {stream: true, dirty: skip, rate: 1G/s}\n");
    const EvictRule *evicts = policy->evicts;

    assert_int_equal(policy->n_evicts, 3);
    assert_int_equal(evicts[0].when, EVICT_WHEN_DISTRESS);
    assert_int_equal(evicts[0].dirty, EVICT_DIRTY_WRITE_BACK);
    assert_int_equal(evicts[0].mapped, EVICT_MAPPED_PAGE_OUT);
    assert_int_equal(evicts[0].range.begin, GIB);
    assert_true(evicts[0].range.end == UINT64_MAX);
    assert_int_equal(evicts[0].keep.first, 0);
    assert_int_equal(evicts[0].keep.last, 16 * MIB);
    assert_int_equal(evicts[0].rate, 64 * KIB);
    assert_false(evicts[0].stream);

    assert_int_equal(evicts[1].when, EVICT_WHEN_PRESSURE | EVICT_WHEN_DISTRESS);
    assert_int_equal(evicts[1].range.begin, KIB);
    assert_int_equal(evicts[1].range.end, 8 * MIB);
    assert_int_equal(evicts[1].keep.first, 1);
    assert_int_equal(evicts[1].keep.last, 0);

    assert_null(evicts[2].path);
    assert_true(evicts[2].stream);
    assert_int_equal(evicts[2].dirty, EVICT_DIRTY_SKIP);
    assert_int_equal(evicts[2].rate, GIB);
    assert_int_equal(evicts[2].place.line, 12);
    assert_int_equal(evicts[2].place.column, 12);
}

static void streams_are_written_unless_they_are_not_to_be(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_good(LEAST "evict: [{stream: true}]\n");

    assert_int_equal(policy->evicts[0].dirty, EVICT_DIRTY_WRITE_BACK);
    assert_true(policy->evicts[0].rate == UINT64_MAX);
}

static void a_brake_beside_the_cap(void **state)
{
    static const struct {
        const char *text;
        LimitMode mode;
        uint64_t value;
    } cases[] = {
        { LEAST "cache: {max: 2G}\n", LIMIT_OFF, 0 },
        { LEAST "cache: {max: 2G, brake: false}\n", LIMIT_OFF, 0 },
        { LEAST "cache: {brake: true, max: 2G}\n", LIMIT_BRAKE, 2 * GIB },
        { LEAST "memory_high: {mode: fixed, value: 1G}\ncache: {max: 2G}\n", LIMIT_FIXED, GIB },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        cleanup(policy_freep) Policy *policy = decode_good(cases[i].text);
        LimitConfig limit = policy_limit(policy);
        assert_int_equal(limit.mode, cases[i].mode);
        assert_true(limit.value == cases[i].value);
    }
}

static void cache_limits_and_advice(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_noted(
        LEAST "cache: {max: 2G}\n"
              "memory_high: {mode: track, min: 256M, max: 4G, pressure: 1.2345%,\n"
              "  reclaim: all}\n"
              "advise:\n"
              "- {path: /srv/a, access: random}\n"
              "- {access: sequential, path: /srv/b}\n"
              "- {path: /srv/c, access: normal}\n");

    assert_true(policy->cache_max == 2 * GIB);
    assert_int_equal(policy->memory_high.mode, LIMIT_TRACK);
    assert_int_equal(policy->memory_high.min, 256 * MIB);
    assert_true(policy->memory_high.max == 4 * GIB);
    assert_int_equal(policy->memory_high.pressure, 12345);
    assert_int_equal(policy->memory_high.reclaim, LIMIT_RECLAIM_ALL);
    assert_int_equal(policy->n_advises, 3);
    assert_string_equal(policy->advises[0].path, "/srv/a");
    assert_int_equal(policy->advises[0].access, ACCESS_RANDOM);
    assert_int_equal(policy->advises[1].access, ACCESS_SEQUENTIAL);
    assert_int_equal(policy->advises[1].place.line, 8);
    assert_int_equal(policy->advises[1].place.column, 30);
    assert_int_equal(policy->advises[2].access, ACCESS_NORMAL);
}

static void yield_of_a_background_service(void **state)
{
    /* The role may stand behind what depends on it. */
    cleanup(policy_freep) Policy *policy = decode_good(
        LEAST "memory_high: {min: 10%, mode: yield}\nrole: background\n");

    assert_int_equal(policy->role, ROLE_BACKGROUND);
    assert_int_equal(policy->memory_high.mode, LIMIT_YIELD);
    assert_int_equal(policy->memory_high.min, RAM / 10);
}

static void words_of_the_enums(void **state)
{
    static const struct {
        const char *text;
        PolicyRole role;
        PolicyMode mode;
        LimitMode limit;
    } cases[] = {
        { "role: normal\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
        { "role: critical\n", ROLE_CRITICAL, MODE_ENFORCE, LIMIT_OFF },
        { "role: background\n", ROLE_BACKGROUND, MODE_ENFORCE, LIMIT_OFF },
        { "mode: enforce\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
        { "mode: \"observe\"\n", ROLE_NORMAL, MODE_OBSERVE, LIMIT_OFF },
        { "memory_high: {mode: off}\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
        { "memory_high: {mode: 'off'}\n", ROLE_NORMAL, MODE_ENFORCE, LIMIT_OFF },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, LEAST "%s", cases[i].text) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);

        assert_int_equal(policy->role, cases[i].role);
        assert_int_equal(policy->mode, cases[i].mode);
        assert_int_equal(policy->memory_high.mode, cases[i].limit);
    }
}

static void enums_are_written_as_they_are_read(void **state)
{
    assert_string_equal(policy_role_to_string(ROLE_NORMAL), "normal");
    assert_string_equal(policy_role_to_string(ROLE_CRITICAL), "critical");
    assert_string_equal(policy_role_to_string(ROLE_BACKGROUND), "background");
    assert_string_equal(policy_mode_to_string(MODE_ENFORCE), "enforce");
    assert_string_equal(policy_mode_to_string(MODE_OBSERVE), "observe");
    assert_string_equal(limit_mode_to_string(LIMIT_OFF), "off");
    assert_string_equal(limit_mode_to_string(LIMIT_FIXED), "fixed");
    assert_string_equal(limit_mode_to_string(LIMIT_TRACK), "track");
    assert_string_equal(limit_mode_to_string(LIMIT_YIELD), "yield");
    assert_string_equal(limit_mode_to_string(LIMIT_BRAKE), "brake"); /* shown, and not written */
}

/* What YAML allows and what people write. */
static void forms_of_yaml(void **state)
{
    static const char *const texts[] = {
        LEAST,
        "\xef\xbb\xbf" LEAST, /* saved by an editor that marks UTF-8 */
        "version: 1\r\nmatch: {units: [a.service]}\r\n",
        "# a comment\n---\n" LEAST "...\n",
        "%YAML 1.1\n---\n" LEAST,
        "{\"version\": \"1\", \"match\": {\"units\": [\"a.service\"]}}",
        "'version': '1'\n\"match\":\n    units:\n    - a.service\n",
        "? version\n: 1\nmatch: {units: [a.service]}\n",
        "version: 1 # of the language\nmatch: {units: [a.service,]}",
    };

    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        cleanup(policy_freep) Policy *policy = decode_good(texts[i]);
        assert_string_equal(policy->units[0], "a.service");
    }
}

static void descriptions(void **state)
{
    static const struct {
        const char *text;
        const char *description;
    } cases[] = {
        { "description: null and void\n", "null and void" },
        { "description: \"~\"\n", "~" },
        { "description: >\n  two lines\n  made one\n", "two lines made one" },
        { "description: |\n  one line\n", "one line" },
        { "description: Für Straße und Größe\n", "Für Straße und Größe" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, LEAST "%s", cases[i].text) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);
        assert_string_equal(policy->description, cases[i].description);
    }
}

static void braces_of_unit_globs_are_expanded(void **state)
{
    cleanup(policy_freep) Policy *policy = decode_good(
        "version: 1\nmatch: {units: [\"{nginx,php{7,8}-fpm}.service\", \"web*\"]}\n");

    assert_int_equal(strv_length(policy->units), 4);
    assert_string_equal(policy->units[0], "nginx.service");
    assert_string_equal(policy->units[1], "php7-fpm.service");
    assert_string_equal(policy->units[2], "php8-fpm.service");
    assert_string_equal(policy->units[3], "web*");
}

static void good_unit_globs(void **state)
{
    static const char *const globs[] = {
        "nginx.service",
        "postgresql@*.service",
        "postgresql@15-main.service",
        "session-*.scope",
        "user.slice",
        "system-*.slice",
        "cups.socket",
        "srv-data.mount",
        "dev-sda2.swap",
        "nginx*",
        "nginx.*",
        "a.serv[i]ce",
        "worker-?",
        "worker-[0-9]",
        "*.service",
        "srv-my\\\\x2ddata.mount",
        "a:b_c.service",
    };

    for (size_t i = 0; i < ELEMENTS(globs); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, "version: 1\nmatch: {units: ['%s']}\n", globs[i]) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);
        assert_string_equal(policy->units[0], globs[i]);
    }
}

static void good_paths(void **state)
{
    static const char *const paths[] = {
        "/srv/**",     "/srv/*",   "/srv/a b/c", "/srv/[[:digit:]]*", "/srv/[!]a]x",
        "/srv/{a,b}",  "/vmlinuz", "/srv/...",   "/srv/.hidden/..x",  "/srv/\\[x",
        "/srv/**/x/*", "/srv/\\{", "/\\*srv/x",  "/srv/Größe/*",
    };

    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        CLEANUP_FREE char *text = NULL;
        assert_true(asprintf(&text, LEAST "evict:\n- path: '%s'\n", paths[i]) > 0);
        cleanup(policy_freep) Policy *policy = decode_good(text);
        assert_string_equal(policy->evicts[0].path, paths[i]);
    }
}

static void limits_of_values_are_inclusive(void **state)
{
    cleanup(policy_freep)
        Policy *policy = decode_good(LEAST "evict:\n"
                                           "- {path: /srv/a, idle: 1s, every: 1000ms}\n"
                                           "- {path: /srv/b, idle: 30d, every: 24h}\n"
                                           "pin: {budget: 100%, files: [{path: /srv/c}]}\n"
                                           "memory_high: {mode: fixed, value: 8G}\n");

    assert_int_equal(policy->evicts[0].idle_usec, USEC_PER_SEC);
    assert_int_equal(policy->evicts[0].every_usec, USEC_PER_SEC);
    assert_true(policy->evicts[1].idle_usec == 30 * 24 * 3600 * USEC_PER_SEC);
    assert_true(policy->evicts[1].every_usec == 24 * 3600 * USEC_PER_SEC);
    assert_true(policy->pin_budget == RAM);
    assert_true(policy->memory_high.value == RAM);
}

/* Lists grow; nothing of an entry is lost or mixed up on the way. */
static void a_thousand_rules(void **state)
{
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);

    fputs(LEAST "evict:\n", f);
    for (unsigned i = 0; i < 1000; i++)
        fprintf(f, "- {path: /srv/%u, idle: %us}\n", i, i + 1);
    fclose(f);

    cleanup(policy_freep) Policy *policy = decode_good(text);
    assert_int_equal(policy->n_evicts, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/srv/%u", i);
        assert_string_equal(policy->evicts[i].path, path);
        assert_int_equal(policy->evicts[i].idle_usec, (i + 1) * USEC_PER_SEC);
        assert_int_equal(policy->evicts[i].place.line, 4 + i);
    }
}

/* How many warnings there are of a file that is pinned and evicted, behind @n_excludes that take
 * long to hold against the name of another. */
static size_t warnings_behind_excludes(size_t n_excludes)
{
    Diagnostics diagnostics = { 0 };
    cleanup(policy_freep) Policy *policy = NULL;
    CLEANUP_FREE char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);

    fputs(LEAST "pin:\n  budget: 1G\n  files:\n  - path: /b/*\n    exclude:\n", f);
    for (size_t i = 0; i < n_excludes; i++)
        fprintf(f, "    - '%0200d*x'\n", 0);
    fputs("  - path: /c/*\nevict:\n", f);
    fprintf(f, "- path: /a/%0200d\n- path: /c/d\n", 0);
    fclose(f);

    assert_int_equal(decode_text(text, size, &diagnostics, &policy), 0);
    size_t n = diagnostics.n_of[SEVERITY_WARNING];
    diagnostics_clear(&diagnostics);
    return n;
}

static void excludes_take_of_the_time_for_globs(void **state)
{
    assert_int_equal(warnings_behind_excludes(10), 1);
    assert_int_equal(warnings_behind_excludes(1000), 0);
}

static void the_result_is_untouched_on_failure(void **state)
{
    Diagnostics diagnostics = { 0 };
    Policy *const mark = (Policy *)&diagnostics;
    Policy *policy = mark;

    assert_int_equal(decode_text("x", 1, &diagnostics, &policy), -EBADMSG);
    assert_ptr_equal(policy, mark);
    assert_int_equal(diagnostics.n_entries, 1);
    diagnostics_clear(&diagnostics);
}

/* What a caller has found before is kept, and does not make a good file bad. */
static void diagnostics_of_before_do_not_count(void **state)
{
    Diagnostics diagnostics = { 0 };
    cleanup(policy_freep) Policy *policy = NULL;

    assert_int_equal(diagnostics_add(&diagnostics, SEVERITY_MISTAKE, (PolicyPlace){ 0 }, "before"),
                     0);
    assert_int_equal(decode_text(LEAST, strlen(LEAST), &diagnostics, &policy), 0);
    assert_int_equal(diagnostics.n_entries, 1);
    diagnostics_clear(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_policy_has_the_defaults),
        cmocka_unit_test(the_least_rules_have_the_defaults),
        cmocka_unit_test(the_keys_of_every_day_are_decoded),
        cmocka_unit_test(cgroups),
        cmocka_unit_test(every_sign_of_distress),
        cmocka_unit_test(what_is_taken_for_its_own_policy_is_not_stolen),
        cmocka_unit_test(every_key_of_a_pin),
        cmocka_unit_test(every_key_of_an_eviction),
        cmocka_unit_test(streams_are_written_unless_they_are_not_to_be),
        cmocka_unit_test(a_brake_beside_the_cap),
        cmocka_unit_test(cache_limits_and_advice),
        cmocka_unit_test(yield_of_a_background_service),
        cmocka_unit_test(words_of_the_enums),
        cmocka_unit_test(enums_are_written_as_they_are_read),
        cmocka_unit_test(forms_of_yaml),
        cmocka_unit_test(descriptions),
        cmocka_unit_test(braces_of_unit_globs_are_expanded),
        cmocka_unit_test(good_unit_globs),
        cmocka_unit_test(good_paths),
        cmocka_unit_test(limits_of_values_are_inclusive),
        cmocka_unit_test(a_thousand_rules),
        cmocka_unit_test(excludes_take_of_the_time_for_globs),
        cmocka_unit_test(the_result_is_untouched_on_failure),
        cmocka_unit_test(diagnostics_of_before_do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
