// POSIX functions on files and descriptors, in the place of those of wasi-libc and beside them.
//
// wasi-libc finds a file by searching a list of directories that were opened beforehand, knows no modes
// and no working directory but its own, and lacks half of these functions. Every function of its path and
// descriptor modules that anything refers to is defined here, so that the linker takes none of them.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "layer.h"
#include "locks.h"
#include "../reactor/reactor.h"

static int answer(int result)
{
    if (result < 0) {
        errno = -result;
        return -1;
    }
    return result;
}

// ---- descriptors -------------------------------------------------------------------------------------

ssize_t read(int fd, void *to, size_t length) { return answer(wasmsh_read(fd, to, length)); }

ssize_t write(int fd, const void *from, size_t length)
{
    int result = wasmsh_write(fd, from, length);
    if (result >= 0 && (size_t)result < length) {
        // A signal may have cut it short.
        wasmsh_look_soon();
    }
    return answer(result);
}

ssize_t pread(int fd, void *to, size_t length, off_t offset)
{
    return answer(wasmsh_pread(fd, to, length, offset));
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t offset)
{
    return answer(wasmsh_pwrite(fd, from, length, offset));
}

// A vector is read or written one buffer after the other; a short count ends it, as does an error after
// something was moved.
ssize_t readv(int fd, const struct iovec *vector, int count)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        if (vector[i].iov_len == 0) {
            continue;
        }
        int result = wasmsh_read(fd, vector[i].iov_base, vector[i].iov_len);
        if (result < 0) {
            return total > 0 ? total : answer(result);
        }
        total += result;
        if ((size_t)result < vector[i].iov_len) {
            break;
        }
    }
    return total;
}

ssize_t writev(int fd, const struct iovec *vector, int count)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        if (vector[i].iov_len == 0) {
            continue;
        }
        int result = wasmsh_write(fd, vector[i].iov_base, vector[i].iov_len);
        if (result < 0) {
            return total > 0 ? total : answer(result);
        }
        total += result;
        if ((size_t)result < vector[i].iov_len) {
            break;
        }
    }
    return total;
}

ssize_t preadv(int fd, const struct iovec *vector, int count, off_t offset)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        int result = wasmsh_pread(fd, vector[i].iov_base, vector[i].iov_len, offset + total);
        if (result < 0) {
            return total > 0 ? total : answer(result);
        }
        total += result;
        if ((size_t)result < vector[i].iov_len) {
            break;
        }
    }
    return total;
}

ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        int result = wasmsh_pwrite(fd, vector[i].iov_base, vector[i].iov_len, offset + total);
        if (result < 0) {
            return total > 0 ? total : answer(result);
        }
        total += result;
        if ((size_t)result < vector[i].iov_len) {
            break;
        }
    }
    return total;
}

off_t lseek(int fd, off_t offset, int whence)
{
    int64_t result = wasmsh_seek(fd, offset, whence);
    return result < 0 ? answer((int)result) : result;
}

off_t __lseek(int fd, off_t offset, int whence) { return lseek(fd, offset, whence); }
off_t __wasilibc_tell(int fd) { return lseek(fd, 0, SEEK_CUR); }

int close(int fd)
{
    wasmsh_locks_close(fd);
    return answer(wasmsh_close(fd));
}
int ftruncate(int fd, off_t size) { return answer(wasmsh_ftruncate(fd, size)); }

// The files are in memory: there is nothing to wait for.
int fsync(int fd)
{
    wasmsh_stat_t ignored;
    return answer(wasmsh_fstat(fd, &ignored));
}

int fdatasync(int fd) { return fsync(fd); }
void sync(void) {}
int posix_fadvise(int fd, off_t offset, off_t length, int advice)
{
    (void)offset, (void)length, (void)advice;
    wasmsh_stat_t ignored;
    return -wasmsh_fstat(fd, &ignored);
}

int isatty(int fd)
{
    uint16_t size[2];
    int result = wasmsh_terminal(fd, size);
    if (result < 0) {
        errno = -result;
        return 0;
    }
    return 1;
}

int __isatty(int fd) { return isatty(fd); }

int ttyname_r(int fd, char *to, size_t size)
{
    if (!isatty(fd)) {
        return errno;
    }
    if (size < sizeof "/dev/tty") {
        return ERANGE;
    }
    strcpy(to, "/dev/tty");
    return 0;
}

int dup(int fd) { return answer(wasmsh_fcntl(fd, F_DUPFD, 0)); }
int dup2(int fd, int to) { return answer(wasmsh_dup2(fd, to)); }

int dup3(int fd, int to, int how)
{
    if (fd == to) {
        errno = EINVAL;
        return -1;
    }
    int result = dup2(fd, to);
    if (result >= 0 && (how & O_CLOEXEC)) {
        wasmsh_fcntl(to, F_SETFD, FD_CLOEXEC);
    }
    return result;
}

int pipe(int ends[2]) { return answer(wasmsh_pipe(ends)); }

int pipe2(int ends[2], int how)
{
    int result = pipe(ends);
    for (int end = 0; result == 0 && end < 2; end++) {
        if (how & O_NONBLOCK) {
            wasmsh_fcntl(ends[end], F_SETFL, O_NONBLOCK);
        }
        if (how & O_CLOEXEC) {
            wasmsh_fcntl(ends[end], F_SETFD, FD_CLOEXEC);
        }
    }
    return result;
}

int fcntl(int fd, int what, ...)
{
    va_list rest;
    va_start(rest, what);
    // Pointers are as wide as numbers.
    int argument = va_arg(rest, int);
    va_end(rest);
    if (what == F_SETLK || what == F_SETLKW || what == F_GETLK) {
        int result = wasmsh_lock(fd, what, (struct flock *)argument);
        while (what == F_SETLKW && result == -EAGAIN) {
            // Nothing tells when the folder is gone.
            struct timespec pause = {.tv_nsec = 5000000};
            if (nanosleep(&pause, NULL) < 0) {
                return -1;
            }
            result = wasmsh_lock(fd, what, (struct flock *)argument);
        }
        return answer(result);
    }
    return answer(wasmsh_fcntl(fd, what, argument));
}

int ioctl(int fd, int what, ...)
{
    va_list rest;
    va_start(rest, what);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (what == TIOCGWINSZ) {
        uint16_t size[2];
        int result = wasmsh_terminal(fd, size);
        if (result == 0) {
            *(struct winsize *)argument = (struct winsize){.ws_row = size[1], .ws_col = size[0]};
        }
        return answer(result);
    }
    if (what == FIONBIO) {
        int flags = wasmsh_fcntl(fd, F_GETFL, 0);
        if (flags >= 0) {
            flags = wasmsh_fcntl(fd, F_SETFL, *(int *)argument ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
        }
        return answer(flags);
    }
    errno = ENOTTY;
    return -1;
}

static int poll_for(struct pollfd *entries, nfds_t count, int64_t timeout)
{
    wasmsh_interest few[16], *interests = few;
    if (count > sizeof few / sizeof *few) {
        interests = calloc(count, sizeof *interests);
        if (interests == NULL) {
            errno = ENOMEM;
            return -1;
        }
    }
    for (nfds_t i = 0; i < count; i++) {
        interests[i].descriptor = entries[i].fd;
        interests[i].wanted = (entries[i].events & POLLIN ? WASMSH_READ : 0)
            | (entries[i].events & POLLOUT ? WASMSH_WRITE : 0);
        interests[i].ready = 0;
    }
    int result = wasmsh_poll(interests, count, wasmsh_until_alarm(timeout));
    if (result == 0 && wasmsh_alarm_is_due()) {
        result = -EINTR;
    }
    for (nfds_t i = 0; i < count && result >= 0; i++) {
        uint32_t ready = interests[i].ready;
        entries[i].revents = (short)((ready & WASMSH_READ ? POLLIN : 0) | (ready & WASMSH_WRITE ? POLLOUT : 0)
            | (ready & WASMSH_HANG_UP ? POLLHUP : 0) | (ready & WASMSH_INVALID ? POLLNVAL : 0));
    }
    if (interests != few) {
        free(interests);
    }
    return answer(result);
}

int poll(struct pollfd *entries, nfds_t count, int timeout)
{
    return poll_for(entries, count, timeout < 0 ? -1 : (int64_t)timeout * 1000000);
}

int pselect(int count, fd_set *restrict reading, fd_set *restrict writing, fd_set *restrict failing,
            const struct timespec *restrict timeout, const sigset_t *mask)
{
    (void)mask;
    if (count < 0 || count > FD_SETSIZE) {
        errno = EINVAL;
        return -1;
    }
    struct pollfd *entries = calloc((size_t)count + 1, sizeof *entries);
    if (entries == NULL) {
        errno = ENOMEM;
        return -1;
    }
    nfds_t used = 0;
    for (int fd = 0; fd < count; fd++) {
        short events = (short)((reading && FD_ISSET(fd, reading) ? POLLIN : 0)
            | (writing && FD_ISSET(fd, writing) ? POLLOUT : 0));
        if (events || (failing && FD_ISSET(fd, failing))) {
            entries[used++] = (struct pollfd){.fd = fd, .events = events};
        }
    }
    int result = poll_for(entries, used, timeout ? timeout->tv_sec * 1000000000ll + timeout->tv_nsec : -1);
    if (result >= 0) {
        int ready = 0;
        if (reading) FD_ZERO(reading);
        if (writing) FD_ZERO(writing);
        if (failing) FD_ZERO(failing);
        for (nfds_t i = 0; i < used; i++) {
            if (entries[i].revents & POLLNVAL) {
                free(entries);
                errno = EBADF;
                return -1;
            }
            if (reading && (entries[i].events & POLLIN) && (entries[i].revents & (POLLIN | POLLHUP))) {
                FD_SET(entries[i].fd, reading);
                ready++;
            }
            if (writing && (entries[i].events & POLLOUT) && (entries[i].revents & (POLLOUT | POLLHUP))) {
                FD_SET(entries[i].fd, writing);
                ready++;
            }
        }
        result = ready;
    }
    free(entries);
    return result;
}

int select(int count, fd_set *restrict reading, fd_set *restrict writing, fd_set *restrict failing,
           struct timeval *restrict timeout)
{
    struct timespec exact;
    if (timeout) {
        exact = (struct timespec){.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000};
    }
    return pselect(count, reading, writing, failing, timeout ? &exact : NULL, NULL);
}

// ---- stat --------------------------------------------------------------------------------------------

static int fill(int result, const wasmsh_stat_t *from, struct stat *to)
{
    if (result < 0) {
        return answer(result);
    }
    *to = (struct stat){
        .st_dev = from->device,
        .st_ino = from->inode,
        .st_nlink = from->links,
        .st_mode = from->mode,
        .st_uid = from->uid,
        .st_gid = from->gid,
        .st_rdev = from->device_number,
        .st_size = (off_t)from->size,
        .st_blksize = 65536,
        .st_blocks = (blkcnt_t)from->blocks,
        .st_atim = {.tv_sec = from->times[0].seconds, .tv_nsec = (long)from->times[0].nanoseconds},
        .st_mtim = {.tv_sec = from->times[1].seconds, .tv_nsec = (long)from->times[1].nanoseconds},
        .st_ctim = {.tv_sec = from->times[2].seconds, .tv_nsec = (long)from->times[2].nanoseconds},
    };
    return 0;
}

int fstat(int fd, struct stat *to)
{
    wasmsh_stat_t got;
    return fill(wasmsh_fstat(fd, &got), &got, to);
}

int fstatat(int base, const char *restrict path, struct stat *restrict to, int how)
{
    wasmsh_stat_t got;
    return fill(wasmsh_stat(base, path, !(how & AT_SYMLINK_NOFOLLOW), &got), &got, to);
}

int stat(const char *restrict path, struct stat *restrict to) { return fstatat(AT_FDCWD, path, to, 0); }

int lstat(const char *restrict path, struct stat *restrict to)
{
    return fstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

// ---- paths -------------------------------------------------------------------------------------------

int openat(int base, const char *path, int how, ...)
{
    mode_t mode = 0;
    if (how & O_CREAT) {
        va_list rest;
        va_start(rest, how);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return answer(wasmsh_open(base, path, how, mode));
}

int open(const char *path, int how, ...)
{
    mode_t mode = 0;
    if (how & O_CREAT) {
        va_list rest;
        va_start(rest, how);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return answer(wasmsh_open(AT_FDCWD, path, how, mode));
}

int creat(const char *path, mode_t mode) { return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
// What fopen() calls.
int __wasilibc_open_nomode(const char *path, int how)
{
    return answer(wasmsh_open(AT_FDCWD, path, how, 0666));
}

int access(const char *path, int mode) { return answer(wasmsh_access(AT_FDCWD, path, mode)); }

int faccessat(int base, const char *path, int mode, int how)
{
    (void)how; // One user: real and effective ids are the same.
    return answer(wasmsh_access(base, path, mode));
}

ssize_t readlinkat(int base, const char *restrict path, char *restrict to, size_t size)
{
    return answer(wasmsh_readlink(base, path, to, size));
}

ssize_t readlink(const char *restrict path, char *restrict to, size_t size)
{
    return readlinkat(AT_FDCWD, path, to, size);
}

int chdir(const char *path) { return answer(wasmsh_chdir(path)); }
int fchdir(int fd) { return answer(wasmsh_fchdir(fd)); }

char *getcwd(char *to, size_t size)
{
    char *own = NULL;
    if (to == NULL) {
        size = size ? size : PATH_MAX;
        own = to = malloc(size);
        if (to == NULL) {
            return NULL;
        }
    }
    else if (size == 0) {
        errno = EINVAL;
        return NULL;
    }
    if (answer(wasmsh_getcwd(to, size)) < 0) {
        free(own);
        return NULL;
    }
    return to;
}

mode_t umask(mode_t mask) { return wasmsh_umask(mask); }
int mkdirat(int base, const char *path, mode_t mode) { return answer(wasmsh_mkdir(base, path, mode)); }
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
int mkfifoat(int base, const char *path, mode_t mode) { return answer(wasmsh_mkfifo(base, path, mode)); }
int mkfifo(const char *path, mode_t mode) { return mkfifoat(AT_FDCWD, path, mode); }

int unlinkat(int base, const char *path, int how)
{
    return answer(how & AT_REMOVEDIR ? wasmsh_rmdir(base, path) : wasmsh_unlink(base, path));
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int __wasilibc_unlinkat(int base, const char *path) { return unlinkat(base, path, 0); }
int __wasilibc_rmdirat(int base, const char *path) { return unlinkat(base, path, AT_REMOVEDIR); }

int remove(const char *path)
{
    int result = wasmsh_unlink(AT_FDCWD, path);
    return answer(result == -EISDIR || result == -EPERM ? wasmsh_rmdir(AT_FDCWD, path) : result);
}

int renameat(int old_base, const char *old, int new_base, const char *new)
{
    return answer(wasmsh_rename(old_base, old, new_base, new));
}

int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

int linkat(int old_base, const char *old, int new_base, const char *new, int how)
{
    return answer(wasmsh_link(old_base, old, new_base, new, how & AT_SYMLINK_FOLLOW));
}

int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }
int symlinkat(const char *target, int base, const char *new) { return answer(wasmsh_symlink(target, base, new)); }
int symlink(const char *target, const char *new) { return symlinkat(target, AT_FDCWD, new); }
int truncate(const char *path, off_t size) { return answer(wasmsh_truncate(path, size)); }

int fchmodat(int base, const char *path, mode_t mode, int how)
{
    return answer(wasmsh_chmod(base, path, mode, !(how & AT_SYMLINK_NOFOLLOW)));
}

int chmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, 0); }
int fchmod(int fd, mode_t mode) { return answer(wasmsh_fchmod(fd, mode)); }

int fchownat(int base, const char *path, uid_t uid, gid_t gid, int how)
{
    return answer(wasmsh_chown(base, path, uid, gid, !(how & AT_SYMLINK_NOFOLLOW)));
}

int chown(const char *path, uid_t uid, gid_t gid) { return fchownat(AT_FDCWD, path, uid, gid, 0); }
int lchown(const char *path, uid_t uid, gid_t gid) { return fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW); }
int fchown(int fd, uid_t uid, gid_t gid) { return answer(wasmsh_fchown(fd, uid, gid)); }

static void times_of(const struct timespec from[2], wasmsh_time to[2])
{
    for (int i = 0; i < 2; i++) {
        to[i] = from ? (wasmsh_time){from[i].tv_sec, from[i].tv_nsec} : (wasmsh_time){0, UTIME_NOW};
    }
}

int utimensat(int base, const char *path, const struct timespec times[2], int how)
{
    wasmsh_time both[2];
    times_of(times, both);
    return answer(wasmsh_utimens(base, path, both, !(how & AT_SYMLINK_NOFOLLOW)));
}

int futimens(int fd, const struct timespec times[2])
{
    wasmsh_time both[2];
    times_of(times, both);
    return answer(wasmsh_futimens(fd, both));
}

int utimes(const char *path, const struct timeval times[2])
{
    struct timespec exact[2];
    for (int i = 0; times && i < 2; i++) {
        exact[i] = (struct timespec){.tv_sec = times[i].tv_sec, .tv_nsec = times[i].tv_usec * 1000};
    }
    return utimensat(AT_FDCWD, path, times ? exact : NULL, 0);
}

// ---- directories -------------------------------------------------------------------------------------

struct _DIR {
    wasmsh_listing listing;
    size_t next;
    // Only of fdopendir(): closed with the directory.
    int fd;
    struct dirent *entry;
};

static DIR *directory(int fd, int result, wasmsh_listing listing)
{
    if (result < 0) {
        errno = -result;
        return NULL;
    }
    DIR *new = calloc(1, sizeof *new);
    struct dirent *entry = malloc(sizeof *entry + NAME_MAX + 1);
    if (new == NULL || entry == NULL) {
        wasmsh_list_free(&listing);
        free(new);
        free(entry);
        errno = ENOMEM;
        return NULL;
    }
    *new = (DIR){.listing = listing, .fd = fd, .entry = entry};
    return new;
}

DIR *opendir(const char *path)
{
    wasmsh_listing listing = {0};
    return directory(-1, wasmsh_list(path, &listing), listing);
}

DIR *fdopendir(int fd)
{
    wasmsh_listing listing = {0};
    return directory(fd, wasmsh_list_open(fd, &listing), listing);
}

int closedir(DIR *of)
{
    int fd = of->fd;
    wasmsh_list_free(&of->listing);
    free(of->entry);
    free(of);
    return fd >= 0 ? close(fd) : 0;
}

static unsigned char entry_type(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG: return DT_REG;
    case S_IFDIR: return DT_DIR;
    case S_IFLNK: return DT_LNK;
    case S_IFCHR: return DT_CHR;
    case S_IFBLK: return DT_BLK;
    default: return DT_UNKNOWN;
    }
}

struct dirent *readdir(DIR *of)
{
    struct {
        uint64_t inode;
        uint32_t mode, length;
    } head;
    if (of->listing.length - of->next < sizeof head) {
        return NULL;
    }
    const uint8_t *at = of->listing.start + of->next;
    memcpy(&head, at, sizeof head);
    of->next += sizeof head + head.length + 1;
    size_t length = head.length < NAME_MAX ? head.length : NAME_MAX;
    of->entry->d_ino = head.inode;
    of->entry->d_type = entry_type(head.mode);
    memcpy(of->entry->d_name, at + sizeof head, length);
    of->entry->d_name[length] = 0;
    return of->entry;
}

void rewinddir(DIR *of) { of->next = 0; }
long telldir(DIR *of) { return (long)of->next; }
void seekdir(DIR *of, long to) { of->next = (size_t)to; }

int dirfd(DIR *of)
{
    if (of->fd < 0) {
        errno = ENOTSUP;
    }
    return of->fd;
}

// ---- the process -------------------------------------------------------------------------------------

pid_t getpid(void) { return wasmsh_getpid(false); }
pid_t getppid(void) { return wasmsh_getpid(true); }
pid_t getpgrp(void) { return getpid(); }
pid_t getpgid(pid_t pid) { return pid ? pid : getpid(); }
pid_t getsid(pid_t pid) { return pid ? pid : getpid(); }
uid_t getuid(void) { return wasmsh_user(false); }
uid_t geteuid(void) { return wasmsh_user(false); }
gid_t getgid(void) { return wasmsh_user(true); }
gid_t getegid(void) { return wasmsh_user(true); }

int getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
    *real = *effective = *saved = getuid();
    return 0;
}

int getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
    *real = *effective = *saved = getgid();
    return 0;
}

int getgroups(int size, gid_t to[])
{
    if (size == 0) {
        return 1;
    }
    to[0] = getgid();
    return 1;
}

// A process may become who it is already; nobody else.
int setuid(uid_t uid)
{
    if (uid == getuid()) {
        return 0;
    }
    errno = EPERM;
    return -1;
}

int setgid(gid_t gid)
{
    if (gid == getgid()) {
        return 0;
    }
    errno = EPERM;
    return -1;
}

int kill(pid_t pid, int signal) { return answer(wasmsh_kill(pid, signal)); }
int killpg(pid_t group, int signal) { return kill(group ? -group : 0, signal); }

pid_t waitpid(pid_t pid, int *status, int how)
{
    int got = 0;
    pid_t result = answer(wasmsh_wait(pid, how & WNOHANG, &got));
    if (result > 0 && status) {
        *status = got;
    }
    return result;
}

pid_t wait(int *status) { return waitpid(-1, status, 0); }

int pause(void)
{
    int result;
    do {
        result = wasmsh_sleep((uint64_t)wasmsh_until_alarm(INT64_MAX));
    } while (result == 0 && !wasmsh_alarm_is_due() && !wasmsh_has_ended());
    errno = result == 0 ? EINTR : -result;
    return -1;
}

clock_t clock(void) { return (clock_t)(wasmsh_clock(2) / (1000000000 / CLOCKS_PER_SEC)); }

// wasi-libc's own makes ENOTSUP of an interruption.
int clock_nanosleep(clockid_t clock, int how, const struct timespec *wanted, struct timespec *left)
{
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= 1000000000) {
        return EINVAL;
    }
    uint64_t duration = UINT64_MAX / 4;
    if (wanted->tv_sec < INT32_MAX) {
        duration = (uint64_t)wanted->tv_sec * 1000000000 + (uint64_t)wanted->tv_nsec;
    }
    if (how & TIMER_ABSTIME) {
        uint64_t now = wasmsh_clock(clock == CLOCK_REALTIME ? 0 : 1);
        duration = duration > now ? duration - now : 0;
    }
    uint64_t start = wasmsh_clock(1);
    int result = wasmsh_sleep((uint64_t)wasmsh_until_alarm((int64_t)duration));
    if (result == 0 && wasmsh_alarm_is_due()) {
        result = -EINTR;
    }
    if (result == -EINTR && left && !(how & TIMER_ABSTIME)) {
        uint64_t passed = wasmsh_clock(1) - start;
        uint64_t rest = duration > passed ? duration - passed : 0;
        *left = (struct timespec){.tv_sec = (time_t)(rest / 1000000000), .tv_nsec = (long)(rest % 1000000000)};
    }
    return -result;
}

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    int result = clock_nanosleep(CLOCK_MONOTONIC, 0, wanted, left);
    if (result != 0) {
        errno = result;
        return -1;
    }
    return 0;
}

clock_t times(struct tms *to)
{
    clock_t used = (clock_t)(wasmsh_clock(2) / (1000000000 / sysconf(_SC_CLK_TCK)));
    *to = (struct tms){.tms_utime = used};
    return used;
}

int getrusage(int who, struct rusage *to)
{
    int64_t used = who == RUSAGE_SELF ? (int64_t)wasmsh_clock(2) : 0;
    *to = (struct rusage){.ru_utime = {.tv_sec = used / 1000000000, .tv_usec = (suseconds_t)(used % 1000000000 / 1000)}};
    return 0;
}

// What wasi-libc does not know. The number of descriptors is that of a session, unless its host says otherwise.
long __real_sysconf(int name);
long __wrap_sysconf(int name)
{
    return name == _SC_OPEN_MAX ? 1024 : __real_sysconf(name);
}

// As `uname` of the shell has it.
int uname(struct utsname *to)
{
    *to = (struct utsname){
        .sysname = "Linux",
        .nodename = "wasmsh",
        .release = "6.1.0-wasmsh",
        .version = "#1 wasmsh " WASMSH_VERSION,
        .machine = "wasm32",
    };
    return 0;
}

int gethostname(char *to, size_t size)
{
    static const char name[] = "wasmsh";
    if (size < sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to, name, sizeof name);
    return 0;
}
