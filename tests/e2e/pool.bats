#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# rolewall pool under traffic: the edited site file and the policy that runs change together.

# shellcheck disable=SC2154 # run sets stderr
bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	net_up $FE4/24 $FE6/64
	serve servers --tcp 5061,5070 --udp 50000 "$FE4" "$FE6"
}

teardown_file() {
	net_down
}

setup() {
	export PIN=$BPFFS/$TAG-pool
	SITE=$(site pool <<-END
		version: 1  # pool.bats
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools:
		  - name: fe
		    roles:
		      - front-end  # calls
		    addresses: [$FE4]  # "$FE6" comes later
	END
	)
	apply "$SITE"
	cp "$SITE" "$BATS_TEST_TMPDIR/before.yaml"
}

teardown() {
	rolewall detach || true
	[[ ! -e $PIN ]]
}

@test "roles and addresses come and go under traffic, in the file and on the wire" {
	ready=$BATS_TEST_TMPDIR/ready
	background clients /usr/bin/python3 "$ROOT/tests/e2e/traffic.py" stream udp "$FE4" 50000 \
		--rate 1000 --ready "$ready" >"$BATS_TEST_TMPDIR/stream"
	wait_for 10 test -e "$ready"
	stream=$BACKGROUND

	drops_one port_not_in_matrix silent_tcp "$FE4" 5070
	rolewall pool add-role fe mediation -c "$SITE"
	passes_tcp "$FE4" 5070
	diff <(diff "$BATS_TEST_TMPDIR/before.yaml" "$SITE") <(printf '6a7\n>       - mediation\n')

	passes_by transit passes_tcp "$FE6" 5070
	rolewall pool add-address fe "$FE6" -c "$SITE"
	passes_by matrix passes_tcp "$FE6" 5070
	grep -F "    addresses: [$FE4, \"$FE6\"]  # \"$FE6\" comes later" "$SITE"
	[[ $(generation) == 3 ]]

	rolewall pool remove-role fe mediation -c "$SITE"
	drops_one port_not_in_matrix silent_tcp "$FE6" 5070
	rolewall pool remove-address fe "$FE6" -c "$SITE"
	cmp "$BATS_TEST_TMPDIR/before.yaml" "$SITE"
	[[ $(rolewall status --json | jq .generation) == 5 ]]
	rolewall apply -c "$SITE"

	stop "$stream"
	cat "$BATS_TEST_TMPDIR/stream"
	grep -qE '^sent [1-9][0-9]{2,} lost 0$' "$BATS_TEST_TMPDIR/stream"
}

@test "an edit whose policy cannot be applied leaves file and policy as they were" {
	sed -i 's/name: in,/name: nowhere,/' "$SITE"
	cp "$SITE" "$BATS_TEST_TMPDIR/before.yaml"
	run -1 --separate-stderr rolewall pool add-role fe mediation -c "$SITE"
	[[ -z $output && $stderr == *nowhere*'rolewall: nothing was changed' ]]
	cmp "$BATS_TEST_TMPDIR/before.yaml" "$SITE"
	[[ $(generation) == 1 ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 5070
	rolewall pool add-role fe mediation -c "$SITE" --no-apply
	[[ $(generation) == 1 ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 5070
	run -1 cmp "$BATS_TEST_TMPDIR/before.yaml" "$SITE"
}
