/* SPDX-License-Identifier: MIT */
/* Rules that mean what processes have mapped, instead of a path. */
#include "select/pin_files.h"
#include "unit/kernel/processes.h"
#include "unit/select/selecting.h"

/* The data folder is the root, but paths of mapped files are of the kernel's. */
typedef struct Mapped {
    Selecting s;
    Scratch proc;
    pid_t pid;
    SelectProcesses processes;
} Mapped;

/* A program of 10 bytes with two libraries of 20 and 30. */
static Mapped mapped_new(void)
{
    Mapped m = { .s = selecting_new(), .proc = scratch_new("/tmp"), .pid = 1 };
    const Scratch *root = &m.s.root;

    scratch_put_sized(root, "z/program", 10);
    scratch_put_sized(root, "lib/a.so", 20);
    scratch_put_sized(root, "lib/b.so (deleted)", 30);
    put_process(&m.proc, 1, scratch_path(root, "z/program"));
    put_mapping(&m.proc, 1, 10, "r-xp", "fe:01", 1, scratch_path(root, "z/program"));
    put_mapping(&m.proc, 1, 20, "r-xp", "fe:01", 2, scratch_path(root, "lib/b.so (deleted)"));
    put_mapping(&m.proc, 1, 30, "r-xp", "fe:01", 3, scratch_path(root, "lib/a.so"));
    return m;
}

static void mapped_done(Mapped *m)
{
    selecting_done(&m->s);
    scratch_done(&m->proc);
}

#define CLEANUP_MAPPED cleanup(mapped_done)

static SelectScope scope_with(Mapped *m)
{
    SelectScope scope = scope_of(&m->s);

    m->processes = (SelectProcesses){ m->proc.fd, &m->pid, 1 };
    scope.processes = &m->processes;
    return scope;
}

static PinRule *add_mapped_rule(Mapped *m, unsigned mapped)
{
    PinRule *rule = add_rule(&m->s, NULL);

    rule->mapped = mapped;
    return rule;
}

#define BOTH (PIN_MAPPED_EXECUTABLES | PIN_MAPPED_LIBRARIES)

/* "PATH wanted/size of RULE" a line, "mapped" before those that are opened by their mapping. */
static void expect(Mapped *m, const char *expected)
{
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_with(m);
    size_t prefix = strlen(m->s.root.path);
    char text[8192] = "";

    assert_int_equal(pin_files(&scope, m->s.rules, m->s.n_rules, &m->s.order, &list), 0);
    for (size_t i = 0; i < list.n_files; i++) {
        const SelectedFile *file = &list.files[i];
        bool mapped = file->place->mapped.pid > 0;
        char path[SELECTED_PATH_MAX];
        size_t n = strlen(text);
        CLEANUP_CLOSE int fd = selected_file_open(&scope, file);
        struct stat st;

        must(fd);
        must(fstat(fd, &st));
        assert_true(st.st_ino == file->ino && st.st_dev == file->dev);
        if (mapped)
            assert_memory_equal(selected_path(file, path), m->s.root.path, prefix);
        snprintf(text + n, sizeof text - n, "%s%s %ju/%ju of %u\n", mapped ? "mapped " : "",
                 selected_path(file, path) + (mapped ? prefix : 0),
                 (uintmax_t)pin_part(&m->s.rules[file->rule], file->size).length,
                 (uintmax_t)file->size, file->rule);
    }
    assert_string_equal(text, expected);
}

static void executables_then_libraries(void **state)
{
    CLEANUP_MAPPED Mapped m = mapped_new();

    PinRule *rule = add_mapped_rule(&m, BOTH);
    expect(&m, "mapped /z/program 10/10 of 0\n"
               "mapped /lib/a.so 20/20 of 0\n"
               "mapped /lib/b.so (deleted) 30/30 of 0\n");
    rule->mapped = PIN_MAPPED_EXECUTABLES;
    expect(&m, "mapped /z/program 10/10 of 0\n");
    rule->mapped = PIN_MAPPED_LIBRARIES;
    expect(&m, "mapped /lib/a.so 20/20 of 0\nmapped /lib/b.so (deleted) 30/30 of 0\n");
}

static void excluded_too_large_or_in_part(void **state)
{
    CLEANUP_MAPPED Mapped m = mapped_new();
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_with(&m);

    /* By the name that it had. */
    exclude_also(add_mapped_rule(&m, BOTH), "b.so");
    m.s.rules[0].max_size = 19;
    m.s.rules[0].range.end = 4;
    scratch_put_sized(&m.s.root, "z/empty", 0);
    put_mapping(&m.proc, 1, 40, "r-xp", "fe:01", 4, scratch_path(&m.s.root, "z/empty"));
    expect(&m, "mapped /z/program 4/10 of 0\n");
    assert_int_equal(pin_files(&scope, m.s.rules, 1, &m.s.order, &list), 0);
    assert_int_equal(list.n_too_large, 1);
    assert_int_equal(list.n_excluded, 1);

    exclude_also(&m.s.rules[0], scratch_path(&m.s.root, "**"));
    expect(&m, "");
}

/* A file that a path means as well counts for the first of both rules. */
static void each_file_once(void **state)
{
    CLEANUP_MAPPED Mapped m = mapped_new();

    add_rule(&m.s, "/lib/a.so");
    add_mapped_rule(&m, BOTH);
    add_rule(&m.s, "/**");
    expect(&m, "/lib/a.so 20/20 of 0\n"
               "mapped /z/program 10/10 of 1\n"
               "mapped /lib/b.so (deleted) 30/30 of 1\n");
    m.s.order = (PinOrder){ { PIN_BY_LARGEST }, 1 };
    expect(&m, "mapped /lib/b.so (deleted) 30/30 of 1\n"
               "/lib/a.so 20/20 of 0\n"
               "mapped /z/program 10/10 of 1\n");
}

static void without_processes(void **state)
{
    CLEANUP_MAPPED Mapped m = mapped_new();
    cleanup(selected_files_clear) SelectedFiles list = { 0 };
    SelectScope scope = scope_with(&m);

    add_mapped_rule(&m, BOTH);
    assert_int_equal(pin_files(&scope, m.s.rules, 1, &m.s.order, &list), 0);
    assert_int_equal(list.n_files, 3);
    scope.processes = NULL;
    assert_int_equal(selected_file_open(&scope, &list.files[0]), -ENOENT);
    selected_files_clear(&list);
    assert_int_equal(pin_files(&scope, m.s.rules, 1, &m.s.order, &list), 0);
    assert_int_equal(list.n_files, 0);
}

static void what_is_left_out_is_told(void **state)
{
    CLEANUP_MAPPED Mapped m = mapped_new();

    put_mapping(&m.proc, 1, 40, "r-xp", "00:99", 7, "/mnt/lib.so");
    scratch_put(&m.proc, "1/mountinfo", "22 1 0:153 /x /mnt rw - nfs4 server:/x rw\n");
    PinRule *rule = add_mapped_rule(&m, PIN_MAPPED_EXECUTABLES);
    expect(&m, "mapped /z/program 10/10 of 0\n");
    assert_string_equal(m.s.passed_over, "");
    rule->mapped = PIN_MAPPED_LIBRARIES;
    expect(&m, "mapped /lib/a.so 20/20 of 0\nmapped /lib/b.so (deleted) 30/30 of 0\n");
    assert_string_equal(m.s.passed_over,
                        "/mnt/lib.so is on a network file system (nfs4), which is passed over\n");
}

static void nobody_wants_it(void **state)
{
    CLEANUP_MAPPED Mapped m = mapped_new();
    SelectedFiles list = { .n_files = 42 };
    SelectScope scope = scope_with(&m);
    atomic_bool cancelled = true;

    add_mapped_rule(&m, BOTH);
    scope.cancelled = &cancelled;
    assert_int_equal(pin_files(&scope, m.s.rules, 1, &m.s.order, &list), -ECANCELED);
    assert_int_equal(list.n_files, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(executables_then_libraries),
        cmocka_unit_test(excluded_too_large_or_in_part),
        cmocka_unit_test(each_file_once),
        cmocka_unit_test(without_processes),
        cmocka_unit_test(what_is_left_out_is_told),
        cmocka_unit_test(nobody_wants_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
