// The functions of the Rust layer (components/python/wasi). A negative answer is an errno.
#ifndef WASMSH_LAYER_H
#define WASMSH_LAYER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t seconds, nanoseconds;
} wasmsh_time;

typedef struct {
    uint64_t device, inode, links;
    uint32_t mode, uid, gid, unused;
    uint64_t device_number, size, blocks;
    wasmsh_time times[3];
} wasmsh_stat_t;

typedef struct {
    uint8_t *start;
    size_t length;
} wasmsh_listing;

typedef struct {
    int descriptor;
    uint32_t wanted, ready;
} wasmsh_interest;

enum { WASMSH_READ = 1, WASMSH_WRITE = 2, WASMSH_HANG_UP = 4, WASMSH_INVALID = 8 };

typedef struct {
    const char *program;
    char *const *arguments;
    char *const *environment;
    const char *cwd;
    const int (*descriptors)[2];
    size_t descriptor_count;
    bool new_group;
    // Negative: the parent's.
    int umask;
} wasmsh_spawn_request;

int wasmsh_read(int fd, void *to, size_t length);
int wasmsh_write(int fd, const void *from, size_t length);
int wasmsh_pread(int fd, void *to, size_t length, int64_t offset);
int wasmsh_pwrite(int fd, const void *from, size_t length, int64_t offset);
int64_t wasmsh_seek(int fd, int64_t offset, int whence);
int wasmsh_fstat(int fd, wasmsh_stat_t *to);
int wasmsh_ftruncate(int fd, int64_t size);
int wasmsh_close(int fd);
int wasmsh_dup2(int fd, int to);
int wasmsh_fcntl(int fd, int what, int argument);
int wasmsh_pipe(int ends[2]);
int wasmsh_terminal(int fd, uint16_t size[2]);
// Of a file, where it is: so many bytes, without a NUL.
int wasmsh_path(int fd, char *to, size_t size);
int wasmsh_fchmod(int fd, uint32_t mode);
int wasmsh_fchown(int fd, uint32_t uid, uint32_t gid);
int wasmsh_futimens(int fd, const wasmsh_time times[2]);

int wasmsh_open(int base, const char *path, int how, uint32_t mode);
int wasmsh_stat(int base, const char *path, bool follow, wasmsh_stat_t *to);
int wasmsh_access(int base, const char *path, int mode);
int wasmsh_readlink(int base, const char *path, char *to, size_t size);
int wasmsh_chdir(const char *path);
int wasmsh_fchdir(int fd);
int wasmsh_getcwd(char *to, size_t size);
uint32_t wasmsh_umask(uint32_t mask);
int wasmsh_mkdir(int base, const char *path, uint32_t mode);
int wasmsh_mkfifo(int base, const char *path, uint32_t mode);
int wasmsh_unlink(int base, const char *path);
int wasmsh_rmdir(int base, const char *path);
int wasmsh_rename(int old_base, const char *old, int new_base, const char *new);
int wasmsh_link(int old_base, const char *old, int new_base, const char *new, bool follow);
int wasmsh_symlink(const char *target, int base, const char *new);
int wasmsh_truncate(const char *path, int64_t size);
int wasmsh_chmod(int base, const char *path, uint32_t mode, bool follow);
int wasmsh_chown(int base, const char *path, uint32_t uid, uint32_t gid, bool follow);
int wasmsh_utimens(int base, const char *path, const wasmsh_time times[2], bool follow);
uint32_t wasmsh_user(bool group);

int wasmsh_list(const char *path, wasmsh_listing *to);
int wasmsh_list_open(int fd, wasmsh_listing *to);
void wasmsh_list_free(wasmsh_listing *listing);

int wasmsh_getpid(bool parent);
int wasmsh_kill(int pid, int signal);
int wasmsh_wait(int pid, bool no_hang, int *status);
int wasmsh_poll(wasmsh_interest *interests, size_t count, int64_t timeout);
int wasmsh_spawn(const wasmsh_spawn_request *request);

typedef struct {
    const char *method, *url;
    // Names and values in turn.
    const char *const *headers;
    size_t header_count;
    const void *body;
    size_t body_length;
    // In milliseconds; 0: none.
    uint32_t timeout;
} wasmsh_exchange;

// Begins an exchange; the response is written to `to`, a pipe.
int wasmsh_fetch(const wasmsh_exchange *what, int to);
int wasmsh_take_signal(void);
int wasmsh_set_disposition(int signal, int disposition);
bool wasmsh_is_ignored(int signal);
void wasmsh_die(void);

// image.c: makes the image now, while the module is pre-initialised.
void wasmsh_image_share(void);

uint64_t wasmsh_clock(uint32_t which);
int wasmsh_sleep(uint64_t duration);
void wasmsh_random(void *to, size_t length);

// Of a zone's name, with the NUL.
enum { WASMSH_ZONE_NAME = 16 };

// The zone of local time, from a file of the database (false: it is none), or from a rule as POSIX has them.
bool wasmsh_zone_file(const uint8_t *data, size_t length);
void wasmsh_zone_rule(const char *rule);
// Seconds east of universal time.
int wasmsh_zone_at(int64_t time, int *is_dst, char name[WASMSH_ZONE_NAME]);

#endif
