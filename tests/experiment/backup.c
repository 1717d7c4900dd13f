/* SPDX-License-Identifier: MIT */

/* The neighbour of the experiment: reads every file below a folder once, through the page cache, in
 * blocks of 128 KiB, one file after another, as tar and cp do. It advises the kernel of nothing and
 * keeps nothing: what it leaves behind is the pages it read. */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

#define BLOCK         (128 * KIB)
#define PROGRESS_STEP (8 * MIB) /* fine enough for a bar, and no load */
#define PASSES_MAX    1000U
#define OPEN_DIRS     16 /* nftw's descriptors; deeper trees are walked all the same */

/* nftw() hands its callback no context, so what it counts lives here. */
static struct {
    uint64_t bytes;
    uint64_t files;
    uint64_t told;  /* bytes at the last progress */
    uint64_t limit; /* ends after so many; 0: the whole folder */
    int progress_fd;
} backup = { .progress_fd = -1 };

static void tell_progress(void)
{
    char text[24];
    if (backup.progress_fd < 0 || backup.bytes - backup.told < PROGRESS_STEP)
        return;
    backup.told = backup.bytes;
    /* The number only grows, so it always covers the one before. */
    int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", backup.bytes);
    if (pwrite(backup.progress_fd, text, (size_t)n, 0) != n)
        warn("progress");
}

static bool at_limit(void)
{
    return backup.limit > 0 && backup.bytes >= backup.limit;
}

static int stream_file(const char *path, const struct stat *st, int type, struct FTW *where)
{
    static char buffer[BLOCK];
    CLEANUP_CLOSE int fd = -1;

    if (type == FTW_DNR || type == FTW_NS)
        errx(EXIT_FAILURE, "%s: cannot be read", path);
    if (type != FTW_F || !S_ISREG(st->st_mode) || at_limit())
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        err(EXIT_FAILURE, "%s", path);
    backup.files++;
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n < 0)
            err(EXIT_FAILURE, "%s", path);
        if (n == 0 || at_limit())
            return 0;
        backup.bytes += (uint64_t)n;
        tell_progress();
    }
}

static void write_report(const char *file, double seconds)
{
    char text[128];
    int n = snprintf(text, sizeof(text),
                     "{\"bytes\":%" PRIu64 ",\"files\":%" PRIu64 ",\"seconds\":%.3f}\n",
                     backup.bytes, backup.files, seconds);

    if (!file) {
        fputs(text, stdout);
        return;
    }
    int r = replace_file_at(AT_FDCWD, file, text, (size_t)n, 0644);
    if (r < 0) {
        errno = -r;
        err(EXIT_FAILURE, "%s", file);
    }
}

static const char help[] =
    "Usage: backup [OPTION…] FOLDER\n"
    "Reads every file below FOLDER through the page cache and reports, as JSON, the bytes and the\n"
    "seconds it took.\n"
    "\n"
    "      --passes N        so often (1)\n"
    "      --mib N           end after N MiB (0: all)\n"
    "      --report FILE     where the report goes (standard output)\n"
    "      --progress FILE   keep the number of bytes read so far in FILE\n";

int main(int argc, char **argv)
{
    static const struct option table[] = {
        { "passes", required_argument, NULL, 'p' }, { "mib", required_argument, NULL, 'm' },
        { "report", required_argument, NULL, 'o' }, { "progress", required_argument, NULL, 'P' },
        { "help", no_argument, NULL, 'h' },         {}
    };
    const char *report = NULL;
    uint64_t passes = 1;
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
        switch (c) {
        case 'p':
            if (parse_u64(optarg, &passes) < 0 || passes < 1 || passes > PASSES_MAX)
                errx(EXIT_FAILURE, "--passes %s: not a number from 1 to %u", optarg, PASSES_MAX);
            break;
        case 'm':
            if (parse_u64(optarg, &backup.limit) < 0 || backup.limit > UINT64_MAX / MIB)
                errx(EXIT_FAILURE, "--mib %s: not a number of MiB", optarg);
            backup.limit *= MIB;
            break;
        case 'o':
            report = optarg;
            break;
        case 'P':
            backup.progress_fd = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
            if (backup.progress_fd < 0)
                err(EXIT_FAILURE, "%s", optarg);
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_SUCCESS;
        default:
            return EXIT_FAILURE;
        }
    if (optind + 1 != argc)
        errx(EXIT_FAILURE, "exactly one folder is needed; see --help");

    uint64_t begin = now_usec();
    for (uint64_t pass = 0; pass < passes; pass++)
        if (nftw(argv[optind], stream_file, OPEN_DIRS, FTW_PHYS) < 0)
            err(EXIT_FAILURE, "%s", argv[optind]);
    if (backup.files == 0)
        errx(EXIT_FAILURE, "%s: no files in it", argv[optind]);
    write_report(report, (double)(now_usec() - begin) / (double)USEC_PER_SEC);
    return EXIT_SUCCESS;
}
