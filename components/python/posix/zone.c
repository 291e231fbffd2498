// Local time: what wasi-libc's __tz.c would do if it knew zones. localtime_r(), mktime() and strftime() ask here.
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "layer.h"

const char __utc[] = "UTC";

// A rule file is at most this large; the largest of the database has some kilobytes.
enum { LARGEST = 1 << 20, DAY = 86400, NAMES = 32 };

// Where zones are looked for: in the filesystem, then in the library.
static const char *const FOLDERS[] = {"/usr/share/zoneinfo", "/usr/lib/python3.13/time-zones"};

// The value of TZ that the zone is for, or null before the first look.
static char *known;
// Names that were handed out: pointers to them stay good.
static char names[NAMES][WASMSH_ZONE_NAME];
static unsigned used;

static const char *kept(const char *name) {
    unsigned count = used < NAMES ? used : NAMES;
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return names[i];
    }
    char *slot = names[used++ % NAMES];
    strcpy(slot, name);
    return slot;
}

// Reads a file whole. Null if it cannot be read.
static uint8_t *contents(const char *path, size_t *length) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    uint8_t *all = malloc(LARGEST);
    size_t got = 0;
    while (all != NULL && got < LARGEST) {
        ssize_t count = read(fd, all + got, LARGEST - got);
        if (count <= 0) break;
        got += (size_t)count;
    }
    close(fd);
    *length = got;
    return all;
}

static bool from_file(const char *path) {
    size_t length = 0;
    uint8_t *data = contents(path, &length);
    bool set = data != NULL && wasmsh_zone_file(data, length);
    free(data);
    return set;
}

static bool from_database(const char *name) {
    // No way out of the folder.
    if (strstr(name, "..") != NULL || strlen(name) > 200) return false;
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++) {
        char path[256];
        strcpy(path, FOLDERS[i]);
        strcat(path, "/");
        strcat(path, name);
        if (from_file(path)) return true;
    }
    return false;
}

// POSIX 2018, XBD 8.3, and what is usual beside it: a name in the database, a path.
void tzset(void) {
    const char *value = getenv("TZ");
    if (value == NULL) value = "UTC";
    if (known != NULL && strcmp(known, value) == 0) return;
    char *copy = strdup(value);
    if (copy == NULL) return;
    free(known);
    known = copy;
    if (*value == ':') value++;
    if (*value == '\0' || strcmp(value, "UTC") == 0) {
        wasmsh_zone_rule("UTC0");
        return;
    }
    if (*value == '/' ? from_file(value) : from_database(value)) return;
    wasmsh_zone_rule(value);
}

static int offset_at(long long time, int *is_dst, char name[WASMSH_ZONE_NAME]) {
    return wasmsh_zone_at(time, is_dst, name);
}

void __secs_to_zone(long long time, int local, int *is_dst, int *offset, long *opposite, const char **zone) {
    char name[WASMSH_ZONE_NAME];
    tzset();
    if (local) {
        // Two offsets can be meant. In a gap it is the one before it, when a time comes twice the first.
        int before = offset_at(time - DAY, is_dst, name), after = offset_at(time + DAY, is_dst, name);
        bool second = offset_at(time - before, is_dst, name) != before && offset_at(time - after, is_dst, name) == after;
        time -= second ? after : before;
        if (!second && offset_at(time, is_dst, name) != before) time = time + before - DAY;
    }
    *offset = offset_at(time, is_dst, name);
    *zone = kept(name);
    if (opposite == NULL) return;
    *opposite = *offset;
    for (int months = 1; months <= 12; months++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            int other;
            int there = offset_at(time + (long long)sign * months * 30 * DAY, &other, name);
            if (other != *is_dst) {
                *opposite = there;
                return;
            }
        }
    }
}

const char *__tm_to_tzname(const struct tm *tm) {
    return tm->__tm_zone != NULL ? tm->__tm_zone : "";
}
