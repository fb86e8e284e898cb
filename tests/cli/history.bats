# SPDX-License-Identifier: MIT
# rolewall history, and --comment, as far as nothing has to run.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	cd "$BATS_TEST_TMPDIR" || return
}

history() {
	run "-$1" --separate-stderr "$rolewall" history --state-dir "$PWD/state" "${@:2}"
	[ ! -e state ]
}

@test "a directory that is not there has no generations" {
	history 0
	[ "$stderr" = "rolewall: $PWD/state has no generations yet" ]
	history 0 --json
	jq -e --arg directory "$PWD/state" '. == {directory: $directory, generations: []}' <<<"$output"
	history 0 --csv
	[ "$output" = $'GENERATION,CURRENT,TIME,WHO,OUTCOME,NOTE,SITE,COMMENT\r' ]
}

@test "a generation that is not there is named" {
	history 1 7
	[[ -z $output && $stderr == *"$PWD/state/generations/000007"* ]]
	history 1 diff 7 8
	[[ -z $output && $stderr == *"$PWD/state/generations/000007"* ]]
}

@test "words that are no generations are refused" {
	local words
	for words in x 0 -- -1 4294967296 1x 'diff' 'diff 1' 'diff 1 x' 'diff 1 0' '1 2'; do
		[ "$words" != -- ] || continue
		# shellcheck disable=SC2086 # several words
		history 2 $words
		[[ -z $output && $stderr == *'--help'* || $stderr == *'accepted: [N | diff A B]'* ]]
	done
}

# comment_refused REASON TEXT
comment_refused() {
	local command
	for command in apply 'pool add-role fe director'; do
		# shellcheck disable=SC2086 # several words
		run -2 --separate-stderr "$rolewall" $command -c none.yaml --comment "$2"
		[[ -z $output && $stderr == "rolewall ${command%% *}: --comment: $1; accepted: one line of UTF-8, at most 1000 bytes"* ]]
	done
}

@test "a comment that cannot be shown is refused" {
	local control='with control characters or more than one line'
	comment_refused "$control" $'two\nlines'
	comment_refused "$control" $'\e[2J'
	comment_refused "$control" $'\xc2\x9b2J'
	comment_refused 'not UTF-8' $'\xff'
	comment_refused 'too long' "$(printf '%01001d' 0)"
	# and one that can be is not
	run -1 --separate-stderr "$rolewall" apply -c none.yaml --comment 'déjà vu'
	run -1 --separate-stderr "$rolewall" apply -c none.yaml --comment "$(printf '%01000d' 0)"
}
