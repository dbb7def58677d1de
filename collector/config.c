/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collector.conf: what its keys mean. Does not look at the machine.
 */
#include "collector/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cutter.h"
#include "collector/door_shared.h"
#include "common/conf.h"

enum { VNI_MAX = (1 << 24) - 1, CLIENTS_MAX = 1 << 24 };

/* Private addresses: nobody from the Internet, for a tunnel authenticates nobody. */
#define ALLOW_DEFAULT \
	"{10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7, fe80::/10}"

/* clang-format off */
static cfg_opt_t vxlan_keys[] = {
	CONF_KEY("device", "vtap0"),
	CONF_KEY("vni", "42"),
	CONF_KEY("port", "4789"),
	CONF_KEY("underlay", "ipv4"),
	CONF_KEY("gro", "false"),
	CFG_END(),
};

static cfg_opt_t gretap_keys[] = {
	CONF_KEY("device", "vtap1"),
	CONF_KEY("underlay", "ipv4"),
	CONF_KEY("gro", "false"),
	CFG_END(),
};

static cfg_opt_t gre_keys[] = {
	CONF_KEY("device", "vtap2"),
	CONF_KEY("underlay", "ipv4"),
	CONF_KEY("gro", "false"),
	CFG_END(),
};

static cfg_opt_t client_keys[] = {
	CONF_TITLE,
	CONF_KEY("address", NULL),
	CONF_KEY("vni", "any"),
	CFG_END(),
};

static cfg_opt_t metrics_keys[] = {
	CONF_KEY("listen", NULL),
	CONF_KEY("clients", "true"),
	CFG_END(),
};

static cfg_opt_t schema[] = {
	CONF_LIST("allow", ALLOW_DEFAULT),
	CONF_KEY("max_clients", "65536"),
	CONF_KEY("forget_after", "7d"),
	CONF_MANY_SECTIONS("client", client_keys),
	CFG_SEC("vxlan", vxlan_keys, CFGF_NONE),
	CFG_SEC("gretap", gretap_keys, CFGF_NONE),
	CFG_SEC("gre", gre_keys, CFGF_NONE),
	CFG_SEC("metrics", metrics_keys, CFGF_NONE),
	CFG_END(),
};
/* clang-format on */

/* A prefix whose only fault are bits beyond its length is told what it would be without them. */
static void report_prefix(struct conf *conf, const struct conf_value *value)
{
	const char *slash = strchr(value->text, '/');
	char text[IP_PREFIX_TEXT], *end;
	struct ip_prefix prefix = {0};
	unsigned long len = slash ? strtoul(slash + 1, &end, 10) : 0;
	size_t size = slash ? (size_t)(slash - value->text) : 0;

	if (slash && size < sizeof(text) && slash[1] >= '0' && slash[1] <= '9' && !*end) {
		memcpy(text, value->text, size);
		text[size] = 0;
		if (ip_addr_parse(text, &prefix.addr) && len <= 8 * ip_addr_size(&prefix.addr)) {
			prefix.len = (uint8_t)len;
			for (size_t bit = len; bit < 8 * sizeof(prefix.addr.bytes); bit++)
				prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
			conf_problem(conf, value->line,
				     "allow \"%s\" has bits set beyond its length: write \"%s\"",
				     value->text, ip_prefix_format(&prefix, text));
			return;
		}
	}
	conf_problem(conf, value->line,
		     "allow \"%s\" is not an address or a prefix such as \"10.0.0.0/8\"",
		     value->text);
}

static bool read_allow(struct conf *conf, struct collector_config *config)
{
	unsigned count = cfg_size(conf->root, "allow");

	config->allow = calloc(count + 1, sizeof(*config->allow));
	if (!config->allow)
		return false;
	if (count > DOOR_ALLOW_MAX)
		conf_problem(conf, conf_key_line(conf->root, "allow"),
			     "allow has %u addresses and prefixes, more than %d", count,
			     DOOR_ALLOW_MAX);
	for (unsigned i = 0; i < count; i++) {
		const struct conf_value *value = conf_value(conf->root, "allow", i);

		if (ip_prefix_parse(value->text, &config->allow[config->allow_count]))
			config->allow_count++;
		else
			report_prefix(conf, value);
	}
	return true;
}

static void read_endpoint(struct conf *conf, cfg_t *section, enum encap encap,
			  struct collector_endpoint *endpoint)
{
	/* the kernel has GRE devices of either family, and none of both */
	static const char *const underlays[] = {
	    [UNDERLAY_IPV4] = "ipv4", [UNDERLAY_IPV6] = "ipv6", [UNDERLAY_DUAL] = "dual", NULL};
	static const char *const either[] = {
	    [UNDERLAY_IPV4] = "ipv4", [UNDERLAY_IPV6] = "ipv6", NULL};
	unsigned underlay = UNDERLAY_IPV4;
	uint32_t port = 0;

	endpoint->enabled = true;
	conf_interface(conf, conf_key_line(section, "device"), "device",
		       conf_string(section, "device"), endpoint->device);
	if (encap == ENCAP_VXLAN) {
		conf_number_or(conf, section, "vni", "any", 1, VNI_MAX, &endpoint->vni);
		conf_number(conf, section, "port", 1, UINT16_MAX, &port);
	}
	conf_choice(conf, section, "underlay", encap == ENCAP_VXLAN ? underlays : either,
		    &underlay);
	conf_flag(conf, section, "gro", &endpoint->gro);
	endpoint->port = (uint16_t)port;
	endpoint->underlay = (enum underlay)underlay;
}

/* Without any section of the three there is the one for VXLAN. */
static void read_endpoints(struct conf *conf, struct collector_endpoint endpoints[ENCAPS])
{
	bool any = false;

	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++)
		any |= conf_is_set(conf->root, encap_name(e));
	for (enum encap e = ENCAP_VXLAN; e < ENCAPS; e++) {
		cfg_t *section = cfg_getsec(conf->root, encap_name(e));

		if (conf_is_set(conf->root, encap_name(e)) || (!any && e == ENCAP_VXLAN))
			read_endpoint(conf, section, e, &endpoints[e]);
		if (*endpoints[e].device &&
		    cutter_is(endpoints[e].device, endpoints[ENCAP_VXLAN].device))
			conf_problem(conf, conf_key_line(section, "device"),
				     "device \"%s\" has the name of a helper device of %s's",
				     endpoints[e].device, encap_name(ENCAP_VXLAN));
		for (enum encap other = ENCAP_VXLAN; other < e; other++)
			if (*endpoints[e].device &&
			    strcmp(endpoints[e].device, endpoints[other].device) == 0)
				conf_problem(conf, conf_key_line(section, "device"),
					     "device \"%s\" is that of %s", endpoints[e].device,
					     encap_name(other));
	}
}

static void report_same_client(void *conf, const struct name *name, const struct name *earlier)
{
	conf_problem((struct conf *)conf, name->line,
		     "client \"%s\" has the address and vni of client \"%s\" on line %d",
		     name->text, earlier->text, earlier->line);
}

static void report_same_name(void *conf, const struct name *name, const struct name *earlier)
{
	conf_problem((struct conf *)conf, name->line,
		     "there already is a client \"%s\", on line %d", name->text, earlier->line);
}

/* The sender's address may be of any kind that `allow` can have: link-local too. */
static bool read_client_address(struct conf *conf, cfg_t *section, struct ip_addr *address)
{
	const char *text = conf_string(section, "address");
	int line = conf_key_line(section, "address");

	if (!line)
		conf_problem(conf, conf_line(section), "client \"%s\" has no address",
			     conf_title(section));
	else if (!ip_addr_parse(text, address) || ip_addr_is_any(address) ||
		 ip_addr_is_multicast(address))
		conf_problem(conf, line, "address \"%s\" is not the numeric address of a host",
			     text);
	else
		return true;
	return false;
}

static void read_clients(struct conf *conf, struct names *names)
{
	cfg_opt_t *opt = cfg_getopt(conf->root, "client");

	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		cfg_t *section = cfg_opt_getnsec(opt, i);
		struct ip_addr address;
		uint32_t vni = 0;
		bool good = conf_name(conf, section, "a client");

		good &= read_client_address(conf, section, &address);
		good &= conf_number_or(conf, section, "vni", "any", 1, UINT32_MAX, &vni);
		if (good &&
		    names_add(names, &address, vni, conf_title(section), conf_line(section)))
			conf_problem(conf, conf_line(section), "%s", strerror(ENOMEM));
	}
	names_sort(names, report_same_client, report_same_name, conf);
}

static void read_metrics(struct conf *conf, cfg_t *section, struct collector_metrics *metrics)
{
	conf_endpoint(conf, section, "listen", &metrics->listen);
	conf_flag(conf, section, "clients", &metrics->clients);
}

struct collector_config *collector_config_read(const char *path, struct problems *problems)
{
	struct collector_config *config = calloc(1, sizeof(*config));
	struct conf conf;

	if (conf_open(&conf, path, schema, problems)) {
		if (!config || !read_allow(&conf, config)) {
			conf_problem(&conf, 0, "%s", strerror(ENOMEM));
		} else {
			conf_number(&conf, conf.root, "max_clients", 1, CLIENTS_MAX,
				    &config->max_clients);
			conf_span_or_never(&conf, conf.root, "forget_after",
					   &config->forget_after_s);
			read_clients(&conf, &config->names);
			read_endpoints(&conf, config->endpoints);
			read_metrics(&conf, cfg_getsec(conf.root, "metrics"), &config->metrics);
		}
	}
	if (!conf_close(&conf)) {
		collector_config_free(config);
		return NULL;
	}
	return config;
}

void collector_config_free(struct collector_config *config)
{
	if (!config)
		return;
	free(config->allow);
	names_clear(&config->names);
	free(config);
}

bool collector_config_allows(const struct collector_config *config, const struct ip_addr *source)
{
	for (size_t i = 0; i < config->allow_count; i++)
		if (ip_prefix_contains(&config->allow[i], source))
			return true;
	return false;
}
