#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Limits that only a running instance knows (docs/limits.md): at the limit apply works, one above it
# is refused by name, and what runs stays as it was. The others are in tests/cli/limits.bats.

# shellcheck disable=SC2154 # run sets stderr
bats_require_minimum_version 1.5.0
load lib

setup_file() {
	net_up 10.77.2.10/24 fd77:2::10/64
}

teardown_file() {
	net_down
}

setup() {
	export PIN=$BPFFS/$TAG-limits HOOK=auto
}

teardown() {
	rolewall detach || true
	[[ ! -e $PIN ]]
}

START=$'version: 1\ninterfaces: [out]\n'

# pools FIRST LAST: a site of these pools.
pools() {
	echo "${START}pools:"
	awk -v first="$1" -v last="$2" 'BEGIN { for (i = first; i <= last; i++)
		printf "- {name: p%d, roles: [director], addresses: [10.%d.%d.%d]}\n", i, 1 + i / 50000, i % 50000 / 250, i % 250 + 1 }'
}

# refused SITE MESSAGE: apply refuses it with that, and generation and program stay.
refused() {
	local before
	before=$(rolewall status --json | jq -c '[.generation, .interfaces]')
	run -1 --separate-stderr apply "$1"
	[[ -z $output && $stderr == *"$2"* ]] || {
		echo "$stderr"
		return 1
	}
	[[ $(rolewall status --json | jq -c '[.generation, .interfaces]') == "$before" ]]
}

@test "4,095 pool names over an instance's life" {
	apply "$(pools 1 4000 | site first)"
	apply "$(pools 4001 4095 | site rest)"
	refused "$(pools 4095 4096 | site more)" \
		'more.yaml:5:3: error: pool "p4096": no counter id left; an instance counts at most 4095 pool names over its life'
	apply "$(pools 1 2 | site old)"
}

# rows OPTION N: a site with N rows of its own.
rows() {
	echo "$START$1"
	echo 'pools: [{name: fe, roles: [front-end], addresses: [10.1.0.1]}]'
	echo 'extra:'
	seq -f '- {roles: [front-end], ports: [%.f], protocols: [tcp]}' 10001 $((10000 + $2))
}

@test "1,023 rows over an instance's life" {
	local own
	# rows that open nothing have no counter
	own=$(rolewall matrix --json | jq '.rows | length')
	apply "$(rows '' $((1023 - own)) | site full)"
	refused "$(rows 'overlays: [windows-fabric, management, edge, sql, active-directory, file-share, logging]' 1 | site more)" \
		'no counter id left; an instance counts at most 1023 rows over its life'
	[[ $stderr == *': error: row '*/*': no counter id left'* ]]
}

@test "interface indexes below 65,536" {
	ip -n "$TAG-gateway" link add name last index 65535 type veth peer name lastp
	ip -n "$TAG-gateway" link add name over index 65536 type veth peer name overp
	pools 1 1 | sed 's/\[out\]/[last]/' | site last
	apply "$BATS_TEST_TMPDIR/last.yaml"
	refused "$(pools 1 1 | sed 's/\[out\]/[last, over]/' | site over)" \
		'interface over has index 65536; at most 65535 is supported'
}
