/* SPDX-License-Identifier: MIT */
#include "link_events.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"

/* Room for bursts: a few thousand messages. */
#define RECEIVE_BYTES (1 << 20)

struct link_events {
	struct mnl_socket *socket;
	char buffer[1 << 15]; /* no message is longer */
};

struct reader {
	link_event_fn *call;
	void *context;
};

static int read_link_message(const struct nlmsghdr *header, void *data)
{
	const struct reader *reader = data;
	const struct ifinfomsg *info;
	const struct nlattr *attribute;
	struct link_event event = {0};

	if ((header->nlmsg_type != RTM_NEWLINK && header->nlmsg_type != RTM_DELLINK) ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*info))
		return MNL_CB_OK;
	info = mnl_nlmsg_get_payload(header);
	if (info->ifi_family != AF_UNSPEC) /* a bridge's word on a port: DELLINK is no deletion */
		return MNL_CB_OK;
	event.ifindex = (unsigned int)info->ifi_index;
	event.gone = header->nlmsg_type == RTM_DELLINK;
	mnl_attr_for_each(attribute, header, sizeof(*info))
	{
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
		    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			strncpy(event.name, mnl_attr_get_str(attribute), sizeof(event.name) - 1);
	}
	reader->call(&event, reader->context);
	return MNL_CB_OK;
}

int link_events_open(struct link_events **events)
{
	struct link_events *opened = calloc(1, sizeof(*opened));
	int size = RECEIVE_BYTES, err = 0, fd;

	if (!opened)
		return -ENOMEM;
	opened->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!opened->socket || mnl_socket_bind(opened->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID))
		err = -errno;
	if (err) {
		fprintf(stderr, "rolewall: cannot listen to rtnetlink: %s\n", strerror(-err));
		link_events_close(opened);
		return err;
	}
	fd = mnl_socket_get_fd(opened->socket);
	/* Above the system's limit with CAP_NET_ADMIN; a smaller buffer only means more overruns. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	*events = opened;
	return 0;
}

void link_events_close(struct link_events *events)
{
	if (events && events->socket)
		mnl_socket_close(events->socket);
	free(events);
}

int link_events_fd(const struct link_events *events)
{
	return mnl_socket_get_fd(events->socket);
}

int link_events_read(struct link_events *events, link_event_fn *call, void *context)
{
	struct reader reader = {call, context};
	ssize_t length;
	int lost = 0;

	for (;;) {
		length =
			mnl_socket_recvfrom(events->socket, events->buffer, sizeof(events->buffer));
		if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return lost;
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno == ENOBUFS) {
			lost = -ENOBUFS;
			continue;
		}
		if (length < 0)
			return -errno;
		mnl_cb_run(events->buffer, (size_t)length, 0, 0, read_link_message, &reader);
	}
}
