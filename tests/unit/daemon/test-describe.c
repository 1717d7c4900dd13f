/* SPDX-License-Identifier: MIT */
#include "daemon/describe.h"

#include <json-c/json.h>

#include "unit/test.h"
#include "util/io.h"
#include "util/units.h"
#include "util/utf8.h"

/* The parts of a target are these. */
static PinnerStatus pinner;
static LimiterStatus limiter;
static CapperStatus capper;
static uint64_t cache_max = LIMIT_NONE;
static LimitMode high_mode = LIMIT_YIELD;
static bool brake;
static StreamerStatus stream;
static uint64_t again;

PinnerStatus pinner_status(const Pinner *p)
{
    return pinner;
}

LimiterStatus limiter_status(const Limiter *l)
{
    return limiter;
}

CapperStatus capper_status(const Capper *c)
{
    return capper;
}

EvictorStatus evictor_status(const Evictor *e)
{
    return (EvictorStatus){ .bytes = 1, .files = 2, .dirty = 3 };
}

AdviserStatus adviser_status(const Adviser *a)
{
    return (AdviserStatus){ .descriptors = 4, .unreachable = 5 };
}

StreamerStatus streamer_status(const Streamer *s)
{
    return stream;
}

const char *target_state_to_string(TargetState state)
{
    return "active";
}

DEFINE_CLEANUP(json_object *, json_object_put)

/* A target with a pinner and a limiter that are only asked for their status. */
static json_object *describe(void)
{
    static char part;
    Policy policy = {
        .name = (char *)"web",
        .cache_max = cache_max,
        .cache_brake = brake,
        .memory_high = { .mode = high_mode },
    };
    Target target = {
        .policy = &policy,
        .unit = (char *)"web.service",
        .pinner = (Pinner *)&part,
        .limiter = (Limiter *)&part,
        .capper = (Capper *)&part,
        .evictor = (Evictor *)&part,
        .streamer = (Streamer *)&part,
        .adviser = (Adviser *)&part,
        .has_sample = true,
    };

    json_object *described = describe_target(&target, again);
    assert_non_null(described);
    return described;
}

/* What stands at @path, a JSON pointer, as JSON. */
static void expect(const char *path, const char *expected)
{
    cleanup(json_object_putp) json_object *described = describe();
    json_object *value;

    assert_int_equal(json_pointer_get(described, path, &value), 0);
    assert_string_equal(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), expected);
}

static void names_that_are_not_utf8(void **state)
{
    static char strange[] = "/srv/\xff\xfe.db", usual[] = "/srv/na\xc3\xafve",
                bad[] = "\xef\xbf\xbf";
    static char reason[] = "No such file";
    PinProblem problems[] = { { strange, reason }, { usual, reason }, { bad, reason } };

    pinner = (PinnerStatus){ .state = "on", .problems = problems, .n_problems = 3 };
    expect("/pin/problems/0/path", "\"\\/srv\\/\\\\xff\\\\xfe.db\"");
    expect("/pin/problems/1/path", "\"\\/srv\\/na\xc3\xafve\"");
    expect("/pin/problems/2/path", "\"\\\\xef\\\\xbf\\\\xbf\"");

    /* And so as a whole. */
    cleanup(json_object_putp) json_object *described = describe();
    const char *text = json_object_to_json_string_ext(described, JSON_C_TO_STRING_PLAIN);
    CLEANUP_FREE char *valid = utf8_escape(text);
    assert_string_equal(text, valid);
    pinner = (PinnerStatus){ 0 };
}

static void the_original_is_told_where_a_limit_is_applied(void **state)
{
    limiter = (LimiterStatus){ .reason = "calm" };
    expect("/memory_high/original", "null");
    expect("/memory_high/applied", "null");
    limiter = (LimiterStatus){ .applied = true, .value = GIB, .original = 2 * GIB };
    expect("/memory_high/original", "2147483648");
    expect("/memory_high/applied", "1073741824");
    limiter = (LimiterStatus){ .applied = true, .value = GIB, .original = LIMIT_NONE };
    expect("/memory_high/original", "null");
    expect("/memory_high/hold_off", "null");
    expect("/memory_high/good", "null");
    expect("/memory_high/changed_for", "null");
    limiter = (LimiterStatus){
        .original = LIMIT_NONE,
        .changed_for = "stall",
        .view = { .hold_usec = 23 * USEC_PER_SEC + 1, .good = MIB },
    };
    expect("/memory_high/hold_off", "24");
    expect("/memory_high/good", "1048576");
    expect("/memory_high/changed_for", "\"stall\"");
    /* Given back. */
    limiter = (LimiterStatus){ .value = GIB, .original = 2 * GIB };
    expect("/memory_high/original", "null");
    expect("/memory_high/applied", "null");
}

static void what_streams_left_counts_as_evicted(void **state)
{
    expect("/evict/bytes", "1");
    expect("/evict/stream", "null");
    stream = (StreamerStatus){ .wanted = true,
                               .followed = 9,
                               .file = 8,
                               .dirty = 6,
                               .dropped = 5,
                               .reclaimed = 7,
                               .written = 4,
                               .files = 3 };
    expect("/evict/bytes", "13");
    expect("/evict/files", "5");
    expect("/evict/by/advise", "5");
    expect("/evict/by/reclaim", "7");
    expect("/evict/written", "4");
    expect("/evict/stream", "{\"dropped\":5,\"reclaimed\":7,\"written\":4,\"cached\":8,"
                            "\"dirty\":6,\"open_files\":9,\"problem\":null}");
    stream.reclaim_error = -EOPNOTSUPP;
    expect("/evict/stream/problem",
           "\"its page cache cannot be reclaimed alone (Operation not supported): only what its "
           "open files have passed is dropped\"");
    stream.unreadable = 3;
    expect("/evict/stream/problem",
           "\"some processes (3) cannot be looked into, so nobody knows who else has its files "
           "open: nothing is dropped behind its positions\"");
    stream.error = -EMFILE;
    expect("/evict/stream/problem", "\"Too many open files\"");
    stream = (StreamerStatus){ 0 };
}

static void whose_memory_pins_are(void **state)
{
    expect("/pin/charged/to", "\"holder\"");
    expect("/pin/charged/moving", "false");
    pinner = (PinnerStatus){ .charged_service = MIB,
                             .charge = PIN_CHARGE_SERVICE,
                             .recharging = true };
    expect("/pin/charged/service", "1048576");
    expect("/pin/charged/to", "\"service\"");
    expect("/pin/charged/moving", "true");
    pinner = (PinnerStatus){ 0 };
}

static void when_pins_come_back(void **state)
{
    again = 30 * USEC_PER_SEC - 1;
    expect("/pin/again_in", "null");
    pinner = (PinnerStatus){ .state = "released", .released = MIB };
    expect("/pin/released", "1048576");
    expect("/pin/again_in", "30");
    again = 0;
    expect("/pin/again_in", "null");
    pinner = (PinnerStatus){ .wanted = 3, .wanted_files = 2 };
    expect("/pin/wanted", "3");
    expect("/pin/wanted_files", "2");
    pinner = (PinnerStatus){ 0 };
}

static void put_entry(ConfigEntry *entry, const char *name, ConfigState state, const char *mistake)
{
    *entry = (ConfigEntry){ .name = strdup(name), .state = state };
    assert_non_null(entry->name);
    assert_int_equal(config_entry_add_source(entry, 0, "/p"), 0);
    if (mistake)
        assert_int_equal(diagnostics_add(&entry->diagnostics, SEVERITY_MISTAKE,
                                         (PolicyPlace){ 0, 3, 4 }, "%s", mistake),
                         0);
    assert_int_equal(diagnostics_add(&entry->diagnostics, SEVERITY_WARNING, (PolicyPlace){ 0 },
                                     "only in the journal"),
                     0);
}

static void policies_and_their_states(void **state)
{
    Policy newer = { .name = (char *)"newer" }, *in_force[] = { &newer };
    ConfigEntry entries[4];
    Policies policies = { { in_force, 1 }, entries, ELEMENTS(entries) };

    put_entry(&entries[0], "masked", CONFIG_MASKED, NULL);
    put_entry(&entries[1], "missing", CONFIG_MISSING, NULL);
    put_entry(&entries[2], "newer", CONFIG_REFUSED, "no");
    put_entry(&entries[3], "refused", CONFIG_REFUSED, "\xff");
    cleanup(json_object_putp) json_object *described = describe_policies(&policies);
    assert_string_equal(
        json_object_to_json_string_ext(described,
                                       JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
        "[{\"name\":\"masked\",\"file\":\"/p\",\"state\":\"masked\",\"error\":null},"
        "{\"name\":\"missing\",\"file\":\"/p\",\"state\":\"missing\",\"error\":null},"
        "{\"name\":\"newer\",\"file\":\"/p\",\"state\":\"loaded\",\"error\":\"/p:3:4: no\"},"
        "{\"name\":\"refused\",\"file\":\"/p\",\"state\":\"refused\","
        "\"error\":\"/p:3:4: \\\\xff\"}]");
    for (size_t i = 0; i < ELEMENTS(entries); i++)
        config_entry_clear(&entries[i]);
}

static void the_settings(void **state)
{
    Config config = { 0 };
    const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

    cleanup(json_object_putp) json_object *defaults = describe_settings(&config);
    assert_string_equal(json_object_to_json_string_ext(defaults, flags),
                        "{\"file\":null,\"state\":\"in force\",\"error\":null}");

    put_entry(&config.settings_entry, "pagewarden", CONFIG_REFUSED, "no");
    cleanup(json_object_putp) json_object *refused = describe_settings(&config);
    assert_string_equal(json_object_to_json_string_ext(refused, flags),
                        "{\"file\":\"/p\",\"state\":\"refused\",\"error\":\"/p:3:4: no\"}");
    config_entry_clear(&config.settings_entry);
}

static void how_changes_are_followed(void **state)
{
    pinner = (PinnerStatus){
        .follow = { .watched = 7,
                    .unwatched = 2,
                    .changes = 5,
                    .last_usec = 60000,
                    .max_usec = 900000,
                    .overflows = 1 },
    };
    expect("/pin/follow", "{\"watched\":7,\"unwatched\":2,\"changes\":5,\"last_usec\":60000,"
                          "\"max_usec\":900000,\"overflows\":1}");
    pinner = (PinnerStatus){ 0 };
}

static void what_is_released(void **state)
{
    ReleasedFolder folders[] = { { .path = (char *)"/srv" }, { .path = (char *)"/a\xff" } };
    Released released = { .folders = folders, .n = ELEMENTS(folders) };

    cleanup(json_object_putp) json_object *described = describe_released(&released);
    assert_string_equal(json_object_to_json_string_ext(
                            described, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                        "[\"/srv\",\"/a\\\\xff\"]");
}

static void a_cap_on_the_page_cache(void **state)
{
    expect("/cache", "null");
    cache_max = GIB;
    capper = (CapperStatus){
        .reason = CAP_UNDER,
        .cache = 3 * MIB,
        .reclaimed = 2 * MIB,
        .until_usec = now_usec() + 100 * USEC_PER_SEC,
    };
    expect("/cache", "{\"max\":1073741824,\"now\":3145728,\"reclaimed\":2097152,\"reason\":"
                     "\"under\",\"again_in\":null,\"returned\":0.0,\"waited\":0.0}");
    capper.reason = CAP_COSTS;
    capper.returned_ppm = 874000;
    capper.price_ppm = 126000;
    expect("/cache/reason", "\"costs-more\"");
    expect("/cache/again_in", "100");
    expect("/cache/returned", "87.4");
    expect("/cache/waited", "12.6");
    cache_max = LIMIT_NONE;
}

static void a_brake_is_told_as_a_limit(void **state)
{
    high_mode = LIMIT_OFF;
    expect("/memory_high/mode", "\"off\"");
    brake = true;
    limiter = (LimiterStatus){ .applied = true, .value = GIB, .reason = "brake" };
    expect("/memory_high/mode", "\"brake\"");
    expect("/memory_high/applied", "1073741824");
    expect("/memory_high/reason", "\"brake\"");
    brake = false;
    high_mode = LIMIT_YIELD;
}

/* Then it is not capped, and that is not its size. */
static void a_cap_above_what_is_critical(void **state)
{
    static char part;
    Policy policy = { .name = (char *)"web", .cache_max = 100 };
    Target target = {
        .policy = &policy,
        .unit = (char *)"web.slice",
        .pinner = (Pinner *)&part,
        .limiter = (Limiter *)&part,
        .capper = (Capper *)&part,
        .has_sample = true,
        .above_critical = true,
    };
    json_object *described = describe_target(&target, 0);

    assert_true(json_object_get_boolean(json_object_object_get(described, "above_critical")));
    json_object *cache = json_object_object_get(described, "cache");
    assert_null(json_object_object_get(cache, "now"));
    assert_null(json_object_object_get(cache, "reason"));
    json_object_put(described);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_not_utf8),
        cmocka_unit_test(what_streams_left_counts_as_evicted),
        cmocka_unit_test(whose_memory_pins_are),
        cmocka_unit_test(when_pins_come_back),
        cmocka_unit_test(policies_and_their_states),
        cmocka_unit_test(the_settings),
        cmocka_unit_test(the_original_is_told_where_a_limit_is_applied),
        cmocka_unit_test(how_changes_are_followed),
        cmocka_unit_test(what_is_released),
        cmocka_unit_test(a_cap_on_the_page_cache),
        cmocka_unit_test(a_brake_is_told_as_a_limit),
        cmocka_unit_test(a_cap_above_what_is_critical),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
