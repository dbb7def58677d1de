/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard output as a terminal: its size, what it can do, and a screen of our own on it while we
 * watch, which is left on every way out.
 */
#ifndef VTAP_VTAPSTAT_TERMINAL_H
#define VTAP_VTAPSTAT_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

bool terminal_is_there(void);
bool terminal_can_redraw(void);                    /* false: TERM=dumb, or none */
bool terminal_has_colours(void);                   /* honours NO_COLOR */
void terminal_size(size_t *rows, size_t *columns); /* 24 and 80 where it does not know */

/*
 * The alternate screen, without a cursor. SIGINT then ends the program with status 0, SIGTERM,
 * SIGHUP and SIGQUIT as always, after the terminal is as it was before. A change of size or a
 * return from a suspend (^Z) interrupts ppoll() with the mask `waiting`, and nothing else.
 */
void terminal_enter(sigset_t *waiting);
void terminal_leave(void);

#endif
