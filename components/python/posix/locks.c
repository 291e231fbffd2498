// Locks of byte ranges (fcntl(2)), for SQLite. They keep other processes out, never their own: within a process SQLite
// sees to that itself. Among processes a file belongs to one at a time: to the one that made the folder `FILE.fcntl-lock`
// (`FILE.lock` is what programs make that lock by files).
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer.h"
#include "locks.h"

enum { FILES = 64, RANGES = 8 };

typedef struct {
    uint64_t device, inode;
    // Of the folder; NULL: none could be made, and nobody could make one.
    char *folder;
    struct {
        int64_t start, length;
    } ranges[RANGES];
    size_t count;
} file_lock;

// In the order of locking; those without ranges are free.
static file_lock files[FILES];
// How many are not.
static size_t held;

static file_lock *of(const wasmsh_stat_t *stat) {
    for (file_lock *file = files; file < files + FILES; file++) {
        if (file->count > 0 && file->device == stat->device && file->inode == stat->inode) return file;
    }
    return NULL;
}

static void give_up(file_lock *file) {
    file->count = 0;
    if (file->folder != NULL) wasmsh_rmdir(AT_FDCWD, file->folder);
    free(file->folder);
    file->folder = NULL;
}

// The path of an open file with room for `more` characters after it. 0, or an errno.
static int path_of(int fd, size_t more, char **path) {
    for (size_t size = 256;; size *= 2) {
        char *larger = malloc(size + more + 1);
        if (larger == NULL) return ENOLCK;
        int length = wasmsh_path(fd, larger, size);
        if (length >= 0) {
            larger[length] = '\0';
            *path = larger;
            return 0;
        }
        free(larger);
        if (length != -ENAMETOOLONG) return -length;
    }
}

// Makes the folder. 0, or an errno.
static int take(int fd, file_lock *file) {
    static const char SUFFIX[] = ".fcntl-lock";
    file->folder = NULL;
    int result = path_of(fd, sizeof SUFFIX, &file->folder);
    // A file without a name is nobody else's.
    if (result != 0) return result == ENOLCK ? result : 0;
    strcat(file->folder, SUFFIX);
    result = -wasmsh_mkdir(AT_FDCWD, file->folder, 0777);
    if (result != 0) {
        free(file->folder);
        file->folder = NULL;
    }
    if (result == EEXIST) return EAGAIN;
    // Where nobody may write there is nothing to be kept from.
    return result == EACCES || result == EROFS || result == EPERM ? 0 : result;
}

static int lock(int fd, const wasmsh_stat_t *stat, int64_t start, int64_t length) {
    file_lock *file = of(stat);
    if (file == NULL) {
        for (file = files; file < files + FILES && file->count > 0; file++);
        if (file == files + FILES) return ENOLCK;
        int result = take(fd, file);
        if (result != 0) return result;
        file->device = stat->device;
        file->inode = stat->inode;
        held++;
    }
    for (size_t i = 0; i < file->count; i++) {
        if (file->ranges[i].start == start && file->ranges[i].length == length) return 0;
    }
    if (file->count == RANGES) return ENOLCK;
    file->ranges[file->count].start = start;
    file->ranges[file->count++].length = length;
    return 0;
}

static void unlock(const wasmsh_stat_t *stat, int64_t start, int64_t length) {
    file_lock *file = of(stat);
    if (file == NULL) return;
    size_t kept = 0;
    for (size_t i = 0; i < file->count; i++) {
        bool within = file->ranges[i].start >= start
            && (length == 0 || file->ranges[i].start + file->ranges[i].length <= start + length);
        if (!within) file->ranges[kept++] = file->ranges[i];
    }
    if (kept == 0) {
        give_up(file);
        held--;
    }
    file->count = kept;
}

// A lock that another process has is that of a folder which this one did not make.
static int test(int fd, const wasmsh_stat_t *stat, struct flock *what) {
    file_lock probe = {.count = 0};
    int result = of(stat) != NULL ? 0 : take(fd, &probe);
    if (result == 0) {
        if (of(stat) == NULL) give_up(&probe);
        what->l_type = F_UNLCK;
    } else {
        what->l_type = F_WRLCK;
        what->l_pid = 0;
    }
    return 0;
}

int wasmsh_lock(int fd, int command, struct flock *what) {
    wasmsh_stat_t stat;
    int result = wasmsh_fstat(fd, &stat);
    if (result < 0) return result;
    if (what->l_whence != SEEK_SET || what->l_start < 0 || what->l_len < 0) return -EINVAL;
    if (command == F_GETLK) return -test(fd, &stat, what);
    if (what->l_type != F_UNLCK) return -lock(fd, &stat, what->l_start, what->l_len);
    unlock(&stat, what->l_start, what->l_len);
    return 0;
}

// A process loses its locks of a file when it closes any descriptor of that file, as POSIX has it.
void wasmsh_locks_close(int fd) {
    wasmsh_stat_t stat;
    if (held > 0 && wasmsh_fstat(fd, &stat) == 0) unlock(&stat, 0, 0);
}

// What a process that was killed still has.
void wasmsh_locks_end(void) {
    for (file_lock *file = files; file < files + FILES; file++) {
        if (file->count > 0) give_up(file);
    }
    held = 0;
}
