// What wasi-libc's <sys/ioctl.h> leaves out and posix.c provides: the size of a terminal.
#ifndef WASMSH_SYS_IOCTL_H
#define WASMSH_SYS_IOCTL_H
#include_next <sys/ioctl.h>

#define TIOCGWINSZ 0x5413

struct winsize {
    unsigned short ws_row;
    unsigned short ws_col;
    unsigned short ws_xpixel;
    unsigned short ws_ypixel;
};

#endif
