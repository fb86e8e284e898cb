# SPDX-License-Identifier: MIT
# Two instances to compare, loaded on veth devices of a namespace made here; no traffic runs.
# shellcheck shell=bash

readonly name=rwbench$$
readonly pins=/sys/fs/bpf/$name
work=$(mktemp -d)
export ROLEWALL_STATE_DIR=$work/state
readonly work

inside() {
	nsenter --net="/run/netns/$name" "$@"
}

clean_up() {
	rm -f "$pins-empty" "$pins-floor"
	[[ ! -d $pins ]] || inside build/rolewall detach --pin-dir "$pins" 2>/dev/null || true
	inside xdp-filter unload filter0 >/dev/null 2>&1 || true
	rmdir /sys/fs/bpf/xdp 2>/dev/null || true # what its library leaves
	ip netns del "$name" 2>/dev/null || true
	rm -rf "$work"
}

make_place() {
	trap clean_up EXIT
	ip netns add "$name"
	inside ip link add role0 type veth peer name role1
	inside ip link add filter0 type veth peer name filter1
}

load_rolewall() {
	cat >"$work/site.yaml" <<-SITE
		version: 1
		interfaces: [role0]
		pools:
		  - name: fe
		    roles: [front-end]
		    addresses: [10.1.2.0/28, "2001:db8:2::77"]
		  - name: mediation
		    roles: [mediation]
		    addresses: [10.1.3.5]
	SITE
	inside build/rolewall apply -c "$work/site.yaml" --pin-dir "$pins" >/dev/null 2>"$work/apply" ||
		{ cat "$work/apply" >&2; exit 1; }
	bpftool prog load build/bench/empty.bpf.o "$pins-empty"
	bpftool prog load build/bench/floor.bpf.o "$pins-floor" \
		map name images pinned "$pins/programs/images" map name rows pinned "$pins/rows"
}

# A candidate beside it that opens a port more.
load_shadow() {
	sed '$a extra: [{roles: [front-end], ports: [6000], protocols: [tcp]}]' "$work/site.yaml" >"$work/candidate.yaml"
	inside build/rolewall apply --shadow -c "$work/candidate.yaml" --pin-dir "$pins" >/dev/null 2>"$work/apply" ||
		{ cat "$work/apply" >&2; exit 1; }
}

# The same addresses and ports, as far as it goes: it has no roles, and a port or an address is enough.
load_xdp_filter() {
	inside xdp-filter load filter0 -p deny -m skb
	inside xdp-filter ip -m dst 10.1.3.5
	inside xdp-filter ip -m dst 2001:db8:2::77
	local host
	for host in {0..15}; do
		inside xdp-filter ip -m dst "10.1.2.$host"
	done
	local port
	for port in 443 444 5060 5061; do
		inside xdp-filter port -m dst -p tcp "$port"
	done
}
