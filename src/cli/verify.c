/* SPDX-License-Identifier: MIT */
/* `pagewarden verify`: what the daemon would say of a policy, said before it sees it. Reads the
 * files and nothing else, so it works without a daemon, without a cgroup, and as anybody. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "policy/decode.h"
#include "policy/reader.h"
#include "util/io.h"
#include "util/log.h"

#define STDIN_LABEL "<stdin>"

/* Memory of this machine in bytes: what shares are of, and budgets are held against. */
static uint64_t ram_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

/* Standard input may be a pipe, which has no beginning to go back to. Errors as read_file_alloc().
 */
static int read_stdin(size_t max, char **ret_text, size_t *ret_size)
{
    CLEANUP_FREE char *text = malloc(max + 2);
    size_t done = 0;
    if (!text)
        return -ENOMEM;

    for (;;) {
        ssize_t n = read(STDIN_FILENO, text + done, max + 1 - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
        if (done > max)
            return -E2BIG;
    }
    text[done] = '\0';
    *ret_text = TAKE_PTR(text);
    *ret_size = done;
    return 0;
}

static const char *explain_read_error(int r)
{
    switch (-r) {
    case E2BIG:
        return "larger than 1 MiB, which is the most that a policy may have";
    case EISDIR:
        return "is a folder (name the files in it)";
    case EINVAL:
        return "not a regular file";
    default:
        return strerror(-r);
    }
}

/* "shop" of "policies.d/shop.yaml"; to be freed, NULL: out of memory. */
static char *policy_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash ? slash + 1 : file;
    const char *dot = strrchr(base, '.');

    return strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* Says what is wrong with @file on standard error. Returns whether it is good. */
static bool verify_file(const char *file, uint64_t ram, bool unicode)
{
    bool from_stdin = strcmp(file, "-") == 0;
    CLEANUP_FREE char *text = NULL;
    CLEANUP_FREE char *label = escape_text(from_stdin ? STDIN_LABEL : file, unicode);
    CLEANUP_FREE char *name = policy_name(from_stdin ? "stdin" : file);
    cleanup(policy_freep) Policy *policy = NULL;
    Diagnostics diagnostics = { 0 };
    size_t size = 0;

    if (!label || !name) {
        complain("out of memory");
        return false;
    }

    int r = from_stdin ? read_stdin(READER_TEXT_MAX, &text, &size)
                       : read_file_alloc(AT_FDCWD, file, READER_TEXT_MAX, &text, &size);
    if (r < 0) {
        log_error("%s: %s", label, explain_read_error(r));
        return false;
    }

    Source source = { label, text, size };
    r = policy_decode(name, &source, 1, ram, &diagnostics, &policy);
    for (size_t i = 0; i < diagnostics.n_entries; i++) {
        CLEANUP_FREE char *line = diagnostic_format(diagnostics.entries + i, &source);
        CLEANUP_FREE char *shown = line ? escape_text(line, unicode) : NULL;
        log_error("%s", shown ? shown : "out of memory");
    }
    if (r < 0 && r != -EBADMSG)
        log_error("%s: %s", label, strerror(-r));
    diagnostics_clear(&diagnostics);
    return r >= 0;
}

static void help(void)
{
    printf(
        "pagewarden verify FILE…\n\n"
        "Checks policies, without a daemon. Prints nothing when they are good, and every mistake\n"
        "as FILE:LINE:COLUMN: message on standard error when not. FILE may be - for standard\n"
        "input. Shares of memory are of this machine's.\n\n"
        "  -h, --help      show this\n");
}

ExitCode verb_verify(int argc, char *argv[])
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;)
        switch (c) {
        case 'h':
            help();
            return EXIT_OK;
        default:
            return EXIT_USAGE;
        }
    if (optind >= argc) {
        complain("verify: which files?");
        return EXIT_USAGE;
    }

    bool unicode = locale_is_unicode(), good = true;
    uint64_t ram = ram_bytes();
    for (int i = optind; i < argc; i++)
        good = verify_file(argv[i], ram, unicode) && good;
    return good ? EXIT_OK : EXIT_FAILED;
}
