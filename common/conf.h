/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration files, as both daemons read them: libconfuse underneath, every problem with its
 * line, all of them at once. A schema is a libconfuse table made of the CONF_ macros; every value
 * stays text until one of the getters makes something of it, or adds a problem. Not for two
 * threads: libconfuse's lexer is global.
 */
#ifndef VTAP_COMMON_CONF_H
#define VTAP_COMMON_CONF_H

#include <confuse.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/conf_text.h"
#include "common/problems.h"

struct conf {
	const char *path;
	struct problems *problems;
	size_t earlier; /* problems that were there before */
	cfg_t *root;
};

struct conf_value {
	int line; /* of a default: its section's, or 0 */
	char text[];
};

int conf_value_read(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);

/* `initial`: the default as it would stand in a file; NULL: no value. */
#define CONF_KEY(name, initial)  CFG_PTR_CB(name, initial, CFGF_NONE, conf_value_read, free)
#define CONF_LIST(name, initial) CFG_PTR_LIST_CB(name, initial, CFGF_NONE, conf_value_read, free)
/* any number of sections: name "title" { ... } */
#define CONF_SECTIONS(name, keys) CFG_SEC(name, keys, CFGF_MULTI | CFGF_TITLE)
/* the same where there may be thousands; `keys` begin with CONF_TITLE */
#define CONF_MANY_SECTIONS(name, keys) CFG_SEC(name, keys, CFGF_MULTI | CONF_MANY)
#define CONF_TITLE                     CONF_KEY(CONF_TITLE_KEY, NULL)

/* False: the file could not be read or is no configuration; there is at least one problem then.
 * Close it in any case. */
bool conf_open(struct conf *conf, const char *path, cfg_opt_t *schema, struct problems *problems);
/* Frees the values and puts the problems into the order of their lines. True when there were none.
 */
bool conf_close(struct conf *conf);

#define conf_problem(conf, line, ...) \
	problems_add((conf)->problems, (conf)->path, line, __VA_ARGS__)

const char *conf_title(cfg_t *section); /* of one of CONF_SECTIONS, which have lines too */
/* The title as a name that goes into log lines and JSON. `what`: "a collector". */
bool conf_name(struct conf *conf, cfg_t *section, const char *what);
int conf_line(cfg_t *section);

/* The value number i, NULL when there are no more. */
const struct conf_value *conf_value(cfg_t *section, const char *key, unsigned i);
const char *conf_string(cfg_t *section,
			const char *key); /* of a key with one value; "" when it has none */
int conf_key_line(cfg_t *section, const char *key); /* 0: it has no value */
bool conf_is_set(cfg_t *section, const char *key);  /* in the file, even if to {} */

/* These leave *out alone and add a problem when the value is not what it should be. */
bool conf_number(struct conf *conf, cfg_t *section, const char *key, uint32_t min, uint32_t max,
		 uint32_t *out);
/* The same where one word stands for 0. */
bool conf_number_or(struct conf *conf, cfg_t *section, const char *key, const char *word,
		    uint32_t min, uint32_t max, uint32_t *out);
/* A span of time of at least a second (see span.h), or "never", which is 0. */
bool conf_span_or_never(struct conf *conf, cfg_t *section, const char *key, uint64_t *seconds);
bool conf_flag(struct conf *conf, cfg_t *section, const char *key, bool *out);
/* *out: the place of the value among `names`, which end with a NULL */
bool conf_choice(struct conf *conf, cfg_t *section, const char *key, const char *const names[],
		 unsigned *out);
/* The address of one host that routers forward to. */
bool conf_address(struct conf *conf, cfg_t *section, const char *key, struct ip_addr *out);

/* A numeric address and port to listen on; "" is nowhere. */
bool conf_endpoint(struct conf *conf, cfg_t *section, const char *key, struct ip_endpoint *out);

/* A name that the kernel takes for an interface and that is no pattern or keyword. `what`: for the
 * problem's text. */
bool conf_interface(struct conf *conf, int line, const char *what, const char *name,
		    char out[IFNAMSIZ]);

#endif
