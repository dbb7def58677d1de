/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_TIMEOUT_S = 5 };

/* An NLMSG_ERROR or NLMSG_DONE message: its errno (0: an acknowledgement), and the extended-ack
 * text kept in words. */
static int read_error(struct talk *t, const struct nlmsghdr *header)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	const struct nlmsgerr *report = NLMSG_DATA(header);
	size_t skip = sizeof(int);
	int error;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(header), sizeof(error));
	if (header->nlmsg_type == NLMSG_ERROR) {
		skip = sizeof(*report);
		if (header->nlmsg_len < NLMSG_LENGTH(skip))
			return -EBADMSG;
		/* unless capped, the request is quoted whole */
		if (!(header->nlmsg_flags & NLM_F_CAPPED) &&
		    report->msg.nlmsg_len > sizeof(report->msg))
			skip += report->msg.nlmsg_len - sizeof(report->msg);
	}
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) &&
	    nlmsg_parse(header, skip, tb, NLMSGERR_ATTR_MAX))
		nlattr_string(tb[NLMSGERR_ATTR_MSG], t->words, sizeof(t->words));
	return error;
}

/* One message of an answer. 1: more to come, 0: the end, negative errno. */
static int handle(struct talk *t, const struct nlmsghdr *header, talk_fn fn, void *ctx,
		  bool *interrupted)
{
	if (header->nlmsg_seq != t->seq)
		return 1; /* of an earlier request that was given up */
	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		*interrupted = true;
	if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE)
		return read_error(t, header);
	if (fn) {
		int error = fn(header, ctx);
		if (error)
			return error;
	}
	return (header->nlmsg_flags & NLM_F_MULTI) ? 1 : 0;
}

static int receive(struct talk *t, talk_fn fn, void *ctx)
{
	bool interrupted = false;
	int more = 1;

	while (more > 0) {
		ssize_t size = mnl_socket_recvfrom(t->socket, t->answer, TALK_SIZE);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		size_t left = (size_t)size;
		const struct nlmsghdr *header = (const struct nlmsghdr *)t->answer;
		while (more > 0 && left >= sizeof(*header) &&
		       header->nlmsg_len >= sizeof(*header) && header->nlmsg_len <= left) {
			more = handle(t, header, fn, ctx, &interrupted);
			size_t step = NLMSG_ALIGN(header->nlmsg_len);
			left = step < left ? left - step : 0;
			header = (const struct nlmsghdr *)((const char *)header + step);
		}
	}
	return more == 0 && interrupted ? -EINTR : more;
}

int talk(struct talk *t, struct nlmsg *m, talk_fn fn, void *ctx)
{
	if (m->overflow)
		return -EMSGSIZE;
	t->words[0] = '\0';
	m->header->nlmsg_seq = ++t->seq;
	if (mnl_socket_sendto(t->socket, m->header, m->header->nlmsg_len) < 0)
		return -errno;
	return receive(t, fn, ctx);
}

/* ---- life ------------------------------------------------------------------------------------ */

int talk_open(struct talk *t, int protocol)
{
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int on = 1;

	*t = (struct talk){.socket = mnl_socket_open2(protocol, SOCK_CLOEXEC)};
	int error = t->socket ? 0 : -errno;
	t->request = malloc(TALK_SIZE);
	t->answer = malloc(TALK_SIZE);
	if (!error && (!t->request || !t->answer))
		error = -ENOMEM;
	if (!error && mnl_socket_bind(t->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		error = -errno;
	if (error) {
		talk_close(t);
		return error;
	}
	/* Both are comfort: without them error texts are the errno's alone. */
	(void)mnl_socket_setsockopt(t->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(t->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(mnl_socket_get_fd(t->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
			 sizeof(timeout));
	return 0;
}

void talk_close(struct talk *t)
{
	if (t->socket)
		mnl_socket_close(t->socket);
	free(t->request);
	free(t->answer);
	*t = (struct talk){0};
}
