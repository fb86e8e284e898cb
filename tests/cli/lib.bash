# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # run sets stderr, status and output
# For the tests of what a command line refuses.

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
}

# refuses MESSAGE COMMAND...: exit status 2, MESSAGE in what is on stderr, nothing on stdout; no pin is there to be looked at.
refuses() {
	local message=$1
	shift
	run -2 --separate-stderr "$rolewall" "$@" --pin-dir "/sys/fs/bpf/rolewall-none-$$"
	[[ -z $output && $stderr == *"$message"* ]]
}
