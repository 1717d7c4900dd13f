/* SPDX-License-Identifier: MIT */
/* `inspect --by-cgroup`: whom each file's pages are charged to. For root, and page by page. */
#include "cli/inspect-owners.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/owners-report.h"
#include "cli/paths.h"

typedef struct OwnersCommand {
    NamedPaths paths;
    PageTables tables;
    OwnersReport report;
} OwnersCommand;

static int on_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    cleanup(page_owners_clear) PageOwners owners = { 0 };
    OwnersCommand *command = userdata;

    int r = page_owners_add(&command->tables, *fd, (uint64_t)st->st_size, &owners);
    if (r >= 0)
        return owners_report_add(&command->report, path, &owners);
    if (r == -ENOMEM)
        return r;
    named_paths_complain(&command->paths, path, "the kernel does not tell whose pages it has", -r);
    command->paths.failed = true;
    return 0;
}

/* Complains. */
static int open_all(OwnersCommand *command)
{
    CLEANUP_CLOSE int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int root_fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    int r = page_tables_open(proc_fd, &command->tables);
    if (r == -EPERM || r == -EACCES)
        complain("inspect: only root may see which control groups pages are charged to");
    else if (r < 0)
        complain("inspect: this kernel does not tell which control groups pages are charged to");
    if (r < 0)
        return r;
    r = root_fd < 0 ? -ENOENT : cgroup_names_read(root_fd, &command->report.names);
    if (r < 0 && r != -ENOMEM)
        complain("/sys/fs/cgroup: %s", strerror(-r));
    if (r < 0)
        page_tables_close(&command->tables);
    return r;
}

ExitCode inspect_owners(char *const paths[], const OutputOptions *options)
{
    OwnersCommand command = {
        .paths = { .unicode = options->unicode, .file = on_file },
    };

    command.paths.userdata = &command;
    command.paths.progress = progress_new();
    int r = open_all(&command);
    if (r >= 0) {
        r = named_paths_walk(&command.paths, paths);
        page_tables_close(&command.tables);
        if (r >= 0)
            r = owners_report_render(&command.report, stdout, options);
    }
    if (r == -ENOMEM)
        complain("out of memory");
    owners_report_clear(&command.report);
    return r < 0 || command.paths.failed ? EXIT_FAILED : EXIT_OK;
}
