/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "parties.h"
#include "world.h"

const struct party CLIENT = {"198.18.0.1", "2001:db8:ffff::1", true};
const struct party STRANGER = {"203.0.113.9", "2001:db8:fffe::9", false};
const struct party FRONT_END = {"10.1.2.1", "2001:db8:2::1", false};
const struct party FRONT_END_TWO = {"10.1.2.2", "2001:db8:2::2", false};
const struct party DIRECTOR = {"10.1.2.16", "2001:db8:3::10", false};
const struct party CHAT = {"10.1.2.8", "2001:db8:2:0:8::1", false};
const struct party WEB_APPS = {"10.1.2.12", "2001:db8:2:0:c::1", false};
const struct party PHONE_GATEWAY = {"10.9.0.1", "2001:db8:9::1", false};
const struct party TRUSTED = {"10.5.0.1", "2001:db8:5::1", false};

static const char site_pools[] =
	"pools:\n"
	"  - name: front-ends\n"
	"    roles: [front-end-collocated-mediation]\n"
	"    addresses: [10.1.2.0/28, \"2001:db8:2::/64\"]\n"
	"  - name: directors\n"
	"    roles: [director]\n"
	"    addresses: [10.1.2.16, \"2001:db8:3::10\"]\n"
	"  - name: mediation\n"
	"    roles: [mediation]\n"
	"    addresses: [10.1.2.20/31, \"2001:db8:3::20/127\"]\n"
	"  - name: chat # inside front-ends, with their roles\n"
	"    roles: [persistent-chat-front-end]\n"
	"    addresses: [10.1.2.8/30, \"2001:db8:2:0:8::/80\"]\n"
	"    inherit: true\n"
	"  - name: web-apps # inside front-ends, without their roles\n"
	"    roles: [office-web-apps]\n"
	"    addresses: [10.1.2.12/31, \"2001:db8:2:0:c::/80\"]\n"
	"  - name: gateways\n"
	"    roles: [pstn-gateway]\n"
	"    addresses: [10.9.0.0/24, \"2001:db8:9::/48\"]\n"
	"extra:\n"
	"  - {roles: [front-end], ports: [5090-5094], protocols: [tcp], from: [front-end]}\n"
	"  - {roles: [front-end], ports: [9000], protocols: [tcp, udp],\n"
	"     from: [10.5.0.0/16, \"2001:db8:5::/48\"]}\n"
	"  - {roles: [director], ports: [7000-7010], protocols: [tcp, udp], from: [pstn-gateway]}\n"
	"  - {roles: [director], ports: [7100], protocols: [udp], from: [0.0.0.0/0]}\n"
	"  - {roles: [director], ports: [7101], protocols: [udp], from: [\"::/0\"]}\n"
	"  - {roles: [director], ports: [7200], protocols: [tcp],\n"
	"     from: [10.5.7.16/28, 10.5.8.1, \"2001:db8:5:7::/64\", \"2001:db8:5:8::2/127\"]}\n"
	"  - {roles: [director], ports: [1, 65535, 256-511], protocols: [tcp, udp]}\n";

static char *compose(const char *options, const char *interfaces, const char *rows)
{
	char *text;

	if (asprintf(&text, "version: 1\n%s%s%s%s", options, interfaces, site_pools, rows) < 0)
		abort();
	return text;
}

char *site_text(const char *options)
{
	return compose(options, WORLD_INTERFACES, "");
}

char *site_with_interfaces(const char *interfaces)
{
	return compose("", interfaces, "");
}

char *site_with_rows(const char *rows)
{
	return compose("", WORLD_INTERFACES, rows);
}
