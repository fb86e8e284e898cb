#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Two policies that never both match, applied in turn under as many packets as a CPU can send
# (tests/tools/torrent.c): each packet meets one of them, and none gets lost or through that both
# let pass or drop. SOAK=1: 10,000 applies.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
FOREIGN=10.77.2.66 # of the pool: whoever comes from outside with it lies, where there is an outside

setup_file() {
	net_up $FE4/24 $FE6/64
	net_static
	set_sysctl gateway ipv4/conf/all/rp_filter 0
	set_sysctl gateway ipv4/conf/default/rp_filter 0
	set_sysctl gateway ipv4/conf/out/rp_filter 0
}

teardown_file() {
	net_down
}

setup() {
	export PIN=$BPFFS/$TAG-atomic HOOK=xdp-native ROLEWALL_STATE_DIR
	ROLEWALL_STATE_DIR=$(state_dir)
}

teardown() {
	rolewall detach
}

# policy NAME PORTS SIDE SIDE
policy() {
	site "$1" <<-END
		version: 1
		interfaces:
		  - {name: out, side: $3, hook: @HOOK@}
		  - {name: in, side: $4, hook: @HOOK@}
		pools: [{name: fe, roles: [office-web-apps], addresses: [$FE4, $FOREIGN, '$FE6']}]
		extra: [{roles: [office-web-apps], ports: [$2], protocols: [udp]}]
	END
}

# alternate APPLIES: and what must come of it
alternate() {
	local a b answer
	a=$(policy a '1000, 4000' outside inside)
	b=$(policy b '2000, 2001, 4000' any any)
	apply "$a"
	# the end is seen at the far end of this one, so that the counters are whole
	run --separate-stderr "$ROOT/build/tools/torrent" "$TAG" "$(mac_of gateway out)" "$CLIENT4" $FE4 $FOREIGN \
		"$1" "$a" "$b" "$ROLEWALL" apply --pin-dir "$PIN" -c
	# shellcheck disable=SC2154 # run sets it
	echo "$stderr" | grep '^torrent' || true
	answer=$output
	echo "# note: $answer" >&3
	jq -e --argjson applies "$1" '.leaks == 0 and .false_drops == 0 and .disorder == 0 and .gaps == 0
		and .changes == $applies and .applies == $applies and .sent > 1000 * $applies' <<<"$answer"
	[[ $status == 0 ]]
}

@test "every packet meets one policy, and all that both let through arrive" {
	alternate "${APPLIES:-$([[ -n ${SOAK-} ]] && echo 10000 || echo 100)}"
}
