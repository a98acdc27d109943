/* The Jackfield plugin interface for C, and for whatever can make a C library.
 *
 * A plugin is a shared library that exports one constant, `jackfield_plugin_1`, of the type
 * `struct jackfield_plugin`, beside a `plugin.toml`. Everything else travels as frames: JSON
 * documents, the same that plugins in Rust speak, described in plugin-api/README.md and
 * schemas/plugin-frames.schema.json. This file is frozen for ABI major 1: a later one only adds
 * at the end of a structure, and `bytes` says how long the other side's is.
 *
 * Rules
 *   - `open` is called once. It starts what the plugin needs, sends a `hello` frame and returns.
 *   - `deliver` is called by one thread at a time and must not block; the frame is only lent.
 *   - `emit`, `log_enabled` and `log` may be called from any thread until `close` has returned.
 *   - No call may throw, longjmp or exit. Nothing is freed on the other side of a call.
 *   - Frames and texts have a length and need no ending zero.
 */
#ifndef JACKFIELD_PLUGIN_H
#define JACKFIELD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JACKFIELD_ABI_MAJOR 1
#define JACKFIELD_ABI_MINOR 2
#define JACKFIELD_PROTOCOL "1.0"

/* Outcome of a call. A value that is not listed counts as JACKFIELD_CLOSED. */
typedef uint8_t jackfield_status;
#define JACKFIELD_OK ((jackfield_status)0)        /* The frame was taken. */
#define JACKFIELD_FULL ((jackfield_status)1)      /* Wait, then offer the same frame again. */
#define JACKFIELD_CLOSED ((jackfield_status)2)    /* Nothing will be taken any more. */
#define JACKFIELD_PANICKED ((jackfield_status)3)  /* The other side failed inside the call. */
#define JACKFIELD_BAD_FRAME ((jackfield_status)4) /* The bytes were not a frame. */

/* Levels of log records. */
#define JACKFIELD_ERROR 1
#define JACKFIELD_WARN 2
#define JACKFIELD_INFO 3
#define JACKFIELD_DEBUG 4
#define JACKFIELD_TRACE 5

/* Two versions of the plugin may be live at once. */
#define JACKFIELD_FLAG_SWAP_SAFE (UINT64_C(1) << 1)

/* What a plugin may call. Valid until `close` has returned; pass `ctx` to every function. */
struct jackfield_host {
    size_t bytes; /* sizeof of the gateway's structure */
    uintptr_t ctx;
    /* Hands one frame to the gateway; copies it. */
    jackfield_status (*emit)(uintptr_t ctx, const uint8_t *frame, size_t bytes);
    /* Nonzero when a record of this level would be kept. */
    uint8_t (*log_enabled)(uintptr_t ctx, uint8_t level);
    /* Hands over one log record; copies it. */
    void (*log)(uintptr_t ctx, uint8_t level, const char *target, size_t target_bytes,
                const char *message, size_t message_bytes);
};

/* What a plugin exports. */
struct jackfield_plugin {
    uint32_t abi_major; /* JACKFIELD_ABI_MAJOR */
    uint32_t abi_minor; /* JACKFIELD_ABI_MINOR */
    size_t bytes;       /* sizeof(struct jackfield_plugin) */
    uint64_t flags;     /* JACKFIELD_FLAG_* */
    const char *id;      /* as in plugin.toml */
    const char *version; /* as in plugin.toml */
    /* Begins the plugin's life. `init` is a JSON document: {"id", "generation", "window",
     * "state_dir"}. Returns JACKFIELD_OK and sets `*instance` to anything it likes, or fails and
     * writes a sentence for people, with an ending zero, into `error`. */
    jackfield_status (*open)(const struct jackfield_host *host, const uint8_t *init,
                             size_t init_bytes, void **instance, char *error,
                             size_t error_bytes);
    /* Hands one frame to the plugin. */
    jackfield_status (*deliver)(void *instance, const uint8_t *frame, size_t bytes);
    /* Ends the plugin's life within `deadline_ms`; no call is made with `instance` afterwards.
     * JACKFIELD_FULL: it did not end in time and its library must stay where it is. */
    jackfield_status (*close)(void *instance, uint32_t deadline_ms);
    /* Optional: a table that the id, such as "doctor/1", defines, and its size; or NULL. */
    const void *(*get_extension)(const char *id, size_t *bytes);
};

/* Written once in a plugin:
 *     JACKFIELD_PLUGIN = { JACKFIELD_ABI_MAJOR, JACKFIELD_ABI_MINOR,
 *                          sizeof(struct jackfield_plugin), 0, "id", "1.0.0",
 *                          my_open, my_deliver, my_close, NULL };
 */
#define JACKFIELD_PLUGIN \
    __attribute__((visibility("default"))) const struct jackfield_plugin jackfield_plugin_1

#ifdef __cplusplus
}
#endif

#endif
