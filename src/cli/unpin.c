/* SPDX-License-Identifier: MIT */
/* `pagewarden unpin`: lets go what was pinned by hand. A file is known by its device and inode,
 * whatever it is called now; one that is gone, by the name it had. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/by-hand.h"
#include "cli/cli.h"
#include "cli/paths.h"
#include "cli/text.h"
#include "util/array.h"

typedef struct UnpinCommand {
    bool unicode;
    bool all, recursive;
    char *unit;

    NamedPaths walk;
    BusUnpinFile *files;
    size_t n_files, room;
    bool failed;
} UnpinCommand;

/* Takes @path over. */
static int add(UnpinCommand *unpin, char *path, const struct stat *st)
{
    if (!path || ARRAY_RESERVE(unpin->files, unpin->n_files, unpin->room) < 0) {
        free(path);
        return -ENOMEM;
    }
    unpin->files[unpin->n_files++] = (BusUnpinFile){
        .dev = st ? st->st_dev : 0,
        .ino = st ? st->st_ino : 0,
        .path = path,
    };
    return 0;
}

static int on_file(const char *path, int *fd, const struct stat *st, void *userdata)
{
    return add(userdata, strdup(path), st);
}

/* The name that it was pinned by, as far as that is still known. */
static char *absolute(const char *path)
{
    CLEANUP_FREE char *here = path[0] == '/' ? strdup("") : getcwd(NULL, 0);
    char *whole;

    if (path[0] == '.' && path[1] == '/')
        path += 2;
    if (!here || asprintf(&whole, "%s%s%s", here, path[0] == '/' ? "" : "/", path) < 0)
        return NULL;
    return whole;
}

static int add_named(UnpinCommand *unpin, char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return add(unpin, absolute(path), NULL);
    if (!S_ISDIR(st.st_mode))
        return add(unpin, strdup(path), &st);
    return named_paths_walk(&unpin->walk, (char *[]){ path, NULL });
}

static void on_unknown(const char *path, void *userdata)
{
    UnpinCommand *unpin = userdata;
    CLEANUP_FREE char *shown = escape_text(path, unpin->unicode);

    if (unpin->recursive) /* of a folder, those that are */
        return;
    complain("%s: is not pinned by hand%s%s", shown ? shown : "out of memory",
             unpin->unit ? " for " : "", unpin->unit ?: "");
    unpin->failed = true;
}

static ExitCode unpin_all(UnpinCommand *unpin)
{
    cleanup(manager_bus_closep) ManagerBus *bus = NULL;
    CLEANUP_FREE char *error = NULL;
    BusUnpin call = {
        .unit = unpin->unit,
        .all = unpin->all,
        .files = unpin->files,
        .n_files = unpin->n_files,
        .unknown = on_unknown,
        .userdata = unpin,
    };
    uint64_t n = 0;

    int r = manager_bus_open(&bus, &error);
    if (r >= 0)
        r = manager_bus_unpin(bus, &call, &n, &error);
    if (r < 0) {
        complain_lines(error);
        return EXIT_FAILED;
    }
    printf("%ju file%s no longer pinned by hand\n", (uintmax_t)n, plural(n));
    return unpin->failed || unpin->walk.failed ? EXIT_FAILED : EXIT_OK;
}

static void help(void)
{
    printf("pagewarden unpin [OPTION…] FILE…\n\n"
           "Lets go what `pin` keeps in memory; what policies pin stays.\n\n"
           "      --all          all that was pinned by hand\n"
           "      --unit=UNIT    only what was pinned for this unit; without FILE all of that\n"
           "  -r, --recursive    of folders, all files in them\n"
           "  -h, --help         show this\n");
}

static bool parse(int argc, char *argv[], UnpinCommand *unpin, ExitCode *ret_code)
{
    enum { OPT_ALL = 256, OPT_UNIT };
    static const struct option longs[] = {
        { "all", no_argument, NULL, OPT_ALL },
        { "unit", required_argument, NULL, OPT_UNIT },
        { "recursive", no_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };

    *ret_code = EXIT_USAGE;
    for (int c; (c = next_option(argv[0], argc, argv, "rh", longs)) >= 0;)
        switch (c) {
        case OPT_ALL:
            unpin->all = true;
            break;
        case OPT_UNIT:
            if (!unit_name_parse("unpin", optarg, &unpin->unit))
                return false;
            break;
        case 'r':
            unpin->recursive = true;
            break;
        case 'h':
            help();
            *ret_code = EXIT_OK;
            return false;
        default:
            return false;
        }
    if (unpin->all && optind < argc) {
        complain("unpin: --all takes no files");
        return false;
    }
    if (optind >= argc && !unpin->all && !unpin->unit) {
        complain("unpin: which files? (--all: all)");
        return false;
    }
    unpin->all = optind >= argc;
    return true;
}

ExitCode verb_unpin(int argc, char *argv[])
{
    UnpinCommand unpin = { .unicode = locale_is_unicode() };
    ExitCode code;
    int r = 0;

    if (parse(argc, argv, &unpin, &code)) {
        unpin.walk = (NamedPaths){
            .unicode = unpin.unicode,
            .files_only = !unpin.recursive,
            .file = on_file,
            .userdata = &unpin,
        };
        for (char **path = argv + optind; *path && r >= 0; path++)
            r = add_named(&unpin, *path);
        if (r == -ENOMEM)
            complain("out of memory");
        code = r < 0 ? EXIT_FAILED : unpin_all(&unpin);
    }
    for (size_t i = 0; i < unpin.n_files; i++)
        free(unpin.files[i].path);
    free(unpin.files);
    free(unpin.unit);
    return code;
}
