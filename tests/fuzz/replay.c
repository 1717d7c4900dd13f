/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over the files of its corpus. A corpus that is empty is a failure: nothing
 * would have been tested. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "util/cleanup.h"

#define INPUT_MAX (4u << 20)

static int replay_file(int dir_fd, const char *name)
{
    CLEANUP_FREE uint8_t *data = malloc(INPUT_MAX);
    CLEANUP_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 && data ? read(fd, data, INPUT_MAX) : -1;
    if (n < 0) {
        perror(name);
        return -1;
    }

    /* In a block of just its size, so that AddressSanitizer sees a step behind it. */
    CLEANUP_FREE uint8_t *exact = malloc((size_t)n + !n);
    if (!exact)
        return -1;
    memcpy(exact, data, (size_t)n);
    printf("%s: %zd bytes\n", name, n);
    fflush(stdout);
    return LLVMFuzzerTestOneInput(exact, (size_t)n);
}

int main(int argc, char *argv[])
{
    unsigned replayed = 0;

    for (int i = 1; i < argc; i++) {
        cleanup(closedirp) DIR *dir = opendir(argv[i]);
        if (!dir) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry; (entry = readdir(dir));) {
            if (entry->d_name[0] == '.')
                continue;
            if (replay_file(dirfd(dir), entry->d_name) != 0)
                return 1;
            replayed++;
        }
    }
    printf("%u inputs\n", replayed);
    return replayed == 0;
}
