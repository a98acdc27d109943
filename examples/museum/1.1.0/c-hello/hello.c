/* A channel in plain C: it says one thing when it starts and takes what is answered.
 *
 * Shows all that a plugin owes: `hello`, `ready`, an event with a key to know it again by, `ack` or
 * `nack` for every message, `pong`. A real channel has a thread that listens to its platform; this
 * one needs none.
 */
#include "jackfield_plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ID "c-hello"
#define VERSION "0.1.0"

struct hello {
    const struct jackfield_host *host;
    uint64_t generation;
};

/* ---- JSON, as much of it as frames need ---- */

/* The end of the string that begins at `at`. */
static size_t after_string(const char *json, size_t bytes, size_t at) {
    for (at++; at < bytes && json[at] != '"'; at++) {
        if (json[at] == '\\') at++;
    }
    return at + 1;
}

/* Where the value of `key` of the outermost object begins; 0 when there is none. */
static size_t value_of(const char *json, size_t bytes, const char *key) {
    size_t wanted = strlen(key);
    int depth = 0;
    for (size_t at = 0; at < bytes;) {
        if (json[at] == '"') {
            size_t end = after_string(json, bytes, at);
            int is_key = depth == 1 && end < bytes && json[end] == ':';
            if (is_key && end - at - 2 == wanted && !memcmp(json + at + 1, key, wanted)) {
                return end + 1;
            }
            at = end;
            continue;
        }
        if (json[at] == '{' || json[at] == '[') depth++;
        if (json[at] == '}' || json[at] == ']') depth--;
        at++;
    }
    return 0;
}

static uint64_t number_of(const char *json, size_t bytes, const char *key) {
    uint64_t number = 0;
    size_t at = value_of(json, bytes, key);
    for (; at && at < bytes && json[at] >= '0' && json[at] <= '9'; at++) {
        number = number * 10 + (uint64_t)(json[at] - '0');
    }
    return number;
}

static int is_text(const char *json, size_t bytes, const char *key, const char *text) {
    size_t at = value_of(json, bytes, key), wanted = strlen(text);
    return at && at + wanted + 2 <= bytes && json[at] == '"' && json[at + wanted + 1] == '"' &&
           !memcmp(json + at + 1, text, wanted);
}

/* ---- Towards the gateway ---- */

static void say(const struct hello *hello, const char *frame) {
    struct timespec pause = {0, 1000000};
    /* Full is rare and short; a plugin with much to say queues and says it from its own thread. */
    for (int tries = 0; tries < 1000; tries++) {
        if (hello->host->emit(hello->host->ctx, (const uint8_t *)frame, strlen(frame)) !=
            JACKFIELD_FULL) {
            return;
        }
        nanosleep(&pause, NULL);
    }
}

static void note(const struct hello *hello, const char *text, size_t bytes) {
    if (hello->host->log_enabled(hello->host->ctx, JACKFIELD_INFO)) {
        hello->host->log(hello->host->ctx, JACKFIELD_INFO, ID, strlen(ID), text, bytes);
    }
}

static void start(const struct hello *hello, const char *frame, size_t bytes) {
    char text[512];
    snprintf(text, sizeof text, "{\"t\":\"ready\",\"epoch\":%" PRIu64 "}",
             number_of(frame, bytes, "epoch"));
    say(hello, text);
    say(hello, "{\"t\":\"link\",\"account\":\"default\",\"state\":\"connected\"}");
    snprintf(text, sizeof text,
             "{\"t\":\"event\",\"id\":1,\"account\":\"default\",\"dedupe_key\":\"hello:%" PRIu64
             "\",\"body\":{\"kind\":\"message\",\"place\":{\"conversation\":\"sea\",\"kind\":"
             "\"direct\"},\"sender\":{\"id\":\"sea\"},\"message\":\"%" PRIu64
             "\",\"text\":\"hello from C\"}}",
             hello->generation, hello->generation);
    say(hello, text);
}

static void send_message(const struct hello *hello, const char *frame, size_t bytes) {
    char text[256];
    uint64_t seq = number_of(frame, bytes, "seq");
    size_t at = value_of(frame, bytes, "body");
    const char *body = frame + at;
    size_t rest = bytes - at;
    if (at && is_text(body, rest, "kind", "message")) {
        size_t words = value_of(body, rest, "text");
        if (words) note(hello, body + words, after_string(body, rest, words) - words);
        snprintf(text, sizeof text,
                 "{\"t\":\"ack\",\"seq\":%" PRIu64 ",\"receipt\":{\"message\":\"c-%" PRIu64 "\"}}",
                 seq, seq);
    } else {
        snprintf(text, sizeof text,
                 "{\"t\":\"nack\",\"seq\":%" PRIu64
                 ",\"error\":{\"class\":\"permanent\",\"code\":\"unsupported\",\"text\":"
                 "\"this channel sends text only\"}}",
                 seq);
    }
    say(hello, text);
}

static void answer(const struct hello *hello, const char *form, uint64_t number) {
    char text[160];
    snprintf(text, sizeof text, form, number);
    say(hello, text);
}

/* ---- What the gateway calls ---- */

static jackfield_status open_plugin(const struct jackfield_host *host, const uint8_t *init,
                                    size_t init_bytes, void **instance, char *error,
                                    size_t error_bytes) {
    struct hello *hello = calloc(1, sizeof *hello);
    if (!hello) {
        snprintf(error, error_bytes, "no memory");
        return JACKFIELD_CLOSED;
    }
    hello->host = host;
    hello->generation = number_of((const char *)init, init_bytes, "generation");
    *instance = hello;
    say(hello, "{\"t\":\"hello\",\"protocol\":\"" JACKFIELD_PROTOCOL "\",\"id\":\"" ID
               "\",\"version\":\"" VERSION "\"}");
    return JACKFIELD_OK;
}

static jackfield_status deliver(void *instance, const uint8_t *lent, size_t bytes) {
    const struct hello *hello = instance;
    const char *frame = (const char *)lent;
    if (!value_of(frame, bytes, "t")) return JACKFIELD_BAD_FRAME;
    if (is_text(frame, bytes, "t", "start")) start(hello, frame, bytes);
    if (is_text(frame, bytes, "t", "msg")) send_message(hello, frame, bytes);
    if (is_text(frame, bytes, "t", "ping")) {
        answer(hello, "{\"t\":\"pong\",\"n\":%" PRIu64 "}", number_of(frame, bytes, "n"));
    }
    if (is_text(frame, bytes, "t", "probe")) {
        answer(hello, "{\"t\":\"probe_reply\",\"req_id\":%" PRIu64 ",\"ok\":true}",
               number_of(frame, bytes, "req_id"));
    }
    if (is_text(frame, bytes, "t", "drain")) {
        answer(hello, "{\"t\":\"drained\",\"in_flight\":0,\"epoch\":%" PRIu64 "}",
               number_of(frame, bytes, "epoch"));
    }
    if (is_text(frame, bytes, "t", "export")) {
        answer(hello, "{\"t\":\"state\",\"state\":{\"schema\":0,\"data\":null},\"epoch\":%" PRIu64
                      "}",
               number_of(frame, bytes, "epoch"));
    }
    return JACKFIELD_OK; /* Frames it does not know are nothing to it. */
}

static jackfield_status close_plugin(void *instance, uint32_t deadline_ms) {
    (void)deadline_ms;
    free(instance);
    return JACKFIELD_OK;
}

JACKFIELD_PLUGIN = {
    JACKFIELD_ABI_MAJOR, JACKFIELD_ABI_MINOR, sizeof(struct jackfield_plugin), 0, ID, VERSION,
    open_plugin, deliver, close_plugin, NULL,
};
