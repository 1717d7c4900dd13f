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

static int ask(const Evicting *e, const ResidentPart *part, uint64_t *written)
{
    const Residency *residency = &part->residency;
    uint64_t dirty = residency->has_counters ? residency->dirty : residency->resident;

    if (dirty == 0)
        return pace_is_cancelled(e->pace) ? -ECANCELED : 0;
    int r = pace_wait(e->pace, dirty);
    if (r < 0)
        return r;
    if (sync_file_range(e->fd, (off_t)part->begin, (off_t)(part->end - part->begin),
                        SYNC_FILE_RANGE_WRITE) < 0)
        return -errno;
    *written += residency->has_counters ? dirty : 0;
    return 0;
}

/* Until nothing is on its way; where the kernel does not tell, FIEMAP waits. A disk that takes
 * something now and then is only slow. What was waited for in vain before a cancellation counts: a
 * hung disk would be waited for anew each time. */
static int wait_written(const Evicting *e, uint64_t patience_usec)
{
    uint64_t least = UINT64_MAX, vain = e->pace->vain_usec, since = now_usec();
    Residency residency;
    int r;

    for (;;) {
        r = residency_of_range(e->fd, e->begin, e->end - e->begin, &residency);
        if (r < 0 || residency.writeback == 0)
            break;
        if (residency.writeback < least && least != UINT64_MAX) {
            vain = 0;
            since = now_usec();
        }
        least = min_u64(least, residency.writeback);
        if (pace_is_cancelled(e->pace)) {
            e->pace->vain_usec = vain + (now_usec() - since);
            return -ECANCELED;
        }
        if (vain + (now_usec() - since) >= patience_usec) {
            r = -ETIMEDOUT;
            break;
        }
        pace_nap(POLL_USEC);
    }
    e->pace->vain_usec = 0;
    return r;
}

/* Of the whole file, whatever the range: one page, so that no extents are counted in vain. */
int evict_check_written(int fd)
{
    struct fiemap map = { .fm_length = 1, .fm_flags = FIEMAP_FLAG_SYNC };

    if (ioctl(fd, FS_IOC_FIEMAP, &map) >= 0)
        return 0;
    return errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL || errno == EBADR ? 0 : -errno;
}

int evict_write_begin(const Evicting *e, uint64_t *written)
{
    ResidentPart part = { .end = e->begin };
    int r = 0;

    while (part.end < e->end && r >= 0) {
        r = residency_seek(e->fd, part.end, e->end, SLICE, &part);
        if (r >= 0 && part.begin < part.end)
            r = ask(e, &part, written);
    }
    return r;
}

int evict_write_back(const Evicting *e, uint64_t patience_usec, uint64_t *written)
{
    int r = evict_write_begin(e, written);
    return r < 0 ? r : wait_written(e, patience_usec);
}
