/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/knob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
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

enum { OFFLOADS = sizeof(offloads) / sizeof(*offloads) };

static int ethtool(int fd, const char *device, uint32_t command, uint32_t *value)
{
	struct ethtool_value request = {.cmd = command, .data = *value};
	struct ifreq ifr = {.ifr_data = (char *)&request};

	memcpy(ifr.ifr_name, device, strnlen(device, sizeof(ifr.ifr_name) - 1));
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return -errno;
	*value = request.data;
	return 0;
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

int knob_ipv6_off(const char *device)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", device);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ssize_t written = write(fd, "1\n", 2);
	int error = written < 0 ? -errno : 0;
	close(fd);
	return error;
}
