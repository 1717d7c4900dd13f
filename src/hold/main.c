/* SPDX-License-Identifier: MIT */
/* pagewarden-hold: keeps files locked in memory for one service. It needs no file system, no
 * network and no privilege but CAP_IPC_LOCK; files come as descriptors over the socket that is its
 * standard input. */

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "config.h"
#include "hold/fill.h"
#include "hold/serve.h"
#include "util/parse.h"

static int usage(FILE *out)
{
    fputs("Usage: pagewarden-hold [--mappings=N]\n\n"
          "Keeps files locked in memory for a service. Started by pagewardend(8) with a listening\n"
          "socket as its standard input; not to be run by hand.\n\n"
          "  -m, --mappings=N  mappings of files that one process takes (default: 60000)\n"
          "  -h, --help        show this\n"
          "      --version     show the version\n",
          out);
    return out == stdout ? EXIT_SUCCESS : 2;
}

static bool is_socket(bool listening)
{
    int type = 0, accepts = 0;
    socklen_t size = sizeof(int);

    return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) >= 0 &&
           type == SOCK_SEQPACKET &&
           getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) >= 0 &&
           accepts == listening;
}

static int not_by_hand(const char *what)
{
    fprintf(stderr,
            "pagewarden-hold: standard input is not a %s socket; pagewardend(8) starts this\n",
            what);
    return 2;
}

/* So that what the kernel takes when memory is short is not the holder itself: letting go, or
 * answering, must not wait for a disk. Before any file is mapped, and not MCL_FUTURE, which would
 * read and lock every file as soon as it is mapped. */
static void lock_own_memory(void)
{
    if (mlockall(MCL_CURRENT) < 0)
        fprintf(stderr, "pagewarden-hold: cannot lock its own memory: %s, ignoring\n",
                strerror(errno));
}

static int fail(int error)
{
    fprintf(stderr, "pagewarden-hold: %s\n", strerror(-error));
    return EXIT_FAILURE;
}

/* A process that a holder started, because it has itself as many files as it can have. */
static int be_shard(size_t mappings)
{
    cleanup(shards_freep) Shards *shards = NULL;

    /* The end of the socket says it too, but not in the middle of reading a file. */
    int r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
    if (r >= 0 && !is_socket(false))
        return not_by_hand("connected");
    if (r >= 0) {
        lock_own_memory();
        r = shards_new(mappings, false, &shards);
    }
    while (r >= 0) {
        r = hold_serve_one(STDIN_FILENO, shards);
        if (r == 0)
            return EXIT_SUCCESS;
    }
    return fail(r);
}

/* A process that the controller put into the control group of a service, to read for it. */
static int be_filler(void)
{
    int r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
    if (r >= 0 && !is_socket(false))
        return not_by_hand("connected");
    if (r >= 0)
        r = fill_serve(STDIN_FILENO);
    return r < 0 ? fail(r) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "mappings", required_argument, NULL, 'm' }, { "shard", no_argument, NULL, 's' },
        { "fill", no_argument, NULL, 'f' },           { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },        { 0 },
    };
    uint64_t mappings = SHARD_MAPPINGS;

    for (int c; (c = getopt_long(argc, argv, "m:h", options, NULL)) >= 0;)
        switch (c) {
        case 'm':
            if (parse_u64(optarg, &mappings) < 0 || mappings == 0 || mappings > UINT32_MAX) {
                fprintf(stderr, "pagewarden-hold: --mappings=%s: not a number of mappings\n",
                        optarg);
                return 2;
            }
            break;
        case 's':
            return be_shard(mappings);
        case 'f':
            return be_filler();
        case 'h':
            return usage(stdout);
        case 'v':
            puts("pagewarden-hold " PAGEWARDEN_VERSION);
            return EXIT_SUCCESS;
        default:
            return usage(stderr);
        }
    if (optind < argc)
        return usage(stderr);
    if (!is_socket(true))
        return not_by_hand("listening");

    lock_own_memory();
    cleanup(shards_freep) Shards *shards = NULL;
    int r = shards_new(mappings, true, &shards);
    if (r >= 0)
        r = hold_serve(STDIN_FILENO, 0, shards);
    return fail(r);
}
