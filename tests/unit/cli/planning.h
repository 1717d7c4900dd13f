/* SPDX-License-Identifier: MIT */
#pragma once

/* A system in a folder, with policies, units, files and processes, and what is planned for it. What
 * of a file is in memory is told by its first letter, so that a test knows: "r" all, "h" its first
 * half, "d" all, of which one page is dirty and one on its way to the disk, "c" nothing, "s" that
 * is a secret. Linked with --wrap of two functions, see meson.build. */

#include <errno.h>

#include "cli/plan.h"
#include "kernel/residency.h"
#include "unit/config/told.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/units.h"

#define PAGE UINT64_C(4096)
#define NO_PRESSURE                                    \
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" \
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
#define RAM (1006860 * KIB) /* of tests/data/proc/meminfo */

int __wrap_residency_of_range(int fd, uint64_t offset, uint64_t length, Residency *ret);
int __wrap_residency_of_range(int fd, uint64_t offset, uint64_t length, Residency *ret)
{
    uint64_t whole = page_floor(length + PAGE - 1, PAGE);
    char letter = 0;

    *ret = (Residency){ 0 };
    must(pread(fd, &letter, 1, 0));
    assert_int_equal(offset % PAGE, 0);
    if (letter == 's')
        return -EPERM;
    ret->resident = letter == 'r' || letter == 'd' ? whole
                    : letter == 'h'                ? page_floor(whole / 2, PAGE)
                                                   : 0;
    ret->dirty = ret->writeback = letter == 'd' ? PAGE : 0;
    ret->has_resident = ret->has_counters = true;
    return 0;
}

static WalkFlags walked_with; /* of all walks */

int __real_walk_glob(int root_fd, const char *pattern, WalkFlags flags, const WalkHandler *handler);
int __wrap_walk_glob(int root_fd, const char *pattern, WalkFlags flags, const WalkHandler *handler);
int __wrap_walk_glob(int root_fd, const char *pattern, WalkFlags flags, const WalkHandler *handler)
{
    walked_with |= flags;
    return __real_walk_glob(root_fd, pattern, flags, handler);
}

typedef struct Planning {
    Scratch root;
    char **names; /* NULL: of all policies */
    PlanOptions options;
    bool other_machine;
    size_t max_problems;
} Planning;

static inline Planning planning_new(void)
{
    Planning p = {
        .root = scratch_new("/tmp"),
        .options = { .output = { .legend = true } },
        .max_problems = SIZE_MAX,
    };
    char text[4096];
    CLEANUP_CLOSE int data = must(open(TEST_DATA, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

    must(read_file_at(data, "proc/meminfo", text, sizeof text));
    scratch_put(&p.root, "proc/meminfo", text);
    scratch_put(&p.root, "proc/pressure/memory", NO_PRESSURE);
    scratch_put(&p.root, "proc/1/maps", "");
    scratch_folders(&p.root, "proc/1/fd/");
    scratch_put(&p.root, "cgroup/cgroup.controllers", "memory\n");
    return p;
}

static inline void planning_done(Planning *p)
{
    scratch_done(&p->root);
    (void)strv_free(p->names);
}

#define CLEANUP_PLANNING cleanup(planning_done)

static inline void put_policy(const Planning *p, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "etc/pagewarden/policies.d/%s.yaml", name);
    CLEANUP_FREE char *whole = NULL;
    must(asprintf(&whole, "version: 1\n%s", text));
    scratch_put(&p->root, path, whole);
}

/* A unit that uses @mib, of which @anon cannot be reclaimed. */
static inline void put_unit(const Planning *p, const char *cgroup, unsigned mib, unsigned anon,
                            const char *high)
{
    static const char *const none[] = { "active_file",   "unevictable", "file_mapped",
                                        "file_dirty",    "shmem",       "slab_unreclaimable",
                                        "file_writeback" };
    char path[256], text[1024];
    int n = snprintf(text, sizeof text, "anon %ju\nfile %ju\ninactive_file %ju\nkernel 0\n",
                     (uintmax_t)(anon * MIB), (uintmax_t)((mib - anon) * MIB),
                     (uintmax_t)((mib - anon) * MIB));

    for (size_t i = 0; i < ELEMENTS(none); i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s 0\n", none[i]);
    snprintf(path, sizeof path, "cgroup/%s/memory.stat", cgroup);
    scratch_put(&p->root, path, text);
    snprintf(path, sizeof path, "cgroup/%s/memory.current", cgroup);
    snprintf(text, sizeof text, "%ju\n", (uintmax_t)(mib * MIB));
    scratch_put(&p->root, path, text);
    snprintf(path, sizeof path, "cgroup/%s/memory.high", cgroup);
    scratch_put(&p->root, path, high);
    snprintf(path, sizeof path, "cgroup/%s/memory.pressure", cgroup);
    scratch_put(&p->root, path, NO_PRESSURE);
    snprintf(path, sizeof path, "cgroup/%s/cgroup.procs", cgroup);
    scratch_put(&p->root, path, "");
}

/* A file of @pages, or of @pages and a few bytes; see above for @letter. */
static inline void put_file(const Planning *p, const char *path, char letter, unsigned pages)
{
    char text[] = { letter, '\0' };

    scratch_put(&p->root, path, text);
    CLEANUP_CLOSE int fd = must(openat(p->root.fd, path, O_WRONLY | O_CLOEXEC));
    must(fallocate(fd, 0, 0, (off_t)(pages * PAGE))); /* no holes */
}

/* Process 1 has it open. */
static inline void put_opener(const Planning *p, const char *path)
{
    must(symlinkat(scratch_path(&p->root, path), p->root.fd, "proc/1/fd/7"));
}

static inline void open_folder(const Planning *p, const char *name, int *ret)
{
    *ret = openat(p->root.fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret < 0)
        *ret = -errno;
}

/* Calls @judge with the plan. */
static inline void with_plan(const Planning *p, void (*judge)(const Plan *plan, void *userdata),
                             void *userdata)
{
    cleanup(config_clear) Config config = { 0 };
    cleanup(plan_clear) Plan plan = { 0 };
    CLEANUP_CLOSE int proc = -1;
    CLEANUP_CLOSE int cgroup = -1;
    const ConfigPlaces places = { .root = p->root.path };

    assert_int_equal(config_load(&places, RAM, &config), 0);
    open_folder(p, "proc", &proc);
    open_folder(p, "cgroup", &cgroup);
    PlanScope scope = {
        .root_fd = p->root.fd,
        .proc_fd = proc,
        .cgroup_fd = cgroup,
        .other_machine = p->other_machine,
        .page = PAGE,
        .max_problems = p->max_problems,
    };
    assert_int_equal(plan_collect(&scope, &config, p->names, &plan), 0);
    judge(&plan, userdata);
}

typedef struct Rendering {
    const Planning *planning;
    char *text;
} Rendering;

static inline void render(const Plan *plan, void *userdata)
{
    Rendering *r = userdata;
    size_t size;

    FILE *out = open_memstream(&r->text, &size);
    assert_non_null(out);
    assert_int_equal(plan_render(plan, out, &r->planning->options), 0);
    fclose(out);
}

/* The whole text, without the path of the folder. */
static inline char *plan_text(const Planning *p)
{
    Rendering rendering = { .planning = p };

    with_plan(p, render, &rendering);
    leave_out(rendering.text, p->root.path);
    return rendering.text;
}

/* Without what is said of the host behind all policies, which is always the same. */
#define HOST                                                                                  \
    "\nHost: 256M of memory are locked, and 597.7M available; all pins may take 491.6M, and " \
    "leave 98.3M available\n"

static inline void expect_plan(const Planning *p, const char *expected)
{
    CLEANUP_FREE char *text = plan_text(p);
    size_t length = strlen(text), tail = strlen(HOST);

    if (length >= tail && strcmp(text + length - tail, HOST) == 0)
        text[length - tail] = '\0';
    assert_string_equal(text, expected);
}

static inline void expect_has(const Planning *p, const char *expected)
{
    CLEANUP_FREE char *text = plan_text(p);

    if (!strstr(text, expected))
        assert_string_equal(text, expected);
}
