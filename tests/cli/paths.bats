#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The paths that every command takes: an empty one is refused, and not taken for the usual one.

# shellcheck disable=SC2154 # run sets status and output, setup rolewall
bats_require_minimum_version 1.5.0
load lib

@test "an empty path is a wrong command line" {
	local command
	for command in plan history status; do
		refuses "rolewall $command: --config (-c) is empty; accepted: the path of a site file; see \"rolewall $command --help\"" "$command" -c ''
		refuses 'the path of a site file' "$command" --config=
		refuses "rolewall $command: --pin-dir is empty; accepted: the path of a directory" "$command" --pin-dir ''
		refuses "rolewall $command: --state-dir is empty; accepted: the path of a directory" "$command" --state-dir ''
	done
}

@test "an empty ROLEWALL_STATE_DIR is as none" {
	unset ROLEWALL_STATE_DIR
	run "$rolewall" history --json
	local without="$status $output"
	ROLEWALL_STATE_DIR='' run "$rolewall" history --json
	[ "$status $output" = "$without" ]
}
