/* SPDX-License-Identifier: MIT */
/* Every allocation fails once: there is no list then, or the right one. The linker wraps the
 * allocators, see meson.build. */
#include "select/evict_files.h"
#include "select/pin_files.h"
#include "unit/failing-text.h"
#include "unit/kernel/processes.h"
#include "unit/select/selecting.h"

#define FILES 40u /* the list grows twice */

static Selecting a_folder(void)
{
    Selecting s = selecting_new();
    char name[16];

    for (unsigned i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%u", i);
        scratch_put_sized(&s.root, name, 1 + i);
    }
    scratch_put_sized(&s.root, "no", 1);
    scratch_put_sized(&s.root, "no_path", 1);
    return s;
}

static int select_pins(Selecting *s, const SelectScope *scope, SelectedFiles *ret)
{
    return pin_files(scope, s->rules, s->n_rules, &s->order, ret);
}

static int select_evictions(Selecting *s, const SelectScope *scope, SelectedFiles *ret)
{
    const EvictRule rules[] = {
        { .path = (char *)"/*", .range.end = UINT64_MAX },
        { .path = (char *)"/**", .range.end = UINT64_MAX },
    };

    return evict_files(scope, rules, ELEMENTS(rules), ret);
}

static int open_the_first(Selecting *s, const SelectScope *scope, SelectedFiles *ret)
{
    static const struct {
        SelectedPlace place;
        char folder[2];
    } root = { .folder = "/" };
    const SelectedFile file = { .place = &root.place, .name = "no" };

    return selected_file_open(scope, &file);
}

static void each_allocation_fails(int (*act)(Selecting *, const SelectScope *, SelectedFiles *),
                                  int expected, size_t expected_files)
{
    CLEANUP_SELECTING Selecting s = a_folder();
    SelectScope scope = scope_of(&s);
    unsigned n = 0;
    bool failed;

    exclude_also(add_rule(&s, "/*"), "no");
    exclude_also(&s.rules[0], "/no_*");
    add_rule(&s, "/*[0-9]")->max_size = 1;
    s.order = (PinOrder){ { PIN_BY_LARGEST }, 1 };
    do {
        cleanup(selected_files_clear) SelectedFiles list = { 0 };
        countdown = ++n;
        int r = act(&s, &scope, &list);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : expected);
        assert_int_equal(list.n_files, failed ? 0 : expected_files);
    } while (failed);
    assert_true(n > (expected_files > 0 ? 20 : 3)); /* the lists, blocks of paths, walks */
}

static void pins(void **state)
{
    each_allocation_fails(select_pins, 0, FILES);
}

static void evictions(void **state)
{
    each_allocation_fails(select_evictions, 0, FILES + 2);
}

static void opening(void **state)
{
    each_allocation_fails(open_the_first, -ESTALE, 0);
}

static void mapped(void **state)
{
    CLEANUP_SELECTING Selecting s = a_folder();
    CLEANUP_SCRATCH Scratch proc = scratch_new("/tmp");
    const SelectProcesses processes = { proc.fd, &(pid_t){ 1 }, 1 };
    SelectScope scope = scope_of(&s);
    unsigned n = 0;
    bool failed;

    put_process(&proc, 1, NULL);
    put_mapping(&proc, 1, 1, "r-xp", "fe:01", 1, scratch_path(&s.root, "1"));
    put_mapping(&proc, 1, 2, "r-xp", "fe:01", 2, scratch_path(&s.root, "2"));
    add_rule(&s, NULL)->mapped = PIN_MAPPED_LIBRARIES;
    scope.processes = &processes;
    do {
        cleanup(selected_files_clear) SelectedFiles list = { 0 };
        countdown = ++n;
        int r = select_pins(&s, &scope, &list);
        failed = countdown == 0;
        countdown = 0;
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(list.n_files, failed ? 0 : 2);
    } while (failed);
    assert_true(n > 2 * 3); /* of each its path, the text that is shown, and its copy */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins),
        cmocka_unit_test(evictions),
        cmocka_unit_test(opening),
        cmocka_unit_test(mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
