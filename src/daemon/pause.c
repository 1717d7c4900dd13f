/* SPDX-License-Identifier: MIT */
#include "daemon/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/io.h"

bool pause_is_on(int runtime_fd)
{
    return faccessat(runtime_fd, PAUSE_NAME, F_OK, 0) >= 0;
}

int pause_set(int runtime_fd, bool on)
{
    if (on)
        return replace_file_at(runtime_fd, PAUSE_NAME, "", 0, 0644);
    return unlinkat(runtime_fd, PAUSE_NAME, 0) < 0 && errno != ENOENT ? -errno : 0;
}
