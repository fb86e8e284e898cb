# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For the end-to-end tests: namespaces with a gateway between them, programs that run inside, and
# the binary under test with pins of its own. Names end in the process id, so runs side by side do
# not meet. Everything made here is removed by net_down.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
ROLEWALL=${ROLEWALL:-$ROOT/build/rolewall}
BPFFS=/sys/fs/bpf

CLIENT4=10.77.1.2 CLIENT6=fd77:1::2
SILENCE=0.1 # seconds
# That the kernel picks, below media rows (49152 and up): a source port of such a row passes where others do not.
SOURCE_PORTS='32768 49151'
PATIENCE=${EMULATED:+6} # times as long as usual: an emulated CPU takes longer (tests/kernels)

# --- namespaces

# in_ns NAME COMMAND...: inside the namespace, with the host's file systems (bpffs!).
in_ns() {
	local name=$1
	shift
	nsenter --net="/run/netns/$TAG-$name" -- "$@"
}

set_sysctl() { # NAME PATH VALUE
	# shellcheck disable=SC2016 # $0 and $1 are the inner shell's
	in_ns "$1" sh -c 'echo "$1" > "/proc/sys/net/$0"' "$2" "$3"
}

ns_add() {
	ip netns add "$TAG-$1"
	echo "$TAG-$1" >>"$NET_DIR/namespaces"
	set_sysctl "$1" ipv6/conf/all/accept_dad 0
	set_sysctl "$1" ipv6/conf/default/accept_dad 0
	set_sysctl "$1" ipv4/ip_local_port_range "$SOURCE_PORTS"
	ip -n "$TAG-$1" link set lo up
}

# ns_link NAME DEVICE NAME DEVICE: a veth pair.
ns_link() {
	ip link add "$2" netns "$TAG-$1" type veth peer name "$4" netns "$TAG-$3"
	ip -n "$TAG-$1" link set "$2" up
	ip -n "$TAG-$3" link set "$4" up
}

ns_address() { # NAME DEVICE ADDRESS/LENGTH...
	local name=$1 device=$2 address
	shift 2
	for address in "$@"; do
		if [[ $address == *:* ]]; then
			ip -n "$TAG-$name" address add "$address" dev "$device" nodad
		else
			ip -n "$TAG-$name" address add "$address" dev "$device"
		fi
	done
}

ns_default_route() { # NAME GATEWAY4 GATEWAY6
	ip -n "$TAG-$1" route add default via "$2"
	ip -n "$TAG-$1" -6 route add default via "$3"
}

mac_of() { # NAME DEVICE
	ip -n "$TAG-$1" -j link show dev "$2" | jq -r '.[0].address'
}

# Says true or false, as JSON does: Linux 6.4 and later.
has_netfilter_programs() {
	if bpftool btf dump file /sys/kernel/btf/vmlinux | grep -q "STRUCT 'bpf_nf_ctx'"; then
		echo true
	else
		echo false
	fi
}

# kernel_before MAJOR.MINOR
kernel_before() {
	[[ $(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1) != "$1" ]]
}

# by_the_clock: the start of tests that an emulated CPU is too slow for (tests/kernels).
by_the_clock() {
	[[ -z ${EMULATED-} ]] || skip 'an emulated CPU is too slow for it'
}

# net_begin: the start of every net_up_*; called in setup_file, so that all tests of a file share it.
net_begin() {
	((EUID == 0)) || {
		echo 'needs root' >&2
		return 1
	}
	TAG=rwtest$$
	NET_DIR=$BATS_FILE_TMPDIR
	# state of tests is the tests' own, and goes with their folder
	ROLEWALL_STATE_DIR=$NET_DIR/state
	export TAG NET_DIR ROLEWALL_STATE_DIR
	: >"$NET_DIR/namespaces"
}

# clients -- (out) gateway (in) -- servers; the servers' addresses are the arguments.
net_up() {
	net_begin
	ns_add clients
	ns_add gateway
	ns_add servers
	ns_link servers eth0 gateway in
	set_sysctl gateway ipv4/ip_forward 1
	set_sysctl gateway ipv6/conf/all/forwarding 1
	make_out
	ns_address gateway in 10.77.2.1/24 fd77:2::1/64
	ns_address servers eth0 "$@"
	ns_default_route servers 10.77.2.1 fd77:2::1
}

# The link between clients and gateway, with its addresses.
make_out() {
	ns_link clients eth0 gateway out
	address_out
}

address_out() {
	ns_address clients eth0 $CLIENT4/24 $CLIENT6/64
	ns_address gateway out 10.77.1.1/24 fd77:1::1/64
	ns_default_route clients 10.77.1.1 fd77:1::1
}

remake_out() {
	ip -n "$TAG-gateway" link delete out
	make_out
}

# net_static: neighbours that are never asked for, and no chatter of the stacks' own.
net_static() {
	local pair address
	for pair in 'clients eth0 10.77.1.1 fd77:1::1 gateway out' \
		"gateway out $CLIENT4 $CLIENT6 clients eth0" \
		'servers eth0 10.77.2.1 fd77:2::1 gateway in'; do
		# shellcheck disable=SC2086 # six words
		set -- $pair
		for address in "$3" "$4"; do
			ns_neighbour "$1" "$2" "$address" "$5" "$6"
		done
	done
}

ns_neighbour() { # NAME DEVICE ADDRESS OF-NAME OF-DEVICE
	ip -n "$TAG-$1" neighbour replace "$3" lladdr "$(mac_of "$4" "$5")" dev "$2" nud permanent
}

# Ends what still runs in the namespaces, and removes them and the pins.
net_down() {
	local name
	local -a pids
	[[ -n ${NET_DIR-} ]] || return 0
	rm -rf "${BPFFS:?}/$TAG"-*
	while read -r name; do
		mapfile -t pids < <(ip netns pids "$name")
		((!${#pids[@]})) || kill -KILL "${pids[@]}" || true
		ip netns delete "$name" || true
	done <"$NET_DIR/namespaces"
}

# --- programs inside

# background NAME COMMAND...: until stop, or net_down; its id in $BACKGROUND.
background() {
	local name=$1
	shift
	nsenter --net="/run/netns/$TAG-$name" -- "$@" 3>&- &
	# shellcheck disable=SC2034 # for the caller
	BACKGROUND=$!
}

# stop PID: ends it and waits until it is gone.
stop() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

wait_for() { # SECONDS COMMAND...
	local deadline=$((SECONDS + ${PATIENCE:-1} * $1))
	shift
	until "$@"; do
		((SECONDS < deadline)) || {
			echo "waited in vain for: $*" >&2
			return 1
		}
		sleep 0.02
	done
}

traffic() { # NAME ARGUMENTS... (tests/tools/ask.c)
	local name=$1
	shift
	in_ns "$name" "$ROOT/build/tools/ask" "$@"
}

# serve NAME ARGUMENTS...: an echo server that listens when this returns.
serve() {
	local name=$1 ready
	shift
	ready=$(mktemp -u "$NET_DIR/ready.XXXXXX")
	background "$name" /usr/bin/python3 "$ROOT/tests/e2e/traffic.py" serve "$ready" "$@"
	wait_for 10 test -e "$ready"
}

# expect WORD COMMAND...: its output is exactly that word.
expect() {
	local want=$1 got
	shift
	got=$("$@")
	[[ $got == "$want" ]] || {
		echo "want $want, got $got: $*" >&2
		return 1
	}
}

# From the clients: a connection or datagram that must get through, and one that must not. The
# short wait is over before TCP sends its SYN again, so that one attempt is one packet; that it
# dropped is for the counters to say.
passes_tcp() { expect open traffic clients tcp "$@"; }
passes_udp() { expect echo traffic clients udp "$@"; }
silent_tcp() { expect silent traffic clients tcp "$@" --wait "$SILENCE"; }
silent_udp() { expect silent traffic clients udp "$@" --wait "$SILENCE"; }

# --- what is in force, seen from outside (tests/tools/witness.c)

# watch_with ADDRESS4 ADDRESS6 FIRST SECOND NEVER ALWAYS: from now on, until net_down.
watch_with() {
	mkfifo "$NET_DIR/questions" "$NET_DIR/answers"
	"$ROOT/build/tools/witness" "$NET_DIR/questions" "$NET_DIR/answers" "$TAG-clients" "$TAG-servers" "$@" 3>&- &
}

# saw: what was in force since the last time, in order: old, new, nothing.
saw() {
	local line
	echo >"$NET_DIR/questions"
	read -r -t 20 line <"$NET_DIR/answers"
	echo "${line% }"
}

# A mixture of two policies is none of them, whatever the expression says of what came before.
has_seen() { # REGEX
	local seen
	seen=$(saw)
	# a ring that is thrown away amid a burst leaves its last datagrams alone
	[[ -z ${LOSSY-} ]] || seen=${seen// lost/} seen=${seen// mixture:---/}
	[[ $seen =~ ^($1)$ && (-n ${LOSSY-} || $seen != *mixture*) ]] || {
		echo "want $1, saw $seen"
		return 1
	}
}

# --- the binary under test; $PIN is the test's own directory

# Each test has a history of its own, from generation 1.
state_dir() {
	echo "$NET_DIR/state-${PIN##*/}-${BATS_TEST_NUMBER:-0}"
}

# rolewall COMMAND...: inside the gateway.
rolewall() {
	local command=$1
	shift
	ROLEWALL_STATE_DIR=$(state_dir) in_ns gateway "$ROLEWALL" "$command" --pin-dir "$PIN" "$@"
}

# site NAME: writes stdin as a site file, prints its path. @HOOK@ becomes the hook under test.
site() {
	local path=$BATS_TEST_TMPDIR/$1.yaml
	sed "s/@HOOK@/${HOOK:-auto}/" >"$path"
	echo "$path"
}

# Before an apply with the other of XDP's modes, which goes by way of TC to leave no gap.
leave_mode() {
	if kernel_before 6.6 && [[ -e $PIN ]]; then
		rolewall detach
	fi
}

apply() { # SITE-FILE
	rolewall apply -c "$1"
}

generation() {
	rolewall status --json | jq .generation
}

condition() { # INTERFACE WORD
	rolewall status --json | jq -e --arg name "$1" --arg want "$2" \
		'.interfaces[] | select(.name == $name) | .condition == $want' >/dev/null
}

xdp_id() { # INTERFACE
	ip -n "$TAG-gateway" -j link show dev "$1" | jq '.[0].xdp.prog.id // 0'
}

# start_agent ARGUMENTS...: it is ready when this returns; its id in $AGENT, what it says in $LOG.
start_agent() {
	LOG=$BATS_TEST_TMPDIR/agent.log
	background gateway env ROLEWALL_STATE_DIR="$(state_dir)" "$ROLEWALL" agent --pin-dir "$PIN" "$@" 2>"$LOG"
	AGENT=$BACKGROUND
	wait_for 5 said watching
}

said() { # REGEX
	grep -q "$1" "$LOG"
}

stop_agent() {
	[[ -z ${AGENT-} ]] || stop "$AGENT"
	AGENT=
}

# counters: "REASON PACKETS" for everything that has been counted, passes as pass:REASON.
counters() {
	local csv
	csv=$(rolewall drops --csv) || return
	awk -F '[,\r]' 'NR > 1 { print ($1 == "pass" ? "pass:" : "") $2, $3 }' <<<"$csv"
}

# added: what came to the counters since the file before, "REASON N REASON N ...". What the links
# themselves need comes and goes, and is left out.
added() {
	counters >"$BATS_TEST_TMPDIR/after" || return
	awk 'NR == FNR { before[$1] = $2; next }
		/^pass:(arp|neighbour_discovery|multicast_listener|link_control) / { next }
		$2 != before[$1] { printf "%s%s %d", separator, $1, $2 - before[$1]; separator = " " }
		END { print "" }' "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# counted COMMAND...: runs it and prints what it added to the counters. Fails if the command does.
counted() {
	counters >"$BATS_TEST_TMPDIR/before" || return
	"$@" >&2 || return
	added
}

# Leaves drops alone, without what passed.
drops_of() {
	sed -E 's/pass:[a-z_]+ [0-9]+ ?//g; s/ $//' <<<"$1"
}

# drops_one REASON COMMAND...: the command adds one to that reason and nothing else drops. On a busy
# machine the packet may be judged after the command has given up.
drops_one() {
	local want=$1 got deadline=$((SECONDS + ${PATIENCE:-1} * 3))
	shift
	got=$(counted "$@") || return
	while [[ -z $(drops_of "$got") ]] && ((SECONDS < deadline)); do
		sleep 0.05
		got=$(added) || return
	done
	[[ $(drops_of "$got") == "$want 1" ]] || {
		echo "want $want 1, got ${got:-nothing}: $*" >&2
		return 1
	}
}

# passes_by REASON COMMAND...: the command adds to that pass reason, and nothing drops.
passes_by() {
	local want=$1 got
	shift
	got=$(counted "$@") || return
	if [[ " $got" != *" pass:$want "* || " $got" =~ \ [a-z0-9_]+\ [0-9] ]]; then
		echo "want pass:$want and no drop, got $got: $*" >&2
		return 1
	fi
}
