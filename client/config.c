/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.conf: what its keys mean and which of them go together. Does not look at the machine.
 */
#include "client/config_parts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/filter.h"
#include "client/pcap.h"
#include "client/tee.h"

/* clang-format off */
static cfg_opt_t collector_keys[] = {
	CONF_KEY("address", NULL),
	CONF_KEY("local", NULL),
	CONF_KEY("encap", "vxlan"),
	CONF_KEY("vni", "42"),
	CONF_KEY("port", "4789"),
	CONF_KEY("device", NULL),
	CONF_KEY("rate", "none"),
	CONF_KEY("accelerate", "auto"),
	CONF_KEY("oversize", "resegment"),
	CONF_KEY("udp_checksum", "auto"),
	CONF_KEY("ttl", "64"),
	CONF_KEY("dscp", "0"),
	CONF_KEY("clamp_mss", "false"),
	CFG_END(),
};

static cfg_opt_t mirror_keys[] = {
	CONF_LIST("collector", NULL),
	CONF_KEY("direction", "both"),
	CONF_KEY("method", "tc"),
	CONF_KEY("filter", NULL),
	CFG_END(),
};

static cfg_opt_t metrics_keys[] = {
	CONF_KEY("listen", NULL),
	CFG_END(),
};

static cfg_opt_t schema[] = {
	CONF_SECTIONS("collector", collector_keys),
	CONF_SECTIONS("mirror", mirror_keys),
	CFG_SEC("metrics", metrics_keys, CFGF_NONE),
	CONF_KEY("tc_pref", "2"),
	CFG_END(),
};
/* clang-format on */

const char *direction_name(enum direction direction)
{
	return direction == EGRESS ? "egress" : "ingress";
}

/* ---- mirrors --------------------------------------------------------------------------------- */

/* The collector a mirror names: its index, or collectors_count. */
static size_t find_collector(const struct client_config *config, const char *name)
{
	size_t i = 0;

	while (i < config->collectors_count && strcmp(config->collectors[i].name, name) != 0)
		i++;
	return i;
}

static bool mirror_has(const struct client_mirror *m, size_t collector)
{
	for (size_t i = 0; i < m->collectors_count; i++)
		if (m->collectors[i] == collector)
			return true;
	return false;
}

static void read_named_collectors(struct conf *conf, cfg_t *section,
				  const struct client_config *config, struct client_mirror *m)
{
	const struct conf_value *value;

	for (unsigned i = 0; (value = conf_value(section, "collector", i)); i++) {
		size_t found = find_collector(config, value->text);

		if (found == config->collectors_count)
			conf_problem(conf, value->line, "there is no collector \"%s\"",
				     value->text);
		else if (mirror_has(m, found))
			conf_problem(conf, value->line, "collector \"%s\" is named twice",
				     value->text);
		else
			m->collectors[m->collectors_count++] = found;
	}
	if (cfg_size(section, "collector") == 0)
		conf_problem(conf, conf_line(section),
			     "mirror \"%s\" has an empty list of collectors", conf_title(section));
}

static void read_mirror_collectors(struct conf *conf, cfg_t *section,
				   const struct client_config *config, struct client_mirror *m)
{
	const char *title = conf_title(section);

	m->collectors = calloc(config->collectors_count + 1, sizeof(*m->collectors));
	if (!m->collectors)
		conf_problem(conf, conf_line(section), "%s", strerror(ENOMEM));
	else if (conf_is_set(section, "collector"))
		read_named_collectors(conf, section, config, m);
	else if (config->collectors_count == 1)
		m->collectors_count = 1; /* index 0 */
	else if (config->collectors_count == 0)
		conf_problem(conf, conf_line(section), "mirror \"%s\": there is no collector",
			     title);
	else
		conf_problem(
		    conf, conf_line(section),
		    "mirror \"%s\": there are several collectors, collector must name one or more",
		    title);
}

static void read_filter(struct conf *conf, cfg_t *section, struct client_mirror *m)
{
	char error[FILTER_ERROR_TEXT];

	m->filter = strdup(conf_string(section, "filter"));
	if (!m->filter)
		conf_problem(conf, conf_line(section), "%s", strerror(ENOMEM));
	else if (*m->filter && filter_check(m->filter, error) < 0)
		conf_problem(conf, conf_key_line(section, "filter"), "filter \"%s\": %s", m->filter,
			     error);
}

static void check_tee(struct conf *conf, cfg_t *section, const struct client_mirror *m)
{
	if (!m->tee)
		return;
	if (m->filter && *m->filter)
		conf_problem(conf, conf_key_line(section, "filter"),
			     "method \"tee\" copies everything, it knows no filter: use method "
			     "\"tc\"");
	if (!tee_name_fits(m->interface))
		conf_problem(conf, conf_line(section),
			     "interface \"%s\" has a name that nftables cannot match: use method "
			     "\"tc\"",
			     m->interface);
}

static void read_mirror(struct conf *conf, cfg_t *section, const struct client_config *config,
			struct client_mirror *m)
{
	static const char *const directions[] = {"ingress", "egress", "both", NULL};
	static const char *const methods[] = {"tc", "tee", NULL};
	unsigned direction = DIRECTIONS + 1, method = 0;

	conf_interface(conf, conf_line(section), "interface", conf_title(section), m->interface);
	read_mirror_collectors(conf, section, config, m);
	if (conf_choice(conf, section, "direction", directions, &direction)) {
		m->directions[INGRESS] = direction != EGRESS;
		m->directions[EGRESS] = direction != INGRESS;
	}
	conf_choice(conf, section, "method", methods, &method);
	m->tee = method == 1;
	read_filter(conf, section, m);
	check_tee(conf, section, m);
}

/* A copy of a copy. */
static void check_own_device(struct conf *conf, int line, const struct client_config *config,
			     const struct client_mirror *m)
{
	for (size_t i = 0; i < config->collectors_count && *m->interface; i++) {
		const struct client_collector *c = &config->collectors[i];

		if (*c->device && (strcmp(m->interface, c->device) == 0 ||
				   config_is_hop_of(m->interface, c->device)))
			conf_problem(conf, line,
				     "interface \"%s\" is vtap's own, for collector \"%s\"",
				     m->interface, c->name);
	}
}

static void check_mirrors(struct conf *conf, const struct client_config *config, size_t i)
{
	const struct client_mirror *m = &config->mirrors[i];
	int line = conf_line(cfg_getnsec(conf->root, "mirror", (unsigned)i));

	check_own_device(conf, line, config, m);
	for (size_t j = 0; j < i; j++) {
		const struct client_mirror *earlier = &config->mirrors[j];

		if (!*m->interface || strcmp(m->interface, earlier->interface) != 0)
			continue;
		for (size_t k = 0; k < m->collectors_count * DIRECTIONS; k++) {
			size_t collector = m->collectors[k / DIRECTIONS];
			enum direction d = k % DIRECTIONS;

			if (m->directions[d] && earlier->directions[d] &&
			    mirror_has(earlier, collector))
				conf_problem(
				    conf, line,
				    "%s of \"%s\" goes to collector \"%s\" already, by the mirror "
				    "on "
				    "line %d",
				    direction_name(d), m->interface,
				    config->collectors[collector].name,
				    conf_line(cfg_getnsec(conf->root, "mirror", (unsigned)j)));
		}
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Every section gets its place even if something is wrong with it, so that names can be looked up.
 */
static bool read_sections(struct conf *conf, struct client_config *config)
{
	size_t collectors = cfg_size(conf->root, "collector"),
	       mirrors = cfg_size(conf->root, "mirror");

	config->collectors = calloc(collectors + 1, sizeof(*config->collectors));
	config->mirrors = calloc(mirrors + 1, sizeof(*config->mirrors));
	if (!config->collectors || !config->mirrors)
		return false;
	for (; config->collectors_count < collectors; config->collectors_count++) {
		size_t i = config->collectors_count;
		cfg_t *section = cfg_getnsec(conf->root, "collector", (unsigned)i);

		config->collectors[i].name = strdup(conf_title(section));
		if (!config->collectors[i].name)
			return false;
		config_read_collector(conf, section, &config->collectors[i]);
		config_check_collector(conf, config, i);
	}
	for (; config->mirrors_count < mirrors; config->mirrors_count++) {
		size_t i = config->mirrors_count;

		read_mirror(conf, cfg_getnsec(conf->root, "mirror", (unsigned)i), config,
			    &config->mirrors[i]);
		check_mirrors(conf, config, i);
	}
	return true;
}

struct client_config *client_config_read(const char *path, struct problems *problems)
{
	struct client_config *config = calloc(1, sizeof(*config));
	uint32_t pref = CLIENT_PREF_DEFAULT;
	struct conf conf;

	pcap_hold();
	if (conf_open(&conf, path, schema, problems)) {
		if (!config || !read_sections(&conf, config))
			conf_problem(&conf, 0, "%s", strerror(ENOMEM));
		else
			conf_endpoint(&conf, cfg_getsec(conf.root, "metrics"), "listen",
				      &config->metrics);
		conf_number(&conf, conf.root, "tc_pref", 1, UINT16_MAX, &pref);
	}
	pcap_release();
	if (!conf_close(&conf) || !config) {
		client_config_free(config);
		return NULL;
	}
	config->tc_pref = (uint16_t)pref;
	return config;
}

void client_config_free(struct client_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->collectors_count; i++)
		free(config->collectors[i].name);
	for (size_t i = 0; i < config->mirrors_count; i++) {
		free(config->mirrors[i].collectors);
		free(config->mirrors[i].filter);
	}
	free(config->collectors);
	free(config->mirrors);
	free(config);
}
