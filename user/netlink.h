/* SPDX-License-Identifier: MIT */
/* A question to the kernel by netlink, and its answer. libmnl makes and reads the messages. */
#ifndef ROLEWALL_NETLINK_H
#define ROLEWALL_NETLINK_H

#include <libmnl/libmnl.h>

/* A request of TYPE at the beginning of BUFFER, which its attributes have to fit into, too. */
struct nlmsghdr *netlink_start(char buffer[], unsigned int type, unsigned int flags);
/* Sends REQUEST, and gives each message of the answer to CALL. 0 or -errno. */
int netlink_ask(int bus, struct nlmsghdr *request, mnl_cb_t call, void *context);
#define NETLINK_TRIES 5 /* of a dump that fails with -EINTR: what it is of changed under way */
/* The same for a dump, from the start again when it changed under way: CALL may get a message twice. */
int netlink_ask_again(int bus, struct nlmsghdr *request, mnl_cb_t call, void *context);

/*
 * The parts: opens a socket, which waits 2 s for an answer, and sends LENGTH bytes; takes one
 * datagram. 0 or its length, or -errno.
 */
int netlink_send(int bus, const void *messages, size_t length, struct mnl_socket **socket);
ssize_t netlink_receive(const struct mnl_socket *socket, void *buffer, size_t size);
/* For _cleanup_(). */
void netlink_close(struct mnl_socket **socket);

#endif
