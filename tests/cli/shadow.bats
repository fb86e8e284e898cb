#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shadow and apply --shadow: what their command lines refuse.
# shellcheck disable=SC2154 # run sets stderr, status and output

bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
}

# misused MESSAGE WORD...: the command line is not understood, before any file or pin is looked at.
misused() {
	local message=$1
	shift
	run -2 --separate-stderr "$rolewall" "$@" --pin-dir "/sys/fs/bpf/rolewall-none-$$"
	[[ -z $output ]]
	[[ $stderr == "$message" ]]
}

@test "apply --shadow takes nothing that is for a change" {
	local more
	for more in '--confirm-within 60' '--comment why' --replace; do
		# shellcheck disable=SC2086 # words
		misused 'rolewall apply: --shadow changes nothing that would be confirmed, recorded or replaced; "shadow commit" takes --confirm-within and --comment' \
			apply --shadow -c none.yaml $more
	done
}

@test "only shadow commit can be on trial and has a comment" {
	local word more
	for word in '' drop; do
		for more in '--confirm-within 60' '--comment why'; do
			# shellcheck disable=SC2086 # words
			misused 'rolewall shadow: --confirm-within and --comment are for "shadow commit"' shadow $word $more
		done
	done
	misused 'rolewall: shadow undo: "commit", "drop" or nothing is accepted' shadow undo
}
