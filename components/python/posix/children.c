// Children by a line of the shell: system(), popen() and pclose().

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer.h"

// Starts `sh -c command` with the descriptors 0, 1 and 2 that are open, `from` in the place of `replaced`.
static int start(const char *command, int replaced, int from)
{
    char *arguments[] = {"sh", "-c", (char *)command, NULL};
    int descriptors[3][2], count = 0;
    for (int fd = 0; fd < 3; fd++) {
        wasmsh_stat_t ignored;
        int own = fd == replaced ? from : fd;
        if (wasmsh_fstat(own, &ignored) == 0) {
            descriptors[count][0] = fd;
            descriptors[count++][1] = own;
        }
    }
    wasmsh_spawn_request request = {
        .program = "/bin/sh",
        .arguments = arguments,
        .environment = environ,
        .descriptors = (const int (*)[2])descriptors,
        .descriptor_count = (size_t)count,
        .umask = -1,
    };
    return wasmsh_spawn(&request);
}

// The status of a child that was started, or that it was not.
static int finish(int pid)
{
    int status, result = pid;
    while (pid > 0 && (result = wasmsh_wait(pid, false, &status)) == -EINTR) {
    }
    if (result < 0) {
        errno = -result;
        return -1;
    }
    return status;
}

int system(const char *command) { return command ? finish(start(command, -1, -1)) : 1; }

// The children of popen() that pclose() has not ended.
static struct stream {
    struct stream *next;
    FILE *file;
    int pid;
} *streams;

FILE *popen(const char *command, const char *mode)
{
    int writes = mode[0] == 'w', ends[2];
    struct stream *stream = malloc(sizeof *stream);
    if (stream == NULL || pipe2(ends, O_CLOEXEC) < 0) {
        free(stream);
        return NULL;
    }
    int own = ends[writes], its = ends[!writes];
    stream->file = fdopen(own, writes ? "w" : "r");
    stream->pid = stream->file ? start(command, writes ? 0 : 1, its) : -errno;
    close(its);
    if (stream->pid < 0) {
        int error = -stream->pid;
        if (stream->file) {
            fclose(stream->file);
        }
        else {
            close(own);
        }
        free(stream);
        errno = error;
        return NULL;
    }
    stream->next = streams;
    streams = stream;
    return stream->file;
}

int pclose(FILE *file)
{
    for (struct stream **at = &streams; *at != NULL; at = &(*at)->next) {
        struct stream *stream = *at;
        if (stream->file == file) {
            int pid = stream->pid;
            *at = stream->next;
            free(stream);
            fclose(file);
            return finish(pid);
        }
    }
    errno = EBADF;
    return -1;
}
