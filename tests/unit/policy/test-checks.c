/* SPDX-License-Identifier: MIT */
/* What spans several keys, in one file and between a file and its drop-ins: what is a mistake, what
 * only a warning, and that both places are told. */
#include "unit/policy/decoding.h"

static void pins_for_control_groups(void **state)
{
    static const Case cases[] = {
        { "version: 1\nmatch: {cgroups: [/a]}\npin: {budget: 1M, files: [{path: /srv/x}]}\n",
          "3:1: warning: \"pin\" is for units, and nothing is pinned for what \"cgroups\" matches "
          "(match units, or leave it out)\n" },
        { "version: 1\nmatch: {cgroups: [/a], units: [a.service]}\n"
          "pin: {budget: 1M, files: [{path: /srv/x}]}\n",
          "" },
    };

    CHECK_REMARKED(cases);
}

static void memory_high(void **state)
{
    static const Case cases[] = {
        { LEAST "memory_high:\n  mode: fixed\n",
          "4:3: \"value\" is missing in memory_high: mode fixed needs it (for example value: "
          "256M)\n" },
        { LEAST "role: background\nmemory_high:\n  mode: yield\n",
          "5:3: \"min\" is missing in memory_high: mode yield needs it (for example min: 256M)\n" },

        { LEAST "memory_high:\n  value: 1G\n",
          "4:3: \"value\" in memory_high belongs to mode fixed, not to off (write mode: fixed, or "
          "leave it out)\n" },
        { LEAST "memory_high: {mode: yield, min: 1G}\n",
          "3:21: mode yield is for role background, and this policy's role is normal (write role: "
          "background, or mode: fixed)\n" },
        { LEAST "memory_high: {mode: yield, min: 1G}\nrole: critical\n",
          "3:21: mode yield is for role background, and this policy's role is critical (write "
          "role: "
          "background, or mode: fixed)\n" },
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

    CHECK_REFUSED(cases);
}

static void keys_of_modes(void **state)
{
    static const Case cases[] = {
        { LEAST "memory_high: {mode: fixed}\n", "3:15: \"value\" is missing in memory_high: mode "
                                                "fixed needs it (for example value: 256M)\n" },
        { LEAST "memory_high: {mode: fixed, value: 1G, pressure: 1%, reclaim: all}\n",
          "3:39: \"pressure\" in memory_high belongs to mode track, not to fixed (write mode: "
          "track, or leave it out)\n"
          "3:53: \"reclaim\" in memory_high belongs to mode track, not to fixed (write mode: "
          "track, or leave it out)\n" },
        { LEAST "role: background\nmemory_high: {mode: yield, min: 1G, max: 2G}\n",
          "4:37: \"max\" in memory_high belongs to mode fixed or track, not to yield (choose one "
          "of them, or leave it out)\n" },
        { LEAST "memory_high: {mode: track, value: 1G}\n",
          "3:28: \"value\" in memory_high belongs to mode fixed, not to track (write mode: fixed, "
          "or leave it out)\n" },
        { LEAST "memory_high: {pressure: 1%}\n",
          "3:15: \"pressure\" in memory_high belongs to mode track, not to off (write mode: track, "
          "or leave it out)\n" },
    };

    CHECK_REFUSED(cases);
}

static void bounds(void **state)
{
    static const Case cases[] = {
        { LEAST "memory_high: {mode: fixed, value: 1G, min: 2G}\n",
          "3:44: \"min\" in memory_high, 2G, is more than \"value\", 1G (line 3)\n" },
        { LEAST "memory_high: {mode: fixed, value: 2G, max: 1G}\n",
          "3:35: \"value\" in memory_high, 2G, is more than \"max\", 1G (line 3)\n" },
        { LEAST "memory_high:\n  mode: track\n  min: 2G\n  max: 1G\n",
          "5:8: \"min\" in memory_high, 2G, is more than \"max\", 1G (line 6)\n" },
        { LEAST "memory_high:\n  max: 10%\n  min: 1G\n  mode: track\n",
          "5:8: \"min\" in memory_high, 1G, is more than \"max\", 10% (line 4)\n" },
        { LEAST "memory_high: {mode: fixed, value: 2G, min: 3G, max: 1G}\n",
          "3:35: \"value\" in memory_high, 2G, is more than \"max\", 1G (line 3)\n"
          "3:44: \"min\" in memory_high, 3G, is more than \"value\", 2G (line 3)\n" },
        /* What is not of the mode is not compared besides. */
        { LEAST "memory_high: {mode: track, min: 2G, value: 1G}\n",
          "3:37: \"value\" in memory_high belongs to mode fixed, not to track (write mode: fixed, "
          "or leave it out)\n" },
    };

    CHECK_REFUSED(cases);
}

/* Switched off, and the rest left for later. */
static void a_mode_that_is_off(void **state)
{
    static const Case cases[] = {
        { LEAST "memory_high: {mode: off, min: 1G, value: 1G}\n",
          "3:26: warning: \"min\" in memory_high belongs to mode fixed, track or yield, not to off "
          "(choose one of them, or leave it out)\n"
          "3:35: warning: \"value\" in memory_high belongs to mode fixed, not to off (write mode: "
          "fixed, or "
          "leave it out)\n" },
        { LEAST "memory_high: {mode: off, max: 1G}\n",
          "3:26: warning: \"max\" in memory_high belongs to mode fixed or track, not to off "
          "(choose one of "
          "them, or leave it out)\n" },
        { LEAST "memory_high: {mode: off, min: 2G, max: 1G}\n",
          "3:26: warning: \"min\" in memory_high belongs to mode fixed, track or yield, not to off "
          "(choose one of them, or leave it out)\n"
          "3:35: warning: \"max\" in memory_high belongs to mode fixed or track, not to off "
          "(choose "
          "one of them, or leave it out)\n" },
    };

    CHECK_REMARKED(cases);
}

static void more_than_the_machine_has(void **state)
{
#define NEVER "and never reached (a share fits every machine: 10%)\n"
    static const Case cases[] = {
        { LEAST "memory_high: {mode: fixed, value: 9G}\n",
          "3:35: warning: \"9G\" is more than this machine's RAM, 8G, " NEVER },
        { LEAST "role: background\nmemory_high: {mode: yield, min: 16G}\n",
          "4:33: warning: \"16G\" is more than this machine's RAM, 8G, " NEVER },
        { LEAST "memory_high: {mode: fixed, value: 1G, max: 9G}\n",
          "3:44: warning: \"9G\" is more than this machine's RAM, 8G, " NEVER },
        { LEAST "cache: {max: 9G}\n",
          "3:14: warning: \"9G\" is more than this machine's RAM, 8G, " NEVER },
        { LEAST "memory_high: {mode: fixed, value: 8G}\n", "" },
    };
#undef NEVER

    CHECK_REMARKED(cases);
}

static void every_unit(void **state)
{
    static const Case cases[] = {
        { "version: 1\nmatch: {units: [\"*\"]}\n",
          "2:17: warning: \"*\" matches every unit, slices too (write *.service for all "
          "services)\n" },
        { "version: 1\nmatch: {units: [\"*.service\", \"?*\"]}\n",
          "2:30: warning: \"?*\" matches every unit, slices too (write *.service for all "
          "services)\n" },
    };
    /* What is refused matches nothing. */
    static const Case refused[] = {
        { "version: 1\nmatch: {units: [\"\", \"*{\"]}\n",
          "2:17: an entry of \"units\" is empty (for example units: [\"nginx.service\"])\n"
          "2:21: \"*{\" has unbalanced braces (write \\{ or \\} for the character itself)\n" },
    };
    static const FilesCase files[] = {
        { { "version: 1\nmatch: {units: [\"*\"]}\n", "match: {units: [\"**\"]}\n" },
          "10.yaml:1:17: warning: \"**\" matches every unit, slices too (write *.service for all "
          "services)\n" },
    };

    CHECK_REMARKED(cases);
    CHECK_REFUSED(refused);
    CHECK_FILES_REMARKED(files);
}

static void keys_of_roles(void **state)
{
    static const Case cases[] = {
        { LEAST "distress: {window: 2s}\n",
          "3:1: \"distress\" is for role critical, and this policy's role is normal (write role: "
          "critical, or leave it out)\n" },
        { LEAST "role: normal\ndistress: {refaults: 1/s}\n",
          "4:1: \"distress\" is for role critical, and this policy's role is normal (write role: "
          "critical, or leave it out)\n" },
        { LEAST "distress: {refaults: 1/s}\nrole: background\n",
          "3:1: \"distress\" is for role critical, and this policy's role is background (write "
          "role: critical, or leave it out)\n" },
        { LEAST "role: critical\nmemory_high: {mode: yield, min: 1G}\n",
          "4:21: mode yield is for role background, and this policy's role is critical (write "
          "role: background, or mode: fixed)\n" },
    };

    CHECK_REFUSED(cases);
}

static void a_brake_has_memory_high_for_itself(void **state)
{
    static const Case refused[] = {
        { LEAST "cache: {max: 1G, brake: true}\nmemory_high: {mode: fixed, value: 1G}\n",
          "3:25: \"brake\" in cache needs memory_high's mode off, and this policy's is fixed "
          "(leave "
          "one of them out)\n" },
        { LEAST "memory_high: {mode: track}\ncache: {brake: true, max: 1G}\n",
          "4:16: \"brake\" in cache needs memory_high's mode off, and this policy's is track "
          "(leave "
          "one of them out)\n" },
        { LEAST "memory_high: {mode: trakc}\ncache: {brake: true, max: 1G}\n",
          "3:21: unknown mode \"trakc\" (did you mean \"track\"?)\n" },
    };
    static const Case good[] = {
        { LEAST "cache: {max: 1G, brake: true}\n", "" },
        { LEAST "cache: {max: 1G, brake: true}\nmemory_high: {mode: off}\n", "" },
        { LEAST "cache: {max: 1G, brake: false}\nmemory_high: {mode: track}\n", "" },
    };
    static const FilesCase drop_ins[] = {
        { { LEAST "cache: {max: 1G, brake: true}\n", "memory_high: {mode: track}\n" },
          "p.yaml:3:25: warning: \"brake\" in cache needs memory_high's mode off, and this "
          "policy's "
          "is track (leave one of them out)\n" },
        { { LEAST "memory_high: {mode: track}\n", "cache: {max: 1G, brake: true}\n",
            "memory_high: {mode: off}\n" },
          "" },
    };

    CHECK_REFUSED(refused);
    CHECK_REMARKED(good);
    CHECK_FILES_REMARKED(drop_ins);
}

static void a_role_that_is_unclear_contradicts_nothing(void **state)
{
    static const Case cases[] = {
        { LEAST "role: critcal\ndistress: {window: 2s}\n",
          "3:7: unknown role \"critcal\" (did you mean \"critical\"?)\n" },
        { LEAST "rool: critical\ndistress: {window: 2s}\n",
          "3:1: unknown key \"rool\" (did you mean \"role\"?)\n" },
    };

    CHECK_REFUSED(cases);
}

static void track_of_a_critical_service(void **state)
{
    static const Case cases[] = {
        { LEAST "role: critical\nmemory_high: {mode: track}\n",
          "4:21: warning: mode track without \"min\" may squeeze a critical service as far as its "
          "pressure allows (for example min: 256M)\n" },
        { LEAST "role: critical\nmemory_high: {mode: track, min: 1G}\n", "" },
        { LEAST "memory_high: {mode: track}\n", "" },
    };

    CHECK_REMARKED(cases);
}

static void what_stands_instead_of_a_path(void **state)
{
    static const Case cases[] = {
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x, mapped: [libraries]}]}\n",
          "3:42: \"mapped\" in pin.files stands instead of \"path\" (make two entries of them)\n" },
        { LEAST "pin: {budget: 1M, files: [{mapped: [libraries], path: /srv/x}]}\n",
          "3:28: \"mapped\" in pin.files stands instead of \"path\" (make two entries of them)\n" },
        { LEAST "pin: {budget: 1M, files: [{mapped: [libraries], range: 0-1M}]}\n",
          "3:49: \"range\" in pin.files belongs to \"path\", not to \"mapped\" (leave it out)\n" },
        { LEAST "evict: [{path: /srv/x, stream: true}]\n",
          "3:24: \"stream\" in evict stands instead of \"path\" (make two entries of them)\n" },
        { LEAST "evict:\n- stream: true\n- path: /srv/x\n- {stream: true, dirty: skip}\n",
          "6:12: a second \"stream\" in evict, beside that of line 4 (leave one out)\n" },
        { LEAST "evict: [{stream: false}]\n",
          "3:18: \"stream\" in evict can only be true (leave it out, and write a \"path\")\n" },
        { LEAST "evict: [{path: /srv/x, stream: false}]\n",
          "3:24: \"stream\" in evict stands instead of \"path\" (make two entries of them)\n"
          "3:32: \"stream\" in evict can only be true (leave it out, and write a \"path\")\n" },
        { LEAST "evict:\n- stream: true\n  idle: 2m\n  every: 30s\n  when: [pressure]\n  mapped: "
                "skip\n  keep: last 1M\n  range: 0-1\n",
          "5:3: \"idle\" in evict belongs to \"path\", not to \"stream\" (leave it out)\n"
          "6:3: \"every\" in evict belongs to \"path\", not to \"stream\" (leave it out)\n"
          "7:3: \"when\" in evict belongs to \"path\", not to \"stream\" (leave it out)\n"
          "8:3: \"mapped\" in evict belongs to \"path\", not to \"stream\" (leave it out)\n"
          "9:3: \"keep\" in evict belongs to \"path\", not to \"stream\" (leave it out)\n"
          "10:3: \"range\" in evict belongs to \"path\", not to \"stream\" (leave it out)\n" },
        { LEAST "evict: [{path: /srv/x, range: 0-8M, keep: first 8M}]\n",
          "3:43: \"keep\" in evict, first 8M, leaves nothing to go of \"range\", 0-8M (line 3)\n" },
        { LEAST "evict:\n- keep: first 9M\n  path: /srv/x\n  range: 1M-8M\n- {path: /y, range: 8, "
                "keep: first 9M}\n",
          "4:9: \"keep\" in evict, first 9M, leaves nothing to go of \"range\", 1M-8M (line 6)\n"
          "7:21: \"8\" is not a range (write 0-8M for the first 8 MiB, or 1G- for all behind 1 "
          "GiB)\n" },
    };

    CHECK_REFUSED(cases);
}

static void overlaps(void **state)
{
    static const Case cases[] = {
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*}]}\nevict: [{path: /srv/x/log}]\n",
          "4:16: warning: \"/srv/x/log\" in evict meets \"/srv/x/*\" in pin.files, line 3 (what is "
          "pinned is not evicted: write globs that have no file in common)\n" },
        { LEAST "evict: [{path: /srv/**}]\npin:\n  budget: 1M\n  files:\n  - path: /srv/x/*\n  - "
                "path: /srv/y\n  - path: /var/z\n",
          "3:16: warning: \"/srv/**\" in evict meets \"/srv/x/*\" in pin.files, line 7 (what is "
          "pinned is not evicted: write globs that have no file in common)\n"
          "3:16: warning: \"/srv/**\" in evict meets \"/srv/y\" in pin.files, line 8 (what is "
          "pinned is not evicted: write globs that have no file in common)\n" },
        { LEAST "pin: {budget: 1M, files: [{path: \"/srv/{a,b}/*\"}]}\nevict: [{path: "
                "\"/srv/{b,c}/*\"}, {path: /srv/c/*}]\n",
          "4:16: warning: \"/srv/{b,c}/*\" in evict meets \"/srv/{a,b}/*\" in pin.files, line 3 "
          "(what is pinned is not evicted: write globs that have no file in common)\n" },
        /* Apart, or left out by name or path. */
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*.idx}]}\nevict: [{path: /srv/x/*.log}]\n",
          "" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*, exclude: [\"*.log\"]}]}\nevict: "
                "[{path: /srv/x/*.log}]\n",
          "" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*, exclude: [/srv/x/log]}]}\nevict: "
                "[{path: /srv/x/log}]\n",
          "" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*, exclude: [\"*.tmp\"]}]}\nevict: "
                "[{path: /srv/x/*.log}]\n",
          "4:16: warning: \"/srv/x/*.log\" in evict meets \"/srv/x/*\" in pin.files, line 3 (what "
          "is pinned is not evicted: write globs that have no file in common)\n" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*, exclude: [\"*.{log,tmp}\"]}]}\nevict: "
                "[{path: \"/srv/x/*.{log,tmp}\"}]\n",
          "" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*, exclude: [\"?.log\"]}]}\nevict: "
                "[{path: /srv/x/*.log}]\n",
          "4:16: warning: \"/srv/x/*.log\" in evict meets \"/srv/x/*\" in pin.files, line 3 (what "
          "is pinned is not evicted: write globs that have no file in common)\n" },
        { LEAST "pin: {budget: 1M, files: [{path: /srv/**, exclude: [c]}]}\nevict: "
                "[{path: \"/srv/{b/x,c}\"}]\n",
          "4:16: warning: \"/srv/{b/x,c}\" in evict meets \"/srv/**\" in pin.files, line 3 (what "
          "is pinned is not evicted: write globs that have no file in common)\n" },
        /* Neither has a path to compare. */
        { LEAST "pin: {budget: 1M, files: [{mapped: [libraries]}]}\nevict: [{stream: true}]\n",
          "" },
    };

    CHECK_REMARKED(cases);
}

static void a_drop_in_that_contradicts_is_warned_of(void **state)
{
    static const FilesCase cases[] = {
        { { LEAST "role: critical\ndistress: {window: 2s}\n", "role: normal\n" },
          "p.yaml:4:1: warning: \"distress\" is for role critical, and this policy's role is "
          "normal (write role: critical, or leave it out)\n" },
        { { LEAST "role: background\nmemory_high: {mode: yield, min: 1G}\n", "role: normal\n" },
          "p.yaml:4:21: warning: mode yield is for role background, and this policy's role is "
          "normal (write role: background, or mode: fixed)\n" },
        { { LEAST "memory_high: {mode: fixed, value: 1G}\n", "memory_high: {mode: track}\n" },
          "p.yaml:3:28: warning: \"value\" in memory_high belongs to mode fixed, not to track "
          "(write mode: fixed, or leave it out)\n" },
        { { LEAST "memory_high: {mode: track, pressure: 1%}\n",
            "memory_high: {mode: fixed, value: 1G}\n" },
          "p.yaml:3:28: warning: \"pressure\" in memory_high belongs to mode track, not to fixed "
          "(write mode: track, or leave it out)\n" },
        { { LEAST "role: critical\nmemory_high: {mode: track, min: 1G}\n", "role: critical\n" },
          "" },
        { { LEAST "", "distress: {window: 2s}\n", "role: background\n" },
          "10.yaml:1:1: warning: \"distress\" is for role critical, and this policy's role is "
          "background (write role: critical, or leave it out)\n" },
    };

    CHECK_FILES_REMARKED(cases);
}

static void a_drop_in_that_turns_off_is_silent(void **state)
{
    static const FilesCase cases[] = {
        { { LEAST "memory_high: {mode: fixed, value: 1G}\n", "memory_high: {mode: off}\n" }, "" },
        { { LEAST "role: background\nmemory_high: {mode: yield, min: 1G}\n",
            "memory_high: {mode: off}\n" },
          "" },
        { { LEAST "memory_high: {mode: track, min: 1G, max: 2G, pressure: 1%, reclaim: all}\n",
            "version: 1\nmemory_high: {mode: off}\n" },
          "" },
    };

    CHECK_FILES_REMARKED(cases);
}

static void contradictions_between_files_that_leave_no_meaning(void **state)
{
    static const FilesCase cases[] = {
        { { LEAST "memory_high: {mode: track, max: 1G}\n", "memory_high: {min: 2G}\n" },

          "10.yaml:1:20: \"min\" in memory_high, 2G, is more than \"max\", 1G (p.yaml:3)\n" },
        { { LEAST "memory_high: {mode: fixed, value: 1G}\n", "memory_high: {min: 2G}\n" },
          "10.yaml:1:20: \"min\" in memory_high, 2G, is more than \"value\", 1G (p.yaml:3)\n" },
        { { LEAST "memory_high: {mode: fixed, value: 2G}\n", "memory_high: {min: 1G}\n",
            "memory_high: {max: 1G}\n" },
          "p.yaml:3:35: \"value\" in memory_high, 2G, is more than \"max\", 1G (20.yaml:1)\n" },
        { { LEAST "", "memory_high: {mode: fixed}\n" },
          "10.yaml:1:15: \"value\" is missing in memory_high: mode fixed needs it (for example "
          "value: 256M)\n" },
        { { LEAST "memory_high: {mode: track, min: 1G}\n",
            "role: background\nmemory_high: {mode: yield}\n", "memory_high: {mode: fixed}\n" },
          "20.yaml:1:15: \"value\" is missing in memory_high: mode fixed needs it (for example "
          "value: 256M)\n" },
        /* Both keys are of the drop-in: its own mistake. */
        { { LEAST "role: critical\n", "role: normal\ndistress: {window: 2s}\n" },
          "10.yaml:2:1: \"distress\" is for role critical, and this policy's role is normal (write "
          "role: critical, or leave it out)\n" },
        /* Against a default nobody wrote, it is a mistake too. */
        { { LEAST "", "distress: {window: 2s}\n" },
          "10.yaml:1:1: \"distress\" is for role critical, and this policy's role is normal (write "
          "role: critical, or leave it out)\n" },
        { { LEAST "", "memory_high: {value: 1G}\n" },
          "10.yaml:1:15: \"value\" in memory_high belongs to mode fixed, not to off (write mode: "
          "fixed, or leave it out)\n" },
    };

    CHECK_FILES_REFUSED(cases);
}

static void overlaps_between_files(void **state)
{
    static const FilesCase cases[] = {
        { { LEAST "pin: {budget: 1M, files: [{path: /srv/x/*}]}\n",
            "evict: [{path: /srv/x/log}]\n" },
          "10.yaml:1:16: warning: \"/srv/x/log\" in evict meets \"/srv/x/*\" in pin.files, "
          "p.yaml:3 (what is pinned is not evicted: write globs that have no file in common)\n" },
        { { LEAST "evict: [{path: /srv/x/log}]\n",
            "\npin:\n  budget: 1M\n  files:\n  - path: /srv/x/*\n" },
          "p.yaml:3:16: warning: \"/srv/x/log\" in evict meets \"/srv/x/*\" in pin.files, "
          "10.yaml:5 (what is pinned is not evicted: write globs that have no file in common)\n" },
        /* The list that is laid over says nothing any more. */
        { { LEAST "evict: [{path: /srv/x/log}]\npin: {budget: 1M, files: [{path: /srv/x/*}]}\n",
            "evict: [{path: /srv/y/log}]\n" },
          "" },
    };

    CHECK_FILES_REMARKED(cases);
}

/* What a path of a file's name shows on a terminal is not up to it. */
static void names_of_other_files_are_harmless(void **state)
{
    static const char base[] = LEAST "memory_high: {mode: track, max: 1G}\n",
                      over[] = "memory_high: {min: 2G}\n";
    const Source sources[] = { { "\x1b[2J.yaml", base, strlen(base) },
                               { "10.yaml", over, strlen(over) } };
    Diagnostics diagnostics = { 0 };
    cleanup(policy_freep) Policy *policy = NULL;

    assert_int_equal(policy_decode("p", sources, 2, RAM, &diagnostics, &policy), -EBADMSG);
    CLEANUP_FREE char *found = format_messages(&diagnostics, sources);
    diagnostics_clear(&diagnostics);
    assert_non_null(strstr(found, "is more than \"max\", 1G (\\x1b[2J.yaml:3)\n"));
}

/* Rules for @n files each that are apart, and one file that is in both; to be freed. */
static char *make_rules(unsigned n)
{
    static const char shared[] =
        "/srv/the/same/long/path/of/a/file/that/is/both/pinned/and/evicted";
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);

    fputs(LEAST "pin:\n  budget: 1M\n  files:\n", f);
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "  - path: /srv/*a*a*a*a*a*a*a*a*/%u/p\n", i);
    fprintf(f, "  - path: %s\nevict:\n", shared);
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "- path: /srv/*b*b*b*b*b*b*b*b*/%u/e\n", i);
    fprintf(f, "- path: %s\n", shared);
    fclose(f);
    return text;
}

/* Comparing is bounded: what two globs have in common is told only as long as it is not spent. */
static void only_so_many_globs_are_compared(void **state)
{
    static const struct {
        unsigned n;
        size_t n_warnings;
    } cases[] = { { 10, 1 }, { 200, 0 } };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP_FREE char *text = make_rules(cases[i].n);
        Diagnostics diagnostics = { 0 };
        cleanup(policy_freep) Policy *policy = NULL;

        assert_int_equal(decode_text(text, strlen(text), &diagnostics, &policy), 0);
        assert_int_equal(diagnostics.n_of[SEVERITY_WARNING], cases[i].n_warnings);
        CLEANUP_FREE char *found = join_messages(&diagnostics);
        assert_true(cases[i].n_warnings == 1 ||
                    strcmp(found, "note: there are too many globs to hold all of evict against all "
                                  "of pin.files\n") == 0);
        diagnostics_clear(&diagnostics);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_for_control_groups),
        cmocka_unit_test(memory_high),
        cmocka_unit_test(keys_of_modes),
        cmocka_unit_test(bounds),
        cmocka_unit_test(a_mode_that_is_off),
        cmocka_unit_test(more_than_the_machine_has),
        cmocka_unit_test(every_unit),
        cmocka_unit_test(keys_of_roles),
        cmocka_unit_test(a_brake_has_memory_high_for_itself),
        cmocka_unit_test(a_role_that_is_unclear_contradicts_nothing),
        cmocka_unit_test(track_of_a_critical_service),
        cmocka_unit_test(what_stands_instead_of_a_path),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(a_drop_in_that_contradicts_is_warned_of),
        cmocka_unit_test(a_drop_in_that_turns_off_is_silent),
        cmocka_unit_test(contradictions_between_files_that_leave_no_meaning),
        cmocka_unit_test(overlaps_between_files),
        cmocka_unit_test(names_of_other_files_are_harmless),
        cmocka_unit_test(only_so_many_globs_are_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
