#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shadow and apply --shadow: what their command lines refuse.

bats_require_minimum_version 1.5.0
load lib

@test "apply --shadow takes nothing that is for a change" {
	local more
	for more in '--confirm-within 60' '--comment why' --replace; do
		# shellcheck disable=SC2086 # words
		refuses 'rolewall apply: --shadow changes nothing that would be confirmed, recorded or replaced; "shadow commit" takes --confirm-within and --comment' \
			apply --shadow -c none.yaml $more
	done
}

@test "only shadow commit can be on trial and has a comment" {
	local word more
	for word in '' drop; do
		for more in '--confirm-within 60' '--comment why'; do
			# shellcheck disable=SC2086 # words
			refuses 'rolewall shadow: --confirm-within and --comment are for "shadow commit"' shadow $word $more
		done
	done
	refuses 'rolewall: shadow undo: "commit", "drop" or nothing is accepted' shadow undo
}
