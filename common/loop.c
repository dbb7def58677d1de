/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop on libevent. It owns its event structures and nothing else: descriptors stay the
 * caller's and must stay open until loop_free. One thread. SIGPIPE and other process-wide settings
 * are the program's.
 */
#include "common/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "common/log.h"

/* What a watch, a signal and a timer have in common. */
struct source {
	struct event *event;
	loop_fn fn;
	void *ctx;
	struct source *next;
};

struct loop_timer {
	struct source source; /* first, so that freeing the source frees the timer */
};

struct loop {
	struct event_base *base;
	struct source *sources;
	bool stopped;
};

/* libevent would write to stderr by itself. What it warns of also comes back as an error to whoever
 * asked. */
static void libevent_says(int severity, const char *message)
{
	log_line(severity == EVENT_LOG_ERR ? LOG_ERR : LOG_DEBUG, "libevent: %s", message);
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct event_config *config = event_config_new();

	if (loop == NULL || config == NULL)
		goto fail;
	event_set_log_callback(libevent_says);
	/* Without these a timer set at the end of a long callback would count from the callback's
	 * start, and, on the coarse clock, could run some milliseconds before loop_now_ms says that
	 * it is due. */
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME |
					  EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK |
					  EVENT_BASE_FLAG_IGNORE_ENV);
	loop->base = event_base_new_with_config(config);
	if (loop->base == NULL)
		goto fail;
	event_config_free(config);
	return loop;
fail:
	if (config != NULL)
		event_config_free(config);
	free(loop);
	return NULL;
}

void loop_free(struct loop *loop)
{
	struct source *next;

	if (loop == NULL)
		return;
	for (struct source *source = loop->sources; source != NULL; source = next) {
		next = source->next;
		event_free(source->event);
		free(source);
	}
	event_base_free(loop->base);
	free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

int loop_run(struct loop *loop)
{
	int error = 0;

	/* libevent forgets a break that comes before the loop starts */
	if (!loop->stopped) {
		errno = 0;
		if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			error = errno != 0 ? -errno : -EIO;
	}
	loop->stopped = false;
	return error;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	event_base_loopbreak(loop->base);
}

static void dispatch(evutil_socket_t fd, short what, void *ctx)
{
	struct source *source = ctx;

	(void)fd;
	(void)what;
	source->fn(source->ctx);
}

/* Fills `source`, which becomes the loop's. */
static int source_init(struct loop *loop, struct source *source, int fd, short what, loop_fn fn,
		       void *ctx)
{
	source->fn = fn;
	source->ctx = ctx;
	source->event = event_new(loop->base, fd, what, dispatch, source);
	if (source->event == NULL)
		return -ENOMEM;
	source->next = loop->sources;
	loop->sources = source;
	return 0;
}

static int source_add(struct loop *loop, int fd, short what, loop_fn fn, void *ctx)
{
	struct source *source = calloc(1, sizeof(*source));
	int error;

	if (source == NULL)
		return -ENOMEM;
	error = source_init(loop, source, fd, what, fn, ctx);
	if (error < 0) {
		free(source);
		return error;
	}
	errno = 0;
	if (event_add(source->event, NULL) < 0) {
		error = errno != 0 ? -errno : -ENOMEM;
		loop->sources = source->next;
		event_free(source->event);
		free(source);
	}
	return error;
}

int loop_watch(struct loop *loop, int fd, loop_fn fn, void *ctx)
{
	return source_add(loop, fd, EV_READ | EV_PERSIST, fn, ctx);
}

static struct event *watch_of(struct loop *loop, int fd)
{
	for (struct source *source = loop->sources; source != NULL; source = source->next)
		if ((event_get_events(source->event) & EV_READ) &&
		    event_get_fd(source->event) == fd)
			return source->event;
	return NULL;
}

void loop_pause(struct loop *loop, int fd)
{
	struct event *event = watch_of(loop, fd);

	if (event != NULL)
		event_del(event);
}

int loop_resume(struct loop *loop, int fd)
{
	struct event *event = watch_of(loop, fd);

	errno = 0;
	if (event != NULL && event_add(event, NULL) == 0)
		return 0;
	return errno != 0 ? -errno : -ENOENT;
}

int loop_signal(struct loop *loop, int signo, loop_fn fn, void *ctx)
{
	return source_add(loop, signo, EV_SIGNAL | EV_PERSIST, fn, ctx);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn fn, void *ctx)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL)
		return NULL;
	if (source_init(loop, &timer->source, -1, 0, fn, ctx) < 0) {
		free(timer);
		return NULL;
	}
	return timer;
}

void loop_timer_set(struct loop_timer *timer, uint64_t in_ms)
{
	struct timeval tv = {
	    .tv_sec = (time_t)(in_ms / 1000),
	    .tv_usec = (suseconds_t)(in_ms % 1000 * 1000),
	};

	event_add(timer->source.event, &tv);
}

void loop_timer_clear(struct loop_timer *timer)
{
	event_del(timer->source.event);
}

uint64_t loop_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
