/* SPDX-License-Identifier: MIT */
/* only-reads COMMAND…: runs it and kills it (SIGSYS) when it would change anything: a file, what is
 * in memory of one, or another process. Its standard output and error are its to write to. The
 * flags of openat2() cannot be looked at; what is then written can. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

#define LOAD(field)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(nr, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, (n))
#define ALLOW         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define NEVER(nr)     UNLESS(nr, 1), KILL
#define NOT_WITH(nr, i,                                                                      \
                 bits) /* in argument @i, of which little-endian has the lower half first */ \
    UNLESS(nr, 4), LOAD(args[i]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), KILL, ALLOW
#define NOT_ABOVE(nr, i, value) \
    UNLESS(nr, 4), LOAD(args[i]), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (value), 0, 1), KILL, ALLOW

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the halves of arguments stand the other way round"
#endif

static struct sock_filter code[] = {
    LOAD(nr),
    NOT_WITH(__NR_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC),
    NOT_WITH(__NR_mmap, 3, MAP_LOCKED | MAP_POPULATE),
    NOT_ABOVE(__NR_write, 0, STDERR_FILENO),
    NOT_ABOVE(__NR_writev, 0, STDERR_FILENO),
#ifdef __NR_open
    NEVER(__NR_open),
    NEVER(__NR_creat),
    NEVER(__NR_unlink),
    NEVER(__NR_rename),
    NEVER(__NR_mkdir),
#endif
    NEVER(__NR_unlinkat),
    NEVER(__NR_renameat2),
    NEVER(__NR_mkdirat),
    NEVER(__NR_linkat),
    NEVER(__NR_symlinkat),
    NEVER(__NR_ftruncate),
    NEVER(__NR_fchmod),
    NEVER(__NR_fchown),
    NEVER(__NR_utimensat),
    NEVER(__NR_pwrite64),
    NEVER(__NR_fadvise64),
    NEVER(__NR_readahead),
    NEVER(__NR_sync_file_range),
    NEVER(__NR_fsync),
    NEVER(__NR_mlock),
    NEVER(__NR_mlock2),
    NEVER(__NR_mlockall),
    NEVER(__NR_madvise),
    NEVER(__NR_process_madvise),
    NEVER(__NR_kill),
    NEVER(__NR_connect),
    ALLOW,
};

int main(int argc, char *argv[])
{
    const struct sock_fprog program = { ELEMENTS(code), code };

    if (argc < 2)
        return 99;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        perror("seccomp");
        return 99;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 99;
}
