/* SPDX-License-Identifier: MIT */
#include "served.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "command.h"

#define CLIENTS_MAX 16U
#define CLIENT_SECONDS 5U
#define CLIENT_BYTES 16384U
#define FRESH_SECONDS 1 /* who asks more often gets the same answer again */

struct served {
	struct MHD_Daemon *daemon;
	served_fn *write;
	void *context;
	char *text; /* the last answer */
	size_t size;
	time_t taken; /* CLOCK_MONOTONIC */
};

/* --- where */

static int refuse(const char *where)
{
	fprintf(stderr,
		"rolewall: --metrics: \"%s\" is no address to listen on; accepted: PORT, which is 127.0.0.1:PORT, ADDRESS:PORT, [ADDRESS]:PORT\n",
		where);
	return ERR_USAGE;
}

static bool is_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && port && port < 65536;
}

static int find_address(const char *where, struct addrinfo **found)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	_cleanup_free_ char *copy = strdup(where);
	char *host = copy, *port = copy ? strrchr(copy, ':') : NULL;
	size_t length;

	if (!copy)
		return -ENOMEM;
	if (port) {
		*port++ = '\0';
		length = strlen(host);
		if (*host == '[' && length > 2 && host[length - 1] == ']') {
			host[length - 1] = '\0';
			host++;
		} else if (strchr(host, ':')) {
			return refuse(where);
		}
	} else {
		port = copy;
		host = (char *)"127.0.0.1";
	}
	if (!*host || !is_port(port) || getaddrinfo(host, port, &hints, found))
		return refuse(where);
	return 0;
}

/* --- what */

static int refresh(struct served *served)
{
	struct timespec now;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (served->text && now.tv_sec - served->taken < FRESH_SECONDS)
		return 0;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	served->write(out, served->context);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	free(served->text);
	served->text = text;
	served->size = size;
	served->taken = now.tv_sec;
	return 0;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned int status,
				   const char *type, const char *text, size_t size)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status, const char *text)
{
	return answer_text(connection, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* The text is valid as either. */
static const char *choose_type(struct MHD_Connection *connection)
{
	const char *accepted =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accepted && strstr(accepted, "application/openmetrics-text")
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	static int begun;
	struct served *served = context;

	(void)version;
	(void)upload;
	(void)upload_size;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
	if (!*request) { /* the headers alone so far */
		*request = &begun;
		return MHD_YES;
	}
	if (strcmp(url, "/metrics") != 0)
		return say(connection, MHD_HTTP_NOT_FOUND, "there is /metrics\n");
	if (refresh(served))
		return say(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	return answer_text(connection, MHD_HTTP_OK, choose_type(connection), served->text,
			   served->size);
}

/* --- the whole */

int served_open(const char *where, served_fn *write, void *context, struct served **served)
{
	struct served *opened = calloc(1, sizeof(*opened));
	struct addrinfo *address;
	unsigned int flags = MHD_USE_EPOLL;
	int err = opened ? find_address(where, &address) : -ENOMEM;

	if (err) {
		free(opened);
		return err;
	}
	opened->write = write;
	opened->context = context;
	if (address->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	opened->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, answer, opened, MHD_OPTION_SOCK_ADDR, address->ai_addr,
		MHD_OPTION_CONNECTION_LIMIT, CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		CLIENT_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CLIENT_BYTES,
		MHD_OPTION_END);
	freeaddrinfo(address);
	if (!opened->daemon) {
		err = errno ? -errno : -EIO;
		fprintf(stderr, "rolewall: --metrics: cannot listen on %s: %s\n", where,
			strerror(-err));
		free(opened);
		return err;
	}
	*served = opened;
	return 0;
}

void served_close(struct served *served)
{
	if (!served)
		return;
	MHD_stop_daemon(served->daemon);
	free(served->text);
	free(served);
}

int served_fd(const struct served *served)
{
	return MHD_get_daemon_info(served->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int served_timeout(const struct served *served)
{
	MHD_UNSIGNED_LONG_LONG milliseconds;

	if (MHD_get_timeout(served->daemon, &milliseconds) != MHD_YES)
		return -1;
	return milliseconds > 1000 ? 1000 : (int)milliseconds;
}

void served_run(struct served *served)
{
	MHD_run(served->daemon);
}
