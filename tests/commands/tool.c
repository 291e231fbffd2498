/* A command for the tests of `component_command`: an unmodified C program for wasm32-wasip2. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int count(void)
{
    long bytes = 0, lines = 0;
    int c;
    while ((c = getchar()) != EOF) {
        bytes++;
        lines += c == '\n';
    }
    printf("%ld %ld\n", lines, bytes);
    return 0;
}

static int write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "tool: %s: %s\n", path, strerror(errno));
        return 1;
    }
    fprintf(file, "%s\n", text);
    return fclose(file) == 0 ? 0 : 1;
}

static int list(const char *path)
{
    struct dirent *entry;
    struct stat data;
    int entries = 0;
    DIR *directory = opendir(path);
    if (directory == NULL || stat(path, &data) != 0)
        return 1;
    while ((entry = readdir(directory)) != NULL)
        entries += entry->d_name[0] != '.';
    closedir(directory);
    printf("%d %d\n", entries, S_ISDIR(data.st_mode) != 0);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "count") == 0)
        return count();
    if (strcmp(what, "write") == 0 && argc > 3)
        return write_to(argv[2], argv[3]);
    if (strcmp(what, "list") == 0 && argc > 2)
        return list(argv[2]);
    if (strcmp(what, "variable") == 0 && argc > 2)
        return puts(getenv(argv[2]) ? getenv(argv[2]) : "(none)") < 0;
    if (strcmp(what, "abort") == 0)
        abort();
    if (strcmp(what, "wild") == 0)
        *(volatile int *)0x7ffffff0 = 1;
    if (strcmp(what, "divide") == 0)
        return 10 / (argc - 2);
    return 1;
}
