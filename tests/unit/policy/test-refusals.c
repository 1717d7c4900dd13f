/* SPDX-License-Identifier: MIT */
/* Every refusal, with its exact message and place: people judge us by the first mistake they make.
 */
#include "unit/policy/decoding.h"

typedef struct Refusal {
    const char *text;
    const char *expected; /* "LINE:COLUMN: message" and a line break, for each */
} Refusal;

static void check(const Refusal cases[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *found = decode_bad(cases[i].text, strlen(cases[i].text));
        assert_string_equal(found, cases[i].expected);
    }
}

#define CHECK(cases) check((cases), ELEMENTS(cases))

static void keys(void **state)
{
    static const Refusal cases[] = {
        { LEAST "rolle: critical\n", "3:1: unknown key \"rolle\" (did you mean \"role\"?)\n" },
        { LEAST "pin:\n  bugdet: 512M\n  budget: 1M\n  files: [{path: /srv/x}]\n",
          "4:3: unknown key \"bugdet\" in pin (did you mean \"budget\"?)\n" },
        { LEAST "evict:\n  - path: /srv/x\n    evry: 3s\n",
          "5:5: unknown key \"evry\" in evict (did you mean \"every\"?)\n" },
        { LEAST "pin: {budget: 1M, files: [{paht: /srv/x, path: /srv/y}]}\n",
          "3:28: unknown key \"paht\" in pin.files (did you mean \"path\"?)\n" },
        { LEAST "colour: {of: [the, sky]}\n",
          "3:1: unknown key \"colour\" (known here: version, description, match, role, mode, "
          "distress, pin, evict, cache, memory_high, advise)\n" },
        { "version: 1\nmatch:\n  unites: [x]\n  hosts: [y]\n  units: [a.service]\n",
          "3:3: unknown key \"unites\" in match (did you mean \"units\"?)\n"
          "4:3: unknown key \"hosts\" in match (known here: units, cgroups)\n" },
        { LEAST "budget: 512M\n", "3:1: unknown key \"budget\" (it belongs in pin)\n" },
        { LEAST "pin: {role: critical, budget: 1M, files: [{path: /srv/x}]}\n",
          "3:7: unknown key \"role\" in pin (it belongs at the top)\n" },
        { LEAST "evict: [{path: /srv/x, exclude: [y]}]\n",
          "3:24: unknown key \"exclude\" in evict (it belongs in pin.files)\n" },
        { LEAST "<<: {role: critical}\n",
          "3:1: unknown key \"<<\" (known here: version, description, match, role, mode, "
          "distress, pin, evict, cache, memory_high, advise)\n" },
        { LEAST "role: critical\nmode: observe\nrole: background\n",
          "5:1: duplicate key \"role\" (it is on line 3 already)\n" },
        { LEAST "pin: {budget: 1M,\n budget: 2M, files: [{path: /srv/x}]}\n",
          "4:2: duplicate key \"budget\" (it is on line 3 already)\n" },
        { LEAST "evict: [{path:/srv/x}]\n",
          "3:10: unknown key \"path:/srv/x\" in evict (a space is missing behind the colon)\n" },
        { LEAST "? [role]\n: critical\n", "3:3: a key must be a word, not a list or mapping\n" },
        { LEAST "{role: critical}: 1\n", "3:1: a key must be a word, not a list or mapping\n" },
    };

    CHECK(cases);
}

static void what_must_be_there(void **state)
{
    static const Refusal cases[] = {
        { "match: {units: [a.service]}\n",
          "1:1: \"version\" is missing (for example version: 1)\n" },
        { "# about\n\nrole: normal\n",
          "3:1: \"version\" is missing (for example version: 1)\n"
          "3:1: \"match\" is missing (for example match: {units: [\"nginx.service\"]})\n" },
        { "version: 2\nmatch: {units: [a.service]}\n",
          "1:10: \"2\" is no version that is known here (write version: 1)\n" },
        { "version: 1.0\nmatch: {units: [a.service]}\n",
          "1:10: \"1.0\" is no version that is known here (write version: 1)\n" },
        { LEAST "pin:\n  files:\n  - path: /srv/x\n",
          "4:3: \"budget\" is missing in pin (for example budget: 512M)\n" },
        { LEAST "pin:\n  budget: 1M\n",
          "4:3: \"files\" is missing in pin (for example files: [{path: /srv/shop/index/*}])\n" },
        { LEAST "evict:\n  - idle: 3s\n",
          "4:5: \"path\" is missing in evict (for example path: /var/log/shop/*)\n" },
        { LEAST "pin:\n  budget: 1M\n  files:\n  - lock: now\n",
          "6:5: \"path\" is missing in pin.files (for example path: /srv/shop/index/*)\n" },
        { "version: 1\nmatch: {hosts: [x]}\n",
          "2:8: \"units\" is missing in match (for example units: [\"nginx.service\"])\n"
          "2:9: unknown key \"hosts\" in match (known here: units, cgroups)\n" },
        /* Not missing: meant. */
        { "vesion: 1\nmatch: {unit: [a.service]}\n",
          "1:1: unknown key \"vesion\" (did you mean \"version\"?)\n"
          "2:9: unknown key \"unit\" in match (did you mean \"units\"?)\n" },
    };

    CHECK(cases);
}

static void empty_values(void **state)
{
    static const Refusal cases[] = {
        { "", "the file is empty (it begins with version: 1)\n" },
        { "# only a comment\n", "the file is empty (it begins with version: 1)\n" },
        { "\xef\xbb\xbf", "the file is empty (it begins with version: 1)\n" },
        { "---\n", "2:1: a policy is empty (for example version: 1)\n" },
        { "{}\n", "1:1: a policy is empty (for example version: 1)\n" },
        { "version:\nmatch: {units: [a.service]}\n",
          "1:9: \"version\" is empty (for example version: 1)\n" },
        { LEAST "role:\n", "3:6: \"role\" is empty (for example role: critical)\n" },
        { LEAST "role: ~\n", "3:7: \"role\" is empty (for example role: critical)\n" },
        { LEAST "mode: null\n", "3:7: \"mode\" is empty (for example mode: observe)\n" },
        { LEAST "description: \"  \"\n",
          "3:14: \"description\" is empty (for example description: the shop keeps its index in "
          "memory)\n" },
        { LEAST "evict:\n",
          "3:7: \"evict\" is empty (for example evict: [{path: /var/log/shop/*}])\n" },
        { LEAST "evict: []\n",
          "3:8: \"evict\" is empty (for example evict: [{path: /var/log/shop/*}])\n" },
        { LEAST "evict:\n-\n",
          "4:2: an entry of \"evict\" is empty (for example evict: [{path: /var/log/shop/*}])\n" },
        { LEAST "evict: [{path: ''}]\n",
          "3:16: \"path\" is empty (for example path: /var/log/shop/*)\n" },
        { "version: 1\nmatch: {units: []}\n",
          "2:16: \"units\" is empty (for example units: [\"nginx.service\"])\n" },
        { "version: 1\nmatch: {units: [\"\"]}\n",
          "2:17: an entry of \"units\" is empty (for example units: [\"nginx.service\"])\n" },
        { "version: 1\nmatch: {}\n",
          "2:8: \"match\" is empty (for example match: {units: [\"nginx.service\"]})\n" },
        { LEAST "pin:\n", "3:5: \"pin\" is empty (for example pin: {budget: 512M, files: [{path: "
                          "/srv/shop/index/*}]})\n" },
        { LEAST "pin: {budget: NULL, files: []}\n",
          "3:15: \"budget\" is empty (for example budget: 512M)\n"
          "3:28: \"files\" is empty (for example files: [{path: /srv/shop/index/*}])\n" },
        { LEAST "memory_high: {}\n",
          "3:14: \"memory_high\" is empty (for example memory_high: {mode: fixed, value: 2G})\n" },
    };

    CHECK(cases);
}

static void wrong_kinds(void **state)
{
    static const Refusal cases[] = {
        { "just text\n",
          "1:1: a policy must be a mapping, not a single value (for example version: 1)\n" },
        { "- version: 1\n",
          "1:1: a policy must be a mapping, not a list (for example version: 1)\n" },
        { "version: 1\nmatch: {units: a.service}\n",
          "2:16: \"units\" must be a list, not a single value (for example units: "
          "[\"nginx.service\"])\n" },
        { "version: 1\nmatch: [a.service]\n",
          "2:8: \"match\" must be a mapping, not a list (for example match: {units: "
          "[\"nginx.service\"]})\n" },
        { "version: 1\nmatch: {units: [{name: a.service}]}\n",
          "2:17: an entry of \"units\" must be a single value, not a mapping (for example units: "
          "[\"nginx.service\"])\n" },
        { LEAST "role: [critical]\n",
          "3:7: \"role\" must be a single value, not a list (for example role: critical)\n" },
        { LEAST "pin: 512M\n",
          "3:6: \"pin\" must be a mapping, not a single value (for example pin: {budget: 512M, "
          "files: [{path: /srv/shop/index/*}]})\n" },
        { LEAST "pin:\n  budget: {max: 1M}\n  files: /srv/x\n",
          "4:11: \"budget\" must be a single value, not a mapping (for example budget: 512M)\n"
          "5:10: \"files\" must be a list, not a single value (for example files: [{path: "
          "/srv/shop/index/*}])\n" },
        { LEAST "pin: {budget: 1M, files: [/srv/x]}\n",
          "3:27: an entry of \"files\" must be a mapping, not a single value (for example files: "
          "[{path: /srv/shop/index/*}])\n" },
        { LEAST "evict: {path: /srv/x}\n",
          "3:8: \"evict\" must be a list, not a mapping (for example evict: [{path: "
          "/var/log/shop/*}])\n" },
        { LEAST "memory_high: off\n",
          "3:14: \"memory_high\" must be a mapping, not a single value (for example memory_high: "
          "{mode: fixed, value: 2G})\n" },
    };

    CHECK(cases);
}

static void enums(void **state)
{
    static const Refusal cases[] = {
        { LEAST "role: critcal\n", "3:7: unknown role \"critcal\" (did you mean \"critical\"?)\n" },
        { LEAST "role: Background\n",
          "3:7: unknown role \"Background\" (did you mean \"background\"?)\n" },
        { LEAST "role: important\n",
          "3:7: unknown role \"important\" (normal, critical or background)\n" },
        { LEAST "mode: observed\n",
          "3:7: unknown mode \"observed\" (did you mean \"observe\"?)\n" },
        { LEAST "mode: dry-run\n", "3:7: unknown mode \"dry-run\" (enforce or observe)\n" },
        { LEAST "memory_high: {mode: yeild, min: 1M}\n",
          "3:21: unknown mode \"yeild\" (did you mean \"yield\"?)\n" },
        { LEAST "memory_high: {mode: enforce}\n",
          "3:21: unknown mode \"enforce\" (off, fixed, track or yield)\n" },
    };

    CHECK(cases);
}

#define BUDGET(value) LEAST "pin: {files: [{path: /srv/x}], budget: " value "}\n"

static void sizes(void **state)
{
    static const Refusal cases[] = {
        { BUDGET("512MB"),
          "3:40: \"512MB\" is not a size: unknown unit \"MB\" (write 512M; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("1GiB"),
          "3:40: \"1GiB\" is not a size: unknown unit \"GiB\" (write 1G; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("512m"),
          "3:40: \"512m\" is not a size: unknown unit \"m\" (write 512M; K, M, G, T and "
          "% of RAM are known)\n" },
        { BUDGET("512 M"),
          "3:40: \"512 M\" is not a size: unknown unit \" M\" (write 512M; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("4096B"),
          "3:40: \"4096B\" is not a size: unknown unit \"B\" (write 4096; K, M, G, T "
          "and % of RAM are known)\n" },
        { BUDGET("10 percent"),
          "3:40: \"10 percent\" is not a size: unknown unit \" percent\" (write "
          "10%; K, M, G, T and % of RAM are known)\n" },
        { BUDGET("5 megabits"),
          "3:40: \"5 megabits\" is not a size: unknown unit \" megabits\" (write "
          "5M; K, M, G, T and % of RAM are known)\n" },
        { BUDGET("512X"), "3:40: \"512X\" is not a size: unknown unit \"X\" (K, M, G, T and % of "
                          "RAM are known)\n" },
        { BUDGET("1.5G"),
          "3:40: \"1.5G\" is not a size: fractions are not known (write whole numbers: "
          "1536M for 1.5G)\n" },
        { BUDGET("lots"),
          "3:40: \"lots\" is not a size (write 512M, 2G or 10%; K, M, G, T and % of RAM "
          "are known)\n" },
        { BUDGET("0x100"),
          "3:40: \"0x100\" is not a size: unknown unit \"x100\" (K, M, G, T and % of "
          "RAM are known)\n" },
        { BUDGET("-5M"), "3:40: \"-5M\" is negative (for example 512M)\n" },
        { BUDGET("0"),
          "3:40: \"budget\" must be more than 0, not \"0\" (for example budget: 512M)\n" },
        { BUDGET("0%"),
          "3:40: \"budget\" must be more than 0, not \"0%\" (for example budget: 512M)\n" },
        { BUDGET("101%"), "3:40: \"101%\" is more than all of RAM (at most 100%)\n" },
        { BUDGET("99999999999999999999"),
          "3:40: \"99999999999999999999\" is too large to be a size (for example 512M)\n" },
        { BUDGET("16777216T"),
          "3:40: \"16777216T\" is too large to be a size (for example 512M)\n" },
        { BUDGET("9G"),
          "3:40: \"9G\" is more than this machine's RAM, 8G (a share fits every machine: "
          "10%)\n" },
        { BUDGET("8589934593"), "3:40: \"8589934593\" is more than this machine's RAM, 8G (a share "
                                "fits every machine: 10%)\n" },
    };

    CHECK(cases);
}

#define EVERY(value) LEAST "evict: [{path: /srv/x, every: " value "}]\n"
#define IDLE(value)  LEAST "evict: [{path: /srv/x, idle: " value "}]\n"

static void durations(void **state)
{
    static const Refusal cases[] = {
        { EVERY("30"),
          "3:31: \"30\" is not a duration: its unit is missing (write 30s; ms, s, m, h and "
          "d are known)\n" },
        { EVERY("30sec"),
          "3:31: \"30sec\" is not a duration: unknown unit \"sec\" (write 30s; ms, s, "
          "m, h and d are known)\n" },
        { EVERY("5min"),
          "3:31: \"5min\" is not a duration: unknown unit \"min\" (write 5m; ms, s, m, "
          "h and d are known)\n" },
        { EVERY("2 Hours"),
          "3:31: \"2 Hours\" is not a duration: unknown unit \" Hours\" (write 2h; "
          "ms, s, m, h and d are known)\n" },
        { EVERY("9msec"),
          "3:31: \"9msec\" is not a duration: unknown unit \"msec\" (write 9ms; ms, s, "
          "m, h and d are known)\n" },
        { EVERY("1week"),
          "3:31: \"1week\" is not a duration: unknown unit \"week\" (ms, s, m, h and d "
          "are known)\n" },
        { EVERY("1.5h"), "3:31: \"1.5h\" is not a duration: fractions are not known (write whole "
                         "numbers: 90m for 1.5h)\n" },
        { EVERY("often"),
          "3:31: \"often\" is not a duration (write 30s, 10m or 1h; ms, s, m, h and d "
          "are known)\n" },
        { EVERY("-3s"), "3:31: \"-3s\" is negative (for example 30s)\n" },
        { EVERY("99999999999999d"),
          "3:31: \"99999999999999d\" is too large to be a duration (for example 30s)\n" },
        { EVERY("0s"), "3:31: \"0s\" is too short for \"every\" (at least 1s)\n" },
        { EVERY("999ms"), "3:31: \"999ms\" is too short for \"every\" (at least 1s)\n" },
        { EVERY("25h"), "3:31: \"25h\" is too long for \"every\" (at most 1d)\n" },
        { IDLE("0s"), "3:30: \"0s\" is too short for \"idle\" (at least 1s)\n" },
        { IDLE("31d"), "3:30: \"31d\" is too long for \"idle\" (at most 30d)\n" },
    };

    CHECK(cases);
}

#define PATH(value) LEAST "evict: [{path: " value "}]\n"

static void paths(void **state)
{
    static const Refusal cases[] = {
        { PATH("srv/x"), "3:16: \"srv/x\" is a relative path (write it in full, from / on)\n" },
        { PATH("~/x"), "3:16: \"~/x\" is a relative path (write it in full, from / on)\n" },
        { PATH("\"{/srv,/var}/x\""),
          "3:16: \"{/srv,/var}/x\" is a relative path (write it in full, from / on)\n" },
        { PATH("/srv/../etc/x"),
          "3:16: \"/srv/../etc/x\" has a \"..\" component (write the path without it)\n" },
        { PATH("/srv/.."),
          "3:16: \"/srv/..\" has a \"..\" component (write the path without it)\n" },
        { PATH("'/srv/\\.\\./x'"),
          "3:16: \"/srv/\\.\\./x\" has a \"..\" component (write the path without it)\n" },
        { PATH("\"/srv/{a,..}/x\""),
          "3:16: \"/srv/{a,..}/x\" has a \"..\" component (write the path without it)\n" },
        { PATH("\"/srv/.{a,.}/x\""),
          "3:16: \"/srv/.{a,.}/x\" has a \"..\" component (write the path without it)\n" },
        { PATH("/srv/./x"),
          "3:16: \"/srv/./x\" has a \".\" component (write the path without it)\n" },
        { PATH("/srv//x"),
          "3:16: \"/srv//x\" has an empty component (write one / instead of two)\n" },
        { PATH("/srv/"),
          "3:16: \"/srv/\" is a folder (add ** for all files below it, * for those in it)\n" },
        { PATH("/srv/**.log"),
          "3:16: \"/srv/**.log\" has ** beside other characters (it stands for "
          "folders: write /srv/**/*.log, or a single *)\n" },
        { PATH("\"/srv/{a,b\""),
          "3:16: \"/srv/{a,b\" has unbalanced braces (write \\{ or \\} for the "
          "character itself)\n" },
        { PATH("\"/srv/a}\""), "3:16: \"/srv/a}\" has unbalanced braces (write \\{ or \\} for the "
                               "character itself)\n" },
        { PATH("\"/srv/[a\""), "3:16: \"/srv/[a\" has a \"[\" without its \"]\" (write \\[ for the "
                               "character itself)\n" },
        { PATH("'/srv/a\\'"),
          "3:16: \"/srv/a\\\" has a backslash with nothing to escape (leave it out)\n" },
        { PATH("\"/srv/a\\nb\\e[0m\""),
          "3:16: \"/srv/a\\nb\\x1b[0m\" has a control character in it "
          "(leave it out, or write ?)\n" },
        { PATH("\"/srv/a\\0b\""),
          "3:16: \"/srv/a\" is followed by a NUL character (leave out the \"\\0\")\n" },
    };

    CHECK(cases);
}

static void globs_that_reach_everything(void **state)
{
    static const char *const globs[] = {
        "/",         "//",    "/*",    "/**",   "/?rv/x",    "/{a,b}/x", "/{srv/x,var/y}",
        "/[a-z]*/x", "//*/x", "/**/x", "/srv*", "/va{r/x,}",
    };

    for (size_t i = 0; i < ELEMENTS(globs); i++) {
        CLEANUP_FREE char *text = NULL, *expected = NULL;

        assert_true(asprintf(&text, PATH("'%s'"), globs[i]) > 0);
        assert_true(asprintf(&expected,
                             "3:16: \"%s\" could match the whole file system (write the first "
                             "folder in full: /srv/**)\n",
                             globs[i]) > 0);
        CLEANUP_FREE char *found = decode_bad(text, strlen(text));
        assert_string_equal(found, expected);
    }
}

#define UNIT(value) "version: 1\nmatch: {units: [" value "]}\n"

static void units(void **state)
{
    static const Refusal cases[] = {
        { UNIT("nginx"),
          "2:17: \"nginx\" is no unit name: it has no suffix (write \"nginx.service\")\n" },
        { UNIT("nginx."),
          "2:17: \"nginx.\" is no unit name: it has no suffix (write \"nginx.service\")\n" },
        { UNIT("nginx.servce"),
          "2:17: \"nginx.servce\" is no unit name: unknown suffix \".servce\" "
          "(did you mean \".service\"?)\n" },
        { UNIT("php8.2-fpm"),
          "2:17: \"php8.2-fpm\" is no unit name: it has no suffix such as .service "
          "(write \"php8.2-fpm.service\")\n" },
        { UNIT("backup.timer"),
          "2:17: \"backup.timer\" is a timer unit, which has no processes (name "
          "the .service behind it)\n" },
        { UNIT("getty@.service"),
          "2:17: \"getty@.service\" is a template, of which only instances run "
          "(write \"getty@*.service\")\n" },
        { UNIT(".service"),
          "2:17: \".service\" is no unit name: there is nothing before its suffix "
          "(write \"*.service\" for all of them)\n" },
        { UNIT("/system.slice/nginx.service"),
          "2:17: \"/system.slice/nginx.service\" is a path (name units as systemctl shows them: "
          "nginx.service)\n" },
        { UNIT("my shop.service"),
          "2:17: \"my shop.service\" has a character that no unit name has: \" \"\n" },
        { UNIT("größe.service"),
          "2:17: \"größe.service\" has a character that no unit name has: \"ö\"\n" },
        { UNIT("\"a\\nb.service\""),
          "2:17: \"a\\nb.service\" has a character that no unit name has: \"\\n\"\n" },
        { UNIT("'{a,b.service'"),
          "2:17: \"{a,b.service\" has unbalanced braces (write \\{ or \\} for "
          "the character itself)\n" },
        { UNIT("'{a.service,b}'"),
          "2:17: \"{a.service,b}\" is no unit name: it has no suffix (write \"b.service\")\n" },
        { UNIT("'a[b.service'"),
          "2:17: \"a[b.service\" has a \"[\" without its \"]\" (write \\[ for "
          "the character itself)\n" },
        { UNIT("srv-a\\x2db.mount"),
          "2:17: \"srv-a\\x2db.mount\" has a single \\x, which is an escaped x (write \\\\x for "
          "systemd's own escape)\n" },
        { UNIT("a.service, b, c.service, d"),
          "2:28: \"b\" is no unit name: it has no suffix (write \"b.service\")\n"
          "2:42: \"d\" is no unit name: it has no suffix (write \"d.service\")\n" },
    };

    CHECK(cases);
}

static void memory_high(void **state)
{
    static const Refusal cases[] = {
        { LEAST "memory_high:\n  mode: fixed\n",
          "4:3: \"value\" is missing in memory_high: mode fixed needs it (for example value: "
          "256M)\n" },
        { LEAST "role: background\nmemory_high:\n  mode: yield\n",
          "5:3: \"min\" is missing in memory_high: mode yield needs it (for example min: 256M)\n" },

        { LEAST "memory_high:\n  value: 1G\n",
          "4:3: \"value\" in memory_high belongs to mode fixed, not to off (write mode: fixed, or "
          "leave it out)\n" },
        { LEAST "memory_high: {mode: off, min: 1G, value: 1G}\n",
          "3:26: \"min\" in memory_high belongs to mode fixed, track or yield, not to off "
          "(choose one of them, or leave it out)\n"
          "3:35: \"value\" in memory_high belongs to mode fixed, not to off (write mode: fixed, or "
          "leave it out)\n" },
        { LEAST "memory_high: {mode: yield, min: 1G}\n",
          "3:21: mode yield is for role background, and this policy's role is normal (write role: "
          "background, or mode: fixed)\n" },
        { LEAST "memory_high: {mode: yield, min: 1G}\nrole: critical\n",
          "3:21: mode yield is for role background, and this policy's role is critical (write "
          "role: "
          "background, or mode: fixed)\n" },
        { LEAST "memory_high: {mode: fixed, value: 9G}\n",
          "3:35: \"9G\" is more than this machine's RAM, 8G (a share fits every machine: 10%)\n" },
        /* One mistake is one message: what follows from it is not said. */
        { LEAST "memory_high: {mode: fxied, value: 1G}\n",
          "3:21: unknown mode \"fxied\" (did you mean \"fixed\"?)\n" },
        { LEAST "memory_high: {mode: fixed, value: 1X}\n",
          "3:35: \"1X\" is not a size: unknown unit \"X\" (K, M, G, T and % of RAM are known)\n" },
        { LEAST "memory_high: {mode: fixed, vlaue: 1G}\n",
          "3:28: unknown key \"vlaue\" in memory_high (did you mean \"value\"?)\n" },
        { LEAST "memory_high: {mod: fixed, value: 1G}\n",
          "3:15: unknown key \"mod\" in memory_high (did you mean \"mode\"?)\n" },
        { LEAST "rol: background\nmemory_high: {mode: yield, min: 1G}\n",
          "3:1: unknown key \"rol\" (did you mean \"role\"?)\n" },
        { LEAST "role: backgroud\nmemory_high: {mode: yield, min: 1G}\n",
          "3:7: unknown role \"backgroud\" (did you mean \"background\"?)\n" },
    };

    CHECK(cases);
}

static void descriptions(void **state)
{
    static const Refusal cases[] = {
        { LEAST "description: |\n  two\n  lines\n", "3:14: \"description\" must be one line (write "
                                                    "> instead of | to fold several into one)\n" },
        { LEAST "description: \"\\e[31mred\"\n",
          "3:14: \"\\x1b[31mred\" has a control character in it (leave it out)\n" },
    };

    CHECK(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(what_must_be_there),
        cmocka_unit_test(empty_values),
        cmocka_unit_test(wrong_kinds),
        cmocka_unit_test(enums),
        cmocka_unit_test(sizes),
        cmocka_unit_test(durations),
        cmocka_unit_test(paths),
        cmocka_unit_test(globs_that_reach_everything),
        cmocka_unit_test(units),
        cmocka_unit_test(memory_high),
        cmocka_unit_test(descriptions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
