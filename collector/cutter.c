/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/cutter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/tc.h"

enum {
	CUTTER_MTU = 65535, /* a veth drops what is larger than its MTU */
	END_PREF = 1,
};

bool cutter_wanted(const struct collector_config *config)
{
	const struct collector_endpoint *vxlan = &config->endpoints[ENCAP_VXLAN];

	return vxlan->enabled && !vxlan->gro;
}

void cutter_name(const char *device, enum cutter_end end, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "%.13s-%c", device, end == CUTTER_IN ? 's' : 't');
}

bool cutter_is(const char *name, const char *device)
{
	char in[IFNAMSIZ], out[IFNAMSIZ];

	cutter_name(device, CUTTER_IN, in);
	cutter_name(device, CUTTER_OUT, out);
	return strcmp(name, in) == 0 || strcmp(name, out) == 0;
}

/*
 * Without checksum offload a device has no segmentation offload either: the segments come out with
 * all their checksums. GRO would merge them again.
 */
static int add_end(const char *device, enum cutter_end end, int subject, struct desired *desired)
{
	struct want_link *want = ARRAY_ADD(&desired->links);

	if (!want)
		return -ENOMEM;
	cutter_name(device, end, want->name);
	cutter_name(device, end == CUTTER_IN ? CUTTER_OUT : CUTTER_IN, want->peer);
	want->kind = LINK_VETH;
	want->born = end == CUTTER_OUT;
	want->mtu = CUTTER_MTU;
	want->offloads_off = OFFLOAD_TX_CHECKSUM | OFFLOAD_GRO;
	want->subject = subject;
	return 0;
}

int cutter_plan(const struct collector_config *config, int prog_fd, uint32_t prog_id, int subject,
		struct desired *desired)
{
	const char *device = config->endpoints[ENCAP_VXLAN].device;

	if (add_end(device, CUTTER_IN, subject, desired) ||
	    add_end(device, CUTTER_OUT, subject, desired))
		return -ENOMEM;
	struct want_qdisc *hook = ARRAY_ADD(&desired->qdiscs);
	struct want_filter *end = ARRAY_ADD(&desired->filters);
	if (!hook || !end)
		return -ENOMEM;
	*end = (struct want_filter){.parent = TC_INGRESS,
				    .pref = END_PREF,
				    .handle = FILTER_HANDLE,
				    .prog_fd = prog_fd,
				    .prog_id = prog_id,
				    .prog_name = PROG_NAME_CUT_END,
				    .action = ACTION_VERDICT,
				    .subject = subject};
	cutter_name(device, CUTTER_OUT, end->device.name);
	*hook =
	    (struct want_qdisc){.device = end->device, .kind = QDISC_CLSACT, .subject = subject};
	return 0;
}

static const struct link *end_as_wanted(const struct snapshot *seen, const char *device,
					enum cutter_end end)
{
	char name[IFNAMSIZ];

	cutter_name(device, end, name);
	const struct link *link = snapshot_link_named(seen, name);
	if (!link || link->kind != LINK_VETH || link->group != owner_group(OWNER_COLLECTOR) ||
	    !(link->flags & IFF_UP) || link->mtu != CUTTER_MTU ||
	    link->offloads & (OFFLOAD_TX_CHECKSUM | OFFLOAD_GRO))
		return NULL;
	return link;
}

int cutter_ready(const struct snapshot *seen, uint32_t prog_id,
		 const struct collector_config *config)
{
	const struct link *in, *out;
	size_t count;

	if (!cutter_wanted(config))
		return 0;
	in = end_as_wanted(seen, config->endpoints[ENCAP_VXLAN].device, CUTTER_IN);
	out = end_as_wanted(seen, config->endpoints[ENCAP_VXLAN].device, CUTTER_OUT);
	if (!in || !out || in->peer != out->ifindex)
		return 0;
	const struct filter *f = snapshot_filters(seen, out->ifindex, TC_INGRESS, &count);
	for (size_t i = 0; i < count; i++)
		if (f[i].prog_id == prog_id && f[i].pref == END_PREF)
			return in->ifindex;
	return 0;
}
