/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal handlers only write(2) and end: whatever the program is doing, a terminal that blocks
 * included, ^C works.
 */
#include "vtapstat/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

bool terminal_is_there(void)
{
	return isatty(STDOUT_FILENO);
}

bool terminal_can_redraw(void)
{
	const char *term = getenv("TERM");

	return terminal_is_there() && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

bool terminal_has_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return terminal_can_redraw() && (no == NULL || no[0] == '\0');
}

void terminal_size(size_t *rows, size_t *columns)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){0};
	*rows = size.ws_row > 0 ? size.ws_row : 24;
	*columns = size.ws_col > 0 ? size.ws_col : 80;
}

static void put(const char *sequence, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, sequence, size);

		if (n <= 0)
			return; /* nobody to be put right for */
		sequence += n;
		size -= (size_t)n;
	}
}

void terminal_leave(void)
{
	put(LEAVE, sizeof(LEAVE) - 1);
}

static void on_interrupt(int signo)
{
	(void)signo;
	terminal_leave();
	_exit(0);
}

/* The handler is gone already (SA_RESETHAND), and the signal pending until it returns. */
static void on_end(int signo)
{
	terminal_leave();
	raise(signo);
}

static void on_suspend(int signo)
{
	(void)signo;
	terminal_leave();
	raise(SIGSTOP);
	put(ENTER, sizeof(ENTER) - 1);
}

static void on_resize(int signo)
{
	(void)signo;
}

static void handle(int signo, void (*handler)(int signo), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	struct sigaction before;

	sigfillset(&action.sa_mask);
	/* what nohup and its like have taken away stays away */
	if (sigaction(signo, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(signo, &action, NULL);
}

void terminal_enter(sigset_t *waiting)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGTSTP);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	sigdelset(waiting, SIGWINCH);
	sigdelset(waiting, SIGTSTP);
	handle(SIGINT, on_interrupt, 0);
	handle(SIGTERM, on_end, (int)SA_RESETHAND);
	handle(SIGHUP, on_end, (int)SA_RESETHAND);
	handle(SIGQUIT, on_end, (int)SA_RESETHAND);
	handle(SIGTSTP, on_suspend, 0);
	handle(SIGWINCH, on_resize, 0);
	put(ENTER, sizeof(ENTER) - 1);
}
