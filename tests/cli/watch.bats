# SPDX-License-Identifier: MIT
# watch and drops: what their command lines refuse.
# shellcheck disable=SC2154 # lib sets rolewall, run stderr and output

bats_require_minimum_version 1.5.0
load lib

@test "watch refuses what it cannot read" {
	refuses 'watch --reason no_such: no reason for a drop' watch --reason no_such
	refuses 'watch --reason matrix: no reason for a drop' watch --reason matrix
	refuses 'watch --src 10.1.2.3/8: not an address' watch --src 10.1.2.3/8
	refuses 'watch --dst front-end: not an address' watch --dst front-end
	refuses 'watch --proto igmpish: accepted: tcp, udp' watch --proto igmpish
	refuses 'watch --port 0: not a number from 1 to 65535' watch --port 0
	refuses 'watch --port 65536: not a number' watch --port 65536
	refuses 'watch --count -1: not a number' watch --count=-1
	refuses 'watch --rate 0: not a number' watch --rate 0
	refuses 'watch: no --csv' watch --csv
}

@test "watch writes captures alone, and says which" {
	refuses 'ends in .pcapng' watch --write drops.txt
	refuses 'ends in .pcapng' watch --write .pcapng
}

@test "drops refuses what it cannot read" {
	refuses 'no such view; accepted: reason pool role-pair source port service row' drops --by colour
	refuses 'drops --top 0: not a number' drops --top 0
	refuses 'drops --watch 0: not a number' drops --watch 0
	refuses 'drops --watch often: not a number' drops --watch often
	refuses 'unexpected word "word"' drops --watch 1 word
}

@test "watch and drops say that nothing is loaded" {
	for command in watch drops 'drops --by port' 'drops --watch'; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr "$rolewall" $command --pin-dir "/sys/fs/bpf/rolewall-none-$$"
		[[ -z $output && $stderr == *'nothing is loaded'* ]]
	done
}
