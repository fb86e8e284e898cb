#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What apply, confirm, rollback and the clock write into the history, and the way back through it.

# shellcheck disable=SC2154 # run sets stderr

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10

setup_file() {
	net_up $FE4/24 fd77:2::10/64
	serve servers --tcp 5061,2000,2001 "$FE4"
}

teardown_file() {
	net_down
}

setup() {
	export PIN=$BPFFS/$TAG-history STATE
	STATE=$(state_dir)
}

teardown() {
	[[ -z ${MOUNTED:-} ]] || umount "$MOUNTED"
	rolewall detach || true
	[[ ! -e $PIN ]]
}

# policy NAME PORT [INTERFACES]: a site that opens PORT alone.
policy() {
	site "$1" <<-END
		version: 1
		interfaces: [${3:-out, in}]
		pools: [{name: fe, roles: [office-web-apps], addresses: [$FE4]}] # opens $2
		extra: [{roles: [office-web-apps], ports: [$2], protocols: [tcp]}]
	END
}

state_read_only() {
	mount --bind "$STATE" "$STATE"
	MOUNTED=$STATE
	mount -o remount,bind,ro "$STATE"
}

state_writable() {
	umount "$MOUNTED"
	unset MOUNTED
}

opens() { # PORT
	expect open traffic clients tcp "$FE4" "$1"
}

shuts() { # PORT
	expect silent traffic clients tcp "$FE4" "$1" --wait "$SILENCE"
}

meta() { # GENERATION FILTER
	jq -r "$2" "$STATE/generations/$(printf %06d "$1")/meta.json"
}

current() {
	cut -d' ' -f1 "$STATE/current"
}

# remade META STATEMENT: changed, with a checksum that is right.
remade() {
	python3 - "$@" <<-'END'
		import json, sys, zlib
		meta = json.load(open(sys.argv[1]))
		exec(sys.argv[2])
		del meta["crc32"]
		meta["crc32"] = "%08x" % zlib.crc32(json.dumps(meta, sort_keys=True, separators=(",", ":")).encode())
		json.dump(meta, open(sys.argv[1], "w"))
	END
}

@test "a generation is kept with its site, who, when and why" {
	rolewall apply -c "$(policy one 2000)" --comment 'ticket 4711: Bürozeit'
	[[ $(meta 1 .outcome) == kept && $(meta 1 .comment) == 'ticket 4711: Bürozeit' && $(current) == 1 ]]
	[[ $(meta 1 .uid) == "$(id -u)" && $(meta 1 .version) == [0-9]* ]]
	(($(date +%s) - $(meta 1 .epoch) < 60))
	cmp "$STATE/generations/000001/site.yaml" "$BATS_TEST_TMPDIR/one.yaml"
	[[ $(stat -c %a "$STATE") == 700 ]]
}

@test "rollback goes one back, and again one further, and to any" {
	local port
	for port in 2000 2001 5061; do
		rolewall apply -c "$(policy "p$port" $port)"
	done
	rolewall rollback --comment 'port 5061 was wrong'
	opens 2001
	shuts 5061
	[[ $(generation) == 4 && $(meta 4 .based_on) == 2 && $(meta 4 .comment) == 'port 5061 was wrong' ]]
	rolewall rollback
	opens 2000
	[[ $(generation) == 5 && $(meta 5 .based_on) == 1 ]]
	run -1 --separate-stderr rolewall rollback
	[[ $stderr == *'no generation before 1'* && $(generation) == 5 ]]
	# what was deleted from the disk is still in the history
	rm "$BATS_TEST_TMPDIR"/p*.yaml
	rolewall rollback 3
	opens 5061
	[[ $(generation) == 6 && $(current) == 6 ]]
	run -1 --separate-stderr rolewall rollback 99
	[[ $stderr == *"there is no generation 99 in $STATE; there are: 1 to 6"* && $(generation) == 6 ]]
	run -2 --separate-stderr rolewall rollback -- -1
	opens 5061
}

@test "rollback passes over what is the same as what is in force" {
	local generations
	rolewall apply -c "$(policy one 2000)" --comment 'before all of them'
	for _ in {1..3}; do
		rolewall apply -c "$(policy two 2001)"
	done
	run -0 --separate-stderr rolewall rollback
	[[ $stderr == *'passing over 2 between generations 1 and 4: the same as what is in force'* ]]
	[[ $stderr == *'back to what generation 1 was made of'* ]]
	opens 2000
	shuts 2001
	for _ in {6..26}; do
		rolewall apply -c "$(policy two 2001)"
	done
	[[ $(generation) == 26 && $(meta 1 .comment) == 'before all of them' ]]
	generations=("$STATE"/generations/*)
	((${#generations[@]} == 20))
}

@test "history tells that a trial is over, before anything has written it down" {
	rolewall apply -c "$(policy one 2000)"
	rolewall apply -c "$(policy two 2001)" --confirm-within 2
	[[ $(rolewall history --json | jq -r '.generations[1].outcome') == trial ]]
	wait_for 10 is_in_force 1
	[[ $(rolewall history --json | jq -r '[.generations[].outcome] | join(" ")') == 'kept returned' ]]
	[[ $(rolewall history 2 --json | jq -r .outcome) == returned && $(meta 2 .outcome) == trial ]]
	# another history has nothing to do with these pins
	remade "$STATE/generations/000002/meta.json" 'meta["policy"] = "00000000"'
	[[ $(rolewall history 2 --json | jq -r .outcome) == trial ]]
}

@test "a command says once what is damaged" {
	local port
	for port in 2000 2001 5061; do
		rolewall apply -c "$(policy "p$port" $port)"
	done
	: >"$STATE/generations/000002/meta.json"
	run -0 --separate-stderr rolewall rollback
	[[ $(grep -c 000002/meta.json <<<"$stderr") == 1 ]]
	opens 2000
	run -0 --separate-stderr rolewall apply -c "$(policy p2001 2001)"
	[[ $(grep -c 000002/meta.json <<<"$stderr") == 1 ]]
}

@test "a trial ends in the history as it ended in the kernel" {
	rolewall apply -c "$(policy one 2000)"
	rolewall apply -c "$(policy two 2001)" --confirm-within 60
	[[ $(meta 2 .outcome) == trial && $(current) == 1 ]]
	rolewall rollback
	[[ $(meta 2 .outcome) == rolled-back && $(current) == 1 ]]
	rolewall apply -c "$(policy two 2001)" --confirm-within 60
	rolewall confirm
	[[ $(meta 3 .outcome) == kept && $(current) == 3 ]]
	rolewall apply -c "$(policy one 2000)" --confirm-within 1
	wait_for 10 is_in_force 3
	rolewall apply -c "$(policy two 5061)"
	[[ $(meta 4 .outcome) == returned && $(meta 5 .outcome) == kept && $(current) == 5 ]]
}

is_in_force() { # GENERATION
	[[ $(generation) == "$1" ]]
}

@test "an apply that fails behind its entry says so there, and the number is not used again" {
	rolewall apply -c "$(policy one 2000)"
	run -1 rolewall apply -c "$(policy two 2001 'out, {name: lo, hook: xdp-native}')" # lo has none
	[[ $(generation) == 1 && $(current) == 1 ]]
	[[ $(meta 2 .outcome) == failed ]]
	rolewall apply -c "$(policy one 2000)"
	[[ $(generation) == 3 ]]
}

@test "where the history cannot be written an apply is refused, but a trial ends all the same" {
	rolewall apply -c "$(policy one 2000)"
	rolewall apply -c "$(policy two 2001)" --confirm-within 60
	state_read_only
	run -4 --separate-stderr rolewall confirm
	[[ $stderr == *"$STATE"*"Read-only file system"*'a reboot would bring back generation 1; '*'generation 2 is confirmed' ]]
	opens 2001
	run -1 --separate-stderr rolewall apply -c "$(policy one 2000)"
	[[ $stderr == *"$STATE"*"Read-only file system"*"nothing was changed"* && $(generation) == 2 ]]
	opens 2001
	state_writable
	# the next that can write says what the kernel knew
	rolewall apply -c "$(policy one 2000)"
	[[ $(meta 2 .outcome) == kept && $(meta 3 .outcome) == kept ]]
}

@test "a state directory that others may read is refused, and that is said once" {
	rolewall apply -c "$(policy one 2000)"
	rolewall apply -c "$(policy two 2001)" --confirm-within 60
	chmod 755 "$STATE"
	run -4 --separate-stderr rolewall confirm
	said_once
	[[ $stderr == *'generation 2 is in force, but the history does not say so: a reboot would not bring it back'* ]]
	run -1 --separate-stderr rolewall apply -c "$(policy one 2000)"
	said_once
	[[ $stderr == *'nothing was changed'* && $(generation) == 2 ]]
	chmod 700 "$STATE"
	rolewall apply -c "$(policy one 2000)"
	[[ $(meta 2 .outcome) == kept && $(current) == 3 ]]
}

said_once() {
	[[ $(grep -cF "cannot use $STATE: must belong to the caller, and others must have no rights to it (mode 0700, of a file 0600)" <<<"$stderr") == 1 ]]
}

@test "an apply that the history cannot follow says what a reboot would do, and confirm writes it" {
	local back
	rolewall apply -c "$(policy one 2000)"
	for back in no yes; do
		rm -f "$STATE/current"
		mkdir "$STATE/current" "$STATE/current/in-the-way"
		if [[ $back == yes ]]; then
			run -4 --separate-stderr rolewall rollback
		else
			run -4 --separate-stderr rolewall apply -c "$(policy two 2001)"
		fi
		[[ $stderr == *"generation $(generation) is in force, but the history does not say so: a reboot would not bring it back"* ]]
		[[ $stderr != *'nothing was changed'* ]]
		rm -r "$STATE/current"
		run -0 --separate-stderr rolewall confirm
		[[ $stderr == "rolewall: generation $(generation) is in the history now: a reboot brings it back" ]]
		[[ $(current) == "$(generation)" && $(meta "$(generation)" .outcome) == kept ]]
	done
}

@test "a detach writes down what was left open while the kernel still knows" {
	rolewall apply -c "$(policy one 2000)"
	rolewall apply -c "$(policy two 2001)" --confirm-within 60
	state_read_only
	run -4 rolewall confirm
	state_writable
	[[ $(meta 2 .outcome) == trial && $(current) == 1 ]]
	rolewall detach
	[[ $(meta 2 .outcome) == kept && $(current) == 2 ]]
}

@test "a stray directory uses up no numbers, and the last number is refused" {
	mkdir -m 700 "$STATE" "$STATE/generations" "$STATE/generations/4294967295" "$STATE/generations/000002"
	rolewall apply -c "$(policy one 2000)"
	[[ $(generation) == 1 && $(current) == 1 ]]
	rolewall apply -c "$(policy one 2000)"
	[[ $(generation) == 3 && $(current) == 3 ]]
	rmdir "$STATE/generations/4294967295"
	cp -a "$STATE/generations/000003" "$STATE/generations/4294967295"
	remade "$STATE/generations/4294967295/meta.json" 'meta["generation"] = 4294967295'
	run -1 --separate-stderr rolewall apply -c "$(policy two 2001)"
	[[ $stderr == *"no generation's number is left above 4294967295: detach, move $STATE away, and apply again"*'nothing was changed' ]]
	[[ $(generation) == 3 && $(current) == 3 ]]
	opens 2000
	[[ -z $(ls "$STATE/generations/000002") ]]
}

@test "an immutable directory is not taken for one that others may use" {
	rolewall apply -c "$(policy one 2000)"
	chattr +i "$STATE/generations" 2>/dev/null || skip 'no immutable files here'
	run --separate-stderr rolewall apply -c "$(policy two 2001)"
	chattr -i "$STATE/generations"
	[[ $status == 1 && $stderr == *"cannot write $STATE/generations/000002: Operation not permitted; an immutable or append-only one can be told by lsattr"*'nothing was changed' ]]
	[[ $stderr != *'must belong'* ]]
}

@test "a detach is in the history, and ends a trial there" {
	rolewall apply -c "$(policy one 2000)"
	[[ $(rolewall detach --json | jq -c .) == '{"detached":true,"generation":1}' ]]
	[[ $(meta 1 .outcome) == kept && $(current) == 1 ]]
	(($(date +%s) - $(meta 1 .detached) < 60))
	[[ $(rolewall history --json | jq -c '.generations[0] | [.outcome, .detached > 0]') == '["kept",true]' ]]
	run -0 rolewall history
	[[ ${lines[1]} == *'kept'*'detached 20'* ]]
	rolewall boot
	[[ $(rolewall history 1 --json | jq .detached) == null ]]
	rolewall apply -c "$(policy two 2001)" --confirm-within 60
	rolewall detach
	[[ $(meta 2 .outcome) == detached && $(current) == 1 ]]
	run -0 --separate-stderr rolewall boot
	[[ $stderr != *'on trial'* && $(generation) == 1 ]]
	# without a history none is made, and where it cannot be written that is said
	rolewall apply -c "$(policy two 2001)"
	state_read_only
	run -4 --separate-stderr rolewall detach
	[[ $stderr == *'the history does not say that generation 3 was in force until now' ]]
	state_writable
	rolewall boot
	rm -r "$STATE"
	rolewall detach
	[[ ! -e $STATE ]]
}

@test "whoever has the lock is named" {
	rolewall apply -c "$(policy one 2000)"
	exec 9<"$PIN"
	flock -n 9
	run -1 --separate-stderr rolewall apply -c "$(policy two 2001)" 9<&-
	[[ $stderr == *"$PIN is being changed by process "*"; try again"* ]]
	[[ $stderr == *"nothing was changed"* && $(generation) == 1 ]]
	exec 9<&-
	rolewall apply -c "$(policy two 2001)"
}

@test "a state directory belongs to one pin directory, and another one's is refused" {
	local command other=$PIN-other
	rolewall apply -c "$(policy one 2000)"
	[[ $(<"$STATE/pins") == "$PIN" ]]
	rolewall apply -c "$(policy two 2001)" --confirm-within 60
	cp -a "$STATE" "$BATS_TEST_TMPDIR/before"
	site=$(policy other 5061 in)
	for command in "apply -c $site" 'rollback 1' history "boot -c $site"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr beside "$other" $command
		[[ $stderr == *"$STATE is the history of the pins at $PIN, and not of those at $other: give --pin-dir $PIN, or another --state-dir; if nothing is at $PIN any more, remove $STATE/pins"* ]]
		[[ $command == boot* ]] || [[ $status == 1 && ! -e $other ]]
	done
	run -4 beside "$other" detach
	diff -r "$BATS_TEST_TMPDIR/before" "$STATE"
	# the same directory in other words
	beside "/sys/fs//bpf/../bpf/${PIN##*/}/" confirm
	[[ $(current) == 2 ]]
	# one from before there was such a file, and one that is empty
	rm "$STATE/pins"
	beside "$other" history
	rolewall apply -c "$(policy one 2000)"
	[[ $(<"$STATE/pins") == "$PIN" ]]
	: >"$STATE/pins"
	rolewall apply -c "$(policy one 2000)"
	[[ $(<"$STATE/pins") == "$PIN" ]]
	# after a reboot, and when the other one is gone
	rm -rf "${PIN:?}"
	rolewall boot
	[[ $(generation) == 4 ]]
	rolewall detach
	run -1 beside "$other" rollback 1
	rm "$STATE/pins"
	beside "$other" rollback 1
	[[ $(<"$STATE/pins") == "$other" ]]
	beside "$other" detach
}

# The same state directory, other pins.
beside() { # PIN-DIR COMMAND...
	ROLEWALL_STATE_DIR=$STATE in_ns gateway "$ROLEWALL" "$2" --pin-dir "$1" "${@:3}"
}
