/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: descriptors, timers, signals. Only it, control.c and the server of
 * metrics know libevent. Callbacks run one at a time and must not block.
 */
#ifndef VTAP_COMMON_LOOP_H
#define VTAP_COMMON_LOOP_H

#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
typedef void (*loop_fn)(void *ctx);

struct loop *loop_new(void);       /* NULL: no memory or no epoll */
void loop_free(struct loop *loop); /* frees watches, timers and signals with it; NULL is fine */
struct event_base *loop_base(struct loop *loop);

int loop_run(struct loop *loop); /* until loop_stop; 0 or a negative errno */
void loop_stop(struct loop *loop);

/* fn(ctx) whenever fd is readable. The descriptor stays the caller's. 0 or a negative errno. */
int loop_watch(struct loop *loop, int fd, loop_fn fn, void *ctx);
/* A watched one is left alone for a while. */
void loop_pause(struct loop *loop, int fd);
int loop_resume(struct loop *loop, int fd); /* 0 or a negative errno */
int loop_signal(struct loop *loop, int signo, loop_fn fn, void *ctx);

/* A one-shot timer, not yet running. NULL: no memory. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn fn, void *ctx);
void loop_timer_set(struct loop_timer *timer, uint64_t in_ms); /* (re)starts it */
void loop_timer_clear(struct loop_timer *timer);

uint64_t loop_now_ms(void); /* CLOCK_MONOTONIC */

#endif
