# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2119,SC2120 # the tests use SITE; site_with may go without arguments
#
# What the tests of `forwarding: xdp` share (forward*.bats): a gateway with it, frames through it, and
# what became of them by the program's counters.

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
