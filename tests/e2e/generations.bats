#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What was applied, by whom, when and why; and what two generations changed.

bats_require_minimum_version 1.5.0
load lib

state_dir() { # one for all tests
	echo "$NET_DIR/state"
}

FE4=10.77.2.10 FE6=fd77:2::10

# Three generations, the last one on trial.
setup_file() {
	export PIN STATE
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-generations
	STATE=$(state_dir)
	for ports in 2000-2002 2000-2001; do
		rolewall apply -c "$(ports_site "$ports")" --comment "ports $ports"
	done
	rolewall apply -c "$(ports_site 2000-2001)" --confirm-within 600
}

teardown_file() {
	rolewall detach || true
	net_down
}

ports_site() { # PORTS
	local path=$NET_DIR/site.yaml
	cat >"$path" <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools:
		  - {name: web, roles: [office-web-apps], addresses: [$FE4, "$FE6"]} # all of them
		extra:
		  - {roles: [office-web-apps], ports: [$1], protocols: [tcp]}
	END
	echo "$path"
}

@test "the list says who, when, why, and what became of it" {
	run -0 --separate-stderr rolewall history --json
	# shellcheck disable=SC2154 # run sets it
	[[ -z $stderr ]]
	jq -e --arg site "$NET_DIR/site.yaml" --arg user "$(id -un)" --argjson now "$(date +%s)" '
		[.generations[] | [.generation, .outcome, .comment, .current, .site == $site,
			.user == $user, .epoch > $now - 600 and .epoch <= $now]] == [
		[1, "kept", "ports 2000-2002", false, true, true, true],
		[2, "kept", "ports 2000-2001", true, true, true, true],
		[3, "trial", null, false, true, true, true]]' <<<"$output"
	run -0 --separate-stderr rolewall history --csv
	[[ ${lines[1]} == "1,,20"*"Z,$(id -un),kept,,$NET_DIR/site.yaml,ports 2000-2002"$'\r' ]]
	[[ ${lines[2]} == "2,current,"* && ${lines[3]} == *",trial,same as 2,"* ]]
	run -0 --separate-stderr rolewall history
	[[ ${lines[0]} == GENERATION* && ${#lines[@]} == 4 ]]
}

@test "one generation shows its site byte by byte" {
	ports_site 2000-2002 >/dev/null
	diff <(rolewall history 1 | sed '1,/^$/d') "$NET_DIR/site.yaml"
	diff <(rolewall history 1 --json | jq -j .site_text) "$NET_DIR/site.yaml"
	rolewall history 1 | grep -qE '^comment +ports 2000-2002$'
	[[ $(rolewall history 1 --csv) == *$'\r\n''site text,"version: 1'* ]]
}

@test "diff tells what two changed" {
	run -3 --separate-stderr rolewall history diff 1 2 --json
	jq -e '.running == false and .generation == 0 and .from == "generation 1" and .to == "generation 2" and .settings == [] and .pools == [] and
		.counted_since == null and [.areas[].shuts[].ports] == [[2002, 2002]] and
		[.areas[].opens[]] == []' <<<"$output"
	run -3 --separate-stderr rolewall history diff 2 1 --csv
	[[ ${lines[1]} == 'opens,web,1 + 1 IPv6 prefix,in tcp 2002,any,extra/01,,'$'\r' ]]
	run -0 --separate-stderr rolewall history diff 2 3
	[[ -z $output && $stderr == 'rolewall: generation 2 -> generation 3: nothing changes' ]]
}

@test "a generation that is missing or damaged is named, the others are shown" {
	run -1 --separate-stderr rolewall history diff 1 9
	[[ -z $output && $stderr == "rolewall: there is no generation 9 in $STATE; there are: 1 to 3" ]]
	cp -a "$STATE" "$BATS_TEST_TMPDIR/state"
	sed -i 's/2002/2003/' "$STATE/generations/000001/site.yaml"
	run -1 --separate-stderr rolewall history diff 1 2
	[[ -z $output && $stderr == *"$STATE/generations/000001/site.yaml: is not what was written"* ]]
	run -1 --separate-stderr rolewall history 1
	[[ -z $output && $stderr == *"$STATE/generations/000001/site.yaml"* ]]
	run -0 --separate-stderr rolewall history --json
	[[ $stderr == *"$STATE/generations/000001/site.yaml"* ]]
	jq -e '[.generations[] | .damaged] == [true, false, false]' <<<"$output"
	run -0 --separate-stderr rolewall history
	[[ ${lines[1]} == *' damaged'* && ${lines[2]} == *' kept '* ]]
	cp -a "$BATS_TEST_TMPDIR/state/." "$STATE"
	rolewall history 1 >/dev/null
}
