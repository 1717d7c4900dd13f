/* SPDX-License-Identifier: MIT */
/* Every refusal, with its exact message and place: people judge us by the first mistake they make.
 */
#include "unit/policy/decoding.h"

static void keys(void **state)
{
    static const Case cases[] = {
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
        { LEAST "pin: {max: 1G, mode: off, path: /x, budget: 1M, files: [{path: /srv/x}]}\n",
          "3:7: unknown key \"max\" in pin (it belongs in cache or memory_high)\n"
          "3:16: unknown key \"mode\" in pin (it belongs at the top or in memory_high)\n"
          "3:27: unknown key \"path\" in pin (it belongs in pin.files, evict or advise)\n" },
        { LEAST "interval: 1s\npin: {reserve: 1G, budget: 1M, files: [{path: /srv/x}]}\n",
          "3:1: unknown key \"interval\" (it belongs in pagewarden.yaml)\n"
          "4:7: unknown key \"reserve\" in pin (it belongs in pagewarden.yaml)\n" },
        { LEAST "<<: {role: critical}\n",
          "3:1: unknown key \"<<\" (known here: version, description, match, role, mode, "
          "distress, pin, evict, cache, memory_high, advise)\n" },
        { LEAST "role: critical\nmode: observe\nrole: background\n",
          "5:1: duplicate key \"role\" (it is on line 3 already)\n" },
        { LEAST "pin: {budget: 1M,\n budget: 2M, files: [{path: /srv/x}]}\n",
          "4:2: duplicate key \"budget\" (it is on line 3 already)\n" },
        { LEAST "evict: [{path:/srv/x}]\n",
          "3:10: unknown key \"path:/srv/x\" in evict (a space is missing behind the colon)\n" },
        { LEAST "? [role]\n: critical\n",
          "3:3: a key must be a word, not a list or mapping (write key: value)\n" },
        { LEAST "{role: critical}: 1\n",
          "3:1: a key must be a word, not a list or mapping (write key: value)\n" },
    };

    CHECK_REFUSED(cases);
}

/* libyaml takes such a line for text, and the next ones for more of it. */
static void missing_spaces(void **state)
{
    static const Case cases[] = {
        { "version:1\nmatch: {units: [a.service]}\n",
          "1:1: unknown key \"version:1\" (a space is missing behind the colon)\n"
          "2:6: not YAML: mapping values are not allowed in this context (a space is missing "
          "behind the colon on line 1)\n" },
        { "version:1\n", "1:1: unknown key \"version:1\" (a space is missing behind the colon)\n" },
        { LEAST "pin:\n  budget:512M\n  files: [{path: /srv/x}]\n",
          "4:3: unknown key \"budget:512M\" in pin (a space is missing behind the colon)\n"
          "5:8: not YAML: mapping values are not allowed in this context (a space is missing "
          "behind the colon on line 4)\n" },
        { LEAST "evict:\n  - path:/srv/x\n  - path:/srv/y\n    idle: 2m\n",
          "4:5: unknown key \"path:/srv/x\" in evict (a space is missing behind the colon)\n"
          "5:5: unknown key \"path:/srv/y\" in evict (a space is missing behind the colon)\n"
          "6:9: not YAML: mapping values are not allowed in this context (a space is missing "
          "behind the colon on line 5)\n" },
        /* Something else is missing here. */
        { LEAST "pin: \"budget:1M\"\n",
          "3:6: \"pin\" must be a mapping, not a single value (for example pin: {budget: 512M, "
          "files: [{path: /srv/shop/index/*}]})\n" },
        { LEAST "pin: nothing:1M\n",
          "3:6: \"pin\" must be a mapping, not a single value (for example pin: {budget: 512M, "
          "files: [{path: /srv/shop/index/*}]})\n" },
        { LEAST "description: http://a.example\n  mode: observe\n",
          "4:7: not YAML: mapping values are not allowed in this context (check the indentation, "
          "and put a value that has \": \" in it in quotation marks)\n" },
    };

    CHECK_REFUSED(cases);
}

/* What is below is judged all the same. */
static void below_a_mistake(void **state)
{
    static const Case cases[] = {
        { LEAST "memory_hihg: {mode: trak}\n",
          "3:1: unknown key \"memory_hihg\" (did you mean \"memory_high\"?)\n"
          "3:21: unknown mode \"trak\" (did you mean \"track\"?)\n" },
        { LEAST "memory-high: {mode: fixed, value: 2GB}\n",
          "3:1: unknown key \"memory-high\" (did you mean \"memory_high\"?)\n"
          "3:35: \"2GB\" is not a size: unknown unit \"GB\" (write 2G; K, M, G, T and % of RAM are "
          "known)\n" },
        { LEAST "pin:\n  budget: 1M\n  file: [{path: x}, {lock: now}]\n",
          "5:3: unknown key \"file\" in pin (did you mean \"files\"?)\n"
          "5:17: \"x\" is a relative path (write it in full, from / on)\n"
          "5:21: \"path\" is missing in pin.files (for example path: /srv/shop/index/*)\n" },
        { LEAST "evict: {path: x, idle: 2min}\n",
          "3:8: \"evict\" must be a list, not a mapping (for example evict: [{path: "
          "/var/log/shop/*}])\n"
          "3:15: \"x\" is a relative path (write it in full, from / on)\n"
          "3:24: \"2min\" is not a duration: unknown unit \"min\" (write 2m; ms, s, m, h and d are "
          "known)\n" },
        /* Not where the right key is there too, nor twice, nor of another kind. */
        { LEAST "evict: [{path: /srv/x}]\nevit: [{path: x}]\n",
          "4:1: unknown key \"evit\" (did you mean \"evict\"?)\n" },
        { LEAST "evit: [{path: x}]\nevict: [{path: /srv/x}]\n",
          "3:1: unknown key \"evit\" (did you mean \"evict\"?)\n" },
        { LEAST "evit: [{path: x}]\nevct: [{path: x}]\n",
          "3:1: unknown key \"evit\" (did you mean \"evict\"?)\n"
          "3:15: \"x\" is a relative path (write it in full, from / on)\n"
          "4:1: unknown key \"evct\" (did you mean \"evict\"?)\n" },
        { LEAST "evit: {path: x}\n", "3:1: unknown key \"evit\" (did you mean \"evict\"?)\n" },
        { LEAST "evict: {}\n",
          "3:8: \"evict\" must be a list, not a mapping (for example evict: [{path: "
          "/var/log/shop/*}])\n" },
    };

    CHECK_REFUSED(cases);
}

static void what_must_be_there(void **state)
{
    static const Case cases[] = {
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

    CHECK_REFUSED(cases);
}

static void empty_values(void **state)
{
    static const Case cases[] = {
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

    CHECK_REFUSED(cases);
}

static void wrong_kinds(void **state)
{
    static const Case cases[] = {
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
        { "version: 1\nmatch: {units: [a.service, {name: b.service}]}\n",
          "2:28: an entry of \"units\" must be a single value, not a mapping (for example units: "
          "[\"nginx.service\"])\n" },
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

    CHECK_REFUSED(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(missing_spaces),
        cmocka_unit_test(below_a_mistake),
        cmocka_unit_test(what_must_be_there),
        cmocka_unit_test(empty_values),
        cmocka_unit_test(wrong_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
