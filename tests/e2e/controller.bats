#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # run sets stderr, status and output
#
# What the controller does to the kernel, whatever the hook: transactions, locks, pins, foreign
# programs, side-by-side instances, counters that others can read.

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
	export PIN=$BPFFS/$TAG-controller HOOK=auto
	SITE=$(site_on out in)
}

teardown() {
	local left
	for left in "$PIN" "$PIN-second"; do
		PIN=$left rolewall detach || true
		[[ ! -e $left ]]
	done
}

# site_on INTERFACE...: one pool, attached to these.
site_on() {
	local interface
	{
		printf 'version: 1\ninterfaces:\n'
		for interface in "$@"; do
			echo "  - {name: $interface, hook: @HOOK@}"
		done
		printf 'pools:\n  - {name: fe, roles: [front-end], addresses: [%s, "%s"]}\n' "$FE4" $FE6
	} | site "on$(printf -- '-%s' "$@")"
}

@test "apply of a broken site leaves the running policy untouched and says where it is broken" {
	apply "$SITE"
	before=$(rolewall status --json)
	id=$(xdp_id out)
	sed 's/front-end/front-door/' "$SITE" >"$BATS_TEST_TMPDIR/broken.yaml"
	run -1 --separate-stderr apply "$BATS_TEST_TMPDIR/broken.yaml"
	[[ -z $output ]]
	[[ $stderr == *"broken.yaml:6:"*": "*front-door* ]]
	[[ $(rolewall status --json | jq .generation) == "$(jq .generation <<<"$before")" ]]
	[[ $(xdp_id out) == "$id" ]]
	passes_tcp "$FE4" 5061
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "apply of an interface that does not exist changes nothing" {
	run -1 apply "$(site_on out nowhere)"
	[[ $output == *nowhere* ]]
	[[ $(xdp_id out) == 0 && ! -e $PIN ]]
	apply "$SITE"
	generation=$(generation)
	run -1 apply "$(site_on out nowhere)"
	[[ $(generation) == "$generation" ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "apply twice is as good as once" {
	apply "$SITE"
	silent_udp "$FE4" 2000
	first=$(xdp_id out)
	apply "$SITE"
	[[ $(xdp_id out) == "$first" ]]
	[[ $(rolewall status --json | jq '.interfaces | length') == 2 ]]
	passes_tcp "$FE6" 5061
	drops_one port_not_in_matrix silent_tcp "$FE6" 2000
}

@test "an interface that leaves the site file is let go, one that comes is attached" {
	apply "$SITE"
	apply "$(site_on in)"
	[[ $(xdp_id out) == 0 && $(xdp_id in) != 0 ]]
	passes_tcp "$FE4" 2000
	apply "$(site_on out)"
	[[ $(xdp_id out) != 0 && $(xdp_id in) == 0 ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "another hook for an attached interface takes the place of the old one" {
	! kernel_before 6.6 || skip 'hook tc needs Linux 6.6'
	for hook in xdp-native tc xdp-generic xdp-native; do
		HOOK=$hook
		apply "$(site_on out in)"
		rolewall status --json | jq -e --arg hook $hook '.interfaces | length == 2 and all(.hook == $hook)'
		passes_tcp "$FE4" 5061
		drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	done
}

@test "hook auto says what it took, natively where the device can" {
	run -0 --separate-stderr apply "$SITE"
	[[ $stderr$output == *xdp-native* ]]
	rolewall status --json | jq -e '.interfaces | all(.hook == "xdp-native")'
}

@test "hook auto on a device without native XDP never falls back silently" {
	ip -n "$TAG-gateway" link add br0 type bridge
	ip -n "$TAG-gateway" link set br0 up
	run --separate-stderr apply "$(site_on br0)"
	echo "$stderr"
	if ((status == 0)); then
		took=$(rolewall status --json | jq -r '.interfaces[0].hook')
		[[ $took != xdp-native && $stderr == *br0*"$took"* ]]
	else
		[[ $status == 1 && $stderr == *br0* ]]
	fi
	rolewall detach || true
	HOOK=xdp-native
	run -1 --separate-stderr apply "$(site_on br0)"
	[[ $stderr == *br0* ]]
	ip -n "$TAG-gateway" link delete br0
}

@test "a foreign XDP program is not pushed aside" {
	ip -n "$TAG-gateway" link set dev out xdpdrv obj "$ROOT/build/e2e/sink.bpf.o" sec xdp
	foreign=$(xdp_id out)
	[[ $foreign != 0 ]]
	run -1 --separate-stderr apply "$SITE"
	[[ $stderr == *out* ]]
	[[ $stderr == *"--replace"* && $(xdp_id out) == "$foreign" && $(xdp_id in) == 0 && ! -e $PIN ]]
	ip -n "$TAG-gateway" link set dev out xdpdrv off
}

# Datagrams for a port where nobody listens that got through.
arrived() {
	in_ns servers nstat -asz UdpNoPorts | awk '$1 == "UdpNoPorts" { print $2 }'
}

# As fast as a shell can, to a port that no row opens.
flood_without_end() {
	# shellcheck disable=SC2016 # the inner shell's
	background clients bash -c 'while :; do echo x; done >/dev/udp/$0/2001' "$FE4"
}

@test "--replace: another program makes room, whoever holds it, and nothing slips through" {
	! kernel_before 6.6 || skip 'needs tcx, Linux 6.6'
	local other before
	other=$(site_on out)
	PIN=$PIN-second apply "$other" # held by a link
	ip -n "$TAG-gateway" link set dev in xdpdrv obj "$ROOT/build/e2e/sink.bpf.o" sec xdp
	foreign="$(xdp_id out) $(xdp_id in)"
	run -2 --separate-stderr rolewall apply -c "$SITE" --replace --confirm-within 5
	[[ $stderr == *--replace* && "$(xdp_id out) $(xdp_id in)" == "$foreign" ]]
	flood_without_end
	wait_for 5 second_drops
	before=$(arrived)
	rolewall apply -c "$SITE" --replace
	drops=$(PIN=$PIN rolewall drops --json | jq .reasons.port_not_in_matrix.packets)
	wait_for 5 drops_more_than "$drops"
	kill "$BACKGROUND"
	[[ $(arrived) == "$before" ]]
	[[ $(rolewall status --json | jq -c '[.interfaces[].hook]') == '["xdp-native","xdp-native"]' ]]
	[[ $(xdp_id out) != "${foreign% *}" && $(xdp_id in) != "${foreign#* }" ]]
	passes_tcp "$FE4" 5061
	PIN=$PIN-second rolewall detach
}

second_drops() {
	(($(PIN=$PIN-second rolewall drops --json | jq .reasons.port_not_in_matrix.packets) > 100))
}

drops_more_than() { # PACKETS
	(($(rolewall drops --json | jq .reasons.port_not_in_matrix.packets) > $1))
}

@test "other tools cannot take the program off" {
	apply "$SITE"
	id=$(xdp_id out)
	run ! ip -n "$TAG-gateway" link set dev out xdp off
	run ! ip -n "$TAG-gateway" -force link set dev out xdpdrv obj "$ROOT/build/e2e/sink.bpf.o" sec xdp
	[[ $(xdp_id out) == "$id" ]]
}

@test "two applies at once: one waits or is refused, the policy is whole" {
	apply "$SITE"
	other=$(sed 's/front-end/director/' "$SITE" | site other)
	for _ in {1..10}; do
		apply "$SITE" 2>"$BATS_TEST_TMPDIR/a" &
		first=$!
		apply "$other" 2>"$BATS_TEST_TMPDIR/b" &
		second=$!
		refused=0
		wait "$first" || refused=$((refused + 1))
		wait "$second" || refused=$((refused + 1))
		((refused < 2))
	done
	apply "$SITE"
	passes_tcp "$FE4" 5061
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "while one controller is at work another one is refused at once" {
	apply "$SITE"
	generation=$(generation)
	exec 9<"$PIN"
	flock 9
	run -1 --separate-stderr timeout 5 nsenter --net="/run/netns/$TAG-gateway" \
		"$ROLEWALL" apply -c "$SITE" --pin-dir "$PIN" 9<&-
	[[ $stderr == *"$PIN is being changed by process "[0-9]* ]]
	exec 9<&-
	[[ $(generation) == "$generation" ]]
	apply "$SITE"
}

@test "two instances stand side by side, each with its own pins and counters" {
	local second=$PIN-second
	apply "$(site_on out)"
	PIN=$second apply "$(site_on in)"
	[[ $(PIN=$second rolewall drops --json | jq .reasons.port_not_in_matrix.packets) == 0 ]]
	silent_udp "$FE4" 2000
	[[ $(PIN=$second rolewall drops --json | jq .reasons.port_not_in_matrix.packets) == 0 ]]
	PIN=$second rolewall detach
	[[ ! -e $second ]]
	[[ $(rolewall drops --json | jq .reasons.port_not_in_matrix.packets) == 1 ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "a second instance does not take an interface from the first" {
	local second=$PIN-second
	apply "$SITE"
	id=$(xdp_id out)
	PIN=$second run -1 apply "$SITE"
	[[ $(xdp_id out) == "$id" && ! -e $second ]]
}

@test "where bpffs is hidden nothing is told of what is loaded, and nothing is mounted" {
	apply "$SITE"
	hidden() { ip netns exec "$TAG-gateway" "$ROLEWALL" "$@" --pin-dir "$PIN"; }
	run -1 hidden status
	[[ $output == *"$PIN is not on a BPF filesystem here: "*nsenter*"nothing is loaded"* ]]
	run -0 hidden detach
	[[ $output == *"$PIN is not on a BPF filesystem here: "*nsenter* ]]
	run -1 hidden apply -c "$SITE"
	[[ $output == *"there is no BPF filesystem on /sys/fs/bpf here"*nsenter* ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "who may not is told so" {
	apply "$SITE"
	unable() { in_ns gateway setpriv --reuid 65534 --regid 65534 --clear-groups "$ROLEWALL" "$@" --pin-dir "$PIN" --state-dir "$BATS_TEST_TMPDIR/none"; }
	for command in detach confirm 'backstop off' 'backstop on'; do
		# shellcheck disable=SC2086 # words
		run -1 unable $command
		[[ $output == *"cannot open the pins in $PIN: Permission denied"* ]]
	done
}

@test "pins are for root alone" {
	apply "$SITE"
	[[ $(find "$PIN" -type d ! -perm 0700) == "" ]]
	[[ $(find "$PIN" ! -type d ! -perm 0600) == "" ]]
	[[ $(find "$PIN" ! -user root) == "" ]]
	[[ -e $PIN/drops ]]
}

@test "bpftool prints every reason, row and pool under its name" {
	apply "$SITE"
	passes_tcp "$FE4" 5061
	passes_udp "$FE6" 50000
	run -0 bpftool map dump pinned "$PIN/drops"
	reasons=$(sed -n '/define DROP_REASONS/,/define PASS_REASONS/ s/^.*X(\([a-z0-9_]*\),.*/\1/p' \
		"$ROOT/include/reason.h")
	[[ $(wc -w <<<"$reasons") -ge 40 ]]
	for reason in $reasons; do
		[[ $output == *"\"$reason\": {"* ]]
	done
	run -0 bpftool map dump pinned "$PIN/rows"
	[[ $output == *'"servers/03"'* ]]
	run -0 bpftool map dump pinned "$PIN/pools"
	[[ $output == *'"fe"'* ]]
}

@test "drops --json and bpftool count the same" {
	apply "$SITE"
	for _ in 1 2 3; do
		silent_udp "$FE6" 2000
	done
	[[ $(rolewall drops --json | jq .reasons.port_not_in_matrix.packets) == 3 ]]
	[[ $(bpftool --json map dump pinned "$PIN/drops" |
		jq '[.[].formatted.values[].value.port_not_in_matrix.packets] | add') == 3 ]]
}

@test "counters of reasons, rows and pools survive an apply" {
	apply "$SITE"
	passes_tcp "$FE4" 5061
	silent_udp "$FE4" 2000
	for map in drops passes rows pools; do
		bpftool --json map dump pinned "$PIN/$map" | jq -S '[.[] | .formatted.values]' >"$BATS_TEST_TMPDIR/$map"
	done
	apply "$(sed 's/name: fe,/name: added, roles: [director], addresses: [10.77.2.50]}\n  - {name: fe,/' "$SITE" | site more)"
	for map in drops rows; do
		bpftool --json map dump pinned "$PIN/$map" | jq -S '[.[] | .formatted.values]' >"$BATS_TEST_TMPDIR/$map.after"
	done
	diff "$BATS_TEST_TMPDIR/drops" "$BATS_TEST_TMPDIR/drops.after"
	count='[.[][].value | select(.row == "servers/03") | .packets] | add'
	[[ $(jq "$count" "$BATS_TEST_TMPDIR/rows") == $(jq "$count" "$BATS_TEST_TMPDIR/rows.after") ]]
	[[ $(jq "$count" "$BATS_TEST_TMPDIR/rows.after") -gt 0 ]]
}

@test "explain agrees with the wire and leaves no trace" {
	apply "$SITE"
	counted_by_explain=$(counted rolewall explain --src "$CLIENT4" --dst "$FE4" --proto tcp --dport 2000)
	[[ -z $counted_by_explain ]]
	rolewall explain --json --src "$CLIENT4" --dst "$FE4" --proto tcp --dport 5061 |
		jq -e '.verdict == "pass" and .reason == "matrix" and (.rows | index("servers/03")) != null
			and .dst_roles == ["front-end"]'
	rolewall explain --json --src "$CLIENT6" --dst "$FE6" --proto udp --dport 2000 |
		jq -e '.verdict == "drop" and .reason == "port_not_in_matrix"'
	passes_tcp "$FE4" 5061
	drops_one port_not_in_matrix silent_udp "$FE6" 2000
}

@test "explain takes icmp for that of the family, and a number for that number" {
	says() { # REASON SOURCE DESTINATION PROTOCOL
		[[ $(rolewall explain --json --src "$2" --dst "$3" --proto "$4" | jq -r .reason) == "$1" ]]
	}
	apply "$SITE"
	says protocol_not_in_matrix "$CLIENT4" "$FE4" 58
	says protocol_not_in_matrix "$CLIENT6" "$FE6" 1
	for protocol in icmp 1; do
		says icmp_echo "$CLIENT4" "$FE4" "$protocol"
	done
	for protocol in icmp icmp6 58; do
		says icmp_echo "$CLIENT6" "$FE6" "$protocol"
	done
	says protocol_not_in_matrix "$CLIENT4" "$FE4" icmp6
	run -2 rolewall explain --src "$CLIENT4" --dst "$FE4" --proto 256
	[[ $output == *'--proto 256: accepted: tcp, udp, icmp, icmp6, '*'or a number up to 255' ]]
}

@test "detach where nothing is loaded says so" {
	run --separate-stderr rolewall detach
	[[ $status == 0 && -z $output && $stderr == "rolewall: nothing is loaded at $PIN" && ! -e $PIN ]]
	[[ $(rolewall detach --json 2>/dev/null | jq -c .) == '{"detached":false,"generation":0}' ]]
}

@test "the programs stay when an interface is renamed, and detach finds them" {
	apply "$SITE"
	ip -n "$TAG-gateway" link set out down
	ip -n "$TAG-gateway" link set out name wan
	ip -n "$TAG-gateway" link set wan up
	[[ $(xdp_id wan) != 0 ]]
	rolewall detach
	[[ $(xdp_id wan) == 0 ]]
	ip -n "$TAG-gateway" link set wan down
	ip -n "$TAG-gateway" link set wan name out
	ip -n "$TAG-gateway" link set out up
	ip -n "$TAG-gateway" address replace fd77:1::1/64 dev out nodad
}
