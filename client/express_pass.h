/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Why copies went on from the express lane to the kernel's tunnel. Shared with the eBPF program:
 * nothing that is not C's own.
 */
#ifndef VTAP_CLIENT_EXPRESS_PASS_H
#define VTAP_CLIENT_EXPRESS_PASS_H

enum express_pass {
	EXPRESS_PASS_OFF,        /* no way is set */
	EXPRESS_PASS_OUTER,      /* outer UDP checksums are wanted */
	EXPRESS_PASS_NOT_IP,     /* ARP, MPLS, LLDP ... */
	EXPRESS_PASS_VLAN,       /* tagged */
	EXPRESS_PASS_TUNNEL,     /* production's own tunnel packet, not yet finished */
	EXPRESS_PASS_TOO_BIG,    /* does not fit the path, and is not to be made smaller */
	EXPRESS_PASS_UNFAMILIAR, /* headers that it does not know its way in */
	EXPRESS_PASS_REFUSED,    /* the kernel would not: no memory, or a kind of aggregate */
	EXPRESS_PASS_CHECKSUM,   /* a single frame whose checksum was left to the device */
	EXPRESS_PASS_UNATTENDED, /* nobody has said for a while that the way is still good */
	EXPRESS_PASSES
};

/* A word or two for it, as in the status: "off", "checksum", "not-ip" ... */
const char *express_pass_name(enum express_pass pass);

#endif
