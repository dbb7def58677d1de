/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration file's text, made ready for libconfuse 3.3. That library counts a comment as
 * several lines, takes comments in few places, gives up at the first unknown key, keeps one section
 * per title, lets the last of two equal keys win, and expands ${VARIABLES}. So the text is taken
 * apart and written out again: every word on its own line number, no comments, nothing unknown,
 * every titled section with a title of its own. Grammar and values stay libconfuse's; what this
 * file cannot make sense of it passes on for libconfuse to complain about.
 */
#ifndef VTAP_COMMON_CONF_TEXT_H
#define VTAP_COMMON_CONF_TEXT_H

#include <confuse.h>

#include "common/problems.h"

/*
 * Schema flag: sections with titles that come by the thousand. libconfuse compares each title with
 * all before it, so these get theirs as the value of a key that no file can have.
 */
#define CONF_MANY      CFGF_COMMENTS
#define CONF_TITLE_KEY "#title"

/*
 * Text for cfg_parse_buf(), malloc'd, the caller's to free; NULL: not even words could be made of
 * it, the problem is in `problems`, as are unknown keys and sections, keys set twice and include(),
 * which are left out of the text. Titles come as "LINE.NUMBER:TITLE".
 */
char *conf_text_prepare(const char *text, const cfg_opt_t *schema, const char *path,
			struct problems *problems);

#endif
