/* SPDX-License-Identifier: MIT */
/* sync_file_range(SYNC_FILE_RANGE_WRITE) asks for slices to be written, in step with the pace; then
 * cachestat is asked until nothing is on its way any more.
 *
 * Surprise: what waits for a write in the usual ways (fsync, the WAIT flags of sync_file_range)
 * also takes the report of an error that nobody has had yet: a service that opens the file later
 * and calls fsync() would hear that all is well. So none of these is used. FIEMAP with
 * FIEMAP_FLAG_SYNC waits as well, and says -EIO from another mark of the kernel's, on which no
 * fsync() depends. File systems without it (vfat) leave errors to the writer's fsync(). */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "kernel/evict.h"
#include "kernel/residency.h"
#include "util/io.h"
#include "util/units.h"

#define SLICE     (8 * MIB) /* a few requests of any disk */
#define POLL_USEC (10 * USEC_PER_MSEC)

static bool is_cancelled(const Evicting *e)
{
    return e->pace->cancelled && atomic_load(e->pace->cancelled);
}

static int ask(const Evicting *e, uint64_t begin, uint64_t length, uint64_t *written)
{
    Residency residency;

    int r = residency_of_range(e->fd, begin, length, &residency);
    if (r < 0)
        return r;
    uint64_t dirty = residency.has_counters ? residency.dirty : residency.resident;
    if (dirty == 0)
        return 0;
    r = pace_wait(e->pace, dirty);
    if (r < 0)
        return r;
    if (sync_file_range(e->fd, (off_t)begin, (off_t)length, SYNC_FILE_RANGE_WRITE) < 0)
        return -errno;
    *written += residency.has_counters ? dirty : 0;
    return 0;
}

/* Until nothing is on its way. Where the kernel does not tell, FIEMAP waits. */
static int wait_written(const Evicting *e, uint64_t patience_usec)
{
    uint64_t until = now_usec() + patience_usec;
    Residency residency;

    for (;;) {
        int r = residency_of_range(e->fd, e->begin, e->end - e->begin, &residency);
        if (r < 0 || residency.writeback == 0 || now_usec() >= until)
            return r;
        if (is_cancelled(e))
            return -ECANCELED;
        pace_nap(POLL_USEC);
    }
}

static int check_written(const Evicting *e)
{
    struct fiemap map = {
        .fm_start = e->begin,
        .fm_length = e->end - e->begin,
        .fm_flags = FIEMAP_FLAG_SYNC,
    };

    if (ioctl(e->fd, FS_IOC_FIEMAP, &map) >= 0)
        return 0;
    return errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL || errno == EBADR ? 0 : -errno;
}

int evict_write_begin(const Evicting *e, uint64_t *written)
{
    int r = 0;

    for (uint64_t at = e->begin; at < e->end && r >= 0; at += SLICE)
        r = ask(e, at, min_u64(SLICE, e->end - at), written);
    return r;
}

int evict_write_back(const Evicting *e, uint64_t patience_usec, uint64_t *written)
{
    int r = evict_write_begin(e, written);
    if (r >= 0)
        r = wait_written(e, patience_usec);
    return r < 0 ? r : check_written(e);
}
