#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What `plan` says of a running policy, with packets counted, is what an apply then does.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	export PIN ROLEWALL_STATE_DIR
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-plan
	ROLEWALL_STATE_DIR=$NET_DIR/state
	serve servers --tcp 2000,2001,2002 --udp 2000 "$FE4" "$FE6"
}

teardown_file() {
	rolewall detach || true
	net_down
}

# site_with NAME PORTS [LINE...]: web servers whose own row has these ports
site_with() {
	local name=$1 ports=$2
	shift 2
	{
		cat <<-END
			version: 1
			interfaces:
			  - {name: out, side: outside}
			  - {name: in, side: inside}
			pools:
			  - {name: web, roles: [office-web-apps], addresses: [$FE4, "$FE6"]}
			extra:
			  - {roles: [office-web-apps], ports: [$ports], protocols: [tcp]}
		END
		printf '%s\n' "$@"
	} | site "$name"
}

# plan_is STATUS SITE FILTER: its exit status, and that the filter holds for its JSON.
plan_is() {
	run "-$1" --separate-stderr rolewall plan -c "$2" --json
	jq -e "$3" <<<"$output" || {
		echo "$output" >&2
		return 1
	}
}

@test "nothing runs yet: what the site opens stays open" {
	local site
	site=$(site_with first 2000-2002)
	plan_is 3 "$site" '.changes and (.running | not) and
		([.areas[].opens[] | "\(.protocol) \(.ports) \(.rows)"] |
			index("tcp [2000,2002] [\"extra/01\"]") != null)'
	[[ ! -e $PIN ]]
	run -0 --separate-stderr rolewall apply -c "$site"
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == *'nothing runs yet, so that nothing is filtered: with '*' what its pools open stays open, and everything else to their hosts shuts (pools: 1, IPv4 addresses: 1, IPv6 prefixes: 1)'* ]]
}

@test "what runs is no different from itself, whatever it is called and however written" {
	local site
	site=$(site_with first 2000-2002)
	plan_is 0 "$site" '.changes == false and .areas == [] and .settings == []'
	plan_is 0 "$(site_with second '2002, 2000-2001' '# the same')" '.changes | not'
	run -0 --separate-stderr rolewall plan -c "$site"
	[[ -z $output && $stderr == *'nothing changes'* ]]
}

is_last() { # SITE COMPARISON, with the seconds since the last packet of what would shut
	rolewall plan -c "$1" --json 2>/dev/null | jq -e ".areas[0].shuts[0].last_seconds_ago $2" >/dev/null
}

@test "a port that would shut is named with its row and the packets it let pass" {
	local site
	passes_by matrix passes_tcp "$FE4" 2002
	passes_by matrix passes_tcp "$FE6" 2001
	site=$(site_with fewer 2000-2001)
	plan_is 3 "$site" '.settings == [] and .pools == [] and .counted_seconds > 0 and
		(.areas | length == 1) and (.areas[0] | .before == "web" and .after == "web" and
			.opens == [] and .ipv4_addresses == 1 and .ipv6_prefixes == 1 and
			(.shuts | length == 1) and (.shuts[0] | .ports == [2002, 2002] and
				.protocol == "tcp" and .from == ["any"] and .rows == ["extra/01"] and
				.shared))'
	[[ $(jq '.areas[0].shuts[0].packets' <<<"$output") == \
		$(rolewall drops --by row --json | jq '[.. | objects | select(.row? == "extra/01" or .name? == "extra/01") | .packets][0]') ]]
	run -3 --separate-stderr rolewall plan -c "$site" --csv
	[[ $output == *$'\n''shuts,web,1 + 1 IPv6 prefix,in tcp 2002,any,extra/01,<= '[1-9]*' s ago'* ]]
	# a packet grows old, until the next one comes
	wait_for 10 is_last "$site" '>= 2'
	passes_tcp "$FE4" 2002
	is_last "$site" "<= ${PATIENCE:-1}"
	# where both go to the same place, what is said of the table stands behind it
	run -3 rolewall plan -c "$site"
	[[ ${lines[-1]} == 'rolewall: packets that rows let pass in the '* && ${lines[-2]} == *extra/01* ]]
	# nothing has changed
	passes_tcp "$FE4" 2002
}

@test "an apply says the same on stderr, and does it" {
	local site line
	site=$(site_with fewer 2000-2001 'unlisted: drop')
	run -0 --separate-stderr rolewall apply -c "$site"
	for line in 'unlisted: pass -> drop' 'web (1 + 1 IPv6 prefix): shuts in tcp 2002 from any, extra/01: <= '; do
		[[ $stderr == *"$line"* ]] || {
			echo "$stderr" >&2
			return 1
		}
	done
	plan_is 0 "$site" '.changes | not'
	drops_one port_not_in_matrix silent_tcp "$FE4" 2002
	passes_by matrix passes_tcp "$FE4" 2001
	plan_is 3 "$(site_with first 2000-2002)" '[.areas[].opens[].ports] == [[2002, 2002]] and
		.settings[0].name == "unlisted" and .settings[0].after == "pass"'
}

@test "a site that would be refused has no plan, and changes nothing" {
	local site generation
	generation=$(generation)
	site=$(site_with broken 2000-1999)
	run -1 --separate-stderr rolewall plan -c "$site"
	[[ -z $output && $stderr == "$site:8:"*'is reversed; accepted: 1999-2000'* ]]
	run -1 rolewall apply -c "$site"
	[[ $(generation) == "$generation" ]]
	passes_by matrix passes_tcp "$FE4" 2001
	run -1 rolewall plan -c "$BATS_TEST_TMPDIR/none.yaml"
}

@test "pool prints what changes before it flips" {
	local site
	site=$(site_with first 2000-2002)
	apply "$site"
	run -0 --separate-stderr rolewall pool add-address web 10.77.2.11 -c "$site"
	[[ $stderr == *'web (1): addresses + 10.77.2.11 (newly guarded)'*'web (1): shuts everything but what the pool opens'* ]]
}
