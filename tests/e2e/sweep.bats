#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# All 65,536 TCP and all 65,536 UDP ports of every role, IPv4 and IPv6, from outside through the
# gateway: what reaches the servers is what the vendor's document opens, no port more or less, and
# every packet sent is counted once.

bats_require_minimum_version 1.5.0
load lib

# The low four bits of an address are the sweep's target number: 10.77.2.16-23 and ...:18-1f.
ADDRESSES4=(10.77.2.{16..23})
ADDRESSES6=(fd77:2::{18,19,1a,1b,1c,1d,1e,1f})

setup_file() {
	local address
	net_up "${ADDRESSES4[@]/%//24}" "${ADDRESSES6[@]/%//64}"
	net_static
	for address in "${ADDRESSES4[@]}" "${ADDRESSES6[@]}"; do
		ns_neighbour gateway in "$address" servers eth0
	done
}

teardown_file() {
	net_down
}

setup() {
	PIN=$BPFFS/$TAG-sweep
	export PIN HOOK=xdp-native
}

teardown() {
	rolewall detach || true
}

# roles_site BALANCING MATRIX ROLE...: a pool for each role, with one address of each family.
roles_site() {
	local balancing=$1 matrix=$2 i=0 role
	shift 2
	{
		cat <<-END
			version: 1
			matrix: $matrix
			load_balancing: $balancing
			interfaces:
			  - {name: out, side: outside, hook: @HOOK@}
			  - {name: in, side: inside, hook: @HOOK@}
			pools:
		END
		for role in "$@"; do
			echo "  - {name: pool-$i, roles: [$role], addresses: [${ADDRESSES4[i]}, \"${ADDRESSES6[i]}\"]}"
			i=$((i + 1))
		done
	} | site sweep
}

targets_of() { # ROLE...: ADDRESS=ROLE for both addresses of each
	local i=0 role
	for role in "$@"; do
		echo "${ADDRESSES4[i]}=$role"
		echo "${ADDRESSES6[i]}=$role"
		i=$((i + 1))
	done
}

# Everything counted so far that a sweep's packets can be counted as.
total_counted() {
	counters | awk '!/^pass:(arp|neighbour_discovery|multicast_listener|link_control) / { n += $2 } END { print n }'
}

# sweep BALANCING ROLE...: under the policy that is loaded; 0 if all ports are as the document says.
sweep() {
	local balancing=$1 before after entered
	shift
	local -a targets
	mapfile -t targets < <(targets_of "$@")
	before=$(total_counted)
	"$ROOT/build/tools/sweep" "$TAG-clients:eth0" "$(mac_of gateway out)" "$TAG-gateway:in" \
		"$TAG-servers:eth0" "$CLIENT4" "$CLIENT6" "${targets[@]%%=*}" \
		>"$BATS_TEST_TMPDIR/reached" 2>"$BATS_TEST_TMPDIR/sent" || {
		cat "$BATS_TEST_TMPDIR/sent"
		return 2
	}
	after=$(total_counted)
	cat "$BATS_TEST_TMPDIR/sent"
	entered=$(cut -d ' ' -f 1 "$BATS_TEST_TMPDIR/sent")
	echo "$((after - before)) packets counted as passed or dropped"
	((after - before == entered)) || return 3
	/usr/bin/python3 "$ROOT/tests/e2e/expect.py" "$balancing" "${targets[@]}" \
		<"$BATS_TEST_TMPDIR/reached"
}

# Its lines are shown by tests/run even where all is well.
note() {
	printf '# note: %s\n' "${1//$'\n'/$'\n# note: '}" >&3
}

# A copy of the shipped matrix with one sed EXPRESSION applied, which must change it.
changed_matrix() {
	sed "$1" "$ROOT/user/matrix/skype-server-2015.yaml" >"$BATS_TEST_TMPDIR/matrix.yaml"
	! cmp -s "$ROOT/user/matrix/skype-server-2015.yaml" "$BATS_TEST_TMPDIR/matrix.yaml"
}

@test "sweep: eight roles on sixteen addresses, load_balancing: dns" {
	roles=(front-end front-end-collocated-mediation front-end-cms office-web-apps director
		mediation persistent-chat-front-end front-end-hlb)
	apply "$(roles_site dns skype-server-2015 "${roles[@]}")"
	run -0 sweep dns "${roles[@]}"
	note "$output"
	[[ $output == *"2097152 ports probed, "*" 0 wrongly open, 0 wrongly shut" ]]
}

@test "sweep: load balancers and clients, load_balancing: hardware" {
	roles=(front-end-hlb front-end-hlb-collocated-mediation mediation-hlb director-hlb front-end
		client ip-phone director)
	apply "$(roles_site hardware skype-server-2015 "${roles[@]}")"
	run -0 sweep hardware "${roles[@]}"
	note "$output"
	[[ $output == *"2097152 ports probed, "*" 0 wrongly open, 0 wrongly shut" ]]
}

@test "sweep: sees one port that a changed matrix shuts" {
	changed_matrix '/id: servers\/44/,/direction/ s/ports: \[80\]/ports: [443]/'
	apply "$(roles_site dns matrix.yaml director)"
	run -1 sweep dns director
	[[ $output == *"262144 ports probed, "*" 0 wrongly open, 2 wrongly shut" ]]
}

@test "sweep: sees one port that a changed matrix opens" {
	changed_matrix '/id: servers\/44/,/direction/ s/ports: \[80\]/ports: [80-81]/'
	apply "$(roles_site dns matrix.yaml director)"
	run -1 sweep dns director
	[[ $output == *"262144 ports probed, "*" 2 wrongly open, 0 wrongly shut" ]]
}
