/* SPDX-License-Identifier: MIT */
/* On Linux both priorities belong to the thread, whatever their documentation says of processes,
 * and lowering them needs no privilege. */
#include "kernel/gentle.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <linux/ioprio.h> has the classes only from 5.15's headers on. */
#define IOPRIO_WHO_SELF   1
#define IOPRIO_IDLE_CLASS (3 << 13)

#define NICE 10 /* a tenth of a core beside one that is busy */

void gentle_thread(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    (void)syscall(__NR_ioprio_set, IOPRIO_WHO_SELF, 0, IOPRIO_IDLE_CLASS);
}
