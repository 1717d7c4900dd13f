/* SPDX-License-Identifier: MIT */
/* That a file's pages were written since does not show: a failed write leaves them clean, a later
 * one of the same page leaves them just so. Only when nothing of the file is in memory any more is
 * there nothing to be lost. So neither another write nor an fsync() that went well ends it.
 *
 * The answer to one who asks is lost to the next. So whoever asks says so first, and others wait
 * until his answer is noted; and what was measured to be gone counts only if no answer came
 * meanwhile.
 *
 * A number is another file's where the time of birth is another; file systems without one tell 0.
 * Where there is no room for one more, or no memory, all files of its file system are barred, and
 * where there is no room for that, all files: until the controller is started after a reboot. */
#include "evict/barred.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Out of memory is one file's trouble, not the end of the daemon, as uthash would have it. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "kernel/evict.h"
#include "kernel/residency.h"
#include "kernel/settled.h"
#include "util/io.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/units.h"

#define DEVICES_MAX 16
#define RECORD_MAX  (512 * KIB) /* of lines of 64 bytes at most */

typedef struct FileId {
    uint64_t dev, ino;
} FileId;

typedef struct BarredFile {
    FileId id;
    uint64_t born_nsec; /* 0: nobody knows */
    uint64_t nth;       /* of all answers, the last one about this file */
    bool barred;        /* else it is only being asked about */
    bool asked;         /* by some thread, just now */
    UT_hash_handle hh;
} BarredFile;

struct Barred {
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t answered;
    BarredFile *files;
    size_t n_barred; /* of these */
    uint64_t n_answers;
    uint64_t devices[DEVICES_MAX];
    size_t n_devices;
    bool all;
    atomic_bool any; /* something is barred; looked at without the lock */
    int dir_fd;      /* of the record; -1: none is kept */
    bool told;       /* that it cannot be written */
};

Barred *barred_new(void)
{
    Barred *barred = calloc(1, sizeof(Barred));

    if (!barred)
        return NULL;
    barred->dir_fd = -1;
    pthread_mutex_init(&barred->lock, NULL);
    pthread_cond_init(&barred->answered, NULL);
    return barred;
}

static void forget(Barred *barred, BarredFile *file)
{
    barred->n_barred -= file->barred;
    HASH_DEL(barred->files, file);
    free(file);
}

Barred *barred_free(Barred *barred)
{
    BarredFile *file, *next;

    if (!barred)
        return NULL;
    HASH_ITER (hh, barred->files, file, next)
        forget(barred, file);
    pthread_cond_destroy(&barred->answered);
    pthread_mutex_destroy(&barred->lock);
    free(barred);
    return NULL;
}

static BarredFile *find(const Barred *barred, const FileId *id)
{
    BarredFile *file;

    HASH_FIND(hh, barred->files, id, sizeof(FileId), file);
    return file;
}

/* NULL: out of memory. */
static BarredFile *find_or_add(Barred *barred, const FileId *id)
{
    BarredFile *file = find(barred, id);

    if (file)
        return file;
    file = calloc(1, sizeof(BarredFile));
    if (!file)
        return NULL;
    file->id = *id;
    HASH_ADD(hh, barred->files, id, sizeof(FileId), file);
    if (!file->hh.tbl) {
        free(file);
        return NULL;
    }
    return file;
}

static bool device_is_barred(const Barred *barred, uint64_t dev)
{
    for (size_t i = 0; i < barred->n_devices; i++)
        if (barred->devices[i] == dev)
            return true;
    return barred->all;
}

static void bar_device(Barred *barred, uint64_t dev)
{
    atomic_store(&barred->any, true);
    if (device_is_barred(barred, dev))
        return;
    if (barred->n_devices < DEVICES_MAX)
        barred->devices[barred->n_devices++] = dev;
    else
        barred->all = true;
}

static void bar(Barred *barred, const FileId *id, uint64_t born_nsec)
{
    BarredFile *file = device_is_barred(barred, id->dev) ? NULL : find_or_add(barred, id);

    if (!file || (!file->barred && barred->n_barred == BARRED_MAX)) {
        bar_device(barred, id->dev);
        return;
    }
    barred->n_barred += !file->barred;
    file->barred = true;
    file->born_nsec = born_nsec;
    file->nth = ++barred->n_answers;
    atomic_store(&barred->any, true);
}

/* The record: a line a file, device, inode and time of birth apart by a tab. Of a whole file system
 * the inode is 0, and with all of them the device, too. */

static int print(const Barred *barred, char **ret, size_t *ret_size)
{
    BarredFile *file, *next;

    FILE *out = open_memstream(ret, ret_size);
    if (!out)
        return -ENOMEM;
    if (barred->all)
        fputs("0\t0\t0\n", out);
    for (size_t i = 0; i < barred->n_devices; i++)
        fprintf(out, "%" PRIu64 "\t0\t0\n", barred->devices[i]);
    HASH_ITER (hh, barred->files, file, next)
        if (file->barred)
            fprintf(out, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", file->id.dev, file->id.ino,
                    file->born_nsec);
    return fclose(out) == 0 ? 0 : -ENOMEM;
}

static void save(Barred *barred)
{
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    if (barred->dir_fd < 0)
        return;
    int r = print(barred, &text, &size);
    if (r >= 0)
        r = replace_file_at(barred->dir_fd, BARRED_NAME, text, size, 0644);
    if (r < 0 && !barred->told)
        log_warning("Which files the disk did not take is forgotten at the next start, as it "
                    "cannot be noted: %s",
                    strerror(-r));
    barred->told = r < 0;
}

static int read_line(Barred *barred, char *line)
{
    uint64_t numbers[3];
    char *rest = line;

    for (size_t i = 0; i < ELEMENTS(numbers); i++) {
        const char *field = strsep(&rest, "\t");
        if (!field || parse_u64(field, &numbers[i]) < 0)
            return -EBADMSG;
    }
    if (rest || (numbers[1] == 0 && numbers[2] > 0))
        return -EBADMSG;
    if (numbers[0] == 0 && numbers[1] == 0) {
        barred->all = true;
        atomic_store(&barred->any, true);
    } else if (numbers[1] == 0) {
        bar_device(barred, numbers[0]);
    } else {
        bar(barred, &(FileId){ numbers[0], numbers[1] }, numbers[2]);
    }
    return 0;
}

int barred_read(Barred *barred, int dir_fd, size_t *ret_bad)
{
    CLEANUP_FREE char *text = NULL;
    size_t size, bad = 0;

    int r = read_file_alloc(dir_fd, BARRED_NAME, RECORD_MAX, &text, &size);
    if (r < 0 && r != -ENOENT)
        return r;
    char *rest = text;
    pthread_mutex_lock(&barred->lock);
    for (char *line; (line = strsep(&rest, "\n"));)
        bad += *line && read_line(barred, line) < 0;
    pthread_mutex_unlock(&barred->lock);
    if (ret_bad)
        *ret_bad = bad;
    return 0;
}

void barred_keep(Barred *barred, int dir_fd)
{
    pthread_mutex_lock(&barred->lock);
    barred->dir_fd = dir_fd;
    pthread_mutex_unlock(&barred->lock);
}

/* Which file it is */

static int identify(int fd, FileId *ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    *ret = (FileId){ st.st_dev, st.st_ino };
    return 0;
}

static uint64_t born_nsec(int fd)
{
    struct statx stx;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BTIME, &stx) < 0 ||
        !(stx.stx_mask & STATX_BTIME))
        return 0;
    return (uint64_t)stx.stx_btime.tv_sec * NSEC_PER_SEC + stx.stx_btime.tv_nsec;
}

/* What cannot be measured may be there. */
static bool is_in_memory(int fd)
{
    Residency residency;
    struct stat st;

    return fstat(fd, &st) < 0 || residency_of(fd, (uint64_t)st.st_size, &residency) < 0 ||
           residency.resident > 0;
}

/* Who asks about it just now goes on with it. */
static void unbar(Barred *barred, BarredFile *file)
{
    barred->n_barred--;
    file->barred = false;
    if (!file->asked)
        forget(barred, file);
    save(barred);
}

/* Whether the file that is barred by the answer @nth still is. */
static bool still_holds(Barred *barred, int fd, const FileId *id, uint64_t born, uint64_t nth)
{
    if (born_nsec(fd) == born && is_in_memory(fd))
        return true;
    pthread_mutex_lock(&barred->lock);
    BarredFile *file = find(barred, id);
    bool holds = file && file->barred && file->nth != nth;
    if (file && file->barred && file->nth == nth)
        unbar(barred, file);
    pthread_mutex_unlock(&barred->lock);
    return holds;
}

bool barred_holds(Barred *barred, int fd)
{
    uint64_t born = 0, nth = 0;
    FileId id;

    if (!barred || !atomic_load(&barred->any))
        return false;
    if (identify(fd, &id) < 0)
        return true;
    pthread_mutex_lock(&barred->lock);
    bool whole = device_is_barred(barred, id.dev);
    const BarredFile *file = find(barred, &id);
    bool known = file && file->barred;
    if (known) {
        born = file->born_nsec;
        nth = file->nth;
    }
    pthread_mutex_unlock(&barred->lock);
    return whole || (known && still_holds(barred, fd, &id, born, nth));
}

void barred_add(Barred *barred, int fd)
{
    FileId id;

    if (!barred || identify(fd, &id) < 0)
        return;
    uint64_t born = born_nsec(fd);
    pthread_mutex_lock(&barred->lock);
    bar(barred, &id, born);
    save(barred);
    pthread_mutex_unlock(&barred->lock);
}

bool barred_is_of_the_moment(int error)
{
    return error == -ENOMEM || error == -EINTR || error == -EAGAIN;
}

/* Where writing fails first, what else failed is not told, and forgotten; but then something is
 * dirty. */
static bool is_refused(int fd, int answer)
{
    return answer < 0 && (!barred_is_of_the_moment(answer) || file_may_be_dirty(fd));
}

/* Says that this thread asks about the file. -EIO: it is barred; -ENOMEM. */
static int begin_to_ask(Barred *barred, const FileId *id)
{
    BarredFile *file;

    while ((file = find(barred, id)) && file->asked)
        pthread_cond_wait(&barred->answered, &barred->lock);
    if (device_is_barred(barred, id->dev) || (file && file->barred))
        return -EIO;
    file = find_or_add(barred, id);
    if (!file)
        return -ENOMEM;
    file->asked = true;
    return 0;
}

static void note_answer(Barred *barred, const FileId *id, uint64_t born, bool refused)
{
    BarredFile *file = find(barred, id);

    file->asked = false;
    if (refused) {
        bar(barred, id, born);
        save(barred);
    }
    if (!file->barred)
        forget(barred, file);
    pthread_cond_broadcast(&barred->answered);
}

int barred_ask(Barred *barred, int fd)
{
    FileId id;

    if (!barred)
        return evict_check_written(fd);
    int r = identify(fd, &id);
    if (r < 0)
        return r;
    pthread_mutex_lock(&barred->lock);
    r = begin_to_ask(barred, &id);
    pthread_mutex_unlock(&barred->lock);
    if (r < 0)
        return r;
    r = evict_check_written(fd);
    bool refused = is_refused(fd, r);
    uint64_t born = refused ? born_nsec(fd) : 0;
    pthread_mutex_lock(&barred->lock);
    note_answer(barred, &id, born, refused);
    pthread_mutex_unlock(&barred->lock);
    return r;
}

bool barred_lets_go(Barred *barred, int fd)
{
    return !barred_holds(barred, fd) && !file_may_be_dirty(fd) && barred_ask(barred, fd) >= 0;
}
