#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The controller is killed in the midst of everything it does (tests/tools/strike.c) while packets
# go through the gateway (tests/tools/witness.c): what is in force is the policy from before or the
# one from after, the next command works, and a detach leaves nothing. SOAK=1: at every system call
# and 1,000 times at random.
# shellcheck disable=SC2030,SC2031,SC2034 # every test is a shell of its own; lib.bash uses LOSSY

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
# Points to strike at, beside those at the flip; few where the programs are loaded each time.
MANY=2 FEW=1
FIRST=1000 SECOND=2000 NEVER=3000 ALWAYS=4000

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64
	net_static
	PIN=$BPFFS/$TAG-kill
	watch_with $FE4 $FE6 $FIRST $SECOND $NEVER $ALWAYS
	another_build
	export STARTUP
	STARTUP=$(startup_calls)
}

teardown_file() {
	rolewall detach
	is_clean
	net_down
}

setup() {
	turn=0 LOSSY='' STATUS=''
	export HOOK=xdp-native ROLEWALL_STATE_DIR
	ROLEWALL_STATE_DIR=$(state_dir)
	OLD=$(policy old $FIRST out in) NEW=$(policy new $SECOND out in)
}

# All tests share an instance, so that its programs are loaded once.
teardown() {
	STATUS=
	end_trial
	rolewall shadow drop 2>/dev/null || true
}

state_dir() {
	echo "$NET_DIR/state"
}

# --- what there is

# policy NAME PORT INTERFACE...: opens that port and ALWAYS.
policy() {
	local interface
	{
		printf 'version: 1\ninterfaces:\n'
		for interface in "${@:3}"; do
			echo "  - {name: $interface, hook: @HOOK@}"
		done
		echo "pools: [{name: fe, roles: [office-web-apps], addresses: [$FE4, '$FE6']}]"
		echo "extra: [{roles: [office-web-apps], ports: [$2, $ALWAYS], protocols: [udp]}]"
	} | site "$1"
}

# The same program with other debug information, which it takes for another version's.
another_build() {
	LC_ALL=C sed 's/parse_transport\.h/parse_transporT.h/g' "$ROLEWALL" >"$NET_DIR/rolewall"
	chmod +x "$NET_DIR/rolewall"
	! cmp -s "$ROLEWALL" "$NET_DIR/rolewall"
}

# As it was before anything was loaded.
is_clean() {
	[[ ! -e $PIN ]] || {
		find "$PIN"
		return 1
	}
	if ip -n "$TAG-gateway" -j link show | grep -q '"xdp"'; then
		ip -n "$TAG-gateway" link show
		return 1
	fi
}

# Nothing half written, after something was written.
is_tidy() {
	[[ -z $(find "$(state_dir)" -name '.*.new' -o -name '.*.old') ]] || {
		find "$(state_dir)"
		return 1
	}
}

# Something is loaded and can be read, or nothing is; $STATUS.
is_healthy() {
	STATUS=$(rolewall status --json 2>&1) || [[ $STATUS == 'rolewall: nothing is '@(loaded|in force)' at '* ]] || {
		echo "status: $STATUS"
		return 1
	}
}

# By $STATUS, if it was asked for since the last change.
on_trial() {
	{ [[ -n $STATUS ]] || is_healthy; } && [[ $STATUS =~ \"trial\":.\{[^}]*\"seconds\":.[1-9] ]]
}

# Whoever takes the lock next has given every generation its end, and the last good one is the one
# in force; but for a trial that runs.
is_recorded() {
	local state current wrong
	state=$(state_dir)
	on_trial && return
	if rolewall confirm 2>"$BATS_TEST_TMPDIR/said" >/dev/null; then
		grep -q 'is in the history now' "$BATS_TEST_TMPDIR/said" || return
	else
		grep -q 'nothing is on trial$' "$BATS_TEST_TMPDIR/said" || return
	fi
	wrong=$(grep -lE '"outcome":.?"(prepared|trial)"' "$state"/generations/*/meta.json)
	[[ -z $wrong ]] || {
		cat "$wrong"
		return 1
	}
	[[ $STATUS =~ \"generation\":.([0-9]+) ]] || return 0
	read -r current _ <"$state/current"
	((current == BASH_REMATCH[1])) || {
		echo "current is $current, in force ${BASH_REMATCH[1]}"
		return 1
	}
}

# --- where to strike

strike() {
	in_ns gateway "$ROOT/build/tools/strike" "$@" >/dev/null 2>&1
}

# What every command does before it has read its arguments.
startup_calls() {
	in_ns gateway "$ROOT/build/tools/strike" count / "$ROLEWALL" --version | sed -n 's/^total //p'
}

# points COUNT FIRST: about that many of the calls that strike counted, from the FIRST on, and all
# around those behind which the control cells are written: "CALL" or "CALL.STORE". (The last store of
# a CALL is told by a run that ends, which takes seconds where it loads: not where there are FEW.)
points() {
	local total call kind i
	total=$(sed -n 's/^total //p' "$BATS_TEST_TMPDIR/calls")
	((total > $2))
	if [[ -n ${SOAK-} ]]; then
		seq "$2" "$total"
	else
		for ((i = 0; i < $1; i++)); do
			echo $(($2 + (total - $2) * i / $1))
		done
	fi
	while read -r call kind; do
		[[ $call == [0-9]* && ($kind == flip || -n ${SOAK-}) ]] || continue
		echo "$call"$'\n'"$((call + 1))"
		[[ $1 != "$FEW" || -n ${SOAK-} ]] || continue
		for i in {1..9}; do
			echo "$call.$i"
		done
	done <"$BATS_TEST_TMPDIR/calls"
}

# strike_at POINT COMMAND...: 3 if there is no such point, 4 if nothing had been flipped there.
strike_at() {
	local point=$1
	shift
	case $point in
	*.*) strike store "${point%.*}" "${point#*.}" "$PIN" "$@" ;;
	*) strike call "$point" "$PIN" "$@" ;;
	esac
}

# Each generation in the history is some ten calls more: with as many as before, the calls are where
# they were when strike counted them. A number that is in the kernel is not used twice.
forget() {
	local current=0 folder newest=
	if [[ ! -e $PIN ]]; then
		rm -rf "$(state_dir)"
		return
	fi
	[[ ! -e $(state_dir)/current ]] || read -r current _ <"$(state_dir)/current"
	for folder in "$(state_dir)"/generations/*; do
		[[ -z $newest ]] || rm -rf "$newest"
		newest=
		((10#${folder##*/} == current)) || grep -qE '"outcome":.?"(prepared|trial)"' "$folder/meta.json" || newest=$folder
	done
}

# Strike says whether a flip was seen: not before the first one's place, and always behind it. Among
# thousands of strikes a generation more in the history moves that place by some calls.
is_where_counted() { # POINT STATUS
	local flip slack=0
	flip=$(sed -n '/ flip$/{s///p;q}' "$BATS_TEST_TMPDIR/calls")
	[[ $1 != *.* && -n $flip ]] || return 0
	[[ -z ${SOAK-} ]] || slack=20
	if (($2 != 4 && $1 <= flip - slack)) || (($2 == 4 && $1 > flip + slack)); then
		echo "the flip was counted at $flip, struck at $1: $2"
		return 1
	fi
}

# killed POINTS SEEN AGAIN COMMAND...: strikes the command at so many points, or more. SEEN: what was
# in force while and after, "BEFORE( BEHIND)?"; just the first, if nothing had been flipped. AGAIN: puts in order what is left, back to where the command begins.
killed() {
	local count=$1 seen=$2 again=$3 point status want barren=none struck=0
	shift 3
	forget
	in_ns gateway "$ROOT/build/tools/strike" count "$PIN" "$@" >"$BATS_TEST_TMPDIR/calls" 2>/dev/null
	"$again"
	while read -r point; do
		[[ $point != *.* || ${point%.*} != "$barren" ]] || continue
		forget
		saw >"$BATS_TEST_TMPDIR/seen"
		status=0
		strike_at "$point" "$@" || status=$?
		is_where_counted "$point" $status || return
		((status != 3)) || barren=${point%.*}
		want=$seen
		((status != 4)) || want=${seen%%(*} status=0
		struck=$((struck + !status))
		{ ((status == 0 || status == 3)) && has_seen "$want" && is_healthy && is_recorded && "$again"; } || {
			echo "struck at $point of $(tail -n 1 "$BATS_TEST_TMPDIR/calls"), status $status: $*"
			return 1
		}
	done < <(points "$count" "$STARTUP" | sort -uV)
	echo "# note: struck $struck times: $BATS_TEST_DESCRIPTION" >&3
	((struck >= count))
}

# --- what comes after a strike

# Ends what may be on trial, one way and the other in turn.
end_trial() {
	on_trial || return 0
	STATUS=
	turn=$((turn + 1))
	if ((turn % 2)); then
		rolewall confirm >/dev/null
	else
		rolewall rollback >/dev/null
	fi
}

to() { # STATE SITE
	end_trial && STATUS='' && apply "$2" && has_seen "(.* )?$1" && is_tidy
}

to_old() {
	to old "$OLD"
}

to_new() {
	to new "$NEW"
}

# It may still run; most times that will do.
to_trial() {
	turn=$((turn + 1))
	((turn % 4 == 0)) || ! on_trial || return 0
	to_old && rolewall apply -c "$NEW" --confirm-within 600 && has_seen 'old new'
}

# By a detach at once, or after an apply.
to_nothing() {
	turn=$((turn + 1)) STATUS=''
	((turn % 3)) || to_new || return
	STATUS=
	rolewall detach && is_clean && has_seen '(.* )?nothing'
}

without_shadow() {
	rolewall shadow drop || true
	to_old && [[ ! -e $PIN/shadow ]]
}

with_shadow() {
	without_shadow && rolewall apply --shadow -c "$NEW" && has_seen 'old'
}

command_line() { # COMMAND ARGUMENTS...
	LINE=("${BINARY:-$ROLEWALL}" "$1" --pin-dir "$PIN" "${@:2}")
}

# What takes seconds for each strike.
only_soak() {
	[[ -n ${SOAK-} ]] || skip 'SOAK=1 does'
}

# --- each of them

@test "a first apply" {
	to_nothing
	command_line apply -c "$NEW"
	killed "$FEW" 'nothing( new)?' to_nothing "${LINE[@]}"
}

@test "an apply" {
	to_old
	command_line apply -c "$NEW"
	killed "$MANY" 'old( new)?' to_old "${LINE[@]}"
}

@test "an apply that loads the programs anew" {
	to_old
	BINARY=$NET_DIR/rolewall command_line apply -c "$NEW"
	killed "$FEW" 'old( new)?' to_old "${LINE[@]}"
}

@test "an apply on trial" {
	to_old
	command_line apply -c "$NEW" --confirm-within 600
	killed "$MANY" 'old( new)?' to_old "${LINE[@]}"
}

@test "confirm" {
	to_trial
	command_line confirm
	killed "$MANY" new to_trial "${LINE[@]}"
}

@test "rollback" {
	to_trial
	command_line rollback
	killed "$MANY" 'new( old)?' to_trial "${LINE[@]}"
}

@test "rollback of a first apply" {
	again() {
		to_nothing && rolewall apply -c "$NEW" --confirm-within 600 && has_seen 'nothing new'
	}
	again
	command_line rollback
	killed "$FEW" 'new( nothing)?' again "${LINE[@]}"
}

@test "detach" {
	to_new
	command_line detach
	killed "$FEW" 'new( nothing)?' to_new "${LINE[@]}"
}

@test "another hook" {
	! kernel_before 6.6 || skip 'hook tc needs Linux 6.6'
	to_old
	# veth throws away what is in its ring when its XDP mode changes
	LOSSY=yes
	HOOK=tc
	command_line apply -c "$(policy new-tc $SECOND out in)"
	killed "$MANY" 'old( new)?' to_old "${LINE[@]}"
	[[ -n ${SOAK-} ]] || return 0
	HOOK=xdp-generic
	command_line apply -c "$(policy new-generic $SECOND out in)"
	killed "$MANY" 'old( new)?' to_old "${LINE[@]}"
}

@test "an interface more" {
	OLD=$(policy only-in $FIRST in)
	to_in() {
		to nothing "$OLD"
	}
	to_in
	command_line apply -c "$NEW"
	killed "$MANY" 'nothing( new)?' to_in "${LINE[@]}"
}

@test "an interface less" {
	to_new
	command_line apply -c "$(policy only-in $SECOND in)"
	killed "$MANY" 'new( nothing)?' to_new "${LINE[@]}"
}

# Two pools with the same addresses but for their lengths: the longer ones alone count.
pool_site() {
	site pool <<-END
		version: 1
		interfaces:
		  - {name: out, hook: @HOOK@}
		  - {name: in, hook: @HOOK@}
		pools:
		  - {name: fe, roles: [office-web-apps], addresses: [10.77.2.0/24, "fd77:2::/64"]}
		  - {name: late, roles: [mediation], addresses: [192.0.2.1]}
		extra:
		  - {roles: [office-web-apps], ports: [$FIRST, $ALWAYS], protocols: [udp]}
		  - {roles: [mediation], ports: [$SECOND, $ALWAYS], protocols: [udp]}
	END
}

# What is in force is what the site file says, since a command has had the lock; the same for both.
agrees() {
	local have=old
	! grep -qF "$FE4" "$EDITED" || have=new
	has_seen "(.* )?$have" && cmp "$EDITED" "$BATS_TEST_TMPDIR/$have-text" &&
		{ [[ ! -e $(state_dir)/edit ]] || ! echo "$(state_dir)/edit is left"; }
}

to_unedited() {
	[[ ! -e $BATS_TEST_TMPDIR/new-text ]] || agrees || return
	cp "$BATS_TEST_TMPDIR/old-text" "$EDITED"
	to old "$EDITED" && [[ -z $(find "$BATS_TEST_TMPDIR" -name '.*.yaml*') ]]
}

@test "pool" {
	local flip i
	EDITED=$(pool_site)
	cp "$EDITED" "$BATS_TEST_TMPDIR/old-text"
	to_unedited
	command_line pool -c "$EDITED" add-address late "$FE4" "$FE6"
	in_ns gateway "${LINE[@]}"
	cp "$EDITED" "$BATS_TEST_TMPDIR/new-text"
	to_unedited
	killed "$MANY" 'old( new)?' to_unedited "${LINE[@]}"
	# from the flip to behind what the history says
	flip=$(sed -n '/ flip$/{s///p;q}' "$BATS_TEST_TMPDIR/calls")
	for ((i = flip + 2; i < flip + 30; i += 3)); do
		forget
		saw >"$BATS_TEST_TMPDIR/seen"
		strike call "$i" "$PIN" "${LINE[@]}"
		{ has_seen 'old new' && is_healthy && is_recorded && to_unedited; } || {
			echo "struck at $i of $(tail -n 1 "$BATS_TEST_TMPDIR/calls")"
			return 1
		}
	done
}

@test "apply --shadow" {
	only_soak
	to_old
	command_line apply --shadow -c "$NEW"
	killed "$FEW" old without_shadow "${LINE[@]}"
}

@test "shadow commit" {
	only_soak
	to_old
	with_shadow
	command_line shadow commit -c "$NEW"
	killed "$FEW" 'old( new)?' with_shadow "${LINE[@]}"
}

@test "shadow drop" {
	only_soak
	with_shadow
	command_line shadow drop
	killed "$FEW" old with_shadow "${LINE[@]}"
}

# --- at random

# A random command: what it is, and what may have been in force behind it.
draw() {
	local site=$NEW
	((RANDOM % 2)) || site=$OLD
	case $((RANDOM % 20)) in
	0) command_line detach ;;
	1 | 2 | 3) command_line confirm ;;
	4 | 5 | 6) command_line rollback ;;
	7 | 8 | 9 | 10) command_line apply -c "$site" --confirm-within 600 ;;
	11 | 12) command_line apply -c "$(HOOK=xdp-generic policy generic $FIRST out in)" ;;
	*) command_line apply -c "$site" ;;
	esac
}

# One after the other, nothing put in order in between; each policy is all that is seen for a time.
@test "anything, at any time" {
	local i count=20 last=0 killed=0 took
	LOSSY=yes
	RANDOM=${SEED:=$BASHPID}
	[[ -z ${SOAK-} ]] || count=1000
	to_old
	took=${EPOCHREALTIME/./}
	apply "$OLD"
	took=$((${EPOCHREALTIME/./} - took))
	# commands that have nothing to do are through before they can be killed
	for ((i = 0; i < count || (killed < count / 2 && i < 2 * count); i++)); do
		draw
		# most take as long as that one or less; a load of the programs takes longer
		last=$((RANDOM % 8 ? RANDOM * took / 32768 : RANDOM * 30))
		if strike after "$last" "${LINE[@]}"; then
			killed=$((killed + 1))
		fi
		has_seen '(old|new|nothing)( (old|new|nothing))?' && is_healthy && { ((i % 10)) || to_old; } || {
			echo "SEED=$SEED, number $i, after $last us: ${LINE[*]}"
			return 1
		}
	done
	to_old
	echo "# note: killed $killed of $i" >&3
	((killed >= count / 2))
}
