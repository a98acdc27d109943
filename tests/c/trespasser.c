/* A plugin that tries what it was told in its settings, and reports in its link's detail how each
 * attempt ended. `-D` options spoil it in other ways:
 *   FAULT_AT_LOAD   its constructor falls
 *   HANG_AT_LOAD    its constructor never returns
 *   MAJOR=n         built for another ABI major
 *   BYTES=n         its entry is of another length
 *   NO_ENTRY        it exports nothing
 *   NO_DELIVER      its entry lacks a function
 *   AT_LOAD="path"  reads this file before the host asks for anything
 */
#define _GNU_SOURCE
#include "jackfield_plugin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MAJOR
#define MAJOR JACKFIELD_ABI_MAJOR
#endif
#ifndef BYTES
#define BYTES sizeof(struct jackfield_plugin)
#endif
#ifndef ID
#define ID "trespasser"
#endif

static const struct jackfield_host *host;
static char report[4096];

static void told(const char *attempt, int failure) {
    size_t used = strlen(report);
    const char *name = failure ? strerrorname_np(failure) : "ok";
    snprintf(report + used, sizeof report - used, "%s=%s; ", attempt, name ? name : "?");
}

static int reads(const char *path) {
    char byte;
    int file = open(path, O_RDONLY | O_NONBLOCK);
    if (file < 0) return errno;
    int failure = read(file, &byte, 1) < 0 ? errno : 0;
    close(file);
    return failure;
}

static int writes(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return errno;
    int failure = write(file, "x", 1) < 0 ? errno : 0;
    close(file);
    return failure;
}

static int net(const char *port, int kind, int listens) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int end = socket(AF_INET, kind, 0);
    if (end < 0) return errno;
    int done = listens ? bind(end, (struct sockaddr *)&to, sizeof to)
                       : connect(end, (struct sockaddr *)&to, sizeof to);
    int failure = done < 0 ? errno : 0;
    close(end);
    return failure;
}

static int starts(const char *program) {
    int status = 0;
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) {
        char *const words[] = {(char *)program, NULL};
        char *const none[] = {NULL};
        execve(program, words, none);
        _exit(errno);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int takes(const char *mib) {
    size_t bytes = (size_t)atoi(mib) << 20;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return errno;
    munmap(memory, bytes);
    return 0;
}

static void attempt(char *words) {
    char whole[512];
    snprintf(whole, sizeof whole, "%s", words);
    char *what = strchr(words, ' ');
    if (!what) return;
    *what++ = 0;
    int failure = EINVAL;
    if (!strcmp(words, "read")) failure = reads(what);
    if (!strcmp(words, "write")) failure = writes(what);
    if (!strcmp(words, "connect")) failure = net(what, SOCK_STREAM, 0);
    if (!strcmp(words, "listen")) failure = net(what, SOCK_STREAM, 1);
    if (!strcmp(words, "datagram")) failure = net(what, SOCK_DGRAM, 0);
    if (!strcmp(words, "start")) failure = starts(what);
    if (!strcmp(words, "take")) failure = takes(what);
    if (!strcmp(words, "signal")) failure = kill(atoi(what), 0) < 0 ? errno : 0;
    told(whole, failure);
}

#if defined(FAULT_AT_LOAD) || defined(HANG_AT_LOAD) || defined(AT_LOAD)
__attribute__((constructor)) static void loaded(void) {
#ifdef FAULT_AT_LOAD
    *(volatile int *)8 = 1; /* a real fault: Rust's handler lets a raised one pass */
#endif
#ifdef HANG_AT_LOAD
    for (;;) pause();
#endif
#ifdef AT_LOAD
    told("at load", reads(AT_LOAD));
#endif
}
#endif

static void say(const char *frame) {
    host->emit(host->ctx, (const uint8_t *)frame, strlen(frame));
}

static jackfield_status open_plugin(const struct jackfield_host *given, const uint8_t *init,
                                    size_t init_bytes, void **instance, char *error,
                                    size_t error_bytes) {
    (void)init, (void)init_bytes, (void)error, (void)error_bytes;
    host = given;
    *instance = report;
    say("{\"t\":\"hello\",\"protocol\":\"1.0\",\"id\":\"" ID "\",\"version\":\"0.1.0\"}");
    return JACKFIELD_OK;
}

/* Runs `"attempts":["read /a","write /b"]`, which holds no escapes. */
static void try_all(const char *frame) {
    char words[256];
    const char *at = strstr(frame, "\"attempts\":[");
    for (at = at ? at + 12 : NULL; at && *at == '"';) {
        const char *end = strchr(at + 1, '"');
        if (!end || (size_t)(end - at) > sizeof words) return;
        snprintf(words, sizeof words, "%.*s", (int)(end - at - 1), at + 1);
        attempt(words);
        at = end[1] == ',' ? end + 2 : NULL;
    }
}

__attribute__((unused)) static jackfield_status deliver(void *instance, const uint8_t *frame,
                                                        size_t bytes) {
    (void)instance;
    char text[8192], reply[5000];
    snprintf(text, sizeof text, "%.*s", (int)bytes, (const char *)frame);
    if (strstr(text, "\"t\":\"start\"")) {
        const char *epoch = strstr(text, "\"epoch\":");
        try_all(text);
        snprintf(reply, sizeof reply,
                 "{\"t\":\"link\",\"account\":\"default\",\"state\":\"connected\",\"detail\":\"%s\"}",
                 report);
        say(reply);
        snprintf(reply, sizeof reply, "{\"t\":\"ready\",\"epoch\":%lu}",
                 epoch ? strtoul(epoch + 8, NULL, 10) : 0);
        say(reply);
    }
    if (strstr(text, "\"t\":\"ping\"")) {
        const char *n = strstr(text, "\"n\":");
        snprintf(reply, sizeof reply, "{\"t\":\"pong\",\"n\":%lu}",
                 n ? strtoul(n + 4, NULL, 10) : 0);
        say(reply);
    }
    return JACKFIELD_OK;
}

static jackfield_status close_plugin(void *instance, uint32_t deadline_ms) {
    (void)instance, (void)deadline_ms;
    return JACKFIELD_OK;
}

#ifdef NO_ENTRY
__attribute__((unused)) static const struct jackfield_plugin hidden = {
#else
JACKFIELD_PLUGIN = {
#endif
    MAJOR,
    JACKFIELD_ABI_MINOR,
    BYTES,
    0,
    ID,
    "0.1.0",
    open_plugin,
#ifdef NO_DELIVER
    NULL,
#else
    deliver,
#endif
    close_plugin,
    NULL,
};
