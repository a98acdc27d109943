/* A disk that fails on demand, for the database alone: loaded before libc by a test.
 *
 * While the file named by FAULT_FILE exists, its text says what fails:
 *   "full"      every write answers that no space is left
 *   "fsync <n>" the n-th flush from now on fails once; later ones succeed, as they do on a real kernel
 *   "write <n>" the same for writes
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int calls_seen[2];

static int is_database(int fd) {
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strstr(path, "/journal.db") != NULL;
}

/* The errno with which this call fails, 0 when it does not. kind: 0 flush, 1 write. */
static int fault(int fd, int kind) {
  const char *file = getenv("FAULT_FILE");
  if (file == NULL || !is_database(fd)) return 0;
  char text[32] = {0};
  int control = open(file, O_RDONLY | O_CLOEXEC);
  if (control < 0) return 0;
  ssize_t length = read(control, text, sizeof text - 1);
  close(control);
  if (length <= 0) return 0;
  if (strncmp(text, "full", 4) == 0) return kind == 1 ? ENOSPC : 0;
  const char *word = kind == 0 ? "fsync " : "write ";
  if (strncmp(text, word, 6) != 0) return 0;
  return ++calls_seen[kind] == atoi(text + 6) ? EIO : 0;
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define FAIL(fd, kind) \
  int code = fault(fd, kind); \
  if (code != 0) { errno = code; return -1; }

int fsync(int fd) {
  REAL(int, "fsync", int);
  FAIL(fd, 0)
  return real(fd);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  FAIL(fd, 0)
  return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  REAL(ssize_t, "write", int, const void *, size_t);
  FAIL(fd, 1)
  return real(fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  FAIL(fd, 1)
  return real(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  FAIL(fd, 1)
  return real(fd, bytes, count, at);
}
