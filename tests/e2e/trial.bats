#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The dead man's switch by real traffic: a policy on trial is in force, ends by itself when nobody
# confirms it, whoever was killed, and stays when somebody does.

# shellcheck disable=SC2154 # run sets stderr

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	net_up $FE4/24 $FE6/64
	serve servers --tcp 5061,2000 --udp 50000,2000 "$FE4" "$FE6"
}

teardown_file() {
	net_down
}

setup() {
	export PIN=$BPFFS/$TAG-trial HOOK=xdp-native
	OLD=$(policy old old out in) NEW=$(policy new new out in)
}

teardown() {
	rolewall detach || true
	[[ ! -e $PIN ]]
}

# policy NAME WORD INTERFACE...: a site; the old one opens 5061, the new one 2000 alone.
policy() {
	local word=$2 interface
	{
		printf 'version: 1\ninterfaces:\n'
		for interface in "${@:3}"; do
			echo "  - {name: $interface, hook: @HOOK@}"
		done
		echo "pools:"
		echo "  - {name: fe, roles: [$([[ $word == old ]] && echo front-end || echo office-web-apps)]," \
			"addresses: [$FE4, '$FE6']}"
		[[ $word == old ]] || echo "extra:" \
			"[{roles: [office-web-apps], ports: [2000], protocols: [tcp, udp]}]"
	} | site "$1"
}

# What the wire says is in force: old, new, nothing (both ports are open), or neither.
in_force() {
	local open=
	[[ $(traffic clients tcp "$FE4" 5061 --wait 0.2) != open ]] || open=old
	[[ $(traffic clients tcp "$FE6" 2000 --wait 0.2) != open ]] || open+=new
	case $open in
	oldnew) echo nothing ;;
	'') echo neither ;;
	*) echo "$open" ;;
	esac
}

is_in_force() {
	expect "$1" in_force
}

trial() { # FILTER: what status says of the trial
	rolewall status --json | jq -r ".trial | $1"
}

on_trial() { # SECONDS SITE
	rolewall apply -c "$2" --confirm-within "$1"
}

is_running() {
	[[ $(trial .seconds 2>/dev/null) -gt 0 ]]
}

has_returned() {
	[[ $(trial .returned) == true ]]
}

# killed_apply SECONDS SITE: the controller gets a SIGKILL as soon as the trial runs, at $begin.
killed_apply() {
	background gateway env ROLEWALL_STATE_DIR="$(state_dir)" "$ROLEWALL" apply --pin-dir "$PIN" -c "$2" --confirm-within "$1"
	wait_for 10 is_running
	begin=${EPOCHREALTIME/./}
	kill -KILL "$BACKGROUND" 2>/dev/null || true
	wait "$BACKGROUND" || true
}

# returns_within SECONDS: the clock is there that many seconds behind $begin or up to one later. A
# quarter of a second for seeing it, at both ends.
returns_within() {
	local took
	wait_for $(($1 + 5)) has_returned
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	echo "back after $took ms"
	((took >= $1 * 1000 - 250 && took <= $1 * 1000 + 1250))
}

@test "a trial that nobody confirms ends by itself, whoever was killed" {
	local hooks='xdp-native xdp-generic tc'
	! kernel_before 6.6 || hooks='xdp-native xdp-generic'
	for HOOK in $hooks; do
		apply "$(policy old old out in)"
		is_in_force old
		generation=$(generation)
		killed_apply 2 "$(policy new new out in)"
		is_in_force new
		[[ $(generation) == $((generation + 1)) && $(trial .returned) == false ]]
		returns_within 2
		is_in_force old
		[[ $(generation) == "$generation" && $(trial .returns) == 1 ]]
		rolewall detach
	done
}

@test "a confirmed policy stays" {
	apply "$OLD"
	on_trial 2 "$NEW"
	run -0 --separate-stderr rolewall confirm --json
	jq -e '.generation == 2 and .in_force == 2' <<<"$output"
	deadline=$(($(rolewall status --json | jq .seconds) + 4))
	wait_for 8 clock_is_at "$deadline"
	is_in_force new
	[[ $(trial .returns) == 0 && $(trial .seconds) == 0 ]]
	run -1 --separate-stderr rolewall confirm
	[[ $stderr == *"nothing is on trial"* && -z $output ]]
	is_in_force new
}

clock_is_at() { # SECONDS since the instance was loaded
	[[ $(rolewall status --json | jq .seconds) -ge $1 ]]
}

@test "a first apply on trial: afterwards everything passes as before" {
	is_in_force nothing
	killed_apply 2 "$NEW"
	is_in_force new
	returns_within 2
	is_in_force nothing
	run -1 --separate-stderr rolewall confirm
	[[ $stderr == *"generation 1 was not confirmed in time"* && ! -e $PIN ]]
	is_in_force nothing
	on_trial 60 "$NEW"
	rolewall confirm
	is_in_force new
}

@test "rollback ends a trial at once" {
	apply "$OLD"
	on_trial 60 "$NEW"
	is_in_force new
	run -0 --separate-stderr rolewall rollback --json
	jq -e '.generation == 2 and .in_force == 1' <<<"$output"
	is_in_force old
	[[ $(trial .seconds) == 0 && $(trial .returned) == false ]]
	rolewall detach
	on_trial 60 "$NEW"
	rolewall rollback
	is_in_force nothing
	[[ ! -e $PIN ]]
}

@test "while a trial runs no other apply comes in between" {
	apply "$OLD"
	on_trial 60 "$NEW"
	run -1 --separate-stderr apply "$OLD"
	[[ $stderr =~ "generation 2 is on trial for another "[0-9]+" s; confirm it or roll it back" ]]
	is_in_force new
	[[ $(generation) == 2 ]]
	rolewall confirm
	apply "$OLD"
	is_in_force old
	[[ $(generation) == 3 ]]
}

@test "an interface that comes with a trial goes with it" {
	apply "$(policy only-in old in)"
	is_in_force nothing
	killed_apply 2 "$NEW"
	[[ $(xdp_name out) == rolewall_xdp_trial && $(xdp_name in) == rolewall_xdp ]]
	is_in_force new
	returns_within 2
	is_in_force nothing
	on_trial 60 "$NEW"
	[[ $(xdp_name out) == rolewall_xdp_trial ]]
	rolewall rollback
	[[ $(xdp_name out) == '' && $(xdp_name in) == rolewall_xdp ]]
	on_trial 60 "$NEW"
	rolewall confirm
	[[ $(xdp_name out) == rolewall_xdp ]]
	is_in_force new
}

@test "an interface that a trial does not name is let go when it is confirmed" {
	apply "$OLD"
	on_trial 60 "$(policy only-in new in)"
	is_in_force new
	rolewall confirm
	[[ $(xdp_name out) == '' && $(xdp_name in) == rolewall_xdp ]]
	is_in_force nothing
}

# The name of the program on an interface of the gateway, whole.
xdp_name() {
	local id
	id=$(ip -n "$TAG-gateway" -j link show dev "$1" | jq '.[0].xdp.prog.id // 0')
	((id == 0)) || bpftool -j prog show id "$id" | jq -r .name
}

@test "another hook waits for the confirmation" {
	! kernel_before 6.6 || skip 'hook tc needs Linux 6.6'
	apply "$OLD"
	HOOK=tc
	on_trial 60 "$(policy new-tc new out in)"
	rolewall status --json | jq -e '.interfaces | all(.hook == "xdp-native")'
	is_in_force new
	rolewall confirm
	rolewall status --json | jq -e '.interfaces | length == 2 and all(.hook == "tc")'
	is_in_force new
}

@test "a trial that needs larger slots returns to the small policy" {
	apply "$OLD"
	rooms=$(rolewall status --json | jq .room_pages)
	{
		cat "$NEW"
		echo 'failsafe: {ports: [1/tcp], from: ['
		for i in {0..255}; do
			echo "20.$i.0.1, 20.$i.7.1, 20.$i.9.1, 20.$i.200.1,"
		done
		echo ']}'
	} >"$BATS_TEST_TMPDIR/large.yaml"
	killed_apply 3 "$BATS_TEST_TMPDIR/large.yaml"
	[[ $(rolewall status --json | jq .room_pages) -gt $rooms ]]
	is_in_force new
	returns_within 3
	is_in_force old
	apply "$NEW"
	is_in_force new
}

@test "no time to confirm that makes no sense" {
	for seconds in 0 -1 1d 86401 25h 1.5 '' s 99999999999999999999; do
		run -2 --separate-stderr on_trial "$seconds" "$NEW"
		[[ $stderr == *"--confirm-within: \"$seconds\" is no time; accepted: 1 to 86400 seconds"* ]]
	done
	[[ ! -e $PIN ]]
	on_trial 24h "$NEW"
	(($(trial .seconds) > 86390 && $(trial .seconds) <= 86401))
}
