#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# rolewall boot: what comes back after a reboot, whatever is there by then and whatever is not.
# shellcheck disable=SC2030,SC2031,SC2119,SC2120 # every test is a shell of its own; boot may go without

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	net_up $FE4/24 $FE6/64
	serve servers --tcp 5061,2000 --udp 50000 "$FE4" "$FE6"
}

setup() {
	PIN=$BPFFS/$TAG-boot$BATS_TEST_NUMBER
	ONE=$(site one <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools: [{name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}]
	END
	)
	TWO=$BATS_TEST_TMPDIR/two.yaml
	cat "$ONE" - >"$TWO" <<-END
		extra: [{role: front-end, ports: 2000, protocols: tcp}]
	END
	STATE=$(state_dir)
}

teardown() {
	rolewall detach 2>/dev/null || true
	in_ns gateway nft delete table inet "rolewall-${PIN##*/}" 2>/dev/null || true
}

teardown_file() {
	net_down
}

# What a reboot leaves: nothing but the disk.
reboot_host() {
	local deadline=$((SECONDS + 5))
	rm -rf "${PIN:?}"
	in_ns gateway nft delete table inet "rolewall-${PIN##*/}" 2>/dev/null || true
	while ip -n "$TAG-gateway" -j link show | grep -q '"xdp"' && ((SECONDS < deadline)); do
		sleep 0.02
	done
}

# boot ARGUMENTS...: without a site file, if none is named.
boot() {
	rolewall boot -c "$BATS_TEST_TMPDIR/none.yaml" "$@"
}

in_force() {
	[[ $(rolewall status --json | jq .generation) == "$1" ]]
}

outcome() { # GENERATION
	jq -r .outcome "$STATE/generations/00000$1/meta.json"
}

@test "the last good generation comes back under its number, and the numbers go on" {
	apply "$ONE"
	apply "$TWO"
	reboot_host
	run -0 boot
	[[ $output == *'generation 2 is in force again'* ]]
	in_force 2
	passes_tcp "$FE4" 5061
	passes_tcp "$FE6" 2000 # of the second
	[[ $(ls "$STATE/generations") == $'000001\n000002' ]]
	reboot_host
	boot
	in_force 2
	apply "$ONE"
	in_force 3
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "what runs is left alone: programs, counters, links" {
	apply "$ONE"
	apply "$TWO"
	drops_one port_not_in_matrix silent_tcp "$FE4" 2001
	before=$(ip -n "$TAG-gateway" -j link show | jq -c '[.[].xdp.prog.id]')
	# nor is anything else looked at, or held back for a moment
	truncate -s 20 "$STATE/generations/00000"?/site.yaml
	run -0 boot --backstop -c "$BATS_TEST_TMPDIR/none.yaml"
	[[ $output == *'generation 2 is in force already: left alone'* && $output != *site.yaml* ]]
	[[ $(ip -n "$TAG-gateway" -j link show | jq -c '[.[].xdp.prog.id]') == "$before" ]]
	[[ $(counters | grep port_not_in_matrix) == 'port_not_in_matrix 1' ]]
	[[ $(rolewall backstop status --json | jq .on) == true ]]
	passes_tcp "$FE4" 2000
}

@test "a policy on trial is not what comes back" {
	apply "$ONE"
	rolewall apply -c "$TWO" --confirm-within 600
	in_force 2
	reboot_host
	run -0 boot
	[[ $output == *'generation 2 was on trial: it was not kept'*'generation 1 is in force again'* ]]
	in_force 1
	[[ $(outcome 1) == kept && $(outcome 2) == returned ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "a first policy on trial: nothing comes back, not even the site file" {
	rolewall apply -c "$ONE" --confirm-within 600
	reboot_host
	run -0 boot -c "$ONE"
	[[ $output == *'was on trial: it was not kept'*'was ever kept: nothing is loaded'* ]]
	[[ $(outcome 1) == returned && $(rolewall history --json | jq -r '.generations[].outcome') == returned ]]
	[[ ! -e $PIN ]]
	run -1 rolewall status
	passes_tcp "$FE4" 2000
}

@test "what is loaded but decides nothing is not left alone" {
	apply "$ONE"
	rolewall detach
	rolewall apply -c "$TWO" --confirm-within 1
	lapsed() { ! rolewall status 2>/dev/null; }
	wait_for 5 lapsed
	run -0 boot
	[[ $output == *'generation 1 is in force again'* ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "damaged: the newest that is whole, else the site file, else a failure; each said" {
	apply "$ONE"
	apply "$TWO"
	truncate -s 20 "$STATE/generations/000002/site.yaml"
	reboot_host
	run -0 boot
	[[ $output == *"000002/site.yaml: "*'taking generation 1'*'generation 1 is in force again'* ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	apply "$ONE" # its number is above the damaged one's
	in_force 3
	for entry in 000001 000003; do
		echo '{' >"$STATE/generations/$entry/meta.json"
	done
	reboot_host
	run -1 boot
	[[ $output == *'nothing was loaded'* ]]
	run -1 rolewall status
	run -0 boot -c "$TWO"
	[[ $output == *"the history cannot be used; taking $TWO"* ]]
	in_force 4
	passes_tcp "$FE4" 2000
}

@test "no history: the site file; no site file: nothing, and nothing is wrong with that" {
	run -0 boot
	[[ $output == *'there is neither a history nor '*'nothing is loaded'* ]]
	[[ ! -e $PIN/xdp ]]
	printf 'version: 1\ninterfaces: [out]\npools: [{name: x}]\n' >"$BATS_TEST_TMPDIR/broken.yaml"
	run -1 boot -c "$BATS_TEST_TMPDIR/broken.yaml"
	[[ $output == *'broken.yaml:3:'* ]]
	run -0 boot -c "$ONE"
	[[ $output == *"generation 1 is in force, from $ONE"* ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	reboot_host
	boot # by now it is in the history
	in_force 1
	run -2 boot --json
}

@test "interfaces that are not there yet, or somebody's: the others are filtered, the agent does the rest" {
	apply "$ONE"
	reboot_host
	ip -n "$TAG-gateway" link delete out
	ip -n "$TAG-gateway" link set dev in xdpdrv obj "$ROOT/build/e2e/sink.bpf.o" sec xdp
	run -0 boot --backstop
	[[ $output == *'out: there is no such interface yet'*'in: NOT FILTERED'*'generation 1 is in force again'* ]]
	condition out missing
	condition in unfiltered
	ip -n "$TAG-gateway" link set dev in xdpdrv off
	make_out
	# nothing is attached, nothing is forwarded, either way
	silent_tcp "$FE4" 5061
	silent_tcp "$FE6" 2000
	(($(rolewall backstop status --json | jq .packets) >= 2))
	background gateway "$ROLEWALL" agent --pin-dir "$PIN" 2>/dev/null
	wait_for 5 condition out filtered
	wait_for 5 condition in filtered
	stop "$BACKGROUND"
	wait_for 5 passes_tcp "$FE4" 5061
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	[[ $(rolewall status --json | jq -r '.interfaces[] | select(.name == "out") | .side') == outside ]]
	# and not only by its word
	ns_address clients lo $FE4/32
	drops_one spoofed silent_udp 10.77.2.1 9 --source $FE4
	ip -n "$TAG-clients" address delete $FE4/32 dev lo
}

@test "no bpffs yet, and a disk that cannot be written to" {
	apply "$ONE"
	reboot_host
	# with process numbers of its own: or else it would be mounts that whoever called does not see
	# shellcheck disable=SC2016 # the inner shell's
	run -0 in_ns gateway env ROLEWALL_STATE_DIR="$STATE" unshare --mount --pid --fork --mount-proc sh -ec '
		umount --lazy /sys/fs/bpf
		mount --bind "$3" "$3"
		mount -o remount,bind,ro "$3"
		"$1" boot --pin-dir "$2" -c /none
		"$1" status --pin-dir "$2" --json' sh "$ROLEWALL" "$PIN" "$STATE"
	[[ $output == *'generation 1 is in force again'*'"generation": 1'* ]]
	# without a history there is nothing to write it to, and no reason not to boot
	rm -rf "$STATE/generations" "$STATE/current"
	# shellcheck disable=SC2016 # the inner shell's
	run -0 in_ns gateway env ROLEWALL_STATE_DIR="$STATE" unshare --mount sh -ec '
		mount --bind "$3" "$3"
		mount -o remount,bind,ro "$3"
		"$1" boot --pin-dir "$2" -c "$4"' sh "$ROLEWALL" "$PIN" "$STATE" "$ONE"
	[[ $output == *'this generation is not in the history'*'generation 1 is in force'* ]]
	in_force 1
}
