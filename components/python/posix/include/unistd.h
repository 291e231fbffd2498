// What wasi-libc's <unistd.h> leaves out and posix.c provides.
#ifndef WASMSH_UNISTD_H
#define WASMSH_UNISTD_H
#include_next <unistd.h>
#include <sys/types.h>

// The macro of wasi-libc asks a function that bypasses our descriptor table.
#undef lseek

#ifdef __cplusplus
extern "C" {
#endif

int pipe(int [2]);
int pipe2(int [2], int);
int dup(int);
int dup2(int, int);
int dup3(int, int, int);

int chown(const char *, uid_t, gid_t);
int fchown(int, uid_t, gid_t);
int lchown(const char *, uid_t, gid_t);
int fchownat(int, const char *, uid_t, gid_t, int);

int fchdir(int);
unsigned alarm(unsigned);
int pause(void);

pid_t getppid(void);
pid_t getpgrp(void);
pid_t getpgid(pid_t);
pid_t getsid(pid_t);
int ttyname_r(int, char *, size_t);

uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int getgroups(int, gid_t []);
int getresuid(uid_t *, uid_t *, uid_t *);
int getresgid(gid_t *, gid_t *, gid_t *);
int setuid(uid_t);
int setgid(gid_t);
char *getlogin(void);
void sync(void);

#ifdef __cplusplus
}
#endif
#endif
