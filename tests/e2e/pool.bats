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

# Killed where the policy is in force and the file is not replaced yet.
killed_between() {
	local before
	before=$(generation)
	ROLEWALL_STATE_DIR=$(state_dir) in_ns gateway "$ROOT/build/tools/strike" flip "$PIN" \
		"$ROLEWALL" pool --pin-dir "$PIN" -c "$SITE" "$@" >/dev/null 2>&1
	(($(generation) == before + 1))
	cmp "$BATS_TEST_TMPDIR/before.yaml" "$SITE"
	[[ -e $(state_dir)/edit ]]
}

nothing_left() {
	[[ ! -e $(state_dir)/edit && -z $(find "$BATS_TEST_TMPDIR" -name '.*') ]] || {
		find "$(state_dir)" "$BATS_TEST_TMPDIR"
		return 1
	}
}

# says COMMAND...: on stderr, that FILE does not have what is in force.
says() {
	run --separate-stderr "$@"
	[[ $stderr == *"generation 2, which is in force, was made by \`pool\`, and $SITE does not have its change: "* ]]
}

@test "killed between policy and file: status and plan say so, the next command writes the file" {
	killed_between add-role fe mediation
	says rolewall status
	says rolewall plan -c "$SITE"
	chmod 640 "$SITE"
	run -0 --separate-stderr rolewall apply -c "$SITE"
	[[ $stderr == *"$SITE has got the change of generation 2 now"*'nothing changes'* ]]
	diff <(diff "$BATS_TEST_TMPDIR/before.yaml" "$SITE") <(printf '6a7\n>       - mediation\n')
	[[ $(stat -c %a "$SITE") == 640 ]]
	passes_tcp "$FE4" 5070
	nothing_left
	# another edit, and one that does not read the site
	cp "$SITE" "$BATS_TEST_TMPDIR/before.yaml"
	killed_between add-address fe "$FE6"
	rolewall pool remove-role fe mediation -c "$SITE"
	grep -F "addresses: [$FE4, \"$FE6\"]" "$SITE"
	run -1 grep -F mediation "$SITE"
	nothing_left
	cp "$SITE" "$BATS_TEST_TMPDIR/before.yaml"
	killed_between add-role fe mediation
	rolewall confirm
	grep -F mediation "$SITE"
	nothing_left
}

@test "killed between policy and file, which somebody edits then: it stays, and that is said" {
	killed_between add-role fe mediation
	echo '# by hand' >>"$SITE"
	cp "$SITE" "$BATS_TEST_TMPDIR/edited.yaml"
	says rolewall plan -c "$SITE"
	says rolewall confirm
	[[ $(grep -c 'does not have its change' <<<"$stderr") == 1 ]]
	cmp "$BATS_TEST_TMPDIR/edited.yaml" "$SITE"
	rolewall history 2 | grep -F -- '- mediation'
	says rolewall apply -c "$SITE"
	[[ $(grep -c 'does not have its change' <<<"$stderr") == 1 ]]
	cmp "$BATS_TEST_TMPDIR/edited.yaml" "$SITE"
	rolewall apply -c "$SITE"
	nothing_left
}

@test "killed behind the flip, and detached or booted: the file has what the history has" {
	killed_between add-role fe mediation
	rolewall detach
	grep -F mediation "$SITE"
	nothing_left
	apply "$SITE"
	cp "$SITE" "$BATS_TEST_TMPDIR/before.yaml"
	killed_between remove-role fe mediation
	rm -rf "${PIN:?}" # a reboot: the history does not have it yet
	rolewall boot
	cmp "$BATS_TEST_TMPDIR/before.yaml" "$SITE"
	passes_tcp "$FE4" 5070
	nothing_left
}

# A command that finds its reader gone at its first word.
@test "a reader of the messages who goes does not part policy and file" {
	sed -i '1a profile: least-privilege' "$SITE"
	apply "$SITE"
	cp "$SITE" "$BATS_TEST_TMPDIR/before.yaml"
	run -0 rolewall check -c "$SITE"
	(
		while env echo; do :; done # until nobody reads any more
		rolewall pool add-role fe mediation -c "$SITE" 2>&1 >/dev/null || echo $? >"$BATS_TEST_TMPDIR/status"
	) | true
	[[ ! -e $BATS_TEST_TMPDIR/status ]]
	[[ $(generation) == 3 ]]
	grep -F mediation "$SITE"
	nothing_left
}

@test "a signal that comes before the flip changes nothing, and leaves nothing" {
	run -1 --separate-stderr env ROLEWALL_STATE_DIR="$(state_dir)" nsenter --net="/run/netns/$TAG-gateway" /usr/bin/python3 -c '
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])' "$ROLEWALL" pool --pin-dir "$PIN" -c "$SITE" add-role fe mediation
	[[ $stderr == *'rolewall: interrupted'*'rolewall: nothing was changed' ]]
	cmp "$BATS_TEST_TMPDIR/before.yaml" "$SITE"
	[[ $(generation) == 1 ]]
	nothing_left
}
