/* SPDX-License-Identifier: MIT */

/* A trigger of its own on the memory pressure of a control group that is limited: stall FOLDER
 * STALL-USEC WINDOW-USEC. Prints "armed", and once it has fired, in microseconds, after how long
 * the group's memory.high was above what it was when this armed, after how long it read "max", and
 * for how long some task stalled meanwhile; "-": not within WAIT_USEC. Shares no code with what
 * pagewarden waits with. */

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/io.h"
#include "util/units.h"

#define EVENT_MSEC 15000
#define WAIT_USEC  UINT64_C(10000000)
#define PAUSE_USEC 500

static const char *read_text(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);

    if (n < 0)
        err(1, "cannot be read");
    text[n] = 0;
    return text;
}

/* Bytes; UINT64_MAX for "max". */
static uint64_t read_limit(int fd)
{
    char text[32];

    return strcmp(read_text(fd, text, sizeof text), "max\n") == 0 ? UINT64_MAX
                                                                  : strtoull(text, NULL, 10);
}

/* How long some task was stalled. */
static uint64_t read_total(int fd)
{
    char text[256];
    const char *total = strstr(read_text(fd, text, sizeof text), "total=");

    return total ? strtoull(total + strlen("total="), NULL, 10) : 0;
}

/* A kernel's first event may be for nothing. */
static void wait_for_stall(int pressure, uint64_t stall)
{
    struct pollfd events = { .fd = pressure, .events = POLLPRI };
    uint64_t before = read_total(pressure);

    do {
        if (poll(&events, 1, EVENT_MSEC) != 1 || !(events.revents & POLLPRI))
            errx(1, "it does not stall");
    } while (read_total(pressure) - before < stall);
}

static void print_time(uint64_t usec)
{
    if (usec == WAIT_USEC)
        fputs("- ", stdout);
    else
        printf("%" PRIu64 " ", usec);
}

int main(int argc, char **argv)
{
    char trigger[64];
    uint64_t rose = WAIT_USEC, gone = WAIT_USEC;

    if (argc != 4)
        errx(2, "usage: stall FOLDER STALL-USEC WINDOW-USEC");
    CLEANUP_CLOSE int folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_CLOSE int pressure = openat(folder, "memory.pressure", O_RDWR | O_CLOEXEC);
    CLEANUP_CLOSE int high = openat(folder, "memory.high", O_RDONLY | O_CLOEXEC);
    int n = snprintf(trigger, sizeof trigger, "some %s %s", argv[2], argv[3]);
    if (pressure < 0 || high < 0 || write(pressure, trigger, (size_t)n + 1) < 0)
        err(1, "%s", argv[1]);
    uint64_t before = read_limit(high);
    puts("armed");
    fflush(stdout);

    wait_for_stall(pressure, strtoull(argv[2], NULL, 10));
    uint64_t event = now_usec(), stalled = read_total(pressure);
    while (gone == WAIT_USEC) {
        uint64_t limit = read_limit(high), elapsed = now_usec() - event;
        if (elapsed >= WAIT_USEC)
            break;
        if (limit > before || limit == UINT64_MAX)
            rose = min_u64(rose, elapsed);
        if (limit == UINT64_MAX)
            gone = elapsed;
        else
            usleep(PAUSE_USEC);
    }
    stalled = read_total(pressure) - stalled;
    print_time(rose);
    print_time(gone);
    printf("%" PRIu64 "\n", stalled);
    return 0;
}
