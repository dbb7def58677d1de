/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtapstat: asks a daemon how it is and shows the answer. Changes nothing, needs no privilege
 * beyond opening the socket.
 */

#include <locale.h>
#include <stdio.h>

#include "vtapstat/arguments.h"
#include "vtapstat/look.h"
#include "vtapstat/show.h"
#include "vtapstat/view.h"
#include "vtapstat/watch.h"

int main(int argc, char **argv)
{
	/* static: it stays reachable to the end, and nobody frees it. The kernel does that for all
	 * of a process at once; free() for each value of 10,000 clients would take as long as
	 * printing them. */
	static struct look look;
	struct arguments arguments;
	int status, error;

	/* only the encoding: numbers are written the same everywhere */
	setlocale(LC_CTYPE, "");
	status = arguments_parse(argc, argv, &arguments);
	if (status >= 0)
		return status;
	if (arguments.watch)
		return watch(&arguments);
	look_at(&arguments, &look);
	error = arguments.json ? show_json(&look) : show_text(&look, arguments.sort);
	return error < 0 ? STATUS_NO_ANSWER : look.status;
}
