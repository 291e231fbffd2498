// POSIX <pwd.h>: wasi-libc has none. Read from /etc/passwd, see users.c.
#ifndef WASMSH_PWD_H
#define WASMSH_PWD_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct passwd {
    char *pw_name;
    char *pw_passwd;
    uid_t pw_uid;
    gid_t pw_gid;
    char *pw_gecos;
    char *pw_dir;
    char *pw_shell;
};

void setpwent(void);
void endpwent(void);
struct passwd *getpwent(void);
struct passwd *getpwuid(uid_t);
struct passwd *getpwnam(const char *);

#ifdef __cplusplus
}
#endif
#endif
