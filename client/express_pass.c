/* SPDX-License-Identifier: BSD-2-Clause */
#include "client/express_pass.h"

const char *express_pass_name(enum express_pass pass)
{
	static const char *const names[EXPRESS_PASSES] = {
	    [EXPRESS_PASS_OFF] = "off",
	    [EXPRESS_PASS_OUTER] = "outer-checksum",
	    [EXPRESS_PASS_NOT_IP] = "not-ip",
	    [EXPRESS_PASS_VLAN] = "vlan",
	    [EXPRESS_PASS_TUNNEL] = "tunnel",
	    [EXPRESS_PASS_TOO_BIG] = "too-big",
	    [EXPRESS_PASS_UNFAMILIAR] = "unfamiliar",
	    [EXPRESS_PASS_REFUSED] = "refused",
	    [EXPRESS_PASS_CHECKSUM] = "checksum",
	    [EXPRESS_PASS_UNATTENDED] = "unattended",
	};

	return names[pass];
}
