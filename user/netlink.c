/* SPDX-License-Identifier: MIT */
#include "netlink.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "cleanup.h"

#define ANSWER_BYTES (1U << 15)

void netlink_close(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

int netlink_send(int bus, const void *messages, size_t length, struct mnl_socket **socket)
{
	const struct timeval patience = {.tv_sec = 2};

	*socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!*socket || mnl_socket_bind(*socket, 0, MNL_SOCKET_AUTOPID) ||
	    setsockopt(mnl_socket_get_fd(*socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) ||
	    mnl_socket_sendto(*socket, messages, length) < 0)
		return -errno;
	return 0;
}

ssize_t netlink_receive(const struct mnl_socket *socket, void *buffer, size_t size)
{
	ssize_t length;

	do
		length = mnl_socket_recvfrom(socket, buffer, size);
	while (length < 0 && errno == EINTR);
	return length < 0 ? -errno : length;
}

struct nlmsghdr *netlink_start(char buffer[], unsigned int type, unsigned int flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = (uint16_t)type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return request;
}

int netlink_ask(int bus, struct nlmsghdr *request, mnl_cb_t call, void *context)
{
	_cleanup_(netlink_close) struct mnl_socket *socket = NULL;
	_cleanup_free_ char *answer = malloc(ANSWER_BYTES);
	int rc = answer ? 0 : -ENOMEM;

	request->nlmsg_seq = 1;
	if (!rc)
		rc = netlink_send(bus, request, request->nlmsg_len, &socket);
	if (rc)
		return rc;
	do {
		ssize_t length = netlink_receive(socket, answer, ANSWER_BYTES);

		if (length < 0)
			return (int)length;
		rc = mnl_cb_run(answer, (size_t)length, request->nlmsg_seq,
				mnl_socket_get_portid(socket), call, context);
	} while (rc == MNL_CB_OK);
	return rc < 0 ? -errno : 0;
}

int netlink_ask_again(int bus, struct nlmsghdr *request, mnl_cb_t call, void *context)
{
	int err = -EINTR;

	for (int i = 0; i < NETLINK_TRIES && err == -EINTR; i++)
		err = netlink_ask(bus, request, call, context);
	return err;
}
