#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The dead man's switch by real traffic: a policy on trial is in force, ends by itself when nobody
# confirms it, whoever was killed, and stays when somebody does.

# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # a shell for each test; lib.bash uses LOSSY; run sets stderr

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
FIRST=5061 SECOND=2000

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64
	net_static
	PIN=$BPFFS/$TAG-trial
	watch_with $FE4 $FE6 $FIRST $SECOND 3000 4000
}

teardown_file() {
	rolewall detach
	[[ ! -e $PIN ]]
	net_down
}

setup() {
	by_the_clock
	# veth throws away what is in its ring when its XDP mode changes
	LOSSY=yes
	export HOOK=xdp-native
	OLD=$(policy old old out in) NEW=$(policy new new out in)
}

# All tests share an instance, so that its programs are loaded once.
teardown() {
	rolewall confirm 2>/dev/null || true
}

state_dir() {
	echo "$NET_DIR/state"
}

# Puts the old policy into force; $generation is its number.
begin_old() {
	apply "$OLD"
	is_in_force old
	generation=$(generation)
}

# policy NAME WORD INTERFACE...: the old one opens the first port, the new one the second.
policy() {
	local port=$FIRST interface
	[[ $2 == old ]] || port=$SECOND
	{
		printf 'version: 1\ninterfaces:\n'
		for interface in "${@:3}"; do
			echo "  - {name: $interface, hook: @HOOK@}"
		done
		echo "pools: [{name: fe, roles: [office-web-apps], addresses: [$FE4, '$FE6']}]"
		echo "extra: [{roles: [office-web-apps], ports: [$port, 4000], protocols: [tcp, udp]}]"
	} | site "$1"
}

# What the wire says is in force now: old, new or nothing.
is_in_force() {
	has_seen "(.* )?$1"
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

strike() {
	ROLEWALL_STATE_DIR=$(state_dir) in_ns gateway "$ROOT/build/tools/strike" "$@"
}

outcome() { # GENERATION
	jq -r .outcome "$(printf '%s/generations/%06u/meta.json' "$(state_dir)" "$1")"
}

# killed_apply SECONDS SITE: the controller gets a SIGKILL as soon as the trial runs, at $begin.
killed_apply() {
	strike trial "$PIN" "$ROLEWALL" apply --pin-dir "$PIN" -c "$2" --confirm-within "$1" 2>/dev/null
	begin=${EPOCHREALTIME/./}
}

# returns_within SECONDS WORD: the clock is there that many seconds behind $begin or up to one later,
# as packets see it. A quarter of a second for that, at both ends.
returns_within() {
	local took
	wait_for $(($1 + 5)) is_in_force "$2"
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	echo "back after $took ms"
	((took >= $1 * 1000 - 250 && took <= $1 * 1000 + 1250))
	[[ $2 == nothing ]] || has_returned
}

@test "a trial that nobody confirms ends by itself, whoever was killed" {
	local hooks='xdp-native xdp-generic tc'
	! kernel_before 6.6 || hooks='xdp-native xdp-generic'
	for HOOK in $hooks; do
		leave_mode
		apply "$(policy old old out in)"
		is_in_force old
		generation=$(generation) returns=$(trial .returns)
		killed_apply 1 "$(policy new new out in)"
		is_in_force 'old new'
		[[ $(generation) == $((generation + 1)) && $(trial .returned) == false ]]
		returns_within 1 old
		[[ $(generation) == "$generation" && $(trial .returns) == $((returns + 1)) ]]
		# it was killed before it could say that the trial had begun
		[[ $(outcome $((generation + 1))) == prepared ]]
		run -1 rolewall confirm
		[[ $(outcome $((generation + 1))) == returned ]]
	done
}

@test "one whose controller was stopped ends as well, and that one finds out" {
	begin_old
	# into a file: the one that is stopped has it open, too
	strike stop "$PIN" "$ROLEWALL" apply --pin-dir "$PIN" -c "$NEW" --confirm-within 1 >"$BATS_TEST_TMPDIR/id" 2>/dev/null
	begin=${EPOCHREALTIME/./}
	read -r stopped <"$BATS_TEST_TMPDIR/id"
	is_in_force 'old new'
	run -1 --separate-stderr rolewall confirm
	[[ $stderr == *"$stopped"* && $stderr == *apply* ]] # who has the lock
	returns_within 1 old
	kill -CONT "$stopped"
	gone() { [[ ! -e /proc/$stopped ]]; }
	wait_for 5 gone
	run -1 --separate-stderr rolewall confirm
	[[ $stderr == *"was not confirmed in time"* ]]
	is_in_force old
	[[ $(generation) == "$generation" && $(<"$(state_dir)/current") == "$generation "* ]]
}

@test "an apply on trial says until when, and what keeps or ends it" {
	local until left
	begin_old
	run -0 --separate-stderr on_trial 300 "$NEW"
	[[ $stderr =~ generation\ $((generation + 1))\ is\ on\ trial\ for\ 300\ s,\ until\ ([^ ]+Z): &&
		$stderr == *'"rolewall confirm" keeps it; "rolewall rollback" ends it at once'* ]]
	until=$(date -d "${BASH_REMATCH[1]}" +%s)
	((until - EPOCHSECONDS <= 300 && until - EPOCHSECONDS > 280))
	# the clock ends it at its next second
	left=$(trial .seconds)
	((left <= 301 && left > 280))
	rolewall confirm
	run -0 --separate-stderr apply "$OLD"
	[[ $stderr != *'on trial'* ]]
}

@test "a confirmed policy stays" {
	begin_old
	returns=$(trial .returns)
	on_trial 2 "$NEW"
	run -0 --separate-stderr rolewall confirm --json
	jq -e --argjson generation $((generation + 1)) '.generation == $generation and .in_force == $generation' <<<"$output"
	deadline=$(($(rolewall status --json | jq .seconds) + 3))
	wait_for 8 clock_is_at "$deadline"
	has_seen 'old new'
	[[ $(trial .returns) == "$returns" && $(trial .seconds) == 0 ]]
	run -1 --separate-stderr rolewall confirm
	[[ $stderr == *"nothing is on trial"* && -z $output ]]
	is_in_force new
}

clock_is_at() { # SECONDS since the instance was loaded
	[[ $(rolewall status --json | jq .seconds) -ge $1 ]]
}

@test "a first apply on trial: afterwards everything passes as before" {
	rolewall detach
	is_in_force nothing
	killed_apply 1 "$NEW"
	is_in_force new
	returns_within 1 nothing
	run -1 --separate-stderr rolewall status
	[[ $stderr == *"nothing is in force at $PIN, nothing is filtered: the trial of the first policy ended unconfirmed" ]]
	run -1 rolewall explain --src "$CLIENT4" --dst "$FE4" --proto tcp --dport $FIRST
	run -3 rolewall plan -c "$NEW"
	run -1 --separate-stderr rolewall confirm
	[[ $stderr =~ "generation "[0-9]+" was not confirmed in time" && ! -e $PIN ]]
	is_in_force nothing
	on_trial 60 "$NEW"
	rolewall confirm
	is_in_force new
}

@test "an interface that a lapsed trial added is told as not filtered" {
	apply "$(policy old old in)"
	on_trial 1 "$(policy new new out in)"
	filtered() { rolewall metrics | sed -n "s/^rolewall_interface{interface=\"$1\".*} //p"; }
	[[ $(filtered out) == 1 ]]
	wait_for 5 has_returned
	[[ $(filtered out) == 0 && $(filtered in) == 1 ]]
	[[ $(rolewall status --json | jq -r '.interfaces[] | select(.name == "out").condition') == let_go ]]
	run -1 rolewall confirm
	[[ $(rolewall status --json | jq '.interfaces | length') == 1 ]]
}

@test "rollback ends a trial at once" {
	begin_old
	on_trial 60 "$NEW"
	is_in_force new
	run -0 --separate-stderr rolewall rollback --json
	jq -e --argjson before "$generation" '.generation == $before + 1 and .in_force == $before' <<<"$output"
	is_in_force old
	[[ $(trial .seconds) == 0 && $(trial .returned) == false ]]
	rolewall detach
	on_trial 60 "$NEW"
	rolewall rollback
	is_in_force nothing
	[[ ! -e $PIN ]]
}

@test "while a trial runs no other apply comes in between" {
	begin_old
	on_trial 60 "$NEW"
	run -1 --separate-stderr apply "$OLD"
	[[ $stderr =~ "generation $((generation + 1)) is on trial for another "[0-9]+" s; confirm it or roll it back" ]]
	is_in_force new
	[[ $(generation) == $((generation + 1)) ]]
	rolewall confirm
	apply "$OLD"
	is_in_force old
	[[ $(generation) == $((generation + 2)) ]]
}

@test "an interface that comes with a trial goes with it" {
	apply "$(policy only-in old in)"
	is_in_force nothing
	killed_apply 1 "$NEW"
	[[ $(xdp_name out) == rolewall_xdp_trial && $(xdp_name in) == rolewall_xdp ]]
	is_in_force new
	returns_within 1 nothing
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
	killed_apply 1 "$BATS_TEST_TMPDIR/large.yaml"
	[[ $(rolewall status --json | jq .room_pages) -gt $rooms ]]
	is_in_force new
	returns_within 1 old
	apply "$NEW"
	is_in_force new
}

@test "no time to confirm that makes no sense" {
	rolewall detach
	for seconds in 0 -1 1d 86401 25h 1.5 '' s 99999999999999999999; do
		run -2 --separate-stderr on_trial "$seconds" "$NEW"
		[[ $stderr == *"--confirm-within: \"$seconds\" is no time; accepted: 1 to 86400 seconds"* ]]
	done
	[[ ! -e $PIN ]]
	on_trial 24h "$NEW"
	(($(trial .seconds) > 86390 && $(trial .seconds) <= 86401))
}
