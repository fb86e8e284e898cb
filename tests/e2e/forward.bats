#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# forwarding: xdp. What passes is sent on by the program, not by the kernel, and at the far end looks
# as a router leaves it; what the program leaves to the kernel is counted by why. The judge of frames
# is forward.py, at packet sockets of both ends.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
GHOST4=10.77.2.50 GHOST6=fd77:2::50 # of the pool, and nobody answers
OTHER4=10.77.2.60 OTHER6=fd77:2::60 # in no pool, nor does anybody answer
NOBODY=02:00:00:00:00:50

setup_file() {
	local name address
	export PIN OUT_MAC
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-forward
	net_static
	for name in clients servers; do
		set_veth $name
	done
	ip -n "$TAG-gateway" neighbour replace 10.77.2.10 lladdr "$(mac_of servers eth0)" dev in nud permanent
	ip -n "$TAG-gateway" neighbour replace fd77:2::10 lladdr "$(mac_of servers eth0)" dev in nud permanent
	for address in $GHOST4 $GHOST6 $OTHER4 $OTHER6; do
		ip -n "$TAG-gateway" neighbour replace "$address" lladdr $NOBODY dev in nud permanent
	done
	OUT_MAC=$(mac_of gateway out)
	mkfifo "$NET_DIR/requests" "$NET_DIR/answers"
	background gateway /usr/bin/python3 "$BATS_TEST_DIRNAME/forward.py" "$NET_DIR/requests" "$NET_DIR/answers"
	serve servers --tcp 5061,2000 --udp 1434,2000 "$FE4" "$FE6"
	serve clients --tcp 8080 --udp 8080 "$CLIENT4" "$CLIENT6"
}

# set_veth NAME: its end of the pair takes frames from XDP, and leaves no checksum to the other end.
set_veth() {
	in_ns "$1" ethtool -K eth0 gro on tx off >/dev/null
}

teardown_file() {
	rolewall detach || true
	net_down
}

setup() {
	SITE=$(site_with)
}

# A test that failed leaves no route behind to fail the next.
teardown() {
	local family
	for family in -4 -6; do
		while ip -n "$TAG-gateway" "$family" rule delete lookup 77 2>/dev/null; do :; done
		ip -n "$TAG-gateway" "$family" route flush table 77 2>/dev/null || true
	done
}

site_with() {
	{
		cat <<-END
			version: 1
			forwarding: xdp
			interfaces:
			  - {name: out, side: outside, hook: ${HOOK:-xdp-native}}
			  - {name: in, side: inside, hook: ${HOOK:-xdp-native}}
			pools:
			  - {name: fe, roles: [front-end], addresses: [$FE4, "$FE6", $GHOST4, "$GHOST6"]}
		END
		printf '%s\n' "$@"
	} | site "site$#"
}

# jq takes longer to start than all the rest
forwarding() {
	bpftool --pretty map dump pinned "$PIN/forwarding" | awk -F '[" :,]+' '$2 == "formatted" { formatted = 1 }
		formatted && $2 ~ /^[a-z_]+$/ && $2 !~ /^(key|cpu)$/ && $3 ~ /^[0-9]+$/ { sum[$2] += $3 }
		END { for (name in sum) { print name, sum[name]; found = 1 }; exit !found }'
}

# by_program COMMAND...: what the command added to the counters of forwarding, "NAME N NAME N ...".
by_program() {
	forwarding >"$BATS_TEST_TMPDIR/forwarding" || return
	"$@" >&2 || return
	forwarding | awk 'NR == FNR { before[$1] = $2; next }
		$2 != before[$1] { printf "%s%s %d", separator, $1, $2 - before[$1]; separator = " " }
		END { print "" }' "$BATS_TEST_TMPDIR/forwarding" -
}

# send DESTINATION [OPTIONS...]: a frame from the clients' side; its fate is $FATE.
send() {
	echo "$TAG-clients eth0 $TAG-servers eth0 ${MAC:-$OUT_MAC} $*" >"$NET_DIR/requests"
	FATE=$(timeout 10 cat "$NET_DIR/answers")
	echo "$FATE" >"$BATS_TEST_TMPDIR/fate" # by_program has a shell of its own
	echo "${FATE//$'\n'/, }"
}

fate_is() { # LINE...
	local fate line
	fate=$(<"$BATS_TEST_TMPDIR/fate")
	for line; do
		[[ $'\n'$fate$'\n' == *$'\n'"$line"$'\n'* ]] || {
			echo "not so: $line: ${fate//$'\n'/, }" >&2
			return 1
		}
	done
}

# quiet WORD COUNTERS: without what the links themselves talk now and then, unless it is WORD.
quiet() {
	local word more=$2
	for word in group not_ip address local; do
		[[ $word == "$1" ]] || more=$(sed -E "s/(^| )$word [0-9]+//" <<<"$more")
	done
	echo "${more# }"
}

# goes DESTINATION [OPTIONS...]: the program sends it on. One in four seconds it leaves to the kernel.
goes() {
	local got="refresh 1"
	for _ in {1..5}; do
		[[ $got != "refresh 1" ]] || got=$(quiet '' "$(by_program send "$@")")
	done
	[[ $got == "forwarded 1" ]] || {
		echo "want forwarded 1, got ${got:-nothing}: $*" >&2
		return 1
	}
	fate_is 'arrived yes'
}

# left REASON DESTINATION [OPTIONS...]: the program leaves it to the kernel, for that reason. The
# links' own packets are left for the same one where all are: a probe of a neighbour may come between.
left() {
	local want=$1 got=
	shift
	for _ in {1..3}; do
		[[ $got == "$want 1" ]] || got=$(quiet "$want" "$(by_program send "$@")")
	done
	[[ $got == "$want 1" ]] || {
		echo "want $want 1, got ${got:-nothing}: $*" >&2
		return 1
	}
}

# What the kernel forwarded, both families.
kernel_forwarded() {
	in_ns gateway cat /proc/net/snmp /proc/net/snmp6 |
		awk '$1 == "Ip:" && !row { split($0, name); row = 1; next }
			$1 == "Ip:" { for (i in name) if (name[i] == "ForwDatagrams") sum += $i }
			$1 == "Ip6OutForwDatagrams" { sum += $2 }
			END { print sum + 0 }'
}

# set_epoch EXPRESSION: the clock goes on from there; `epoch` is what it says now, in seconds.
set_epoch() {
	/usr/bin/python3 - "$PIN/control" "$1" <<-'END'
		import json, subprocess, sys
		pin, expression = sys.argv[1:]
		dump = subprocess.run(["bpftool", "--json", "map", "dump", "pinned", pin], capture_output=True, check=True)
		value = bytearray(int(byte, 16) for byte in json.loads(dump.stdout)[0]["value"])
		epoch = int.from_bytes(value[8:12], "little")  # control.epoch
		value[8:12] = eval(expression).to_bytes(4, "little")
		subprocess.run(["bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value"]
		               + [str(byte) for byte in value], check=True)
	END
}

@test "TCP and UDP go through the program, both families, and not through the kernel" {
	apply "$SITE"
	rolewall status --json | jq -e '.forwarding.by == "xdp"'
	forwarding >"$BATS_TEST_TMPDIR/before"
	before=$(kernel_forwarded)
	for address in "$FE4" "$FE6"; do
		passes_by matrix passes_tcp "$address" 5061 --bytes 1000000
		passes_by matrix passes_udp "$address" 1434
	done
	passes_by flow expect open traffic servers tcp "$CLIENT4" 8080 --source "$FE4" --sport 40000
	passes_by flow expect echo traffic servers udp "$CLIENT6" 8080 --source "$FE6" --sport 40000
	kernel=$(($(kernel_forwarded) - before))
	forwarding | awk -v kernel=$kernel 'NR == FNR { before[$1] = $2; next }
		$1 == "forwarded" { forwarded = $2 - before[$1] }
		$1 == "refresh" || $1 == "mtu" { left += $2 - before[$1] }
		{ print }
		END { print "kernel", kernel, "left", left; exit !(forwarded > 100 && kernel == left) }' \
		"$BATS_TEST_TMPDIR/before" -
}

@test "at the far end a frame looks as a router leaves it" {
	apply "$SITE"
	for address in $GHOST4 $OTHER6; do
		goes "$address"
		fate_is 'ttl 63' 'checksum right' 'same yes'
		fate_is "source $(mac_of gateway in)" "destination $NOBODY"
		goes "$address" --ttl 2 --size 1000 --tos 16
		fate_is 'ttl 1' 'checksum right' 'same yes'
	done
	# around the carry
	for checksum in 0xfeff 0xfefe 0xff00 0xffff; do
		goes $GHOST4 --checksum $checksum
		fate_is 'ttl 63' 'checksum right' 'same yes'
	done
}

@test "what is shut drops, what audit lets go the kernel forwards" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		drops_one port_not_in_matrix silent_udp "$address" 2000
		[[ $(quiet '' "$(by_program silent_tcp "$address" 2000)") == "" ]]
	done
	apply "$(site_with 'mode: audit')"
	got=$(counted passes_udp "$FE4" 2000)
	[[ " $got" == *" port_not_in_matrix 1"* ]]
	[[ $(quiet '' "$(by_program send $GHOST4 --port 9)") == "" ]]
	fate_is 'ttl 63'
	goes $GHOST4
}

@test "TTL, hop limit and MTU at their end: the kernel answers" {
	apply "$SITE"
	for ttl in 0 1; do
		left ttl $GHOST4 --ttl $ttl
		fate_is 'back icmp 11/0' 'arrived no'
		left ttl $GHOST6 --ttl $ttl
		fate_is 'back icmp6 3/0' 'arrived no'
	done
	ip -n "$TAG-gateway" route add $GHOST4/32 dev in mtu lock 1280
	ip -n "$TAG-gateway" -6 route add $GHOST6/128 dev in mtu lock 1280
	# with 44 and 64 bytes of headers and marker, one byte more than fits
	left mtu $GHOST4 --size 1237
	fate_is 'back icmp 3/4' 'arrived no'
	left mtu $GHOST6 --size 1217
	fate_is 'back icmp6 2/0' 'arrived no'
	goes $GHOST4 --size 1236
	goes $GHOST6 --size 1216
	ip -n "$TAG-gateway" route delete $GHOST4/32 dev in
	ip -n "$TAG-gateway" -6 route delete $GHOST6/128 dev in
}

@test "odd packets are left to the kernel" {
	apply "$SITE"
	left options $OTHER4 --options
	fate_is 'ttl 63' 'same yes'
	left options $OTHER6 --options
	fate_is 'ttl 63' 'same yes'
	left checksum $OTHER4 --spoil --wait 0.1
	fate_is 'arrived no'
	left tagged $OTHER4 --tag 5 --wait 0.1
	fate_is 'arrived no'
	for address in 127.0.0.2 64:ff9b::1 "$OTHER4 --source 127.0.0.2" "$OTHER6 --source fe80::1"; do
		# shellcheck disable=SC2086 # words
		left address $address --wait 0.1
		fate_is 'arrived no'
	done
	MAC=02:00:00:00:00:99 left other_station $OTHER4 --wait 0.1
	fate_is 'arrived no'
	left local 10.77.1.1
	fate_is 'back icmp 3/3'
	left local fd77:1::1
	fate_is 'back icmp6 1/4'
	ip -n "$TAG-gateway" neighbour delete "$CLIENT4" dev out
	got=$(by_program expect refused traffic gateway udp "$CLIENT4" 9)
	[[ " $got " == *" not_ip 1 "* ]] # the answer to who has CLIENT4
	ns_neighbour gateway out "$CLIENT4" clients eth0
	ip -n "$TAG-clients" neighbour delete 10.77.1.1 dev eth0
	got=$(by_program passes_udp "$FE4" 1434)
	[[ " $got " == *" group 1 "* ]]
	ns_neighbour clients eth0 10.77.1.1 gateway out
}

@test "routes that send nothing on are the kernel's" {
	apply "$SITE"
	for kind in blackhole prohibit unreachable; do
		ip -n "$TAG-gateway" route add $kind 10.77.9.1/32
		ip -n "$TAG-gateway" -6 route add $kind fd77:9::1/128
		left refused 10.77.9.1 --wait 0.1
		fate_is 'arrived no'
		left refused fd77:9::1 --wait 0.1
		fate_is 'arrived no'
		ip -n "$TAG-gateway" route delete $kind 10.77.9.1/32
		ip -n "$TAG-gateway" -6 route delete $kind fd77:9::1/128
	done
	left local 10.77.9.1 --wait 0.1 # no route at all
	set_sysctl gateway ipv4/conf/out/forwarding 0
	left disabled $GHOST4 --wait 0.1
	fate_is 'arrived no'
	set_sysctl gateway ipv4/conf/out/forwarding 1
	set_sysctl gateway ipv6/conf/out/forwarding 0
	got=$(by_program send $GHOST6 --wait 0.1)
	[[ " $got " == *" disabled 1 "* ]]
	set_sysctl gateway ipv6/conf/out/forwarding 1
	ip -n "$TAG-gateway" route add 10.77.9.0/24 via "$CLIENT4" dev out
	left same_interface 10.77.9.1
	ip -n "$TAG-gateway" route delete 10.77.9.0/24
}

@test "what goes out elsewhere is the kernel's" {
	apply "$SITE"
	ip -n "$TAG-gateway" link add elsewhere type veth peer name beyond
	ip -n "$TAG-gateway" link set elsewhere up
	ip -n "$TAG-gateway" link set beyond up
	ip -n "$TAG-gateway" route add 10.77.9.0/24 dev elsewhere
	ip -n "$TAG-gateway" neighbour add 10.77.9.1 lladdr $NOBODY dev elsewhere
	left device 10.77.9.1 --wait 0.1
	got=$(ip -n "$TAG-gateway" -s -j link show dev elsewhere | jq '.[0].stats64.tx.packets')
	((got >= 1))
	ip -n "$TAG-gateway" link delete elsewhere
	if ip -n "$TAG-gateway" route add 10.77.9.1/32 encap seg6 mode encap segs fd77:2::50 dev in 2>/dev/null; then
		left tunnel 10.77.9.1 --wait 0.1
		ip -n "$TAG-gateway" route delete 10.77.9.1/32
	fi
}

@test "a neighbour is found by the kernel, then used by the program" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		ip -n "$TAG-gateway" neighbour delete "$address" dev in
		got=$(by_program passes_udp "$address" 1434)
		[[ " $got " == *" no_neighbour 1 "* ]]
		got=$(by_program passes_udp "$address" 1434)
		[[ " $got " != *" no_neighbour "* && " $got " =~ \ (forwarded|refresh)\  ]]
		ip -n "$TAG-gateway" neighbour replace "$address" lladdr "$(mac_of servers eth0)" dev in nud permanent
	done
}

@test "one packet in four seconds goes to the kernel, so that it looks after the neighbour" {
	by_the_clock
	apply "$SITE"
	for address in $GHOST4 $GHOST6; do
		set_epoch '(epoch | 7) + 1'
		by_program send "$address" >/dev/null
		set_epoch '(epoch | 3) + 1'
		[[ $(quiet '' "$(by_program send "$address")") == "refresh 1" ]]
		fate_is 'ttl 63'
		set_epoch '(epoch | 1) + 1' # of the same four seconds
		[[ $(quiet '' "$(by_program send "$address")") == "forwarded 1" ]]
	done
	ip -n "$TAG-gateway" neighbour replace "$FE4" lladdr "$(mac_of servers eth0)" dev in nud stale
	neighbour_is_asked() {
		passes_udp "$FE4" 1434
		! ip -n "$TAG-gateway" neighbour show "$FE4" dev in | grep -q STALE
	}
	set_epoch '(epoch | 3) + 1'
	neighbour_is_asked
	ip -n "$TAG-gateway" neighbour replace "$FE4" lladdr "$(mac_of servers eth0)" dev in nud permanent
}

@test "routing rules hold: by source, by port, by interface" {
	local table="route add blackhole default table 77" family rule
	local -A rules=(
		[-4]='from 10.77.1.2/32,iif out,ipproto udp dport 50000,ipproto udp sport 40000,tos 0x10'
		[-6]='from fd77:1::2/128,iif out,ipproto udp dport 50000,ipproto udp sport 40000,tos 0x10'
	)
	apply "$SITE"
	for family in "-4 $GHOST4" "-6 $GHOST6"; do
		read -r family ghost <<<"$family"
		# shellcheck disable=SC2086 # words
		ip -n "$TAG-gateway" "$family" $table
		while read -r rule; do
			# shellcheck disable=SC2086 # words
			ip -n "$TAG-gateway" "$family" rule add $rule lookup 77
			left refused "$ghost" --tos 16 --wait 0.1
			fate_is 'arrived no'
			# shellcheck disable=SC2086 # words
			ip -n "$TAG-gateway" "$family" rule delete $rule lookup 77
		done < <(tr , '\n' <<<"${rules[$family]}")
		goes "$ghost" --tos 16
		ip -n "$TAG-gateway" "$family" rule add fwmark 7 lookup 77
		apply "$SITE" 2>&1 | grep -q 'a routing rule goes by marks'
		left marks "$ghost"
		fate_is 'ttl 63'
		ip -n "$TAG-gateway" "$family" rule delete fwmark 7 lookup 77
		apply "$SITE"
		ip -n "$TAG-gateway" "$family" route delete blackhole default table 77
	done
}

@test "ports of bridges and devices with VLANs on them are the kernel's" {
	ip -n "$TAG-gateway" link add name bridge0 type bridge
	ip -n "$TAG-gateway" link set out master bridge0
	apply "$SITE" 2>&1 | grep -q 'out: a port of a bridge'
	left port $GHOST4 --wait 0.1
	ip -n "$TAG-gateway" link delete bridge0
	apply "$SITE"
	goes $GHOST4
}

@test "a device with VLANs on it that takes tags off is the kernel's" {
	ip -n "$TAG-gateway" link add link out name out.5 type vlan id 5 2>/dev/null || skip 'this kernel has no VLAN devices'
	apply "$SITE" 2>&1 | grep -q 'out: has VLAN devices'
	left vlans $GHOST4
	fate_is 'ttl 63'
	in_ns gateway ethtool -K out rxvlan off
	apply "$SITE"
	goes $GHOST4
	in_ns gateway ethtool -K out rxvlan on
	ip -n "$TAG-gateway" link delete out.5
	apply "$SITE"
}

@test "also while a shadow is loaded, for what it settles at a glance and for what it does not" {
	apply "$SITE"
	rolewall apply --shadow -c "$(site_with 'unlisted: drop')"
	goes $GHOST6
	goes $OTHER4
	drops_one port_not_in_matrix silent_udp "$FE4" 2000
	rolewall shadow drop
}

@test "xdp-generic as well" {
	leave_mode
	HOOK=xdp-generic
	apply "$(site_with)"
	for address in $GHOST4 $GHOST6; do
		goes "$address"
		fate_is 'ttl 63' 'checksum right' 'same yes'
		left ttl "$address" --ttl 1
		[[ $address == *:* ]] && word='icmp6 3/0' || word='icmp 11/0'
		fate_is "back $word" 'arrived no'
	done
	for address in "$FE4" "$FE6"; do
		passes_by matrix passes_tcp "$address" 5061 --bytes 1000000
		drops_one port_not_in_matrix silent_udp "$address" 2000
	done
	leave_mode
	apply "$SITE"
}

@test "forwarding: kernel takes it back with the flip, and changes nothing else" {
	apply "$SITE" # so that both slots have been a forwarding policy's
	apply "$SITE"
	goes $GHOST4
	sed '/^forwarding/d' "$SITE" >"$BATS_TEST_TMPDIR/kernel.yaml"
	apply "$BATS_TEST_TMPDIR/kernel.yaml"
	rolewall status --json | jq -e '.forwarding.by == "kernel"'
	for address in $GHOST4 $GHOST6; do
		[[ $(quiet '' "$(by_program send "$address")") == "" ]]
		fate_is 'ttl 63' 'checksum right' 'same yes'
	done
	apply "$SITE"
	goes $GHOST4
}

@test "a trial forwards too, and its return takes forwarding back" {
	sed '/^forwarding/d' "$SITE" >"$BATS_TEST_TMPDIR/kernel.yaml"
	rolewall detach
	apply "$BATS_TEST_TMPDIR/kernel.yaml"
	rolewall apply -c "$SITE" --confirm-within 600
	goes $GHOST4
	set_epoch 'epoch + 600' # trial.bats waits for it
	is_returned() {
		rolewall status --json | jq -e '.trial.returned and .forwarding.by == "kernel"' >/dev/null
	}
	wait_for 8 is_returned
	[[ $(quiet '' "$(by_program send $GHOST4)") == "" ]]
	fate_is 'ttl 63'
}

@test "interfaces that are made anew, or get another MAC address, take part again" {
	apply "$SITE"
	start_agent
	OUT_MAC=02:00:00:00:01:01
	ip -n "$TAG-gateway" link set dev out address $OUT_MAC
	wait_for 5 goes $GHOST4
	ip -n "$TAG-gateway" link delete in
	ns_link servers eth0 gateway in
	set_veth servers
	ns_address gateway in 10.77.2.1/24 fd77:2::1/64
	ns_address servers eth0 $FE4/24 $FE6/64
	ns_default_route servers 10.77.2.1 fd77:2::1
	for address in $GHOST4 $GHOST6 $OTHER4 $OTHER6; do
		ip -n "$TAG-gateway" neighbour replace "$address" lladdr $NOBODY dev in nud permanent
	done
	wait_for 5 goes $GHOST4
	wait_for 5 goes $GHOST6
	stop_agent
}

@test "says what it goes past, and what it cannot do" {
	in_ns gateway nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; }'
	apply "$SITE" 2>&1 | grep -q '1 chain of nf_tables at forward or postrouting ("t c")'
	in_ns gateway nft 'delete table ip t'
	run -0 apply "$SITE"
	[[ $output != *nf_tables* ]]
	run -0 rolewall check -c "$(HOOK=tc site_with)"
	[[ $output == *"out: with hook: tc the kernel forwards in spite of"* ]]
}
