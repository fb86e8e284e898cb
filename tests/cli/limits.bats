#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Every limit that check knows (docs/limits.md): what is just at it is accepted, one more is refused
# with its message. Those that only a running instance knows are in tests/e2e/limits.bats.

# shellcheck disable=SC2154,SC2016,SC2317 # run sets stderr and status; programs of awk; functions by name
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	cd "$BATS_TEST_TMPDIR" || return
}

START=$'version: 1\ninterfaces: [eth0]\n'
FE='{name: fe, roles: [front-end], addresses: [10.0.0.1]}'

# times N FORMAT [FIRST]: the numbers from FIRST (1) through printf, with commas between.
times() {
	seq -f "$2" -s ', ' "${3:-1}" $((${3:-1} + $1 - 1))
}

# limit N MESSAGE FUNCTION: FUNCTION N writes a site that is accepted, FUNCTION N+1 one that is
# refused with a line that has MESSAGE.
limit() {
	"$3" "$1" >s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	echo "$1: $stderr" | head -n 5
	[ "$status" -eq 0 ]
	"$3" $(($1 + 1)) >s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	echo "$(($1 + 1)): $stderr" | head -n 5
	[ "$status" -eq 1 ]
	[[ $stderr == *s.yaml*": error: $2"* ]]
}

letters() { printf "%0$1d" 0 | tr 0 a; }

name_of_pool() { echo "${START}pools: [{name: $(letters "$1"), roles: [front-end], addresses: [10.0.0.1]}]"; }
@test "pool name: 31 bytes" {
	limit 31 "\"$(letters 32)\" is no name of a pool; accepted: " name_of_pool
}

name_of_interface() { printf 'version: 1\ninterfaces: [%s]\npools: [%s]\n' "$(letters "$1")" "$FE"; }
@test "interface name: 15 bytes" {
	limit 15 "\"$(letters 16)\" is no name of an interface; accepted: 1 to 15 bytes" name_of_interface
}

interfaces() { printf 'version: 1\ninterfaces: [%s]\npools: [%s]\n' "$(times "$1" eth%.f)" "$FE"; }
@test "interfaces: 64" {
	limit 64 'too many interfaces; at most 64 are read' interfaces
}

pools() {
	echo "${START}pools:"
	awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++)
		printf "- {name: p%d, roles: [director], addresses: [10.0.%d.%d]}\n", i, i / 250, i % 250 + 1 }'
}
@test "pools: 4,095" {
	limit 4095 'too many pools; at most 4095 are read' pools
}

peers() {
	local i list=
	for ((i = 0; i < $1; i++)); do list+=", 192.168.$((i / 250)).$((i % 250))"; done
	echo "${START}pools: [$FE]"$'\n'"extra: [{roles: [front-end], ports: [9], protocols: [tcp], from: [${list:2}]}]"
}
@test "words of a list: 1,000" {
	limit 1000 'from: too many; at most 1000 are read' peers
}

ports() { echo "${START}pools: [$FE]"$'\n'"extra: [{roles: [front-end], protocols: [tcp], ports: [$(times "$1" %.f 1000)]}]"; }
@test "port ranges of a row: 256" {
	limit 256 'ports: too many; a row has at most 256' ports
}

failsafe() { echo "${START}pools: [$FE]"$'\n'"failsafe: {from: [10.9.0.0/24], ports: [$(times "$1" %.f/tcp 1000)]}"; }
@test "failsafe ports: 256" {
	limit 256 'ports: too many; failsafe has at most 256' failsafe
}

pairs() {
	local i
	echo "${START}pools: [$FE]"$'\nipsec:'
	for ((i = 0; i < $1; i++)); do echo "- {between: [front-end, 192.168.$((i / 250)).$((i % 250))]}"; done
}
@test "pairs of ipsec: 1,000" {
	limit 1000 'too many pairs; at most 1000 are read' pairs
}

extra() {
	echo "${START}pools: [$FE]"$'\nextra:'
	seq -f '- {roles: [front-end], ports: [%.f], protocols: [tcp]}' 10001 $((10000 + $1))
}
@test "rows: 1,023 of matrix and site" {
	own=$("$rolewall" matrix --json | jq '.rows | length')
	extra $((1023 - own)) >s.yaml
	"$rolewall" check -c s.yaml
	extra $((1024 - own)) >s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[[ $stderr == *'error: 1024 rows of matrix and site together; at most 1023 are accepted'* ]]
}

# A pool has as many combinations as `from:` prefixes that its addresses lie in; the four prefixes
# themselves are one each.
combinations() {
	echo "${START}extra: [{roles: [director], ports: [9], protocols: [tcp], from: [10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16]}]"
	echo 'pools:'
	awk -v left=$(($1 - 4)) 'BEGIN { for (i = 0; left; i++) {
		printf "- {name: p%d, roles: [front-end], addresses: [", i
		for (k = 0; k < 4 && left; k++)
			printf "%s10.%d.%d.%d", k ? ", " : "", k, i / 250, i % 250 + left-- * 0 + 1
		print "]}" } }'
}
@test "combinations of pool and from: 16,383" {
	limit 16383 '16384 combinations of pool and `from:` prefix, most of them (4) in pool "p0"; at most 16383 are accepted' combinations
}

# N times 10,000 addresses in 4,000 pools, every one of which needs a page of its own.
pages() {
	echo "${START}pools:"
	awk -v n="$1" 'BEGIN { for (i = 0; i < 4000; i++) {
		printf "- {name: p%d, roles: [front-end], addresses: [", i
		for (k = 0; k < n * 10000 / 4000; k++)
			printf "%s%d.%d.%d.%d", k ? ", " : "", 11 + int(i / 1000), int(i % 1000 / 250) * 63 + k, i % 250, k + 1
		print "]}" } }'
}
@test "image: 262,144 pages" {
	limit 24 'the image of 252000 prefixes, most of them (63) in pool "p0", is larger than 262144 pages of 1 KiB; use fewer or shorter prefixes' pages
}

bytes() {
	echo "${START}pools: [$FE]"
	printf '#%*s\n' $(($1 - ${#START} - ${#FE} - 12)) ''
}
@test "file: 16 MiB" {
	limit 16777216 'too large; at most 16 MiB are read' bytes
}

comment() { # as many bytes as one value may have
	echo "${START}pools: [$FE]"$'\n'"extra: [{roles: [front-end], ports: [9], protocols: [tcp], note: $(letters "$1")}]"
}
@test "text of one value: 1,000 bytes" {
	limit 1000 'note: too long; at most 1000 bytes are read' comment
}

# A matrix whose table has a name of N - 3 bytes, so that its row's id has N.
@test "row id: 23 bytes" {
	id() {
		local name
		name=$(letters $(($1 - 3)))
		cat >m.yaml <<-END
			version: 1
			name: own
			title: x
			roles: {front-end: {title: x}}
			tables:
			  $name:
			    title: x
			    rows:
			    - {id: $name/01, role: front-end, service: s, ports: 9, protocols: tcp, direction: in}
		END
		echo "${START}matrix: m.yaml"$'\n'"pools: [$FE]"
	}
	id 23 >s.yaml
	"$rolewall" check -c s.yaml
	id 24 >s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[[ $stderr == *m.yaml:*"error: row $(letters 21)/01: its id has 24 bytes; at most 23 are accepted, so shorten the table's name"* ]]
}
