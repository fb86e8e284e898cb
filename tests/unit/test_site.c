/* SPDX-License-Identifier: MIT */
/* Site files: what is refused and where, what is read, and prefixes as text. */
#include "expect.h"

#include <errno.h>

#include "site.h"

/* A site in three lines; the rows below leave out or add some. */
#define START "version: 1\ninterfaces: [eth0]\n"
#define POOL(rest) START "pools: [{name: p, " rest "}]\n"
#define ADDRESSES(list) POOL("roles: [front-end], addresses: " list)
#define SITE ADDRESSES("[10.0.0.1]")
#define EXTRA(row) SITE "extra: [" row "]\n"

#define SITE_KEYS                                                                                        \
	"version, matrix, profile, load_balancing, mode, outbound, unlisted, icmp_echo, "                \
	"interfaces, pools, timeouts, asymmetric, forwarding, media, extra, ipsec, overlays, failsafe, " \
	"features\n"
#define POOL_KEYS "name, roles, addresses, inherit\n"
#define ROW_KEYS                                                                                   \
	"role, roles, service, ports, protocols, application, direction, from, to, optional, note\n"
#define ADDRESS_FORMS "10.1.2.3, 10.1.2.0/28, 2001:db8::1, 2001:db8::/64\n"
#define HOSTS "accepted: addresses that hosts have\n"

static const struct refusal {
	const char *name, *text, *expected;
} refusals[] = {
	/* the file as a whole */
	{"nothing but a version", "version: 1\n",
	 "s:1:1: error: key \"interfaces\" is missing in a site; accepted: " SITE_KEYS
	 "s:1:1: error: key \"pools\" is missing in a site; accepted: " SITE_KEYS},
	{"unknown key", SITE "rules: []\n",
	 "s:4:1: error: unknown key \"rules\" in a site; accepted: " SITE_KEYS},
	{"matrix nothing", SITE "matrix:\n",
	 "s:4:8: error: matrix: nothing found; a value is accepted\n"},
	{"profile unknown", SITE "profile: strict\n",
	 "s:4:10: error: profile: unknown word \"strict\"; accepted: literal, least-privilege\n"},
	{"outbound unknown", SITE "outbound: closed\n",
	 "s:4:11: error: outbound: unknown word \"closed\"; accepted: open, matrix\n"},
	{"load_balancing unknown", SITE "load_balancing: hlb\n",
	 "s:4:17: error: load_balancing: unknown word \"hlb\"; accepted: dns, hardware\n"},
	{"mode unknown", SITE "mode: learn\n",
	 "s:4:7: error: mode: unknown word \"learn\"; accepted: enforce, audit\n"},
	{"unlisted unknown", SITE "unlisted: true\n",
	 "s:4:11: error: unlisted: unknown word \"true\"; accepted: pass, drop\n"},
	{"icmp_echo unknown", SITE "icmp_echo: pass\n",
	 "s:4:12: error: icmp_echo: unknown word \"pass\"; accepted: drop, allow\n"},
	{"features empty", SITE "features: []\n",
	 "s:4:11: error: features: empty list; at least one value is accepted\n"},

	/* failsafe */
	{"failsafe empty", SITE "failsafe: {}\n",
	 "s:4:11: error: key \"from\" is missing in failsafe; accepted: from, ports\n"
	 "s:4:11: error: key \"ports\" is missing in failsafe; accepted: from, ports\n"},
	{"failsafe without sources", SITE "failsafe: {from: [], ports: 22/tcp}\n",
	 "s:4:18: error: from: empty list; at least one value is accepted\n"},
	{"failsafe from a role", SITE "failsafe: {from: admin-host, ports: 22/tcp}\n",
	 "s:4:18: error: from: \"admin-host\" is no prefix; accepted: 10.9.0.0/24, 10.9.0.7, "
	 "2001:db8:9::/64\n"},
	{"failsafe with host bits", SITE "failsafe: {from: 10.9.0.1/24, ports: 22/tcp}\n",
	 "s:4:18: error: 10.9.0.1/24: host bits set; 10.9.0.0/24 is the prefix\n"},
	{"failsafe from everywhere",
	 SITE "failsafe: {from: [0.0.0.0/0, \"::/0\"], ports: 22/tcp}\n",
	 "s:4:19: error: from: 0.0.0.0/0 is every address there is; accepted: longer prefixes\n"
	 "s:4:30: error: from: ::/0 is every address there is; accepted: longer prefixes\n"},
	{"failsafe from mapped addresses",
	 SITE "failsafe: {from: \"::ffff:10.0.0.0/104\", ports: 22/tcp}\n",
	 "s:4:18: error: ::ffff:10.0.0.0/104: IPv4-mapped; accepted: the IPv4 prefix\n"},
	{"failsafe from one twice", SITE "failsafe: {from: [10.9.0.1, 10.9.0.1], ports: 22/tcp}\n",
	 "s:4:29: error: from: \"10.9.0.1\" is listed twice; once is enough\n"},
	{"failsafe port without protocol",
	 SITE "failsafe: {from: 10.9.0.1, ports: [22, 22/sctp]}\n",
	 "s:4:36: error: ports: \"22\" has no protocol; accepted: N/tcp, A-B/tcp, N/udp, A-B/udp\n"
	 "s:4:40: error: ports: \"22/sctp\" has no protocol; accepted: N/tcp, A-B/tcp, N/udp, "
	 "A-B/udp\n"},
	{"failsafe port that is none", SITE "failsafe: {from: 10.9.0.1, ports: [ssh/tcp, 0/udp]}\n",
	 "s:4:36: error: ports: \"ssh\" is no port; accepted: N or A-B within 1-65535\n"
	 "s:4:45: error: ports: \"0\" is out of range; accepted: 1-65535\n"},
	{"failsafe ports reversed", SITE "failsafe: {from: 10.9.0.1, ports: 30-20/tcp}\n",
	 "s:4:35: error: ports: \"30-20\" is reversed; accepted: 20-30\n"},
	{"asymmetric in other words", SITE "asymmetric: yes\n",
	 "s:4:13: error: asymmetric: unknown word \"yes\"; accepted: false, true\n"},
	{"forwarding in other words", SITE "forwarding: true\n",
	 "s:4:13: error: forwarding: unknown word \"true\"; accepted: kernel, xdp\n"},

	/* interfaces */
	{"no interface", "version: 1\ninterfaces: []\npools: []\n",
	 "s:2:13: error: interfaces: empty list; at least one interface is accepted\n"
	 "s:3:8: warning: no pools, so nothing is guarded\n"},
	{"interfaces as value", "version: 1\ninterfaces: eth0\npools: []\n",
	 "s:2:13: error: interfaces: a value found; a list is accepted\n"
	 "s:3:8: warning: no pools, so nothing is guarded\n"},
	{"interface twice", "version: 1\ninterfaces: [eth0, eth1,\n  {name: eth0}]\npools: []\n",
	 "s:3:3: error: interface \"eth0\" is listed twice; line 2 has it already\n"
	 "s:4:8: warning: no pools, so nothing is guarded\n"},
	{"interface name too long", "version: 1\ninterfaces: [sixteen-letters-]\npools: []\n",
	 "s:2:14: error: \"sixteen-letters-\" is no name of an interface; accepted: 1 to 15 bytes "
	 "without blank, / and :\ns:3:8: warning: no pools, so nothing is guarded\n"},
	{"interface name with slash",
	 "version: 1\ninterfaces: [{name: eth/0, side: left, hook: xdp}]\npools: []\n",
	 "s:2:21: error: \"eth/0\" is no name of an interface; accepted: 1 to 15 bytes without "
	 "blank, / and :\n"
	 "s:2:34: error: side: unknown word \"left\"; accepted: any, outside, inside\n"
	 "s:2:46: error: hook: unknown word \"xdp\"; accepted: auto, xdp-native, xdp-generic, tc\n"
	 "s:3:8: warning: no pools, so nothing is guarded\n"},
	{"interface without name", "version: 1\ninterfaces: [{side: inside}]\npools: []\n",
	 "s:2:14: error: key \"name\" is missing in an interface; accepted: name, side, hook\n"
	 "s:3:8: warning: no pools, so nothing is guarded\n"},

	/* pools */
	{"pool without anything", START "pools:\n  - {}\n",
	 "s:4:5: error: key \"name\" is missing in a pool; accepted: " POOL_KEYS
	 "s:4:5: error: key \"roles\" is missing in a pool; accepted: " POOL_KEYS
	 "s:4:5: error: key \"addresses\" is missing in a pool; accepted: " POOL_KEYS},
	{"pool key unknown", POOL("roles: [front-end], addresses: 10.0.0.1, adress: 10.0.0.2"),
	 "s:3:60: error: unknown key \"adress\" in a pool; accepted: " POOL_KEYS},
	{"pool name twice",
	 START "pools:\n- {name: p, roles: front-end, addresses: 10.0.0.1}\n"
	       "- {name: q, roles: front-end, addresses: 10.0.0.2}\n"
	       "- {name: p, roles: front-end, addresses: 10.0.0.3}\n",
	 "s:6:3: error: pool \"p\" is listed twice; line 4 has it already\n"},
	{"pool name with blank", START "pools: [{name: a b, roles: c, addresses: 10.0.0.1}]\n",
	 "s:3:16: error: \"a b\" is no name of a pool; accepted: 1 to 31 of a-z A-Z 0-9 . _ -\n"},
	{"pool name of 32 letters",
	 START "pools: [{name: abcdefghijklmnopqrstuvwxyz-12345, roles: c, addresses: 10.0.0.1}]\n",
	 "s:3:16: error: \"abcdefghijklmnopqrstuvwxyz-12345\" is no name of a pool; accepted: 1 to "
	 "31 of a-z A-Z 0-9 . _ -\n"},
	{"role twice", POOL("roles: [director, director], addresses: 10.0.0.1"),
	 "s:3:37: error: roles: \"director\" is listed twice; once is enough\n"},
	{"no roles", POOL("roles: [], addresses: 10.0.0.1"),
	 "s:3:26: error: roles: empty list; at least one value is accepted\n"},
	{"inherit", POOL("roles: [a], addresses: 10.0.0.1, inherit: yes"),
	 "s:3:61: error: inherit: unknown word \"yes\"; accepted: false, true\n"},

	/* addresses */
	{"host bits", ADDRESSES("[10.1.2.3/28, 2001:db8::1/64]"),
	 "s:3:51: error: 10.1.2.3/28: host bits set; 10.1.2.0/28 is the prefix\n"
	 "s:3:64: error: 2001:db8::1/64: host bits set; 2001:db8::/64 is the prefix\n"},
	{"no address", ADDRESSES("[front-end]"),
	 "s:3:51: error: \"front-end\" is no address; accepted: " ADDRESS_FORMS},
	{"length too long", ADDRESSES("[10.0.0.0/33]"),
	 "s:3:51: error: \"10.0.0.0/33\" is no address; accepted: " ADDRESS_FORMS},
	{"octet with zero", ADDRESSES("[10.0.0.010]"),
	 "s:3:51: error: \"10.0.0.010\" is no address; accepted: " ADDRESS_FORMS},
	{"range", ADDRESSES("[10.0.0.1-10.0.0.9]"),
	 "s:3:51: error: \"10.0.0.1-10.0.0.9\" is no address; accepted: " ADDRESS_FORMS},
	{"netmask", ADDRESSES("[10.0.0.0/255.0.0.0]"),
	 "s:3:51: error: \"10.0.0.0/255.0.0.0\" is no address; accepted: " ADDRESS_FORMS},
	{"zone", ADDRESSES("[\"fe80::1%eth0\"]"),
	 "s:3:51: error: \"fe80::1%eth0\" is no address; accepted: " ADDRESS_FORMS},
	{"all of IPv4", ADDRESSES("[0.0.0.0/0]"),
	 "s:3:51: error: 0.0.0.0/0: every address there is; " HOSTS},
	{"all of IPv6", ADDRESSES("[\"::/0\"]"),
	 "s:3:51: error: ::/0: every address there is; " HOSTS},
	{"unspecified", ADDRESSES("[0.0.0.0, \"::\"]"),
	 "s:3:51: error: 0.0.0.0: unspecified addresses (0.0.0.0/8); " HOSTS
	 "s:3:60: error: ::: the unspecified address (::); " HOSTS},
	{"loopback", ADDRESSES("[127.0.0.1, \"::1\"]"),
	 "s:3:51: error: 127.0.0.1: loopback (127.0.0.0/8); " HOSTS
	 "s:3:62: error: ::1: loopback (::1); " HOSTS},
	{"link-local", ADDRESSES("[169.254.1.0/24, \"fe80::1\"]"),
	 "s:3:51: error: 169.254.1.0/24: link-local (169.254.0.0/16); " HOSTS
	 "s:3:67: error: fe80::1: link-local (fe80::/10); " HOSTS},
	{"multicast", ADDRESSES("[239.1.1.1, \"ff02::1\"]"),
	 "s:3:51: error: 239.1.1.1: multicast (224.0.0.0/4); " HOSTS
	 "s:3:62: error: ff02::1: multicast (ff00::/8); " HOSTS},
	{"broadcast", ADDRESSES("[255.255.255.255]"),
	 "s:3:51: error: 255.255.255.255: broadcast (255.255.255.255); " HOSTS},
	{"mapped", ADDRESSES("[\"::ffff:10.0.0.1\"]"),
	 "s:3:51: error: ::ffff:10.0.0.1: IPv4-mapped (::ffff:0:0/96); " HOSTS},
	{"a prefix with loopback in it", ADDRESSES("[64.0.0.0/2]"),
	 "s:3:51: error: 64.0.0.0/2: loopback (127.0.0.0/8); " HOSTS},
	{"addresses as mapping", ADDRESSES("{a: b}"),
	 "s:3:50: error: addresses: a mapping found; a value or a list of values is accepted\n"},

	/* rows of the site's own */
	{"row without anything", EXTRA("{}"),
	 "s:4:9: error: key \"ports\" is missing in a row; accepted: " ROW_KEYS
	 "s:4:9: error: key \"protocols\" is missing in a row; accepted: " ROW_KEYS},
	{"row without role", EXTRA("{ports: 80, protocols: tcp}"),
	 "s:4:9: error: key \"roles\" is missing in a row; accepted: roles: [ROLE, ...]\n"},
	{"role and roles", EXTRA("{role: director, roles: [front-end], ports: 80, protocols: tcp}"),
	 "s:4:33: error: keys \"role\" and \"roles\" in one row; accepted: one of them\n"},
	{"roles and role", EXTRA("{roles: [front-end], role: director, ports: 80, protocols: tcp}"),
	 "s:4:36: error: keys \"role\" and \"roles\" in one row; accepted: one of them\n"},
	{"row key of a matrix", EXTRA("{role: a, ports: 80, protocols: tcp, media: audio}"),
	 "s:4:46: error: unknown key \"media\" in a row; accepted: " ROW_KEYS},
	{"port 0", EXTRA("{role: a, ports: 0, protocols: tcp}"),
	 "s:4:26: error: ports: \"0\" is out of range; accepted: 1-65535\n"},
	{"port too high", EXTRA("{role: a, ports: [65536, 1-99999999999], protocols: tcp}"),
	 "s:4:27: error: ports: \"65536\" is out of range; accepted: 1-65535\n"
	 "s:4:34: error: ports: \"1-99999999999\" is out of range; accepted: 1-65535\n"},
	{"ports reversed", EXTRA("{role: a, ports: [90-80], protocols: tcp}"),
	 "s:4:27: error: ports: \"90-80\" is reversed; accepted: 80-90\n"},
	{"no port", EXTRA("{role: a, ports: [http, 080, 1-2-3, -5, 5-, 443/tcp], protocols: tcp}"),
	 "s:4:27: error: ports: \"http\" is no port; accepted: N or A-B within 1-65535\n"
	 "s:4:33: error: ports: \"080\" is no port; accepted: N or A-B within 1-65535\n"
	 "s:4:38: error: ports: \"1-2-3\" is no port; accepted: N or A-B within 1-65535\n"
	 "s:4:45: error: ports: \"-5\" is no port; accepted: N or A-B within 1-65535\n"
	 "s:4:49: error: ports: \"5-\" is no port; accepted: N or A-B within 1-65535\n"
	 "s:4:53: error: ports: \"443/tcp\" is no port; accepted: N or A-B within 1-65535\n"},
	{"ports overlap", EXTRA("{role: a, ports: [80-90, 85], protocols: tcp}"),
	 "s:4:34: error: ports: 85 overlaps 80-90 of the same row\n"},
	{"protocol unknown", EXTRA("{role: a, ports: 80, protocols: [tcp, sctp]}"),
	 "s:4:47: error: protocols: unknown word \"sctp\"; accepted: tcp, udp\n"},
	{"protocol twice", EXTRA("{role: a, ports: 80, protocols: [tcp, tcp]}"),
	 "s:4:47: error: protocols: \"tcp\" is listed twice; once is enough\n"},
	{"direction unknown", EXTRA("{role: a, ports: 80, protocols: tcp, direction: both}"),
	 "s:4:57: error: direction: unknown word \"both\"; accepted: in, out\n"},
	{"application", EXTRA("{role: a, ports: 80, protocols: tcp, application: HTTP/2}"),
	 "s:4:59: error: application: \"HTTP/2\" is no name of an application; accepted: up to 31 "
	 "of a-z 0-9 + -, as in \"tls+mtls\"\n"},
	{"from with host bits", EXTRA("{role: a, ports: 80, protocols: tcp, from: [10.0.0.1/8]}"),
	 "s:4:53: error: 10.0.0.1/8: host bits set; 10.0.0.0/8 is the prefix\n"},
	{"from no prefix", EXTRA("{role: a, ports: 80, protocols: tcp, from: [10.0.0]}"),
	 "s:4:53: error: from: \"10.0.0\" is no prefix; accepted: a role, a group, any, or a prefix "
	 "such as 10.1.2.0/28 or 2001:db8::/64\n"},
	{"from mapped", EXTRA("{role: a, ports: 80, protocols: tcp, from: [\"::ffff:1.2.3.4\"]}"),
	 "s:4:53: error: ::ffff:1.2.3.4: IPv4-mapped; accepted: the IPv4 prefix\n"},
	{"from any and more", EXTRA("{role: a, ports: 80, protocols: tcp, from: [b, any]}"),
	 "s:4:56: error: from: \"any\" beside other words; accepted: any alone, or words without "
	 "it\n"},
	{"from empty", EXTRA("{role: a, ports: 80, protocols: tcp, from: []}"),
	 "s:4:52: error: from: empty list; at least one value is accepted\n"},
	{"to without out", EXTRA("{role: a, ports: 80, protocols: tcp, to: [b]}"),
	 "s:4:51: error: to: without direction out; accepted: direction: [out], or from:\n"},
	{"from without in",
	 EXTRA("{role: a, ports: 80, protocols: tcp, direction: out, from: [b]}"),
	 "s:4:69: error: from: without direction in; accepted: direction: [in], or to:\n"},

	/* media */
	{"media unknown", SITE "media: {sound: 1000-2000}\n",
	 "s:4:9: error: unknown key \"sound\" in media; accepted: audio, video, app-sharing, "
	 "client-audio, client-video, client-app-sharing, client-file-transfer\n"},
	{"media too few", SITE "media: {client-audio: 50000-50018}\n",
	 "s:4:23: error: client-audio: only 19 ports; accepted: 20 or more\n"},
	{"media of one port", SITE "media: {client-video: 50000}\n",
	 "s:4:23: error: client-video: only 1 port; accepted: 20 or more\n"},
	{"media with port 0", SITE "media: {audio: 0-2000}\n",
	 "s:4:16: error: audio: \"0-2000\" is out of range; accepted: 1-65535\n"},
	{"media reversed", SITE "media: {audio: 2000-1000}\n",
	 "s:4:16: error: audio: \"2000-1000\" is reversed; accepted: 1000-2000\n"},
};

static int parse(const char *text, struct site *site, struct diagnostics *diags)
{
	return site_parse("s", text, strlen(text), site, diags);
}

static void refuses(void **state)
{
	const struct refusal *row = *state;
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};
	int rc = parse(row->text, &site, &diags);

	expect_diags(&diags, row->expected);
	assert_int_equal(rc, -EINVAL);
	assert_non_null(site.path); /* for policy_resolve() to go on */
}

static const struct refusal warnings[] = {
	{"no pools", START "pools: []\n", "s:3:8: warning: no pools, so nothing is guarded\n"},
	{"few client ports", SITE "media: {client-audio: 50000-50019}\n",
	 "s:4:23: warning: client-audio: only 20 ports; 40 or more are advised\n"},
	{"few server ports", SITE "media: {audio: 50000-50009}\n",
	 "s:4:16: warning: audio: only 10 ports; 40 or more are advised\n"},
	{"enough ports", SITE "media: {client-audio: 50000-50039, audio: 1024-65535}\n", ""},
};

static void warns(void **state)
{
	const struct refusal *row = *state;
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};
	int rc = parse(row->text, &site, &diags);

	expect_diags(&diags, row->expected);
	assert_int_equal(rc, 0);
}

static void has_defaults(void **state)
{
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(parse(SITE, &site, &diags), 0);
	expect_diags(&diags, "");
	assert_string_equal(site.path, "s");
	assert_string_equal(site.matrix, MATRIX_BUILT_IN);
	assert_int_equal(site.balancing, BALANCING_DNS);
	assert_int_equal(site.mode, MODE_ENFORCE);
	assert_false(site.unlisted_drop);
	assert_false(site.echo_allow);
	assert_false(site.asymmetric);
	assert_false(site.forward_xdp);
	assert_false(site.least_privilege);
	assert_false(site.outbound_matrix);
	assert_int_equal(site.failsafe_from.count, 0);
	assert_int_equal(site.n_interfaces, 1);
	assert_int_equal(site.interfaces[0].side, SIDE_ANY);
	assert_int_equal(site.interfaces[0].hook, HOOK_AUTO);
	assert_false(site.pools[0].inherit);
	assert_int_equal(site.n_extra, 0);
	assert_int_equal(site.n_media, 0);
}

static const char full[] =
	"version: 1\n"
	"matrix: tables/own.yaml\n"
	"profile: least-privilege\n"
	"features: [call-park, servers/24]\n"
	"failsafe: {from: [10.9.0.0/24, \"2001:db8:9::1\"], ports: [22/tcp, 5900-5910/udp]}\n"
	"load_balancing: hardware\n"
	"mode: audit\n"
	"outbound: matrix\n"
	"unlisted: drop\n"
	"icmp_echo: allow\n"
	"interfaces:\n"
	"  - {name: eth0, side: outside}\n"
	"  - {name: eth1, side: inside, hook: xdp-generic}\n"
	"pools:\n"
	"  - name: fe-paris\n"
	"    roles: [front-end-collocated-mediation, director]\n"
	"    addresses: [10.1.2.0/28, \"2001:db8:2::/64\"]\n"
	"    inherit: true\n"
	"extra:\n"
	"  - {roles: [front-end, director], ports: [5090-5094, 80], protocols: [tcp, udp],\n"
	"     from: [front-end, 10.0.0.0/8], note: Windows Fabric, service: Fabric, optional: true}\n"
	"  - {role: director, ports: 443, protocols: tcp, direction: out, to: any, application: tls}\n"
	"media:\n"
	"  audio: 50000-50999\n";

static void reads_options(void **state)
{
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};
	int rc = site_parse("/etc/x/s", full, strlen(full), &site, &diags);

	(void)state;
	expect_diags(&diags, "");
	assert_int_equal(rc, 0);
	assert_string_equal(site.matrix, "/etc/x/tables/own.yaml");
	assert_int_equal(site.matrix_place.line, 2);
	assert_int_equal(site.matrix_place.column, 9);
	assert_int_equal(site.balancing, BALANCING_HARDWARE);
	assert_int_equal(site.mode, MODE_AUDIT);
	assert_true(site.unlisted_drop);
	assert_true(site.echo_allow);
	assert_true(site.least_privilege);
	assert_int_equal(site.profile_place.line, 3);
	assert_true(site.outbound_matrix);
	assert_int_equal(site.features.count, 2);
	assert_string_equal(site.features.items[1], "servers/24");
	assert_int_equal(site.failsafe_from.count, 2);
	assert_string_equal(site.failsafe_from.items[1], "2001:db8:9::1");
	assert_int_equal(site.n_failsafe_ports, 2);
	assert_int_equal(site.failsafe_ports[0].transport, TRANSPORT_TCP);
	assert_int_equal(site.failsafe_ports[1].transport, TRANSPORT_UDP);
	assert_int_equal(site.failsafe_ports[1].ports.first, 5900);
	assert_int_equal(site.failsafe_ports[1].ports.last, 5910);
	assert_int_equal(site.n_interfaces, 2);
	assert_string_equal(site.interfaces[1].name, "eth1");
	assert_int_equal(site.interfaces[1].side, SIDE_INSIDE);
	assert_int_equal(site.interfaces[1].hook, HOOK_XDP_GENERIC);
	assert_int_equal(site.n_media, 1);
	assert_string_equal(site.media[0].name, "audio");
	assert_int_equal(site.media[0].range.first, 50000);
	assert_int_equal(site.media[0].range.last, 50999);
}

static void reads_pools(void **state)
{
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};
	const struct site_pool *pool;
	char text[PREFIX_TEXT];

	(void)state;
	assert_int_equal(parse(full, &site, &diags), 0);
	assert_string_equal(site.matrix, "tables/own.yaml");
	assert_int_equal(site.n_pools, 1);
	pool = &site.pools[0];
	assert_string_equal(pool->name, "fe-paris");
	assert_int_equal(pool->place.line, 15);
	assert_int_equal(pool->place.column, 5);
	assert_int_equal(pool->roles.count, 2);
	assert_string_equal(pool->roles.items[1], "director");
	assert_true(pool->inherit);
	assert_int_equal(pool->n_addresses, 2);
	assert_string_equal(prefix_format(&pool->addresses[1].prefix, text, sizeof(text)),
			    "2001:db8:2::/64");
	assert_int_equal(pool->addresses[1].place.line, 17);
	assert_int_equal(pool->addresses[1].place.column, 30);
}

static void reads_own_rows(void **state)
{
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};
	const struct row *row;

	(void)state;
	assert_int_equal(parse(full, &site, &diags), 0);
	assert_int_equal(site.n_extra, 2);
	row = &site.extra[0];
	assert_string_equal(row->id, "extra/01");
	assert_string_equal(row->table, "extra");
	assert_int_equal(row->number, 1);
	assert_int_equal(row->roles.count, 2);
	assert_int_equal(row->n_ports, 2);
	assert_int_equal(row->ports[0].last, 5094);
	assert_int_equal(row->transports, TRANSPORT_TCP | TRANSPORT_UDP);
	assert_int_equal(row->directions, DIRECTION_IN);
	assert_int_equal(row->from.count, 2);
	assert_string_equal(row->from.items[1], "10.0.0.0/8");
	assert_string_equal(row->note, "Windows Fabric");
	assert_string_equal(row->service, "Fabric");
	assert_null(row->application);
	assert_true(row->optional);
	assert_true(row->opens);
	row = &site.extra[1];
	assert_string_equal(row->id, "extra/02");
	assert_int_equal(row->directions, DIRECTION_OUT);
	assert_string_equal(row->application, "tls");
	assert_string_equal(row->service, "");
	assert_string_equal(row->note, "");
}

/* COUNT times a line with a number in it, behind a start. */
static char *repeat(const char *start, const char *line, unsigned int count)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs(start, out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, line, i, i / 256, i % 256);
	fclose(out);
	return text;
}

static void limits_pools(void **state)
{
	_cleanup_free_ char *text =
		repeat(START "pools:\n", "- {name: p%u, roles: a, addresses: 10.1.%u.%u}\n", 4097);
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(parse(text, &site, &diags), -EINVAL);
	expect_diags(&diags, "s:4099:3: error: too many pools; at most 4095 are read\n"
			     "s:4100:3: error: too many pools; at most 4095 are read\n");
	assert_int_equal(site.n_pools, 4095);
}

static void limits_interfaces(void **state)
{
	_cleanup_free_ char *text = repeat("version: 1\npools: []\ninterfaces:\n", "- eth%u\n", 65);
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(parse(text, &site, &diags), -EINVAL);
	expect_diags(&diags, "s:2:8: warning: no pools, so nothing is guarded\n"
			     "s:68:3: error: too many interfaces; at most 64 are read\n");
}

static void leaves_site_alone_without_yaml(void **state)
{
	_cleanup_(site_free) struct site site = {0};
	struct diagnostics diags = {0};

	(void)state;
	assert_int_equal(parse("pools: [", &site, &diags), -EINVAL);
	assert_null(site.path);
	diag_free(&diags);
	assert_int_equal(site_load("/nonexistent/site.yaml", &site, &diags), -ENOENT);
	assert_null(site.path);
	diag_free(&diags);
}

static void names_words(void **state)
{
	(void)state;
	assert_string_equal(hook_name(HOOK_XDP_NATIVE), "xdp-native");
	assert_string_equal(hook_name(HOOK_TC), "tc");
	assert_string_equal(side_name(SIDE_OUTSIDE), "outside");
	assert_string_equal(mode_name(MODE_AUDIT), "audit");
	assert_string_equal(balancing_name(BALANCING_HARDWARE), "hardware");
	assert_null(hook_name((enum hook)4));
	assert_null(side_name((enum side)3));
	assert_null(mode_name((enum mode)2));
	assert_null(balancing_name(BALANCING_ANY));
}

/* --- prefixes */

static const struct prefix_row {
	const char *name; /* the text */
	int rc;
	const char *formatted; /* NULL: no prefix */
} prefixes[] = {
	{"10.1.2.3", 0, "10.1.2.3"},
	{"10.1.2.3/32", 0, "10.1.2.3"},
	{"10.1.2.0/28", 0, "10.1.2.0/28"},
	{"10.1.2.15/28", -EDOM, "10.1.2.0/28"},
	{"10.1.2.16/28", 0, "10.1.2.16/28"},
	{"255.255.255.255/1", -EDOM, "128.0.0.0/1"},
	{"0.0.0.0/0", 0, "0.0.0.0/0"},
	{"1.0.0.0/0", -EDOM, "0.0.0.0/0"},
	{"2001:db8::", 0, "2001:db8::"},
	{"2001:DB8:0:0::/64", 0, "2001:db8::/64"},
	{"2001:db8::1/127", -EDOM, "2001:db8::/127"},
	{"::/0", 0, "::/0"},
	{"2001:db8::1/0", -EDOM, "::/0"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 0,
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"", -EINVAL, NULL},
	{"/8", -EINVAL, NULL},
	{"10.0.0.0/", -EINVAL, NULL},
	{"10.0.0.0/33", -EINVAL, NULL},
	{"10.0.0.0/08", -EINVAL, NULL},
	{"10.0.0.0/+8", -EINVAL, NULL},
	{"10.0.0.0/8 ", -EINVAL, NULL},
	{"10.0.0.0/8/8", -EINVAL, NULL},
	{"10.0.0.0/4294967304", -EINVAL, NULL},
	{" 10.0.0.0", -EINVAL, NULL},
	{"10.0.0", -EINVAL, NULL},
	{"10.0.0.256", -EINVAL, NULL},
	{"10.0.0.0.0", -EINVAL, NULL},
	{"2001:db8::/129", -EINVAL, NULL},
	{"2001:db8:::/64", -EINVAL, NULL},
	{"2001:db8", -EINVAL, NULL},
	{"fe80::1%eth0", -EINVAL, NULL},
	{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.255.255", -EINVAL, NULL},
};

static void parses_prefix(void **state)
{
	const struct prefix_row *row = *state;
	struct prefix prefix = {.length = 99};
	char text[PREFIX_TEXT];

	assert_int_equal(prefix_parse(row->name, &prefix), row->rc);
	if (row->formatted)
		assert_string_equal(prefix_format(&prefix, text, sizeof(text)), row->formatted);
	else
		assert_int_equal(prefix.length, 99); /* untouched */
}

static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static const struct cover_row {
	const char *name, *outer, *inner;
	bool covers;
} covers[] = {
	{"equal", "10.1.2.0/28", "10.1.2.0/28", true},
	{"inside", "10.1.2.0/28", "10.1.2.15", true},
	{"just outside", "10.1.2.0/28", "10.1.2.16", false},
	{"the wider one in the narrow one", "10.1.2.0/28", "10.1.2.0/24", false},
	{"on a byte", "10.1.0.0/16", "10.1.255.0/24", true},
	{"everything", "0.0.0.0/0", "10.1.2.3", true},
	{"other family", "0.0.0.0/0", "2001:db8::1", false},
	{"other family, same bytes", "::/0", "0.0.0.0/0", false},
	{"IPv6", "2001:db8::/61", "2001:db8:0:7::/64", true},
	{"IPv6 outside", "2001:db8::/61", "2001:db8:0:8::/64", false},
	{"single addresses", "2001:db8::1", "2001:db8::1", true},
	{"single addresses apart", "2001:db8::1", "2001:db8::2", false},
};

static void covers_prefix(void **state)
{
	const struct cover_row *row = *state;
	struct prefix outer = prefix_of(row->outer), inner = prefix_of(row->inner);

	assert_int_equal(prefix_covers(&outer, &inner), row->covers);
}

static void orders_prefixes(void **state)
{
	static const char *const sorted[] = {
		"1.0.0.0",      "10.0.0.0/8", "10.0.0.0/16",   "10.0.0.0",      "10.0.0.1",
		"192.0.2.0/24", "::2",        "2001:db8::/32", "2001:db8::/64", "2001:db8::1"};
	size_t count = sizeof(sorted) / sizeof(sorted[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			struct prefix a = prefix_of(sorted[i]), b = prefix_of(sorted[j]);
			int order = prefix_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(reads_options),
		cmocka_unit_test(reads_pools),
		cmocka_unit_test(reads_own_rows),
		cmocka_unit_test(limits_pools),
		cmocka_unit_test(limits_interfaces),
		cmocka_unit_test(leaves_site_alone_without_yaml),
		cmocka_unit_test(names_words),
		cmocka_unit_test(orders_prefixes),
	};
	struct CMUnitTest tests[200];
	size_t count = 0;

	ADD_ROWS(tests, count, refusals, refuses);
	ADD_ROWS(tests, count, warnings, warns);
	ADD_ROWS(tests, count, prefixes, parses_prefix);
	ADD_ROWS(tests, count, covers, covers_prefix);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tests[count++] = others[i];
	return RUN_TESTS("site", tests, count);
}
