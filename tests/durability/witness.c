/* Preloaded into the server by tests/durability: writes down, in order, what it asks the disk to do and what it sends.
 *
 * A line is CALL TAB INODE TAB PATH TAB HEX. A write, a new name or a cut is written down when it is done; a sync when it
 * begins and again when it is done; what is sent, before it is sent. So whatever stands before a "send" was over by then.
 * Only files below WITNESS_ROOT count; of their bytes those of the journal's log are kept, of what is sent, heads of HTTP
 * answers. Children do not inherit it.
 *
 * With DISK_FULL naming a file, that file's existence makes the disk full for the files whose path holds its text: what
 * would need room fails with ENOSPC, and so does every write to the journal's log, as on a disk that copies on write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { KEPT = 16384, SENT = 4096 };

static int log_file = -1;
static char root[PATH_MAX], full[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("WITNESS_LOG"), *below = getenv("WITNESS_ROOT"), *sign = getenv("DISK_FULL");
    if (below) snprintf(root, sizeof root, "%s/", below);
    if (sign) snprintf(full, sizeof full, "%s", sign);
    if (log) log_file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unsetenv("LD_PRELOAD");
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

static int counts(const char *path) { return root[0] && strncmp(path, root, strlen(root) - 1) == 0; }

/* Whether it is the journal's log. */
static int is_log(const char *path) {
    size_t end = strlen(path);
    return end > 4 && strcmp(path + end - 4, "-wal") == 0;
}

/* Whether a file descriptor's file counts; its path. */
static int path_of(int fd, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return counts(path);
}

static void note(const char *call, unsigned long inode, const char *path, const void *bytes, size_t length) {
    if (log_file < 0) return;
    int saved = errno;
    char line[2 * KEPT + PATH_MAX + 64];
    if (length > KEPT) length = KEPT;
    size_t end = (size_t)snprintf(line, PATH_MAX + 64, "%s\t%lu\t%s\t", call, inode, path);
    for (size_t i = 0; i < length; i++, end += 2) {
        unsigned char byte = ((const unsigned char *)bytes)[i];
        line[end] = "0123456789abcdef"[byte >> 4];
        line[end + 1] = "0123456789abcdef"[byte & 15];
    }
    line[end++] = '\n';
    syscall(SYS_write, log_file, line, end); /* one append: lines of different threads stay whole */
    errno = saved;
}

static void note_fd(const char *call, int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    struct stat known;
    if (log_file < 0 || !path_of(fd, path) || fstat(fd, &known)) return;
    note(call, known.st_ino, path, bytes, is_log(path) ? length : 0);
}

static void note_name(const char *path) {
    struct stat known;
    if (log_file >= 0 && counts(path) && !lstat(path, &known)) note("name", known.st_ino, path, NULL, 0);
}

/* --- a full disk ----------------------------------------------------------------------------------------- */

static int is_full(const char *path) {
    char text[PATH_MAX] = "";
    int sign = full[0] ? (int)syscall(SYS_openat, AT_FDCWD, full, O_RDONLY | O_CLOEXEC) : -1;
    if (sign < 0) return 0;
    long length = syscall(SYS_read, sign, text, sizeof text - 1);
    syscall(SYS_close, sign);
    text[length > 0 ? length : 0] = 0;
    return counts(path) && strstr(path, text) != NULL;
}

/* Whether `more` bytes at `offset` (-1: at the end) need room that a full disk has not. */
static int no_room(int fd, size_t more, off_t offset) {
    char path[PATH_MAX];
    struct stat known;
    if (!full[0] || !path_of(fd, path) || !is_full(path) || fstat(fd, &known) || !S_ISREG(known.st_mode)) return 0;
    if (offset >= 0 && offset + (off_t)more <= known.st_size && !is_log(path)) return 0; /* in its place */
    errno = ENOSPC;
    return 1;
}

#define STATVFS(name, type)                                         \
    int name(const char *path, struct type *told) {                 \
        int done = ((int (*)(const char *, struct type *))next(#name))(path, told); \
        if (!done && is_full(path)) told->f_bavail = told->f_bfree = 0; \
        return done;                                                \
    }
STATVFS(statvfs, statvfs)
STATVFS(statvfs64, statvfs64)

/* --- bytes ----------------------------------------------------------------------------------------------- */

static void note_sent(const void *bytes, size_t length);

ssize_t write(int fd, const void *bytes, size_t length) {
    if (no_room(fd, length, -1)) return -1;
    note_sent(bytes, length);
    ssize_t done = ((ssize_t(*)(int, const void *, size_t))next("write"))(fd, bytes, length);
    if (done > 0) note_fd("write", fd, bytes, (size_t)done);
    return done;
}

#define PWRITE(name, offset_type)                                                        \
    ssize_t name(int fd, const void *bytes, size_t length, offset_type offset) {         \
        if (no_room(fd, length, offset)) return -1;                                      \
        ssize_t done =                                                                   \
            ((ssize_t(*)(int, const void *, size_t, offset_type))next(#name))(fd, bytes, length, offset); \
        if (done > 0) note_fd("write", fd, bytes, (size_t)done);                         \
        return done;                                                                     \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PWRITEV(name, offset_type)                                                                        \
    ssize_t name(int fd, const struct iovec *pieces, int count, offset_type offset, int flags) {          \
        size_t length = 0;                                                                                \
        for (int i = 0; i < count; i++) length += pieces[i].iov_len;                                      \
        if (no_room(fd, length, offset)) return -1;                                                       \
        ssize_t done =                                                                                    \
            ((ssize_t(*)(int, const struct iovec *, int, offset_type, int))next(#name))(fd, pieces, count, offset, flags); \
        if (done > 0) note_fd("write", fd, count ? pieces[0].iov_base : NULL, count ? pieces[0].iov_len : 0); \
        return done;                                                                                      \
    }
PWRITEV(pwritev2, off_t)
PWRITEV(pwritev64v2, off64_t)

#define TRUNCATE(name, offset_type)                                                   \
    int name(int fd, offset_type length) {                                            \
        struct stat known;                                                            \
        if (full[0] && !fstat(fd, &known) && length > known.st_size && no_room(fd, 1, known.st_size)) return -1; \
        int done = ((int (*)(int, offset_type))next(#name))(fd, length);              \
        if (!done) note_fd("write", fd, NULL, 0);                                     \
        return done;                                                                  \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                          \
    int name(int fd) {                                      \
        note_fd("sync", fd, NULL, 0);                       \
        int done = ((int (*)(int))next(#name))(fd);         \
        if (!done) note_fd("synced", fd, NULL, 0);          \
        return done;                                        \
    }
SYNC(fsync)
SYNC(fdatasync)

/* --- names ----------------------------------------------------------------------------------------------- */

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...) {                                    \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                   \
        va_end(rest);                                                               \
        int is_new = flags & O_CREAT && counts(path) && syscall(SYS_access, path, F_OK); \
        if (is_new && is_full(path)) { errno = ENOSPC; return -1; }                     \
        int fd = ((int (*)(const char *, int, mode_t))next(#name))(path, flags, mode); \
        if (fd >= 0 && is_new) note_name(path);                                     \
        return fd;                                                                  \
    }
OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode) {
    if (is_full(path) && syscall(SYS_access, path, F_OK)) { errno = ENOSPC; return -1; }
    int done = ((int (*)(const char *, mode_t))next("mkdir"))(path, mode);
    if (!done) note_name(path);
    return done;
}

int link(const char *from, const char *to) {
    int done = ((int (*)(const char *, const char *))next("link"))(from, to);
    if (!done) note_name(to);
    return done;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    int done = ((int (*)(int, const char *, int, const char *, int))next("linkat"))(from_folder, from, to_folder, to, flags);
    if (!done) note_name(to);
    return done;
}

int rename(const char *from, const char *to) {
    int done = ((int (*)(const char *, const char *))next("rename"))(from, to);
    if (!done) note_name(to);
    return done;
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    int done = ((int (*)(int, const char *, int, const char *))next("renameat"))(from_folder, from, to_folder, to);
    if (!done) note_name(to);
    return done;
}

/* --- what is sent ---------------------------------------------------------------------------------------- */

static void note_sent(const void *bytes, size_t length) {
    if (length >= 9 && memcmp(bytes, "HTTP/1.1 ", 9) == 0) note("send", 0, "", bytes, length > SENT ? SENT : length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    note_sent(bytes, length);
    return ((ssize_t(*)(int, const void *, size_t, int))next("send"))(fd, bytes, length, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
    note_sent(bytes, length);
    return ((ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))next("sendto"))(
        fd, bytes, length, flags, to, size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (message->msg_iovlen) note_sent(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    return ((ssize_t(*)(int, const struct msghdr *, int))next("sendmsg"))(fd, message, flags);
}
