// POSIX <grp.h>: wasi-libc has none. Read from /etc/group, see users.c.
#ifndef WASMSH_GRP_H
#define WASMSH_GRP_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct group {
    char *gr_name;
    char *gr_passwd;
    gid_t gr_gid;
    char **gr_mem;
};

void setgrent(void);
void endgrent(void);
struct group *getgrent(void);
struct group *getgrgid(gid_t);
struct group *getgrnam(const char *);

#ifdef __cplusplus
}
#endif
#endif
