/* SPDX-License-Identifier: MIT */
/* What a look at many files costs that are not in memory, or are and not idle yet: bench-evict
 * FOLDER [FILES]. Makes the files in FOLDER and removes them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/evict_plan.h"
#include "daemon/evict_job.h"
#include "util/units.h"

#define FILES          100000
#define FILES_A_FOLDER 1000

static void must(int r, const char *what)
{
    if (r >= 0)
        return;
    perror(what);
    exit(1);
}

/* Creates the files, or, with @create false, removes them. */
static void files(int dir_fd, unsigned n, bool create)
{
    char name[64];

    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%u", i / FILES_A_FOLDER);
        if (create && i % FILES_A_FOLDER == 0)
            must(mkdirat(dir_fd, name, 0755), "mkdir");
        snprintf(name, sizeof(name), "%u/%u", i / FILES_A_FOLDER, i);
        if (create) {
            int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
            must(fd, name);
            must(ftruncate(fd, 4096), name); /* a hole: nothing of it is in memory */
            close(fd);
        } else {
            (void)unlinkat(dir_fd, name, 0);
        }
    }
    for (unsigned i = 0; !create && i < n; i += FILES_A_FOLDER) {
        snprintf(name, sizeof(name), "%u", i / FILES_A_FOLDER);
        (void)unlinkat(dir_fd, name, AT_REMOVEDIR);
    }
}

int main(int argc, char *argv[])
{
    unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : FILES;
    char folder[] = "bench-evict.XXXXXX", *path;

    if (argc < 2)
        return 2;
    must(chdir(argv[1]), argv[1]);
    must(mkdtemp(folder) ? 0 : -1, folder);
    int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(dir_fd, folder);
    char *real = realpath(folder, NULL);
    must(real && asprintf(&path, "%s/**", real) > 0 ? 0 : -1, folder);
    free(real);
    files(dir_fd, n, true);
    /* One process, which has nothing open: what others have is another matter. */
    must(mkdirat(dir_fd, "proc", 0755), "proc");
    must(mkdirat(dir_fd, "proc/1", 0755), "proc");
    must(mkdirat(dir_fd, "proc/1/fd", 0755), "proc");
    close(openat(dir_fd, "proc/1/maps", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));

    for (int round = 0; round < 3; round++) {
        EvictTask task = {
            .root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
            .proc_fd = openat(dir_fd, "proc", O_PATH | O_DIRECTORY | O_CLOEXEC),
            .cgroup_fd = -1,
            .path = strdup(path),
            .idle_usec = 120 * USEC_PER_SEC,
            .bounds = EVICT_WHOLE_FILE,
            .table = idle_table_new(),
        };
        EvictJob *ej = evict_job_new(&task);
        EvictLook look = { .every_usec = 30 * USEC_PER_SEC, .much = 1 };

        must(ej ? 0 : -1, "memory");
        ej->job.run(&ej->job);
        errno = -ej->error;
        must(ej->error, "look");
        uint64_t rest = evict_rest(ej->cpu_usec, EVICT_CPU_PPM);
        printf("%u files: %llu ms of one core, %.2f us a file; next look in %.0f s\n", n,
               (unsigned long long)(ej->cpu_usec / USEC_PER_MSEC), (double)ej->cpu_usec / n,
               (double)max_u64(evict_interval(&look), rest) / USEC_PER_SEC);
        ej->job.destroy(&ej->job);
    }
    files(dir_fd, n, false);
    (void)unlinkat(dir_fd, "proc/1/maps", 0);
    (void)unlinkat(dir_fd, "proc/1/fd", AT_REMOVEDIR);
    (void)unlinkat(dir_fd, "proc/1", AT_REMOVEDIR);
    (void)unlinkat(dir_fd, "proc", AT_REMOVEDIR);
    (void)rmdir(folder);
    free(path);
    return 0;
}
