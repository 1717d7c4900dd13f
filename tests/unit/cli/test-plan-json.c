/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include "unit/cli/planning.h"

static Planning planning_json(void)
{
    Planning p = planning_new();

    p.options.output.json = JSON_PRETTY;
    return p;
}

static void no_policies(void **state)
{
    CLEANUP_PLANNING Planning p = planning_json();

    p.options.output.json = JSON_SHORT;
    expect_plan(&p, "{\"policies\":[],\"settings\":{\"state\":\"in "
                    "force\",\"diagnostics\":[],\"more\":0},\"folders\":{\"diagnostics\":[],"
                    "\"more\":0},\"units_error\":null,\"host\":{\"pin_budget\":515512320,"
                    "\"reserve\":103102464,\"available\":626692096,\"locked\":268435456,\"room\":"
                    "247076864,\"psi\":true,\"processes_not_seen\":null}}\n");
}

static void a_whole_policy(void **state)
{
    CLEANUP_PLANNING Planning p = planning_json();

    put_policy(&p, "shop",
               "description: the shop\n"
               "match:\n  units: [\"shop*.service\"]\n"
               "role: background\n"
               "pin:\n  budget: 12K\n  restore: true\n  files:\n"
               "    - path: /srv/*\n      exclude: [\"*.tmp\"]\n      max_size: 20K\n"
               "evict:\n  - path: /log/*\n    range: 0-1M\n  - stream: true\n"
               "memory_high:\n  mode: yield\n  min: 50M\n"
               "advise:\n  - {path: /srv/*, access: sequential}\n"
               "cache: {max: 50M}\n");
    put_policy(&p, "shop2", "match:\n  units: [\"shop*.service\", \"shop2.service\"]\n");
    put_unit(&p, "system.slice/shop.service", 100, 10, "115343360\n");
    put_unit(&p, "system.slice/shop2.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/shop3.service", 40, 10, "max\n");
    scratch_put(&p.root, "cgroup/system.slice/shop1.service/cgroup.procs", "");
    put_file(&p, "srv/a", 'r', 2);
    put_file(&p, "srv/b", 's', 2);
    put_file(&p, "srv/big", 'r', 6);
    put_file(&p, "srv/x.tmp", 'r', 2);
    must(symlinkat("a", p.root.fd, "srv/link\xff"));
    put_file(&p, "log/a", 'd', 3);
    put_file(&p, "log/b", 'c', 1);
    put_file(&p, "log/c", 'h', 2);
    put_file(&p, "log/d", 's', 1);
    put_opener(&p, "log/c");
    assert_int_equal(strv_append(&p.names, "shop"), 0);
    expect_plan(&p, "{\n"
                    "  \"policies\":[\n"
                    "    {\n"
                    "      \"name\":\"shop\",\n"
                    "      \"state\":\"in force\",\n"
                    "      \"files\":[\n"
                    "        \"/etc/pagewarden/policies.d/shop.yaml\"\n"
                    "      ],\n"
                    "      \"diagnostics\":[\n"
                    "      ],\n"
                    "      \"more\":0,\n"
                    "      \"description\":\"the shop\",\n"
                    "      \"role\":\"background\",\n"
                    "      \"mode\":\"enforce\",\n"
                    "      \"memory_high\":\"yield\",\n"
                    "      \"units\":[\n"
                    "        {\n"
                    "          \"unit\":\"shop.service\",\n"
                    "          \"cgroup\":\"/system.slice/shop.service\",\n"
                    "          \"draw\":\"shop2\",\n"
                    "          \"current\":104857600,\n"
                    "          \"high\":115343360,\n"
                    "          \"floor\":52428800,\n"
                    "          \"planned\":{\n"
                    "            \"value\":null,\n"
                    "            \"reason\":\"calm\"\n"
                    "          },\n"
                    "          \"in_distress\":{\n"
                    "            \"value\":52428800,\n"
                    "            \"reason\":\"at-min\"\n"
                    "          },\n"
                    "          \"cache\":{\n"
                    "            \"max\":52428800,\n"
                    "            \"now\":94371840,\n"
                    "            \"take\":47185920,\n"
                    "            \"reason\":\"cold-files\"\n"
                    "          },\n"
                    "          \"pin_room\":88080384,\n"
                    "          \"error\":null\n"
                    "        },\n"
                    "        {\n"
                    "          \"unit\":\"shop1.service\",\n"
                    "          \"cgroup\":\"/system.slice/shop1.service\",\n"
                    "          \"draw\":\"shop2\",\n"
                    "          \"current\":null,\n"
                    "          \"high\":null,\n"
                    "          \"floor\":null,\n"
                    "          \"planned\":null,\n"
                    "          \"in_distress\":null,\n"
                    "          \"cache\":null,\n"
                    "          \"pin_room\":null,\n"
                    "          \"error\":\"its cgroup has no memory controller\"\n"
                    "        },\n"
                    "        {\n"
                    "          \"unit\":\"shop3.service\",\n"
                    "          \"cgroup\":\"/system.slice/shop3.service\",\n"
                    "          \"draw\":\"shop2\",\n"
                    "          \"current\":41943040,\n"
                    "          \"high\":null,\n"
                    "          \"floor\":52428800,\n"
                    "          \"planned\":{\n"
                    "            \"value\":null,\n"
                    "            \"reason\":\"calm\"\n"
                    "          },\n"
                    "          \"in_distress\":{\n"
                    "            \"value\":null,\n"
                    "            \"reason\":\"at-min\"\n"
                    "          },\n"
                    "          \"cache\":{\n"
                    "            \"max\":52428800,\n"
                    "            \"now\":31457280,\n"
                    "            \"take\":0,\n"
                    "            \"reason\":\"under\"\n"
                    "          },\n"
                    "          \"pin_room\":null,\n"
                    "          \"error\":null\n"
                    "        }\n"
                    "      ],\n"
                    "      \"others\":[\n"
                    "        {\n"
                    "          \"unit\":\"shop2.service\",\n"
                    "          \"policy\":\"shop2\"\n"
                    "        }\n"
                    "      ],\n"
                    "      \"pin\":{\n"
                    "        \"files\":[\n"
                    "          {\n"
                    "            \"path\":\"/srv/a\",\n"
                    "            \"size\":8192,\n"
                    "            \"lock\":\"now\",\n"
                    "            \"wanted\":8192,\n"
                    "            \"pinned\":8192,\n"
                    "            \"resident\":8192\n"
                    "          },\n"
                    "          {\n"
                    "            \"path\":\"/srv/b\",\n"
                    "            \"size\":8192,\n"
                    "            \"lock\":\"now\",\n"
                    "            \"wanted\":8192,\n"
                    "            \"pinned\":4096,\n"
                    "            \"resident\":null\n"
                    "          }\n"
                    "        ],\n"
                    "        \"budget\":12288,\n"
                    "        \"restore\":true,\n"
                    "        \"pinned\":12288,\n"
                    "        \"files_not_whole\":1,\n"
                    "        \"bytes_not_pinned\":4096,\n"
                    "        \"too_large\":1,\n"
                    "        \"excluded\":1,\n"
                    "        \"error\":null,\n"
                    "        \"passed_over\":[\n"
                    "          {\n"
                    "            \"path\":\"/srv/link\\\\xff\",\n"
                    "            \"reason\":\"is a symbolic link, which is not followed\"\n"
                    "          }\n"
                    "        ]\n"
                    "      },\n"
                    "      \"evict\":{\n"
                    "        \"rules\":[\n"
                    "          {\n"
                    "            \"path\":\"/log/*\",\n"
                    "            \"stream\":false,\n"
                    "            \"idle_usec\":120000000,\n"
                    "            \"every_usec\":30000000,\n"
                    "            \"range\":{\n"
                    "              \"begin\":0,\n"
                    "              \"end\":1048576\n"
                    "            },\n"
                    "            \"matching\":4,\n"
                    "            \"unknown\":1,\n"
                    "            \"bytes\":12288,\n"
                    "            \"files\":[\n"
                    "              {\n"
                    "                \"path\":\"/log/a\",\n"
                    "                \"size\":12288,\n"
                    "                \"resident\":12288,\n"
                    "                \"dirty\":8192,\n"
                    "                \"verdict\":\"evict\"\n"
                    "              },\n"
                    "              {\n"
                    "                \"path\":\"/log/c\",\n"
                    "                \"size\":8192,\n"
                    "                \"resident\":4096,\n"
                    "                \"dirty\":0,\n"
                    "                \"verdict\":\"in-use\"\n"
                    "              }\n"
                    "            ]\n"
                    "          },\n"
                    "          {\n"
                    "            \"path\":null,\n"
                    "            \"stream\":true,\n"
                    "            \"idle_usec\":120000000,\n"
                    "            \"every_usec\":30000000,\n"
                    "            \"range\":null,\n"
                    "            \"matching\":0,\n"
                    "            \"unknown\":0,\n"
                    "            \"bytes\":92274688,\n"
                    "            \"files\":[\n"
                    "            ]\n"
                    "          }\n"
                    "        ],\n"
                    "        \"error\":null,\n"
                    "        \"passed_over\":[\n"
                    "        ]\n"
                    "      },\n"
                    "      \"advise\":[\n"
                    "        {\n"
                    "          \"path\":\"/srv/*\",\n"
                    "          \"access\":\"sequential\"\n"
                    "        }\n"
                    "      ]\n"
                    "    }\n"
                    "  ],\n"
                    "  \"settings\":{\n"
                    "    \"state\":\"in force\",\n"
                    "    \"diagnostics\":[\n"
                    "    ],\n"
                    "    \"more\":0\n"
                    "  },\n"
                    "  \"folders\":{\n"
                    "    \"diagnostics\":[\n"
                    "    ],\n"
                    "    \"more\":0\n"
                    "  },\n"
                    "  \"units_error\":null,\n"
                    "  \"host\":{\n"
                    "    \"pin_budget\":515512320,\n"
                    "    \"reserve\":103102464,\n"
                    "    \"available\":626692096,\n"
                    "    \"locked\":268435456,\n"
                    "    \"room\":247076864,\n"
                    "    \"psi\":true,\n"
                    "    \"processes_not_seen\":0\n"
                    "  }\n"
                    "}\n");
}

static void what_is_not_known(void **state)
{
    CLEANUP_PLANNING Planning p = planning_json();

    put_policy(&p, "a", "match:\n  units: [a]\nmode: never\n");
    put_policy(&p, "b", "match:\n  units: [b.service]\nevict:\n  - path: /log/*\n");
    put_file(&p, "log/a", 'r', 1);
    scratch_put(&p.root, "proc/22/fd", "no folder");
    scratch_put(&p.root, "etc/pagewarden/pagewarden.yaml", "version: 1\npin_budgets: 1M\n");
    must(unlinkat(p.root.fd, "cgroup/cgroup.controllers", 0));
    must(unlinkat(p.root.fd, "proc/meminfo", 0));
    must(unlinkat(p.root.fd, "proc/pressure/memory", 0));
    expect_plan(&p, "{\n"
                    "  \"policies\":[\n"
                    "    {\n"
                    "      \"name\":\"a\",\n"
                    "      \"state\":\"refused\",\n"
                    "      \"files\":[\n"
                    "        \"/etc/pagewarden/policies.d/a.yaml\"\n"
                    "      ],\n"
                    "      \"diagnostics\":[\n"
                    "        {\n"
                    "          \"severity\":\"mistake\",\n"
                    "          \"file\":\"/etc/pagewarden/policies.d/a.yaml\",\n"
                    "          \"line\":3,\n"
                    "          \"column\":11,\n"
                    "          \"message\":\"\\\"a\\\" is no unit name: it has no suffix (write "
                    "\\\"a.service\\\")\"\n"
                    "        },\n"
                    "        {\n"
                    "          \"severity\":\"mistake\",\n"
                    "          \"file\":\"/etc/pagewarden/policies.d/a.yaml\",\n"
                    "          \"line\":4,\n"
                    "          \"column\":7,\n"
                    "          \"message\":\"unknown mode \\\"never\\\" (enforce or observe)\"\n"
                    "        }\n"
                    "      ],\n"
                    "      \"more\":0\n"
                    "    },\n"
                    "    {\n"
                    "      \"name\":\"b\",\n"
                    "      \"state\":\"in force\",\n"
                    "      \"files\":[\n"
                    "        \"/etc/pagewarden/policies.d/b.yaml\"\n"
                    "      ],\n"
                    "      \"diagnostics\":[\n"
                    "      ],\n"
                    "      \"more\":0,\n"
                    "      \"description\":null,\n"
                    "      \"role\":\"normal\",\n"
                    "      \"mode\":\"enforce\",\n"
                    "      \"memory_high\":\"off\",\n"
                    "      \"units\":null,\n"
                    "      \"others\":null,\n"
                    "      \"pin\":null,\n"
                    "      \"evict\":{\n"
                    "        \"rules\":[\n"
                    "          {\n"
                    "            \"path\":\"/log/*\",\n"
                    "            \"stream\":false,\n"
                    "            \"idle_usec\":120000000,\n"
                    "            \"every_usec\":30000000,\n"
                    "            \"range\":null,\n"
                    "            \"matching\":1,\n"
                    "            \"unknown\":0,\n"
                    "            \"bytes\":4096,\n"
                    "            \"files\":[\n"
                    "              {\n"
                    "                \"path\":\"/log/a\",\n"
                    "                \"size\":4096,\n"
                    "                \"resident\":4096,\n"
                    "                \"dirty\":0,\n"
                    "                \"verdict\":null\n"
                    "              }\n"
                    "            ]\n"
                    "          }\n"
                    "        ],\n"
                    "        \"error\":null,\n"
                    "        \"passed_over\":[\n"
                    "        ]\n"
                    "      },\n"
                    "      \"advise\":[\n"
                    "      ]\n"
                    "    }\n"
                    "  ],\n"
                    "  \"settings\":{\n"
                    "    \"state\":\"refused\",\n"
                    "    \"diagnostics\":[\n"
                    "      {\n"
                    "        \"severity\":\"mistake\",\n"
                    "        \"file\":\"/etc/pagewarden/pagewarden.yaml\",\n"
                    "        \"line\":2,\n"
                    "        \"column\":1,\n"
                    "        \"message\":\"unknown key \\\"pin_budgets\\\" (did you mean "
                    "\\\"pin_budget\\\"?)\"\n"
                    "      }\n"
                    "    ],\n"
                    "    \"more\":0\n"
                    "  },\n"
                    "  \"folders\":{\n"
                    "    \"diagnostics\":[\n"
                    "    ],\n"
                    "    \"more\":0\n"
                    "  },\n"
                    "  \"units_error\":\"there is no cgroup v2 tree with the memory controller\",\n"
                    "  \"host\":{\n"
                    "    \"pin_budget\":515512320,\n"
                    "    \"reserve\":103102464,\n"
                    "    \"available\":null,\n"
                    "    \"locked\":null,\n"
                    "    \"room\":null,\n"
                    "    \"psi\":false,\n"
                    "    \"processes_not_seen\":1\n"
                    "  }\n"
                    "}\n");
}

static void another_machine(void **state)
{
    CLEANUP_PLANNING Planning p = planning_json();

    put_policy(&p, "b", "match:\n  units: [b.service]\nevict:\n  - path: /log/*\n");
    p.other_machine = true;
    expect_has(&p, "  \"host\":{\n"
                   "    \"pin_budget\":515512320,\n"
                   "    \"reserve\":103102464,\n"
                   "    \"available\":null,\n"
                   "    \"locked\":null,\n"
                   "    \"room\":null,\n"
                   "    \"psi\":null,\n"
                   "    \"processes_not_seen\":null\n"
                   "  }\n");
}

static void judge_full_disk(const Plan *plan, void *userdata)
{
    const PlanOptions *options = userdata;
    FILE *full = fopen("/dev/full", "w");

    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(plan_render(plan, full, options), -EIO);
    fclose(full);
}

static void a_full_disk(void **state)
{
    CLEANUP_PLANNING Planning p = planning_json();

    put_policy(&p, "a", "match:\n  units: [a.service]\n");
    with_plan(&p, judge_full_disk, &p.options);
    p.options.output.json = JSON_OFF;
    with_plan(&p, judge_full_disk, &p.options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_policies),       cmocka_unit_test(a_whole_policy),
        cmocka_unit_test(what_is_not_known), cmocka_unit_test(another_machine),
        cmocka_unit_test(a_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
