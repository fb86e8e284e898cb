#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Interfaces that get other names, swap them, or leave for another network namespace: links stay where
# they are, and no packet goes by unjudged (tests/tools/witness.c sees each).
# shellcheck disable=SC2154 # run sets stderr

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
FIRST=1000 SECOND=2000 NEVER=3000 ALWAYS=4000

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64
	net_static
	PIN=$BPFFS/$TAG-names
	ns_add elsewhere
	watch_with $FE4 $FE6 $FIRST $SECOND $NEVER $ALWAYS
}

teardown_file() {
	net_down
}

setup() {
	export HOOK=xdp-native
	OLD=$(policy old out in)
}

teardown() {
	stop_agent
	rolewall backstop off 2>/dev/null || true
	rolewall detach 2>/dev/null || true
	for name in other third; do
		ip -n "$TAG-gateway" link delete $name 2>/dev/null || true
	done
}

# policy NAME OUTSIDE INSIDE: what the witness calls "old".
policy() {
	site "$1" <<-END
		version: 1
		interfaces:
		  - {name: $2, side: outside, hook: @HOOK@}
		  - {name: $3, side: inside, hook: @HOOK@}
		pools: [{name: fe, roles: [office-web-apps], addresses: [$FE4, 10.77.2.99, '$FE6']}]
		extra: [{roles: [office-web-apps], ports: [$FIRST, $ALWAYS], protocols: [udp]}]
	END
}

# The same with interface `other` as well.
with_other() {
	sed 's/^  - {name: in,.*/&\n  - {name: other, hook: xdp-native}/' "$OLD" >"$OLD.other"
	echo "$OLD.other"
}

rename() { # FROM TO
	ip -n "$TAG-gateway" link set "$1" name "$2"
}

swap() {
	rename out third
	rename in out
	rename third in
}

# Which link is on which interface, as the kernel says: "IFINDEX LINK" for each.
links() {
	local pin name id
	for pin in "$PIN"/links/*; do
		read -r name id < <(in_ns gateway bpftool -j link show pinned "$pin" | jq -r '"\(.devname) \(.id)"')
		echo "$(ip -n "$TAG-gateway" -j link show dev "$name" | jq '.[0].ifindex') $id"
	done | sort
}

# The witness and the kernel have seen it in force.
begin() {
	apply "$OLD"
	BEFORE=$(links)
	saw
}

# Each link is where it was, and no packet met anything else than that policy.
is_unmoved() {
	[[ $(links) == "$BEFORE" ]] && has_seen old
}

pins() {
	(cd "$PIN/links" && echo *)
}

# What a spoofed packet is, if it comes in by the interface where clients are.
is_spoofed_by() { # INTERFACE
	[[ $(rolewall explain --src 10.77.2.99 --dst $FE4 --proto udp --dport $FIRST --in "$1" --json | jq -r .reason) == spoofed ]]
}

is_side() { # INTERFACE SIDE
	[[ $(rolewall status --json | jq -r --arg name "$1" '.interfaces[] | select(.name == $name) | .side') == "$2" ]]
}

@test "an apply after two interfaces have swapped their names keeps their links" {
	begin
	swap
	condition out wrong_side
	run -0 --separate-stderr apply "$OLD"
	[[ $stderr == *'the interface that was in is called out now'* && $stderr != *attached* ]]
	[[ $(pins) == 'in@xdp-native out@xdp-native' ]]
	condition out filtered
	condition in filtered
	is_unmoved
	is_spoofed_by out
	swap
	apply "$OLD"
	is_unmoved
}

@test "a refused apply leaves links where they are, whatever they are called by now" {
	begin
	swap
	# a bridge has no native XDP, which shows when the others have been seen to
	ip -n "$TAG-gateway" link add other type bridge
	run -1 --separate-stderr apply "$(with_other)"
	[[ $stderr == *'cannot attach to other by xdp-native'*'nothing was changed'* ]]
	is_unmoved
	swap
	apply "$OLD"
	is_unmoved
}

@test "a site that follows a new name keeps the link" {
	begin
	rename in third
	apply "$(policy third out third)"
	[[ $(links) == "$BEFORE" && $(pins) == 'out@xdp-native third@xdp-native' ]]
	condition third filtered
	rename third in
	apply "$OLD"
	is_unmoved
}

@test "a new interface of an old name gets a program, and the one that had it keeps its own" {
	apply "$OLD"
	start_agent
	rename out other
	ip -n "$TAG-gateway" link add out type veth peer name third
	wait_for 5 condition out filtered
	is_side out outside
	condition other filtered
	[[ $(pins) == 'in@xdp-native other@xdp-native out@xdp-native' ]]
	[[ $(xdp_id other) == "$(xdp_id out)" ]]
	# what the site does not name is let go by an apply, and said
	stop_agent
	run -0 --separate-stderr apply "$OLD"
	[[ $stderr == *'other: detached'* ]]
	ip -n "$TAG-gateway" link delete out
	rename other out
}

@test "a new interface of the name of one that left for another namespace gets a program" {
	apply "$OLD"
	start_agent
	ip -n "$TAG-gateway" link add other type veth peer name third
	apply "$(with_other)"
	condition other filtered
	ip -n "$TAG-gateway" link set other netns "$TAG-elsewhere"
	wait_for 5 said 'other: there is no such interface'
	ip -n "$TAG-gateway" link add other type veth peer name fourth
	wait_for 5 condition other filtered
	stop_agent
	[[ $(pins) == 'away:'*'@xdp-native in@xdp-native other@xdp-native out@xdp-native' ]]
	run -0 --separate-stderr apply "$(with_other)"
	[[ $stderr == *'away:'*': detached'* ]]
	[[ $(pins) == 'in@xdp-native other@xdp-native out@xdp-native' ]]
}

@test "the index of an interface of another namespace says nothing of one here" {
	local index
	ip -n "$TAG-gateway" link add other type veth peer name third
	apply "$(with_other)"
	index=$(ip -n "$TAG-gateway" -j link show dev other | jq '.[0].ifindex')
	ip -n "$TAG-gateway" link set other netns "$TAG-elsewhere"
	[[ $(ip -n "$TAG-elsewhere" -j link show dev other | jq '.[0].ifindex') == "$index" ]]
	ip -n "$TAG-gateway" link add other index "$index" type veth peer name fourth
	condition other unfiltered
	run -0 --separate-stderr apply "$(with_other)"
	[[ $stderr == *'in another network namespace now'*'other: attached by xdp-native'*"away:$index: detached"* ]]
	condition other filtered
}

@test "the agent puts sides right that went with a name" {
	apply "$OLD"
	start_agent
	swap
	wait_for 5 said 'out: filtered, but on the side that another interface of this name had'
	wait_for 5 condition out filtered
	wait_for 5 condition in filtered
	said 'out: on its side again'
	is_spoofed_by out
	swap
	wait_for 5 is_side out outside
	wait_for 5 condition in filtered
}

@test "another name of an interface is refused" {
	ip -n "$TAG-gateway" link property add dev out altname wan0
	run -1 --separate-stderr apply "$(policy wan wan0 in)"
	[[ $stderr == *'wan0 is another name of interface out; the site has to say out'* ]]
	[[ ! -e $PIN ]]
	ip -n "$TAG-gateway" link property del dev out altname wan0
}
