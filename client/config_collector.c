/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A collector's section of client.conf, and what two of them cannot have in common.
 */
#include "client/config_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/rate.h"

enum { VNI_MAX = (1 << 24) - 1 };
static const char *const encaps[] = {"vxlan", "gretap", "gre", NULL}; /* as enum encap */

static void read_addresses(struct conf *conf, cfg_t *section, struct client_collector *c)
{
	if (conf_value(section, "address", 0))
		conf_address(conf, section, "address", &c->address);
	else
		conf_problem(conf, conf_line(section), "collector \"%s\" has no address", c->name);
	if (*conf_string(section, "local"))
		conf_address(conf, section, "local", &c->local);
	if (c->local.family && c->address.family && c->local.family != c->address.family)
		conf_problem(conf, conf_key_line(section, "local"),
			     "local \"%s\" and address \"%s\" must both be IPv4 or both IPv6",
			     conf_string(section, "local"), conf_string(section, "address"));
}

static void read_device(struct conf *conf, cfg_t *section, struct client_collector *c)
{
	const char *text = conf_string(section, "device");
	char name[sizeof("vtap-") + IFNAMSIZ];

	if (*text) {
		conf_interface(conf, conf_key_line(section, "device"), "device", text, c->device);
		return;
	}
	if ((size_t)snprintf(name, sizeof(name), "vtap-%s", c->name) >= IFNAMSIZ)
		conf_problem(
		    conf, conf_line(section),
		    "device \"vtap-%s\", the default for collector \"%s\", is longer than %d "
		    "characters: set device",
		    c->name, c->name, IFNAMSIZ - 1);
	else
		conf_interface(conf, conf_line(section), "device", name, c->device);
}

static void read_encap(struct conf *conf, cfg_t *section, struct client_collector *c)
{
	uint32_t port = 0;
	unsigned encap = ENCAP_VXLAN;

	conf_choice(conf, section, "encap", encaps, &encap);
	c->encap = (enum encap)encap;
	if (c->encap == ENCAP_VXLAN) {
		conf_number(conf, section, "vni", 1, VNI_MAX, &c->vni);
		conf_number(conf, section, "port", 1, UINT16_MAX, &port);
		c->port = (uint16_t)port;
		return;
	}
	conf_number(conf, section, "vni", 0, UINT32_MAX, &c->vni);
	if (conf_is_set(section, "port"))
		conf_problem(conf, conf_key_line(section, "port"),
			     "port is for encap \"vxlan\": %s has none", encap_name(c->encap));
}

/* How copies are put into packets. */
static void read_path(struct conf *conf, cfg_t *section, struct client_collector *c)
{
	static const char *const accelerates[] = {"auto", "off", NULL};
	static const char *const oversizes[] = {"resegment", "fragment", "drop", NULL};
	static const char *const checksums[] = {"auto", "on", "off", NULL};
	unsigned accelerate = 0, oversize = OVERSIZE_RESEGMENT, checksum = UDP_CHECKSUM_AUTO;

	conf_choice(conf, section, "accelerate", accelerates, &accelerate);
	conf_choice(conf, section, "oversize", oversizes, &oversize);
	conf_choice(conf, section, "udp_checksum", checksums, &checksum);
	c->accelerate = accelerate == 0;
	c->oversize = (enum oversize)oversize;
	c->udp_checksum = (enum udp_checksum)checksum;
	if (c->encap == ENCAP_VXLAN)
		return;
	if (c->oversize == OVERSIZE_DROP)
		conf_problem(conf, conf_key_line(section, "oversize"),
			     "oversize \"drop\" is for encap \"vxlan\": %s would tell production's "
			     "hosts to send less",
			     encap_name(c->encap));
	if (conf_is_set(section, "udp_checksum"))
		conf_problem(conf, conf_key_line(section, "udp_checksum"),
			     "udp_checksum is for encap \"vxlan\": %s has none",
			     encap_name(c->encap));
}

void config_read_collector(struct conf *conf, cfg_t *section, struct client_collector *c)
{
	uint32_t ttl = 0, dscp = 0;

	conf_name(conf, section, "a collector");
	read_addresses(conf, section, c);
	read_encap(conf, section, c);
	read_device(conf, section, c);
	if (!rate_parse(conf_string(section, "rate"), &c->rate))
		conf_problem(conf, conf_key_line(section, "rate"),
			     "rate \"%s\" is not \"none\" or a rate such as \"200mbit\"",
			     conf_string(section, "rate"));
	read_path(conf, section, c);
	conf_number(conf, section, "ttl", 1, UINT8_MAX, &ttl);
	conf_number(conf, section, "dscp", 0, 63, &dscp);
	conf_flag(conf, section, "clamp_mss", &c->clamp_mss);
	c->ttl = (uint8_t)ttl;
	c->dscp = (uint8_t)dscp;
}

void client_hop_name(const char *device, enum hop_end end, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "%.13s-%c", device, end == HOP_ENTRY ? 'h' : 'x');
}

bool config_is_hop_of(const char *name, const char *device)
{
	char entry[IFNAMSIZ], exit[IFNAMSIZ];

	client_hop_name(device, HOP_ENTRY, entry);
	client_hop_name(device, HOP_EXIT, exit);
	return strcmp(name, entry) == 0 || strcmp(name, exit) == 0;
}

/* Two devices, and the hops of both, need six names. */
static void check_devices(struct conf *conf, int line, const struct client_collector *c,
			  const struct client_collector *earlier)
{
	char hop[IFNAMSIZ];

	if (!*c->device || !*earlier->device)
		return;
	client_hop_name(c->device, HOP_ENTRY, hop);
	if (strcmp(c->device, earlier->device) == 0)
		conf_problem(conf, line, "device \"%s\" is that of collector \"%s\"", c->device,
			     earlier->name);
	else if (config_is_hop_of(hop, earlier->device))
		conf_problem(conf, line,
			     "device \"%s\" and \"%s\" of collector \"%s\" must differ within "
			     "their first 13 "
			     "characters",
			     c->device, earlier->device, earlier->name);
	else if (config_is_hop_of(c->device, earlier->device) ||
		 config_is_hop_of(earlier->device, c->device))
		conf_problem(conf, line,
			     "device \"%s\" cannot be used beside \"%s\" of collector \"%s\": one "
			     "is the name of "
			     "the other's helper device",
			     c->device, earlier->device, earlier->name);
}

/* What the kernel refuses (EEXIST). True if it was reported. */
static bool check_identity(struct conf *conf, int line, const struct client_collector *c,
			   const struct client_collector *earlier)
{
	if (c->encap != earlier->encap || c->vni != earlier->vni || !c->address.family)
		return false;
	if (c->encap == ENCAP_VXLAN && c->vni && c->port && c->port == earlier->port &&
	    c->address.family == earlier->address.family)
		conf_problem(conf, line,
			     "vni %u on port %u is that of collector \"%s\": the kernel has only "
			     "one %s tunnel with it",
			     c->vni, c->port, earlier->name,
			     c->address.family == AF_INET ? "IPv4" : "IPv6");
	else if (c->encap != ENCAP_VXLAN && ip_addr_equal(&c->address, &earlier->address) &&
		 ip_addr_equal(&c->local, &earlier->local))
		conf_problem(conf, line,
			     "collector \"%s\" has the same address and vni: the kernel has only "
			     "one %s tunnel with them",
			     earlier->name, encap_name(c->encap));
	else
		return false;
	return true;
}

void config_check_collector(struct conf *conf, const struct client_config *config, size_t i)
{
	cfg_t *section = cfg_getnsec(conf->root, "collector", (unsigned)i);
	const struct client_collector *c = &config->collectors[i];
	int device_line =
	    *conf_string(section, "device") ? conf_key_line(section, "device") : conf_line(section);
	bool told = false; /* of the first one with its identity: of n alike, n lines and no more */

	for (size_t j = 0; j < i; j++) {
		const struct client_collector *earlier = &config->collectors[j];

		if (strcmp(c->name, earlier->name) == 0) {
			conf_problem(conf, conf_line(section),
				     "there already is a collector \"%s\"", c->name);
			return;
		}
		check_devices(conf, device_line, c, earlier);
		told = told || check_identity(conf, conf_key_line(section, "vni"), c, earlier);
	}
}
