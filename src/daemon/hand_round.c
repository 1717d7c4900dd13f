/* SPDX-License-Identifier: MIT */
/* All files that are pinned by hand, looked at where they stood when they were pinned, a batch at a
 * time (hand_check.h). */

#include "daemon/hand_round.h"

#include "daemon/hand_away.h"
#include "kernel/mounts.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"

static void on_checked_file(Hand *h, HandCheck *check, size_t i)
{
    HandFile *file = hand_find(h, check->list.files[i].dev, check->list.files[i].ino);

    if (!file || file->let_go || hand_is_away(file) || !file->path)
        return;
    file->error = 0;
    if (hand_check_is_gone(check, i)) {
        log_info("%s: %s is no longer there, letting it go", h->label, file->path);
        hand_let_go(h, file);
        return;
    }
    uint64_t size = check->list.files[i].size;
    if (check->fds[i] < 0 || size == file->length)
        return;
    file->renew = size < file->length;
    h->releases |= file->renew;
    file->size = size;
    if (size > 0)
        hand_set_fd(h, file, TAKE_FD(check->fds[i]));
}

static void on_checked(Job *job, void *owner)
{
    HandCheck *check = (HandCheck *)job;
    Hand *h = owner;

    h->check = NULL;
    for (size_t i = 0; i < check->list.n_files; i++)
        on_checked_file(h, check, i);
    STRV_FOREACH (mount, check->mounts)
        if (!strv_has(h->next_mounts, *mount))
            (void)strv_append(&h->next_mounts, *mount);
    const SelectedFile *last = &check->list.files[check->list.n_files - 1];
    h->check_at = (HandId){ last->dev, last->ino };
    hand_round(h);
}

/* The next batch; after the last one the round is over. */
void hand_round(Hand *h)
{
    HandFile *file = hand_find(h, h->check_at.dev, h->check_at.ino);
    HandCheck *check = hand_check_new(h->host, on_checked, h);

    file = file ? file->hh.next : h->check_at.ino == 0 ? h->files : NULL;
    for (; check && file; file = file->hh.next)
        if (file->path && !file->let_go && !hand_is_away(file) &&
            !hand_check_add(check, file->path, file->id.dev, file->id.ino))
            break;
    if (!check || check->list.n_files == 0) {
        hand_check_free(check);
        h->check_at = (HandId){ 0 };
        h->round_ended(h);
        return;
    }
    h->check = check;
    h->check_began_usec = now_usec();
    jobs_submit(h->host->pin_jobs, &check->job);
}
