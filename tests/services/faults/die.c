/* Kills the process that it is preloaded into at one named step, so that a test of crashes can choose where.
 *
 * KEYWARD_TEST_DIE="before:rename:.parquet:3" kills it before the third rename of a path that contains
 * `.parquet`; `after:` lets the call happen first, a `$` at the end of the path asks for its end. Calls are
 * fsync (fdatasync too), rename, and write (pwrite). Nothing else of the process is touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char when[8], call[16], path_part[200];
static int at_end, left;

__attribute__((constructor)) static void read_step(void) {
    const char *step = getenv("KEYWARD_TEST_DIE");
    if (!step || sscanf(step, "%7[^:]:%15[^:]:%199[^:]:%d", when, call, path_part, &left) != 4) {
        left = 0;
        return;
    }
    size_t length = strlen(path_part);
    if (length > 0 && path_part[length - 1] == '$') {
        path_part[length - 1] = 0;
        at_end = 1;
    }
}

static int is_meant(const char *path) {
    size_t length = strlen(path), part = strlen(path_part);
    if (!at_end) {
        return strstr(path, path_part) != NULL;
    }
    return length >= part && strcmp(path + length - part, path_part) == 0;
}

static void step(const char *this_when, const char *this_call, const char *path) {
    if (__atomic_load_n(&left, __ATOMIC_RELAXED) <= 0 || strcmp(when, this_when) || strcmp(call, this_call)) {
        return;
    }
    if (is_meant(path) && __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) == 0) {
        kill(getpid(), SIGKILL);
        for (;;) {
            pause();
        }
    }
}

static void step_of(const char *this_when, const char *this_call, int file) {
    char link[32], path[4096];
    if (__atomic_load_n(&left, __ATOMIC_RELAXED) <= 0) {
        return;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        step(this_when, this_call, path);
    }
}

#define REAL(name, type) \
    static __typeof__(type) *real; \
    if (!real) { \
        real = (__typeof__(type) *)dlsym(RTLD_NEXT, name); \
    }

int fsync(int file) {
    REAL("fsync", int(int))
    step_of("before", "fsync", file);
    int result = real(file);
    step_of("after", "fsync", file);
    return result;
}

int fdatasync(int file) {
    REAL("fdatasync", int(int))
    step_of("before", "fsync", file);
    int result = real(file);
    step_of("after", "fsync", file);
    return result;
}

int rename(const char *from, const char *to) {
    REAL("rename", int(const char *, const char *))
    step("before", "rename", to);
    int result = real(from, to);
    step("after", "rename", to);
    return result;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    REAL("pwrite64", ssize_t(int, const void *, size_t, off64_t))
    step_of("before", "write", file);
    ssize_t result = real(file, bytes, length, offset);
    step_of("after", "write", file);
    return result;
}
