#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What goes wrong around the controller: files that are garbled, disks that are full or read-only,
# others who want the same, a clock that is as fast as the administrator. An apply says what it is
# and changes nothing; what runs stays. SOAK=1: 100 races.
# shellcheck disable=SC2034,SC2154 # lib.bash uses LOSSY; run sets stderr

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	export PIN STATE
	net_up $FE4/24 $FE6/64
	net_static
	PIN=$BPFFS/$TAG-adversity STATE=$NET_DIR/state
	mkdir -m 700 "$STATE"
	mount -t tmpfs -o size=8m,mode=700 "rw-$TAG" "$STATE"
	watch_with $FE4 $FE6 1000 2000 3000 4000
}

teardown_file() {
	rolewall detach
	umount "$STATE"
	net_down
}

setup() {
	export HOOK=xdp-native
	OLD=$(policy old 1000) NEW=$(policy new 2000)
	apply "$OLD"
	generation=$(generation)
	has_seen '(.* )?old'
}

# What a test that failed may have left.
teardown() {
	mount -o remount,rw "$STATE"
	rm -f "$STATE/filling"
	rolewall confirm 2>/dev/null || true
}

state_dir() {
	echo "$STATE"
}

policy() { # NAME PORT
	site "$1" <<-END
		version: 1
		interfaces:
		  - {name: out, hook: @HOOK@}
		  - {name: in, hook: @HOOK@}
		pools: [{name: fe, roles: [office-web-apps], addresses: [$FE4, '$FE6']}]
		extra: [{roles: [office-web-apps], ports: [$2, 4000], protocols: [udp]}]
	END
}

# refused WORDS SITE [OPTION...]: it says that, and what runs is untouched.
refused() {
	run -1 --separate-stderr rolewall apply -c "$2" "${@:3}"
	[[ $stderr == *"$1"* && $stderr == *'nothing was changed'* ]] || {
		echo "$stderr"
		return 1
	}
	has_seen old
	[[ $(generation) == "$generation" ]]
}

lags() { # OF REBOOT
	[[ $stderr == *"rolewall: generation $1 is in force, but the history does not say so: a reboot would bring back generation $2; \"rolewall confirm\" writes it"* ]] || {
		echo "$stderr"
		return 1
	}
}

# ends_untold confirm|rollback: of the trial of NEW beside OLD; the history cannot be written.
ends_untold() {
	local last command
	last=$(generation)
	run -4 --separate-stderr rolewall "$1"
	[[ $stderr == *"$STATE"* ]]
	if [[ $1 == rollback ]]; then
		has_seen 'new old'
		[[ $stderr == *"the history does not say yet that generation $last was rolled back: a reboot does not bring it back"* ]]
		run -0 --separate-stderr rolewall status
		[[ -z $stderr ]]
		return
	fi
	lags "$last" $((last - 1))
	run -4 --separate-stderr rolewall confirm
	lags "$last" $((last - 1))
	[[ $(rolewall status --json | jq -c .history) == "{\"lags\":true,\"reboot\":$((last - 1))}" ]]
	for command in status history 'history --json'; do
		# shellcheck disable=SC2086 # two words
		run -0 --separate-stderr rolewall $command
		lags "$last" $((last - 1))
	done
}

# Once there is room again.
written() { # confirm|rollback
	if [[ $1 == confirm ]]; then
		run -0 --separate-stderr rolewall confirm
		[[ $stderr == *"generation $(generation) is in the history now: a reboot brings it back" ]]
	fi
	[[ $(rolewall status --json | jq -c .history) == "{\"lags\":false,\"reboot\":$(generation)}" ]]
	run -1 --separate-stderr rolewall confirm
	[[ $stderr == 'rolewall: nothing is on trial' && $(<"$STATE/current") == "$(generation) "* ]]
	run ! grep -lE '"outcome":.?"(prepared|trial)"' "$STATE"/generations/*/meta.json
	run -0 --separate-stderr rolewall status
	[[ -z $stderr ]]
}

fill() {
	dd if=/dev/zero of="$STATE/filling" bs=4k 2>/dev/null || true
}

@test "a site or a matrix that is cut off, garbled or not to be read" {
	local bad=$BATS_TEST_TMPDIR/bad.yaml cut
	for cut in 0 5 12 30 50 90 120 150; do
		head -c "$cut" "$NEW" >"$bad"
		refused "$bad" "$bad"
	done
	head -c 300 /dev/urandom >"$bad"
	refused "$bad" "$bad"
	refused "$BATS_TEST_TMPDIR/missing.yaml" "$BATS_TEST_TMPDIR/missing.yaml"
	refused "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"
	{ echo 'matrix: bad.yaml' && cat "$NEW"; } >"$BATS_TEST_TMPDIR/site.yaml"
	refused "$bad" "$BATS_TEST_TMPDIR/site.yaml"
}

@test "a history that is garbled" {
	local folder file
	folder=$(printf '%s/generations/%06u' "$STATE" "$generation")
	for file in "$STATE/current" "$folder"/{meta.json,site.yaml,matrix.yaml}; do
		cp "$file" "$BATS_TEST_TMPDIR/kept"
		for garbage in '' '{' "$(head -c 40 "$file" | tr -d '\0')"; do
			echo -n "$garbage" >"$file"
			run --separate-stderr rolewall history
			[[ $stderr == *"$file"* ]]
			has_seen old
			# the next apply is not kept from anything
			apply "$OLD"
			has_seen old
			cp "$BATS_TEST_TMPDIR/kept" "$file"
		done
	done
}

@test "a full disk: no apply, but a trial can end both ways" {
	fill
	refused "$STATE" "$NEW"
	refused "$STATE" "$NEW" --confirm-within 60
	rm "$STATE/filling"
	for word in confirm rollback; do
		apply "$OLD"
		rolewall apply -c "$NEW" --confirm-within 60
		has_seen '.*old new'
		fill
		ends_untold "$word"
		rm "$STATE/filling"
		written "$word"
	done
}

@test "a read-only disk: no apply, but a trial can end both ways" {
	mount -o remount,ro "$STATE"
	refused "$STATE" "$NEW"
	for word in confirm rollback; do
		mount -o remount,rw "$STATE"
		apply "$OLD"
		rolewall apply -c "$NEW" --confirm-within 60
		has_seen '.*old new'
		mount -o remount,ro "$STATE"
		ends_untold "$word"
		mount -o remount,rw "$STATE"
		written "$word"
	done
	run ! grep -lE '"outcome":.?"(prepared|trial)"' "$STATE"/generations/*/meta.json
}

full() {
	"$@" >/dev/full
}

closed() {
	"$@" >&-
}

# done_untold COMMAND...: exit status 4, says that it is done, never that nothing was changed.
done_untold() {
	run -4 --separate-stderr "$@"
	[[ $stderr == *'cannot write the output: '*'; what was asked for is done all the same' ]]
	[[ $stderr != *'nothing was changed'* ]]
}

@test "output that nobody can have is no refusal: exit status 4, and it is done" {
	local format
	for format in --json --csv ''; do
		# shellcheck disable=SC2086 # no word where it is empty
		done_untold full rolewall apply -c "$NEW" $format
	done
	has_seen 'old new'
	done_untold closed rolewall rollback
	has_seen 'new old'
	rolewall apply -c "$NEW" --confirm-within 60
	done_untold full rolewall confirm
	# what is refused stays refused, and what only reads a failure
	run -1 --separate-stderr closed rolewall apply -c "$BATS_TEST_TMPDIR/missing.yaml"
	[[ $stderr == *'nothing was changed' ]]
	run -1 --separate-stderr full rolewall status
	[[ $stderr == *'cannot write the output: No space left on device' ]]
}

@test "with a closed stderr no message gets into a file" {
	rolewall apply -c "$NEW" 2>&- >/dev/null
	rolewall apply -c "$OLD" 2>&- >&- <&- || [[ $? == 4 ]]
	run -0 --separate-stderr rolewall history
	[[ $stderr == '' && $output != *damaged* ]]
}

@test "many at once: one after the other, and the rest is told who is at it" {
	local -a ids=()
	local won=0 i
	for i in {1..8}; do
		rolewall apply -c "$OLD" >/dev/null 2>"$BATS_TEST_TMPDIR/said-$i" &
		ids+=($!)
	done
	for i in {1..8}; do
		if wait "${ids[i - 1]}"; then
			won=$((won + 1))
		else
			# it may be through by the time one looks who it is; trial.bats asks at leisure
			grep -qE 'is being changed by (another )?process' "$BATS_TEST_TMPDIR/said-$i" || {
				cat "$BATS_TEST_TMPDIR/said-$i"
				return 1
			}
		fi
	done
	echo "won $won"
	((won >= 1 && $(generation) == generation + won))
	has_seen old
}

# The clock and confirm want the same word at the same time: one of them has it.
@test "confirm races with the deadline" {
	local count=2 confirmed=0 phase now
	[[ -z ${SOAK-} ]] || count=100
	rolewall apply -c "$NEW" --confirm-within 1
	wait_for 5 has_seen '.*new old'
	phase=$((10#${EPOCHREALTIME#*[.,]}))
	for ((i = 0; i < count; i++)); do
		apply "$OLD"
		rolewall apply -c "$NEW" --confirm-within 1
		saw >/dev/null
		# the second tick from now, a little before or after
		now=$((10#${EPOCHREALTIME#*[.,]}))
		sleep "$(awk -v us=$(((phase - now + 2000000) % 1000000 + 1000000 - RANDOM * 2)) 'BEGIN { print us / 1e6 }')"
		if rolewall confirm 2>"$BATS_TEST_TMPDIR/said"; then
			confirmed=$((confirmed + 1))
			has_seen new
			[[ $(<"$STATE/current") == "$(generation) "* ]]
		else
			grep -qE 'in time|too late|nothing is on trial' "$BATS_TEST_TMPDIR/said"
			has_seen 'new old'
			[[ $(<"$STATE/current") == "$(generation) "* ]]
		fi
	done
	echo "# note: $confirmed of $count confirmed" >&3
}
