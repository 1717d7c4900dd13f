/* SPDX-License-Identifier: MIT */
/* Every allocation fails once: there is no plan then, or the same text as ever. The linker wraps
 * the allocators, see meson.build. */
#include "unit/test.h"

#include "unit/failing-text.h"

#include "unit/cli/planning.h"

static Planning a_system(void)
{
    Planning p = planning_new();
    char path[32];

    put_policy(&p, "a",
               "description: text\n"
               "match:\n  units: [\"a*.service\"]\n"
               "role: background\n"
               "pin:\n  budget: 12K\n  files:\n    - path: /srv/*\n      max_size: 4K\n"
               "evict:\n  - path: /log/*\n"
               "memory_high:\n  mode: yield\n  min: 50M\n"
               "cache:\n  max: 100M\n");
    put_policy(&p, "b", "match:\n  units: [\"a1.service\", \"a*.service\"]\n");
    put_policy(&p, "c", "oops: 1\n");
    put_unit(&p, "system.slice/a1.service", 100, 10, "max\n");
    put_unit(&p, "system.slice/a2.service", 100, 10, "max\n");
    for (unsigned i = 0; i < 25; i++) {
        snprintf(path, sizeof path, "srv/%u", i);
        put_file(&p, path, 'r', 1 + (i == 7));
        snprintf(path, sizeof path, "log/%u", i);
        put_file(&p, path, 'r', 1);
    }
    must(symlinkat("a", p.root.fd, "srv/link"));
    must(symlinkat("a", p.root.fd, "log/link"));
    return p;
}

static int render_to(const Plan *plan, const PlanOptions *options, char **ret)
{
    size_t size;

    FILE *out = open_memstream(ret, &size);
    if (!out)
        return -ENOMEM;
    int r = plan_render(plan, out, options);
    fclose(out);
    return r;
}

static int plan_and_render(const PlanScope *scope, const Config *config, const PlanOptions *options,
                           char **ret)
{
    cleanup(plan_clear) Plan plan = { 0 };

    int r = plan_collect(scope, config, NULL, &plan);
    return r < 0 ? r : render_to(&plan, options, ret);
}

static void each_allocation_fails(JsonMode json)
{
    CLEANUP_PLANNING Planning p = a_system();
    cleanup(config_clear) Config config = { 0 };
    CLEANUP_CLOSE int proc = -1;
    CLEANUP_CLOSE int cgroup = -1;
    CLEANUP_FREE char *expected = NULL;
    const PlanOptions options = { .output = { .json = json, .legend = true } };
    unsigned n = 0;
    bool failed;

    const ConfigPlaces places = { .root = p.root.path };
    assert_int_equal(config_load(&places, RAM, &config), 0);
    open_folder(&p, "proc", &proc);
    open_folder(&p, "cgroup", &cgroup);
    const PlanScope scope = {
        .root_fd = p.root.fd,
        .proc_fd = proc,
        .cgroup_fd = cgroup,
        .page = PAGE,
        .max_problems = SIZE_MAX,
    };
    assert_int_equal(plan_and_render(&scope, &config, &options, &expected), 0);
    do {
        CLEANUP_FREE char *text = NULL;
        countdown = ++n;
        int r = plan_and_render(&scope, &config, &options, &text);
        failed = countdown == 0;
        countdown = 0;
        if (r != -ENOMEM) {
            assert_int_equal(r, 0);
            if (!strstr(text, "\n  out of memory\n")) /* in place of one message */
                assert_string_equal(text, expected);
        }
    } while (failed);
    assert_true(n > 300);
}

static void tables(void **state)
{
    each_allocation_fails(JSON_OFF);
}

static void json(void **state)
{
    each_allocation_fails(JSON_SHORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
