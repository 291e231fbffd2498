// What wasi-libc imports from "wasi_snapshot_preview1", defined here instead: the linker takes a definition
// of such a symbol rather than making an import of it. posix.c answers most calls before they come here;
// these are what is left inside the C library.

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sys/uio.h>
#include <wasi/api.h>

#include "layer.h"
#include "locks.h"
#include "../reactor/reactor.h"

#define IMPORT(name) __imported_wasi_snapshot_preview1_##name

static int32_t result(int answer) { return answer < 0 ? -answer : 0; }

// Pointers arrive as numbers, as they do at a wasm import.
#define AT(type, number) ((type *)(uintptr_t)(number))

int32_t IMPORT(args_get)(int32_t argv, int32_t buffer)
{
    (void)argv, (void)buffer;
    return 0;
}

int32_t IMPORT(args_sizes_get)(int32_t count, int32_t size)
{
    *AT(uint32_t, count) = 0;
    *AT(uint32_t, size) = 0;
    return 0;
}

// reactor.c sets `environ` before anything asks.
int32_t IMPORT(environ_get)(int32_t environment, int32_t buffer)
{
    (void)environment, (void)buffer;
    return 0;
}

int32_t IMPORT(environ_sizes_get)(int32_t count, int32_t size)
{
    *AT(uint32_t, count) = 0;
    *AT(uint32_t, size) = 0;
    return 0;
}

int32_t IMPORT(clock_res_get)(int32_t clock, int32_t to)
{
    (void)clock;
    *AT(uint64_t, to) = 1;
    return 0;
}

int32_t IMPORT(clock_time_get)(int32_t clock, int64_t precision, int32_t to)
{
    (void)precision;
    *AT(uint64_t, to) = wasmsh_clock((uint32_t)clock);
    return 0;
}

// nanosleep() and its like: one clock. Descriptors are waited for by poll() in posix.c.
int32_t IMPORT(poll_oneoff)(int32_t in, int32_t out, int32_t count, int32_t ready)
{
    const __wasi_subscription_t *wanted = AT(const __wasi_subscription_t, in);
    __wasi_event_t *event = AT(__wasi_event_t, out);
    if (count != 1 || wanted->u.tag != __WASI_EVENTTYPE_CLOCK) {
        return __WASI_ERRNO_NOTSUP;
    }
    const __wasi_subscription_clock_t *clock = &wanted->u.u.clock;
    uint64_t duration = clock->timeout;
    if (clock->flags & __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME) {
        uint64_t now = wasmsh_clock(clock->id);
        duration = duration > now ? duration - now : 0;
    }
    duration = duration > INT64_MAX ? INT64_MAX : duration;
    int answer = wasmsh_sleep((uint64_t)wasmsh_until_alarm((int64_t)duration));
    if (answer < 0) {
        return -answer;
    }
    if (wasmsh_alarm_is_due()) {
        return __WASI_ERRNO_INTR;
    }
    memset(event, 0, sizeof *event);
    event->userdata = wanted->userdata;
    event->type = __WASI_EVENTTYPE_CLOCK;
    *AT(__wasi_size_t, ready) = 1;
    return 0;
}

int32_t IMPORT(sched_yield)(void) { return 0; }

int32_t IMPORT(random_get)(int32_t to, int32_t length)
{
    wasmsh_random(AT(void, to), (size_t)length);
    return 0;
}

// abort(), exit() and _Exit() of C code: the host ends the instance. Python's own ways to end a process do
// not come here.
_Noreturn void IMPORT(proc_exit)(int32_t status)
{
    (void)status;
    __builtin_trap();
}

int32_t IMPORT(fd_close)(int32_t fd)
{
    wasmsh_locks_close(fd);
    return result(wasmsh_close(fd));
}

int32_t IMPORT(fd_fdstat_get)(int32_t fd, int32_t to)
{
    wasmsh_stat_t got;
    int answer = wasmsh_fstat(fd, &got);
    if (answer < 0) {
        return -answer;
    }
    __wasi_fdstat_t *stat = AT(__wasi_fdstat_t, to);
    memset(stat, 0, sizeof *stat);
    switch (got.mode & S_IFMT) {
    case S_IFREG: stat->fs_filetype = __WASI_FILETYPE_REGULAR_FILE; break;
    case S_IFDIR: stat->fs_filetype = __WASI_FILETYPE_DIRECTORY; break;
    case S_IFLNK: stat->fs_filetype = __WASI_FILETYPE_SYMBOLIC_LINK; break;
    case S_IFCHR: stat->fs_filetype = __WASI_FILETYPE_CHARACTER_DEVICE; break;
    default: stat->fs_filetype = __WASI_FILETYPE_UNKNOWN; break;
    }
    int flags = wasmsh_fcntl(fd, F_GETFL, 0);
    stat->fs_flags = flags < 0 ? 0 : (__wasi_fdflags_t)(flags & (O_APPEND | O_NONBLOCK));
    stat->fs_rights_base = ~(__wasi_rights_t)0;
    stat->fs_rights_inheriting = ~(__wasi_rights_t)0;
    return 0;
}

int32_t IMPORT(fd_fdstat_set_flags)(int32_t fd, int32_t flags) { return result(wasmsh_fcntl(fd, F_SETFL, flags)); }

int32_t IMPORT(fd_seek)(int32_t fd, int64_t offset, int32_t whence, int32_t to)
{
    int64_t answer = wasmsh_seek(fd, offset, whence);
    if (answer < 0) {
        return (int32_t)-answer;
    }
    *AT(uint64_t, to) = (uint64_t)answer;
    return 0;
}

int32_t IMPORT(fd_tell)(int32_t fd, int32_t to) { return IMPORT(fd_seek)(fd, 0, SEEK_CUR, to); }

int32_t IMPORT(fd_read)(int32_t fd, int32_t vector, int32_t count, int32_t to)
{
    ssize_t got = readv(fd, AT(const struct iovec, vector), count);
    if (got < 0) {
        return errno;
    }
    *AT(__wasi_size_t, to) = (__wasi_size_t)got;
    return 0;
}

int32_t IMPORT(fd_write)(int32_t fd, int32_t vector, int32_t count, int32_t to)
{
    ssize_t put = writev(fd, AT(const struct iovec, vector), count);
    if (put < 0) {
        return errno;
    }
    *AT(__wasi_size_t, to) = (__wasi_size_t)put;
    return 0;
}

// There are no sockets.
int32_t IMPORT(sock_accept)(int32_t fd, int32_t flags, int32_t to)
{
    (void)fd, (void)flags, (void)to;
    return __WASI_ERRNO_NOTSOCK;
}

int32_t IMPORT(sock_recv)(int32_t fd, int32_t vector, int32_t count, int32_t flags, int32_t size, int32_t out)
{
    (void)fd, (void)vector, (void)count, (void)flags, (void)size, (void)out;
    return __WASI_ERRNO_NOTSOCK;
}

int32_t IMPORT(sock_send)(int32_t fd, int32_t vector, int32_t count, int32_t flags, int32_t size)
{
    (void)fd, (void)vector, (void)count, (void)flags, (void)size;
    return __WASI_ERRNO_NOTSOCK;
}

int32_t IMPORT(sock_shutdown)(int32_t fd, int32_t how)
{
    (void)fd, (void)how;
    return __WASI_ERRNO_NOTSOCK;
}
