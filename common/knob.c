/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/knob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/object.h"

static const struct {
	enum offload bit;
	uint32_t get, set;
} offloads[] = {
    {OFFLOAD_TX_CHECKSUM, ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM},
    {OFFLOAD_GRO, ETHTOOL_GGRO, ETHTOOL_SGRO},
};

enum {
	OFFLOADS = sizeof(offloads) / sizeof(*offloads),
	FEATURE_BLOCKS = 8, /* of 32 features; the kernel has two */
	DRIVER_SIZE = sizeof(((struct ethtool_drvinfo *)0)->driver),
};

static int ethtool_ask(int fd, const char *device, void *request)
{
	struct ifreq ifr = {.ifr_data = request};

	memcpy(ifr.ifr_name, device, strnlen(device, sizeof(ifr.ifr_name) - 1));
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static int ethtool(int fd, const char *device, uint32_t command, uint32_t *value)
{
	struct ethtool_value request = {.cmd = command, .data = *value};
	int error = ethtool_ask(fd, device, &request);

	if (!error)
		*value = request.data;
	return error;
}

int knob_read_offloads(int fd, const char *device, uint32_t *on)
{
	*on = 0;
	for (size_t i = 0; i < OFFLOADS; i++) {
		uint32_t value = 0;
		int error = ethtool(fd, device, offloads[i].get, &value);
		if (error)
			return error;
		if (value)
			*on |= offloads[i].bit;
	}
	return 0;
}

int knob_set_offloads(int fd, const char *device, uint32_t off, uint32_t on)
{
	for (size_t i = 0; i < OFFLOADS; i++) {
		if (!((off | on) & offloads[i].bit))
			continue;
		uint32_t value = (on & offloads[i].bit) != 0;
		int error = ethtool(fd, device, offloads[i].set, &value);
		if (error)
			return error;
	}
	return 0;
}

/* How many features the kernel knows; 0: it does not say. */
static uint32_t count_features(int fd, const char *device)
{
	union {
		struct ethtool_sset_info set;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} u = {.set = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1 << ETH_SS_FEATURES}};

	return ethtool_ask(fd, device, &u) || !u.set.sset_mask ? 0 : u.set.data[0];
}

/* The number of a feature; `count`: there is none of that name, or it is not known. */
static uint32_t find_feature(int fd, const char *device, const char *name, uint32_t count)
{
	struct ethtool_gstrings *names =
	    calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	uint32_t i = count;

	if (names) {
		names->cmd = ETHTOOL_GSTRINGS;
		names->string_set = ETH_SS_FEATURES;
		names->len = count;
		if (!ethtool_ask(fd, device, names))
			for (i = 0; i < count; i++)
				if (!strncmp((char *)names->data + (size_t)i * ETH_GSTRING_LEN,
					     name, ETH_GSTRING_LEN))
					break;
	}
	free(names);
	return i;
}

/* Is a feature on, or could it be? True also where that cannot be known. */
static bool may_have(int fd, const char *device, const char *name)
{
	union {
		struct ethtool_gfeatures all;
		uint8_t room[sizeof(struct ethtool_gfeatures) +
			     FEATURE_BLOCKS * sizeof(struct ethtool_get_features_block)];
	} u = {.all = {.cmd = ETHTOOL_GFEATURES, .size = FEATURE_BLOCKS}};
	const uint32_t count = count_features(fd, device);
	const uint32_t i = find_feature(fd, device, name, count);

	if (i == count || i / 32 >= FEATURE_BLOCKS || ethtool_ask(fd, device, &u))
		return true;
	const struct ethtool_get_features_block *block = &u.all.features[i / 32];
	return (block->available | block->active) >> i % 32 & 1;
}

/* Of these, the host hands packets to another guest as they are. */
static bool is_paravirtual(const char *driver)
{
	return !strncmp(driver, "virtio_net", DRIVER_SIZE) ||
	       !strncmp(driver, "vmxnet3", DRIVER_SIZE);
}

/*
 * What a device can do with checksums inside tunnels is in net_device.hw_enc_features, which nobody
 * tells. Where it can do nothing the kernel fills them in (validate_xmit_skb), as it does where the
 * device fills in none at all. Hardware that can has to, on the wire. Paravirtual devices need not,
 * but have that only together with the segmentation of tunnels' packets (virtio_net since Linux
 * 6.17), which shows.
 */
enum checksums knob_checksums(int fd, const char *device)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	uint32_t filled_in = 0;

	if (!ethtool(fd, device, ETHTOOL_GTXCSUM, &filled_in) && !filled_in)
		return CHECKSUMS_KERNEL;
	if (ethtool_ask(fd, device, &info))
		return CHECKSUMS_ANYBODY;
	return is_paravirtual(info.driver) && may_have(fd, device, "tx-udp_tnl-segmentation")
		   ? CHECKSUMS_ANYBODY
		   : CHECKSUMS_HARDWARE;
}

/* A kernel without IPv6 has no such settings, and needs none. */
static int set_ipv6(const char *device, const char *setting, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", device, setting);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t written = write(fd, value, strlen(value));
	int error = written < 0 ? -errno : 0;
	close(fd);
	return error;
}

int knob_ipv6_off(const char *device)
{
	return set_ipv6(device, "disable_ipv6", "1\n");
}

int knob_ipv6_quiet(const char *device)
{
	/*
	 * Quiet before it is on. addr_gen_mode 1 is "none". A device is born with the duties of a
	 * router where the host is one: with MLD version 2 it would announce that it drops them.
	 */
	static const char *const settings[][2] = {{"addr_gen_mode", "1\n"},
						  {"force_mld_version", "1\n"},
						  {"accept_ra", "0\n"},
						  {"forwarding", "0\n"},
						  {"disable_ipv6", "0\n"}};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(settings) / sizeof(*settings); i++)
		error = set_ipv6(device, settings[i][0], settings[i][1]);
	return error;
}

void knob_port_range(uint16_t *min, uint16_t *max)
{
	char text[32] = "";
	unsigned low = 0, high = 0;
	int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t size = read(fd, text, sizeof(text) - 1);
		text[size > 0 ? size : 0] = '\0';
		close(fd);
	}
	if (sscanf(text, "%u %u", &low, &high) != 2 || !low || low > high || high > UINT16_MAX)
		low = 32768, high = 60999;
	*min = (uint16_t)low;
	*max = (uint16_t)high;
}
