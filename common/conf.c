/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a configuration file and gives out its values with their lines. Nothing in here knows any
 * key.
 */
#include "common/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/span.h"

/* libconfuse hands its error function no context, and can read only one file at a time anyway. */
static struct conf *reading;

static void report(cfg_t *cfg, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void report(cfg_t *cfg, const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	conf_problem(reading, cfg->line, "%s", text ? text : strerror(ENOMEM));
	free(text);
}

int conf_value_read(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	size_t size = strlen(value) + 1;
	struct conf_value *made = malloc(sizeof(*made) + size);

	(void)opt;
	if (!made)
		return -1;
	made->line = cfg->line;
	/* A problem is one line, and no value needs more: to a filter any of these is a space. */
	for (size_t i = 0; i < size; i++)
		made->text[i] = iscntrl((unsigned char)value[i]) && value[i] ? ' ' : value[i];
	*(void **)result = made;
	return 0;
}

/* The whole file, malloc'd, or NULL and a problem. */
static char *read_file(struct conf *conf)
{
	FILE *file = fopen(conf->path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t size;

	if (!file) {
		conf_problem(conf, 0, "%s", strerror(errno));
		return NULL;
	}
	errno = 0;
	size = getdelim(&text, &room, 0, file);
	if (size < 0 && feof(file) && errno == 0) { /* empty */
		free(text);
		text = strdup("");
	} else if (size < 0) {
		conf_problem(conf, 0, "%s", strerror(errno ? errno : EIO));
		free(text);
		text = NULL;
	} else if (!feof(file) || text[size - 1] == 0) {
		conf_problem(conf, 0, "not a text file");
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

bool conf_open(struct conf *conf, const char *path, cfg_opt_t *schema, struct problems *problems)
{
	char *text, *prepared = NULL;
	bool ok = false;

	*conf = (struct conf){.path = path, .problems = problems, .earlier = problems->count};
	text = read_file(conf);
	if (text)
		prepared = conf_text_prepare(text, schema, path, problems);
	free(text);
	if (!prepared)
		return false;

	reading = conf;
	conf->root = cfg_init(schema, CFGF_NONE);
	if (conf->root) {
		size_t before = problems->count;

		/* libconfuse takes the empty section that it makes itself for one of the file */
		for (cfg_opt_t *opt = conf->root->opts; opt->name; opt++)
			opt->flags &= ~CFGF_MODIFIED;
		cfg_set_error_function(conf->root, report);
		ok = cfg_parse_buf(conf->root, prepared) == CFG_SUCCESS;
		if (!ok && problems->count == before)
			conf_problem(conf, conf->root->line, "%s", strerror(ENOMEM));
	} else {
		conf_problem(conf, 0, "%s", strerror(ENOMEM));
	}
	reading = NULL;
	free(prepared);
	return ok;
}

static long problem_line(const struct conf *conf, size_t i)
{
	const char *text = problems_text(conf->problems, i);
	size_t skip = strlen(conf->path);

	return strlen(text) > skip && text[skip] == ':' ? strtol(text + skip + 1, NULL, 10) : 0;
}

bool conf_close(struct conf *conf)
{
	struct problems *problems = conf->problems;

	if (conf->root)
		cfg_free(conf->root);
	conf->root = NULL;
	/* Few and nearly in order: an insertion sort, which keeps the order within a line. */
	for (size_t i = conf->earlier + 1; problems->text && i < problems->count; i++)
		for (size_t j = i;
		     j > conf->earlier && problem_line(conf, j - 1) > problem_line(conf, j); j--) {
			char *later = problems->text[j - 1];

			problems->text[j - 1] = problems->text[j];
			problems->text[j] = later;
		}
	return problems->count == conf->earlier;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* "LINE.NUMBER:TITLE", see conf_text.h */
static const char *long_title(cfg_t *section)
{
	const char *title = cfg_title(section);

	return title ? title : conf_string(section, CONF_TITLE_KEY);
}

const char *conf_title(cfg_t *section)
{
	const char *colon = strchr(long_title(section), ':');

	return colon ? colon + 1 : "";
}

int conf_line(cfg_t *section)
{
	return (int)strtol(long_title(section), NULL, 10);
}

bool conf_name(struct conf *conf, cfg_t *section, const char *what)
{
	const char *name = conf_title(section);
	bool valid = *name;

	for (; *name; name++)
		valid &= isprint((unsigned char)*name) != 0;
	if (!valid)
		conf_problem(conf, conf_line(section),
			     "%s's name must be printable ASCII characters", what);
	return valid;
}

const struct conf_value *conf_value(cfg_t *section, const char *key, unsigned i)
{
	return cfg_getnptr(section, key, i);
}

const char *conf_string(cfg_t *section, const char *key)
{
	const struct conf_value *value = conf_value(section, key, 0);

	return value ? value->text : "";
}

int conf_key_line(cfg_t *section, const char *key)
{
	const struct conf_value *value = conf_value(section, key, 0);

	return value ? value->line : 0;
}

bool conf_is_set(cfg_t *section, const char *key)
{
	const cfg_opt_t *opt = cfg_getopt(section, key);

	return opt && opt->flags & CFGF_MODIFIED;
}

static bool is_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || number < min || number > max)
		return false;
	*out = (uint32_t)number;
	return true;
}

bool conf_number(struct conf *conf, cfg_t *section, const char *key, uint32_t min, uint32_t max,
		 uint32_t *out)
{
	const char *text = conf_string(section, key);

	if (is_number(text, min, max, out))
		return true;
	conf_problem(conf, conf_key_line(section, key), "%s \"%s\" is not a number from %u to %u",
		     key, text, min, max);
	return false;
}

bool conf_number_or(struct conf *conf, cfg_t *section, const char *key, const char *word,
		    uint32_t min, uint32_t max, uint32_t *out)
{
	const char *text = conf_string(section, key);

	if (is_number(text, min, max, out))
		return true;
	if (strcmp(text, word) == 0) {
		*out = 0;
		return true;
	}
	conf_problem(conf, conf_key_line(section, key),
		     "%s \"%s\" is not \"%s\" or a number from %u to %u", key, text, word, min,
		     max);
	return false;
}

bool conf_span_or_never(struct conf *conf, cfg_t *section, const char *key, uint64_t *seconds)
{
	const char *text = conf_string(section, key);

	if (span_parse(text, seconds))
		return true;
	if (strcmp(text, "never") == 0) {
		*seconds = 0;
		return true;
	}
	conf_problem(conf, conf_key_line(section, key),
		     "%s \"%s\" is not \"never\" or a time such as \"7d\", \"12h\" or \"30min\"",
		     key, text);
	return false;
}

bool conf_flag(struct conf *conf, cfg_t *section, const char *key, bool *out)
{
	const char *text = conf_string(section, key);
	int flag = cfg_parse_boolean(text);

	if (flag < 0) {
		conf_problem(conf, conf_key_line(section, key), "%s \"%s\" is not true or false",
			     key, text);
		return false;
	}
	*out = flag > 0;
	return true;
}

bool conf_choice(struct conf *conf, cfg_t *section, const char *key, const char *const names[],
		 unsigned *out)
{
	const char *text = conf_string(section, key);
	char all[128] = "";

	for (unsigned i = 0; names[i]; i++) {
		size_t used = strlen(all);

		if (strcmp(text, names[i]) == 0) {
			*out = i;
			return true;
		}
		snprintf(all + used, sizeof(all) - used, "%s\"%s\"",
			 i == 0         ? ""
			 : names[i + 1] ? ", "
					: " or ",
			 names[i]);
	}
	conf_problem(conf, conf_key_line(section, key), "%s \"%s\" is not %s", key, text, all);
	return false;
}

bool conf_address(struct conf *conf, cfg_t *section, const char *key, struct ip_addr *out)
{
	const char *text = conf_string(section, key), *why = NULL;
	struct ip_addr addr;

	if (!ip_addr_parse(text, &addr))
		why = "a numeric IPv4 or IPv6 address";
	else if (ip_addr_is_any(&addr))
		why = "the address of a host";
	else if (ip_addr_is_multicast(&addr))
		why = "a unicast address";
	else if (addr.family == AF_INET6 && addr.bytes[0] == 0xfe && (addr.bytes[1] & 0xc0) == 0x80)
		why = "valid beyond one link"; /* the kernel would bind such a tunnel to one
						  interface */
	if (why) {
		conf_problem(conf, conf_key_line(section, key), "%s \"%s\" is not %s", key, text,
			     why);
		return false;
	}
	*out = addr;
	return true;
}

bool conf_endpoint(struct conf *conf, cfg_t *section, const char *key, struct ip_endpoint *out)
{
	const char *text = conf_string(section, key);
	struct ip_endpoint endpoint = {0};

	if (*text &&
	    (!ip_endpoint_parse(text, &endpoint) || ip_addr_is_multicast(&endpoint.addr))) {
		conf_problem(conf, conf_key_line(section, key),
			     "%s \"%s\" is not a numeric address and a port such as "
			     "\"127.0.0.1:9478\" or \"[::1]:9478\"",
			     key, text);
		return false;
	}
	*out = endpoint;
	return true;
}

bool conf_interface(struct conf *conf, int line, const char *what, const char *name,
		    char out[IFNAMSIZ])
{
	/* What the kernel refuses, "%" that it takes for a pattern, and two names that it has in
	 * /proc/sys/net. */
	static const char *const taken[] = {"", ".", "..", "all", "default"};
	bool valid = true;

	if (strlen(name) >= IFNAMSIZ) {
		conf_problem(conf, line, "%s \"%s\" is longer than %d characters", what, name,
			     IFNAMSIZ - 1);
		return false;
	}
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		valid &= strcmp(name, taken[i]) != 0;
	for (const char *c = name; *c; c++)
		valid &= isgraph((unsigned char)*c) && !strchr("/:%", *c);
	if (!valid) {
		conf_problem(conf, line, "%s \"%s\" is not a name for an interface", what, name);
		return false;
	}
	memset(out, 0, IFNAMSIZ);
	memcpy(out, name, strlen(name) + 1);
	return true;
}
