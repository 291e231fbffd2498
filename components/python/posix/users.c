// POSIX <pwd.h> and <grp.h>: the entries of /etc/passwd and /etc/group, read line by line.

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMBERS = 64 };

struct database {
    const char *path;
    FILE *file;
    char *line;
    size_t size;
};

static struct database users = {.path = "/etc/passwd"}, groups = {.path = "/etc/group"};

static void finish(struct database *of)
{
    if (of->file) {
        fclose(of->file);
        of->file = NULL;
    }
}

// The next line, cut into `count` fields; a line with fewer is passed over.
static int next(struct database *of, char **fields, int count)
{
    if (of->file == NULL && (of->file = fopen(of->path, "re")) == NULL) {
        return 0;
    }
    while (getline(&of->line, &of->size, of->file) >= 0) {
        of->line[strcspn(of->line, "\n")] = 0;
        char *rest = of->line;
        int found = 0;
        while (found < count && rest != NULL) {
            fields[found++] = strsep(&rest, ":");
        }
        if (found == count && fields[0][0] != '#') {
            return 1;
        }
    }
    return 0;
}

void setpwent(void) { finish(&users); }
void endpwent(void) { finish(&users); }
void setgrent(void) { finish(&groups); }
void endgrent(void) { finish(&groups); }

struct passwd *getpwent(void)
{
    static struct passwd entry;
    char *fields[7];
    if (!next(&users, fields, 7)) {
        return NULL;
    }
    entry = (struct passwd){
        .pw_name = fields[0],
        .pw_passwd = fields[1],
        .pw_uid = (uid_t)strtoul(fields[2], NULL, 10),
        .pw_gid = (gid_t)strtoul(fields[3], NULL, 10),
        .pw_gecos = fields[4],
        .pw_dir = fields[5],
        .pw_shell = fields[6],
    };
    return &entry;
}

struct group *getgrent(void)
{
    static struct group entry;
    static char *members[MEMBERS + 1];
    char *fields[4];
    if (!next(&groups, fields, 4)) {
        return NULL;
    }
    int count = 0;
    for (char *name; count < MEMBERS && fields[3] && (name = strsep(&fields[3], ",")) != NULL;) {
        if (*name) {
            members[count++] = name;
        }
    }
    members[count] = NULL;
    entry = (struct group){
        .gr_name = fields[0],
        .gr_passwd = fields[1],
        .gr_gid = (gid_t)strtoul(fields[2], NULL, 10),
        .gr_mem = members,
    };
    return &entry;
}

struct passwd *getpwuid(uid_t uid)
{
    struct passwd *entry;
    setpwent();
    while ((entry = getpwent()) != NULL && entry->pw_uid != uid) {
    }
    endpwent();
    return entry;
}

struct passwd *getpwnam(const char *name)
{
    struct passwd *entry;
    setpwent();
    while ((entry = getpwent()) != NULL && strcmp(entry->pw_name, name) != 0) {
    }
    endpwent();
    return entry;
}

struct group *getgrgid(gid_t gid)
{
    struct group *entry;
    setgrent();
    while ((entry = getgrent()) != NULL && entry->gr_gid != gid) {
    }
    endgrent();
    return entry;
}

struct group *getgrnam(const char *name)
{
    struct group *entry;
    setgrent();
    while ((entry = getgrent()) != NULL && strcmp(entry->gr_name, name) != 0) {
    }
    endgrent();
    return entry;
}

char *getlogin(void)
{
    struct passwd *entry = getpwuid(getuid());
    if (entry == NULL) {
        errno = ENOENT;
        return NULL;
    }
    return entry->pw_name;
}
