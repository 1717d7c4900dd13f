/* SPDX-License-Identifier: MIT */
/* Refusals of words and text: each with its exact message and place. */
#include "unit/policy/decoding.h"

static void enums(void **state)
{
    static const Case cases[] = {
        { LEAST "role: critcal\n", "3:7: unknown role \"critcal\" (did you mean \"critical\"?)\n" },
        { LEAST "role: Background\n",
          "3:7: unknown role \"Background\" (did you mean \"background\"?)\n" },
        { LEAST "role: important\n",
          "3:7: unknown role \"important\" (normal, critical or background)\n" },
        { LEAST "role: crit\n", "3:7: unknown role \"crit\" (did you mean \"critical\"?)\n" },
        { LEAST "role: BACK\n", "3:7: unknown role \"BACK\" (did you mean \"background\"?)\n" },
        { LEAST "role: cr\n", "3:7: unknown role \"cr\" (normal, critical or background)\n" },
        { LEAST "role: “critical”\n",
          "3:7: unknown role \"“critical”\" (leave the quotation marks out, or use \" or ')\n" },
        { LEAST "role: ‘normal’\n",
          "3:7: unknown role \"‘normal’\" (leave the quotation marks out, or use \" or ')\n" },
        { LEAST "role: –critical\n",
          "3:7: unknown role \"–critical\" (normal, critical or background)\n" },
        { LEAST "mode: observed\n",
          "3:7: unknown mode \"observed\" (did you mean \"observe\"?)\n" },
        { LEAST "mode: dry-run\n", "3:7: unknown mode \"dry-run\" (enforce or observe)\n" },
        { LEAST "memory_high: {mode: yeild, min: 1M}\n",
          "3:21: unknown mode \"yeild\" (did you mean \"yield\"?)\n" },
        { LEAST "memory_high: {mode: enforce}\n",
          "3:21: unknown mode \"enforce\" (off, fixed, track or yield)\n" },
    };

    CHECK_REFUSED(cases);
}

#define PIN(keys)      LEAST "pin: {budget: 1M, files: [{path: /srv/x}], " keys "}\n"
#define PIN_FILE(keys) LEAST "pin: {budget: 1M, files: [{path: /srv/x, " keys "}]}\n"
#define EVICT(keys)    LEAST "evict: [{path: /srv/x, " keys "}]\n"

static void enums_of_rules(void **state)
{
    static const Case cases[] = {
        { PIN_FILE("lock: nwo"), "3:48: unknown lock \"nwo\" (did you mean \"now\"?)\n" },
        { PIN_FILE("lock: mlock"),
          "3:48: unknown lock \"mlock\" (now, populate, on-fault or none)\n" },
        { PIN_FILE("lock: on_fault"),
          "3:48: unknown lock \"on_fault\" (did you mean \"on-fault\"?)\n" },
        { PIN_FILE("lock: \"yes\""),
          "3:48: unknown lock \"yes\" (now, populate, on-fault or none)\n" },
        { PIN("charge: services"),
          "3:52: unknown charge \"services\" (did you mean \"service\"?)\n" },
        { PIN("charge: root"), "3:52: unknown charge \"root\" (holder or service)\n" },
        { PIN("on_shortage: drop"), "3:57: unknown on_shortage \"drop\" (release or keep)\n" },
        { PIN("on_shortage: released"),
          "3:57: unknown on_shortage \"released\" (did you mean \"release\"?)\n" },
        { EVICT("dirty: writeback"),
          "3:31: unknown dirty \"writeback\" (did you mean \"write-back\"?)\n" },
        { EVICT("dirty: flush"), "3:31: unknown dirty \"flush\" (skip or write-back)\n" },
        { EVICT("mapped: pageout"),
          "3:32: unknown mapped \"pageout\" (did you mean \"page-out\"?)\n" },
        { EVICT("mapped: [executables]"),
          "3:32: \"mapped\" must be a single value, not a list (for example mapped: page-out)\n" },
        { EVICT("mapped: \"no\""), "3:32: unknown mapped \"no\" (skip or page-out)\n" },
        { LEAST "memory_high: {mode: track, reclaim: files}\n",

          "3:37: unknown reclaim \"files\" (did you mean \"file\"?)\n" },
        { LEAST "memory_high: {mode: track, reclaim: swap}\n",

          "3:37: unknown reclaim \"swap\" (file or all)\n" },
        { LEAST "memory_high: {mode: max}\n",
          "3:21: unknown mode \"max\" (off, fixed, track or yield)\n" },
        { LEAST "advise: [{path: /srv/x, access: rand}]\n",
          "3:33: unknown access \"rand\" (did you mean \"random\"?)\n" },
        { LEAST "advise: [{path: /srv/x, access: radnom}]\n",
          "3:33: unknown access \"radnom\" (did you mean \"random\"?)\n" },
    };

    CHECK_REFUSED(cases);
}

static void booleans(void **state)
{
    static const Case cases[] = {
        { PIN("restore: yes"),
          "3:53: \"restore\" is true or false, not \"yes\" (write restore: true)\n" },
        { PIN("restore: no"),
          "3:53: \"restore\" is true or false, not \"no\" (write restore: false)\n" },
        { PIN("restore: on"),
          "3:53: \"restore\" is true or false, not \"on\" (write restore: true)\n" },
        { PIN("restore: Off"),
          "3:53: \"restore\" is true or false, not \"Off\" (write restore: false)\n" },
        { PIN("restore: 1"),
          "3:53: \"restore\" is true or false, not \"1\" (write restore: true)\n" },
        { PIN("restore: 0"),
          "3:53: \"restore\" is true or false, not \"0\" (write restore: false)\n" },
        { PIN("restore: \"YES\""),
          "3:53: \"restore\" is true or false, not \"YES\" (write restore: true)\n" },
        { PIN("restore: tru"), "3:53: unknown restore \"tru\" (did you mean \"true\"?)\n" },
        { PIN("restore: True"), "3:53: unknown restore \"True\" (did you mean \"true\"?)\n" },
        { PIN("restore: y"),
          "3:53: \"restore\" is true or false, not \"y\" (write restore: true)\n" },
        { PIN("restore: maybe"), "3:53: unknown restore \"maybe\" (false or true)\n" },
        { LEAST "evict: [{stream: yes}]\n",
          "3:18: \"stream\" is true or false, not \"yes\" (write stream: true)\n" },
    };

    CHECK_REFUSED(cases);
}

static void lists_of_words(void **state)
{
    static const Case cases[] = {
        { PIN("order: [smalest]"),
          "3:52: unknown word \"smalest\" in order (did you mean \"smallest\"?)\n" },
        { PIN("order: [“smallest”]"), "3:52: unknown word \"“smallest”\" in order (leave the "
                                      "quotation marks out, or use \" or ')\n" },
        { PIN("order: [by-size]"),
          "3:52: unknown word \"by-size\" in order (listed, smallest or largest)\n" },
        { PIN("order: [listed, smallest, listed]"),
          "3:70: \"listed\" is in \"order\" already (leave it out)\n" },
        { PIN("order: [listed, listed, largets]"),
          "3:60: \"listed\" is in \"order\" already (leave it out)\n"
          "3:68: unknown word \"largets\" in order (did you mean \"largest\"?)\n" },
        { PIN("order: smallest"), "3:51: \"order\" must be a list, not a single value (for example "
                                  "order: [listed, smallest])\n" },
        { LEAST "pin: {budget: 1M, files: [{mapped: [executable]}]}\n",
          "3:37: unknown word \"executable\" in mapped (did you mean \"executables\"?)\n" },
        { LEAST "pin: {budget: 1M, files: [{mapped: [heap]}]}\n",
          "3:37: unknown word \"heap\" in mapped (executables or libraries)\n" },
        { LEAST "pin: {budget: 1M, files: [{mapped: [libraries, libraries]}]}\n",
          "3:48: \"libraries\" is in \"mapped\" already (leave it out)\n" },
        { LEAST "pin: {budget: 1M, files: [{mapped: libraries}]}\n",
          "3:36: \"mapped\" must be a list, not a single value (for example mapped: [executables, "
          "libraries])\n" },
        { EVICT("when: [presure]"),
          "3:31: unknown word \"presure\" in when (did you mean \"pressure\"?)\n" },
        { EVICT("when: [idle]"), "3:31: unknown word \"idle\" in when (pressure or distress)\n" },
        { EVICT("when: [pressure, distress, pressure]"),
          "3:51: \"pressure\" is in \"when\" already (leave it out)\n" },
        { EVICT("when: pressure"),
          "3:30: \"when\" must be a list, not a single value (for example when: [pressure])\n" },
    };

    CHECK_REFUSED(cases);
}

static void versions(void **state)
{
    static const Case cases[] = {
        { "version: 2\nmatch: {units: [a.service]}\n",
          "1:10: \"2\" is no version that is known here (write version: 1)\n" },
        { "version: v1\nmatch: {units: [a.service]}\n",
          "1:10: \"v1\" is no version that is known here (write version: 1)\n" },
        { "version: 01\nmatch: {units: [a.service]}\n",
          "1:10: \"01\" is no version that is known here (write version: 1)\n" },
        { "version: [1]\nmatch: {units: [a.service]}\n",
          "1:10: \"version\" must be a single value, not a list (for example version: 1)\n" },
    };

    CHECK_REFUSED(cases);
}

static void descriptions(void **state)
{
    static const Case cases[] = {
        { LEAST "description: |\n  two\n  lines\n", "3:14: \"description\" must be one line (write "
                                                    "> instead of | to fold several into one)\n" },
        { LEAST "description: \"\\e[31mred\"\n",
          "3:14: \"\\x1b[31mred\" has a control character in it (leave it out)\n" },
    };

    CHECK_REFUSED(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enums),    cmocka_unit_test(enums_of_rules),
        cmocka_unit_test(booleans), cmocka_unit_test(lists_of_words),
        cmocka_unit_test(versions), cmocka_unit_test(descriptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
