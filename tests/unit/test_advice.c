/* SPDX-License-Identifier: MIT */
/* Advice: which change of a site explains what was dropped, and which drops none explains. */
#include "expect.h"

#include "advice.h"
#include "string_list.h"

/* The built-in matrix, with pools for the roles that the drops below name. */
#define SITE                                                                                       \
	"version: 1\ninterfaces: [eth0]\npools:\n"                                                 \
	"- {name: fe, roles: front-end, addresses: 10.0.0.1}\n"                                    \
	"- {name: cms, roles: front-end-cms, addresses: 10.0.0.2}\n"                               \
	"- {name: dir, roles: director, addresses: 10.0.0.3}\n"                                    \
	"- {name: edge, roles: av-edge-internal, addresses: 10.0.0.4}\n"                           \
	"- {name: sql, roles: sql-server, addresses: 10.0.0.5}\n"                                  \
	"- {name: admin, roles: admin-host, addresses: 10.0.0.6}\n"                                \
	"- {name: um, roles: exchange-um, addresses: 10.0.0.7}\n"                                  \
	"- {name: lb, roles: front-end-hlb, addresses: 10.0.0.8}\n"                                \
	"- {name: client, roles: client, addresses: 10.0.0.9}\n"

#define LEAST SITE "profile: least-privilege\n"

#define FE "front-end"
#define CMS "front-end+front-end-cms"

#define SEEN_MAX 8

static const struct question {
	const char *name, *site;
	struct drop_seen seen[SEEN_MAX]; /* ends at no packets */
	const char *advice; /* lines: text, rows, packets, confidence */
	uint64_t explained, open, unexplained;
} questions[] = {
	{"ports in a row, and both kinds of front ends, in one line",
	 SITE,
	 {{FE, FE, TRANSPORT_TCP, 5090, 5},
	  {FE, FE, TRANSPORT_TCP, 5092, 1},
	  {CMS, FE, TRANSPORT_TCP, 5091, 2},
	  {FE, CMS, TRANSPORT_TCP, 5093, 1},
	  {FE, FE, TRANSPORT_TCP, 5094, 1},
	  {FE, FE, TRANSPORT_TCP, 5090, 1}},
	 "TCP 5090-5094 between front ends: overlay windows-fabric [windows-fabric/01 "
	 "windows-fabric/02 windows-fabric/03 windows-fabric/04 windows-fabric/05] 11 guess\n",
	 11,
	 0,
	 0},
	{"ports with a gap",
	 SITE,
	 {{FE, FE, TRANSPORT_TCP, 5094, 1}, {FE, FE, TRANSPORT_TCP, 5090, 1}},
	 "TCP 5090, 5094 between front ends: overlay windows-fabric [windows-fabric/01 "
	 "windows-fabric/05] 2 guess\n",
	 2,
	 0,
	 0},
	{"wrong source, wrong transport, wrong port",
	 SITE,
	 {{"director", FE, TRANSPORT_TCP, 5090, 1},
	  {NULL, FE, TRANSPORT_TCP, 5090, 2},
	  {FE, FE, TRANSPORT_UDP, 5090, 4},
	  {FE, FE, TRANSPORT_TCP, 5095, 8},
	  {"client", "director", TRANSPORT_TCP, 3389, 16}},
	 "",
	 0,
	 0,
	 31},
	{"a group stands for its members",
	 SITE,
	 {{"admin-host", "director", TRANSPORT_TCP, 3389, 1},
	  {"admin-host", FE, TRANSPORT_TCP, 5985, 1},
	  {FE, "director", TRANSPORT_TCP, 50003, 2},
	  {"director", "av-edge-internal", TRANSPORT_TCP, 50002, 4}},
	 "TCP 50002 from all servers to av edge internals: overlay logging [logging/02] 4 "
	 "documented\n"
	 "TCP 3389, 5985 from admin hosts to all servers: overlay management [management/01 "
	 "management/02] 2 guess\n",
	 6,
	 2,
	 0},
	{"a host of no pool, where a row says any",
	 SITE,
	 {{NULL, "av-edge-internal", TRANSPORT_UDP, 3478, 9}},
	 "UDP 3478 from anywhere to av edge internals: overlay edge [edge/19] 9 documented\n",
	 9,
	 0,
	 0},
	{"the range of a wide row",
	 SITE,
	 {{FE, "exchange-um", TRANSPORT_UDP, 2000, 1}, {FE, "exchange-um", TRANSPORT_UDP, 9000, 1}},
	 "UDP 1024-65535 from front ends to exchange ums: overlay exchange-um [exchange-um/05] 2 "
	 "documented\n",
	 2,
	 0,
	 0},
	{"two overlays for one port",
	 SITE "- {name: sba, roles: sba, addresses: 10.0.0.10}\n",
	 {{"sba", "av-edge-internal", TRANSPORT_TCP, 5062, 3}},
	 "TCP 5062 from sbas to av edge internals: overlay edge [edge/17] 3 documented\n"
	 "TCP 5062 from sbas to av edge internals: overlay sba [sba/09] 3 documented\n",
	 3,
	 0,
	 0},
	{"only the overlays that are off",
	 SITE "overlays: [windows-fabric]\n",
	 {{FE, FE, TRANSPORT_TCP, 5090, 5}, {"admin-host", FE, TRANSPORT_TCP, 3389, 1}},
	 "TCP 3389 from admin hosts to all servers: overlay management [management/01] 1 guess\n",
	 1,
	 5,
	 0},
	{"load balancing",
	 SITE,
	 {{"client", "front-end-hlb", TRANSPORT_TCP, 5061, 5},
	  {"client", "front-end-hlb", TRANSPORT_TCP, 443, 1},
	  {"client", "front-end-hlb", TRANSPORT_TCP, 3389, 1}},
	 "TCP 5061 from clients to front end hlbs: load_balancing hardware [hlb-only/01] 5 "
	 "documented\n",
	 5,
	 1,
	 1},
	{"a range that was moved",
	 SITE "media: {app-sharing: 40803-49150, video: 57501-60000}\n",
	 {{"client", FE, TRANSPORT_TCP, 61000, 5}, {"client", FE, TRANSPORT_UDP, 61000, 2}},
	 "TCP 49152-65535 from clients to front ends: media moved away: app-sharing "
	 "[servers/28] 5 documented\n"
	 "TCP 57501-65535 from clients to front ends: media moved away: video [servers/10] 5 "
	 "documented\n"
	 "UDP 57501-65535 from clients to front ends: media moved away: video [servers/10] 2 "
	 "documented\n",
	 7,
	 0,
	 0},
	{"an overlay before a range that was moved",
	 SITE "media: {app-sharing: 40803-49150, video: 57501-60000}\n",
	 {{"admin-host", FE, TRANSPORT_TCP, 61000, 3}},
	 "TCP 49152-65535 from admin hosts to all servers: overlay management [management/05] 3 "
	 "documented\n",
	 3,
	 0,
	 0},
	{"an optional row, and a row that least-privilege limits to other roles",
	 LEAST,
	 {{FE, FE, TRANSPORT_TCP, 5075, 3},
	  {FE, "director", TRANSPORT_TCP, 5075, 1},
	  {"client", FE, TRANSPORT_TCP, 5075, 4},
	  {"client", "director", TRANSPORT_UDP, 50000, 2}},
	 "TCP 5075 between front ends: feature call-park [servers/30] 3 documented\n"
	 "UDP 49152-57500 from clients to all internal servers: profile literal [servers/40] 2 "
	 "documented\n",
	 5,
	 0,
	 5},
	{"features that the site has named already",
	 LEAST "features: [call-park, servers/33]\n",
	 {{FE, FE, TRANSPORT_TCP, 5075, 3},
	  {FE, FE, TRANSPORT_TCP, 5071, 1},
	  {FE, FE, TRANSPORT_TCP, 8404, 1}},
	 "TCP 8404 between front ends: feature response-group [servers/34] 1 documented\n",
	 1,
	 4,
	 0},
	{"an overlay, and with it a feature",
	 LEAST,
	 {{FE, "av-edge-internal", TRANSPORT_TCP, 23456, 3},
	  {FE, "av-edge-internal", TRANSPORT_TCP, 8057, 1},
	  {"director", "av-edge-internal", TRANSPORT_TCP, 8057, 1}},
	 "TCP 23456 from front ends to av edge internals: overlay edge, feature xmpp [edge/22] 3 "
	 "documented\n"
	 "TCP 8057 from front ends to av edge internals: overlay edge [edge/18] 1 documented\n",
	 4,
	 0,
	 1},
	{"what goes out, to hosts that nobody guards and to those that are guarded then",
	 SITE "- {name: dc, roles: domain-controller, addresses: 10.0.0.11}\n"
	      "outbound: matrix\n",
	 {{FE, "domain-controller", TRANSPORT_UDP, 53, 8},
	  {FE, "sql-server", TRANSPORT_TCP, 1433, 4},
	  {"director", "sql-server", TRANSPORT_TCP, 1433, 2},
	  {FE, NULL, TRANSPORT_UDP, 53, 1},
	  {"client", FE, TRANSPORT_TCP, 5061, 16}},
	 "UDP 53 from domain members to domain controllers: overlay active-directory "
	 "[active-directory/01] 8 documented\n"
	 "TCP 1433 from front ends to sql servers: overlay sql [sql/01] 4 documented\n",
	 12,
	 16,
	 3},
	{"roles that the site has no more",
	 SITE,
	 {{FE, "mediation", TRANSPORT_TCP, 5090, 5}, {"mediation", FE, TRANSPORT_TCP, 5061, 2}},
	 "",
	 0,
	 0,
	 7},
	{"nothing", SITE, {{0}}, "", 0, 0, 0},
};

/* The site, read and resolved. */
struct given {
	struct matrix matrix;
	struct site site;
	struct policy policy;
	struct diagnostics diags;
};

static void given_free(struct given *given)
{
	policy_free(&given->policy);
	site_free(&given->site);
	matrix_free(&given->matrix);
	diag_free(&given->diags);
}

static void resolve_site(const char *text, struct given *given)
{
	assert_int_equal(matrix_load(MATRIX_BUILT_IN, &given->matrix, &given->diags), 0);
	assert_int_equal(site_parse("s", text, strlen(text), &given->site, &given->diags), 0);
	assert_int_equal(
		policy_resolve(&given->matrix, &given->site, &given->policy, &given->diags), 0);
}

static char *list_text(const struct advice_list *list)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < list->count; i++) {
		const struct advice *advice = &list->items[i];
		_cleanup_free_ char *line = advice_text(advice);
		_cleanup_free_ char *rows = strings_join(&advice->rows, " ");

		assert_non_null(line);
		assert_non_null(rows);
		fprintf(out, "%s [%s] %llu %s\n", line, rows, (unsigned long long)advice->packets,
			advice->guess ? "guess" : "documented");
	}
	fclose(out);
	return text;
}

static void answers(void **state)
{
	const struct question *question = *state;
	_cleanup_(given_free) struct given given = {0};
	_cleanup_(advice_free) struct advice_list list = {0};
	_cleanup_free_ char *text = NULL;
	size_t count = 0;

	while (count < SEEN_MAX && question->seen[count].packets)
		count++;
	resolve_site(question->site, &given);
	assert_int_equal(advise(&given.policy, question->seen, count, &list), 0);
	text = list_text(&list);
	assert_string_equal(text, question->advice);
	assert_int_equal(list.explained, question->explained);
	assert_int_equal(list.open, question->open);
	assert_int_equal(list.unexplained, question->unexplained);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(questions) / sizeof(questions[0])];
	size_t count = 0;

	ADD_ROWS(tests, count, questions, answers);
	return RUN_TESTS("advice", tests, count);
}
