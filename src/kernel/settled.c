/* SPDX-License-Identifier: MIT */
/* A page becomes dirty by write(2), or by the first write to a mapping since it was clean: both set
 * ctime, which nobody can set back. From then on it takes vm.dirty_expire_centisecs, and the round
 * of the kernel's flusher that comes after that, until it is written. */
#include "kernel/settled.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel/residency.h"
#include "util/cleanup.h"
#include "util/io.h"
#include "util/parse.h"
#include "util/units.h"

#define CENTISECOND (10 * USEC_PER_MSEC)
#define ROUNDS      2 /* of the flusher: one to begin, one for the disk */

bool is_settled(uint64_t changed_usec, uint64_t now_usec, uint64_t expire, uint64_t every)
{
    if (every == 0) /* no flusher */
        return false;
    uint64_t takes = mul_u64(add_u64(expire, mul_u64(ROUNDS, every)), CENTISECOND);
    return sub_u64(now_usec, changed_usec) > takes;
}

static bool read_setting(const char *name, uint64_t *ret)
{
    CLEANUP_CLOSE int folder = open("/proc/sys/vm", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char text[32];

    if (folder < 0 || read_file_at(folder, name, text, sizeof text) < 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return parse_u64(text, ret) >= 0;
}

static uint64_t usec_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * USEC_PER_SEC + (uint64_t)time->tv_nsec / NSEC_PER_USEC;
}

bool file_is_settled(int fd)
{
    uint64_t expire, every;
    struct timespec now;
    struct stat st;

    return read_setting("dirty_expire_centisecs", &expire) &&
           read_setting("dirty_writeback_centisecs", &every) && fstat(fd, &st) >= 0 &&
           clock_gettime(CLOCK_REALTIME, &now) >= 0 &&
           is_settled(usec_of(&st.st_ctim), usec_of(&now), expire, every);
}

bool file_may_be_dirty(int fd)
{
    Residency residency;
    struct stat st;

    if (fstat(fd, &st) < 0 || residency_of(fd, (uint64_t)st.st_size, &residency) < 0)
        return true;
    return residency.has_counters ? residency.dirty + residency.writeback > 0
                                  : !file_is_settled(fd);
}
