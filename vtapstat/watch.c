/* SPDX-License-Identifier: BSD-2-Clause */
#include "vtapstat/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "vtapstat/look.h"
#include "vtapstat/show.h"
#include "vtapstat/terminal.h"

enum { NS_PER_S = 1000000000 };

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* False when a signal came first. */
static bool wait_until(int64_t deadline_ns, const sigset_t *waiting)
{
	for (;;) {
		int64_t left = deadline_ns - now_ns();
		struct timespec pause = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};

		if (left <= 0)
			return true;
		if (ppoll(NULL, 0, &pause, waiting) < 0)
			return false;
	}
}

static void on_interrupt(int signo)
{
	(void)signo;
	_exit(STATUS_OK);
}

/* What a shell has taken away from its background jobs stays away. */
static void end_on_interrupt(void)
{
	const struct sigaction interrupt = {.sa_handler = on_interrupt};
	struct sigaction before;

	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGINT, &interrupt, NULL);
}

/* Texts or documents, one after another. */
static int show_next(const struct look *look, const struct arguments *arguments, bool first)
{
	if (arguments->json)
		return show_json_line(look);
	if (!first && look->document != NULL)
		putchar('\n');
	return show_text(look, arguments->sort);
}

/* Shows a look until it is time for the next one. */
static int stay(const struct look *look, const struct arguments *arguments, int64_t deadline_ns,
		const sigset_t *waiting)
{
	int error;

	do
		error = show_frame(look, arguments);
	while (error == 0 && !wait_until(deadline_ns, waiting));
	return error;
}

/* Takes the place of `before`, which lends it what rates are counted from. */
static void look_again(const struct arguments *arguments, struct look *look)
{
	struct look before = *look;

	look_at(arguments, look);
	if (look->document != NULL)
		document_add_rates(look->document, before.document,
				   (double)(look->when_ms - before.when_ms) / 1e3);
	look_end(&before);
}

int watch(const struct arguments *arguments)
{
	bool redraw = !arguments->json && terminal_can_redraw();
	struct look look = {0};
	sigset_t waiting;
	int error = 0;

	sigprocmask(SIG_SETMASK, NULL, &waiting);
	if (redraw)
		terminal_enter(&waiting);
	else
		end_on_interrupt();
	for (bool first = true; error == 0; first = false) {
		int64_t next_ns = now_ns() + (int64_t)(arguments->interval * NS_PER_S);

		look_again(arguments, &look);
		if (redraw) {
			error = stay(&look, arguments, next_ns, &waiting);
		} else {
			error = show_next(&look, arguments, first);
			while (error == 0 && !wait_until(next_ns, &waiting))
				;
		}
	}
	if (redraw)
		terminal_leave();
	look_end(&look);
	return STATUS_NO_ANSWER;
}
