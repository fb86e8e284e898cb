#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Restarts, another version, another ABI, and rights that are missing: streams lose nothing, what
# cannot be done is said, and then nothing changes. SOAK=1 restarts for minutes.
# shellcheck disable=SC2030,SC2031 # every test is a shell of its own

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
if [[ -n ${SOAK-} ]]; then
	ROUNDS=100
else
	ROUNDS=3
fi

setup_file() {
	net_up $FE4/24 $FE6/64
	serve servers --tcp 5061,2000 --udp 50000 "$FE4" "$FE6"
	serve clients --tcp 8080 "$CLIENT4"
	# Another build: version and program are other bytes, and do the same.
	/usr/bin/python3 - "$ROLEWALL" "$NET_DIR/other" <<-'END'
		import sys
		bytes = open(sys.argv[1], "rb").read()
		for old, new in ((b"clang version", b"CLANG version"), (b"rolewall 0.1.0", b"rolewall 0.9.0")):
		    assert old in bytes, old
		    bytes = bytes.replace(old, new)
		open(sys.argv[2], "wb").write(bytes)
	END
	chmod +x "$NET_DIR/other"
}

setup() {
	PIN=$BPFFS/$TAG-upgrade$BATS_TEST_NUMBER
	SITE=$(site upgrade <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools: [{name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}]
	END
	)
}

teardown() {
	stop_agent
	rolewall detach 2>/dev/null || true
}

teardown_file() {
	net_down
}

# Numbered datagrams in, and a connection that a server started and whose replies only its flow lets in.
start_streams() {
	local stream number=0
	STREAMS=()
	for stream in "clients udp $FE4 50000" "clients udp $FE6 50000" "clients tcp $FE4 5061" \
		"servers tcp $CLIENT4 8080 --source $FE4 --sport 40002"; do
		# shellcheck disable=SC2086 # words
		set -- $stream
		background "$1" /usr/bin/python3 "$ROOT/tests/e2e/traffic.py" stream "${@:2}" --rate 1000 \
			--ready "$BATS_TEST_TMPDIR/ready$number" >"$BATS_TEST_TMPDIR/stream$number"
		STREAMS+=("$BACKGROUND")
		wait_for 5 test -e "$BATS_TEST_TMPDIR/ready$number"
		((++number))
	done
}

streams_lost_nothing() {
	local stream
	for stream in "${STREAMS[@]}"; do
		stop "$stream"
	done
	cat "$BATS_TEST_TMPDIR"/stream?
	for stream in "${!STREAMS[@]}"; do
		grep -qE '^sent [1-9][0-9]{2,} lost 0$' "$BATS_TEST_TMPDIR/stream$stream"
	done
}

other() { # COMMAND...
	ROLEWALL=$NET_DIR/other rolewall "$@"
}

dropped() {
	rolewall drops --json | jq .reasons.port_not_in_matrix.packets
}

# All that a refused change must leave as it is.
scene() {
	find "$PIN" -printf '%p %i\n' | sort
	ip -n "$TAG-gateway" -j link show | jq -c '[.[] | [.ifname, .xdp.prog.id]]'
	bpftool --json map dump pinned "$PIN/sides" | md5sum
	[[ ! -d $(state_dir) ]] || find "$(state_dir)" -type f -exec md5sum {} + | sort
}

@test "the agent is restarted, killed, replaced: no stream loses a packet" {
	apply "$SITE"
	start_streams
	for ((round = 0; round < ROUNDS; round++)); do
		start_agent --backstop
		stop "$AGENT"
		ROLEWALL=$NET_DIR/other start_agent --backstop
		kill -KILL "$AGENT"
		wait "$AGENT" || true
	done
	AGENT=
	streams_lost_nothing
}

@test "another version takes over what is pinned: counters, flows, no stream loses a packet" {
	[[ $("$NET_DIR/other" --version) != "$("$ROLEWALL" --version)" ]]
	apply "$SITE"
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	before=$(dropped)
	start_agent --backstop
	start_streams
	for ((round = 0; round < ROUNDS; round++)); do
		id=$(ip -n "$TAG-gateway" -j link show dev out | jq '.[0].xdp.prog.id')
		[[ $(other apply -c "$SITE" --json | jq .programs_replaced) == true ]]
		[[ $(ip -n "$TAG-gateway" -j link show dev out | jq '.[0].xdp.prog.id') != "$id" ]]
		[[ $(rolewall apply -c "$SITE" --json | jq .programs_replaced) == true ]]
	done
	(($(dropped) == before))
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000 # by the programs of now, in the counters of then
	streams_lost_nothing
	[[ $(rolewall status --json | jq .generation) == $((1 + 2 * ROUNDS)) ]]
}

# What is loaded says that it has another ABI.
set_abi() { # NUMBER
	/usr/bin/python3 - "$PIN/control" "$1" <<-'END'
		import json, subprocess, sys
		dump = subprocess.run(["bpftool", "--json", "map", "dump", "pinned", sys.argv[1]],
		                      capture_output=True, check=True)
		value = json.loads(dump.stdout)[0]["value"]
		value[24] = f"{int(sys.argv[2]):#04x}"  # control.abi
		subprocess.run(["bpftool", "map", "update", "pinned", sys.argv[1], "key", "0", "0", "0", "0", "value"]
		               + [str(int(byte, 16)) for byte in value], check=True)
	END
}

@test "another ABI is refused by every command, and nothing changes" {
	apply "$SITE"
	abi=$(sed -n 's/^#define ROLEWALL_ABI \([0-9]*\)U$/\1/p' "$ROOT/include/control.h")
	for other in $((abi - 1)) $((abi + 1)); do
		set_abi $other
		before=$(scene)
		for command in "apply -c $SITE" "boot -c $SITE" "status" "rollback" "confirm"; do
			# shellcheck disable=SC2086 # words
			run -1 rolewall $command
			[[ $output == *"has ABI $other, this version has ABI $abi: it cannot take over; detach it"* ]]
		done
		[[ $(scene) == "$before" ]]
		passes_tcp "$FE4" 5061
		silent_tcp "$FE4" 2000
	done
	set_abi "$abi"
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	set_abi $((abi + 1))
	rolewall detach # the way out that the message names
	[[ ! -e $PIN ]]
	apply "$SITE"
}

# unable CAPABILITIES COMMAND...: without these.
unable() {
	local without=$1 command=$2
	shift 2
	ROLEWALL_STATE_DIR=$(state_dir) in_ns gateway setpriv --bounding-set="$without" -- \
		"$ROLEWALL" "$command" --pin-dir "$PIN" "$@"
}

@test "a capability that is missing is named, and nothing changes" {
	for row in '-all,+bpf,+perfmon CAP_NET_ADMIN' '-all,+net_admin,+perfmon CAP_BPF' \
		'-all,+net_admin,+bpf CAP_PERFMON' '-all CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON'; do
		for command in apply boot; do
			run -1 unable "${row%% *}" $command -c "$SITE"
			[[ $output == *"not allowed to load programs: ${row#* } missing"* ]]
			[[ ! -e $PIN ]]
		done
	done
	unable -all,+net_admin,+bpf,+perfmon apply -c "$SITE" # these are enough
	before=$(scene)
	run -1 unable -all,+net_admin,+bpf apply -c "$SITE"
	[[ $output == *'CAP_PERFMON missing'*'nothing was changed'* ]]
	run -1 unable -all agent
	[[ $output == *'CAP_NET_ADMIN and CAP_BPF are needed'* ]]
	[[ $(scene) == "$before" ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "a kernel without a part of BPF: said, and nothing is left" {
	# no system call at all, as without CONFIG_BPF_SYSCALL
	run -1 in_ns gateway env ROLEWALL_STATE_DIR="$(state_dir)" \
		"$ROOT/build/tools/without" bpf "$ROLEWALL" apply --pin-dir "$PIN" -c "$SITE"
	[[ $output == *'rolewall: this kernel has no bpf() (CONFIG_BPF_SYSCALL)'*'nothing was changed'* ]]
	[[ ! -e $PIN ]]
}
