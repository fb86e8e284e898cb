#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# A candidate beside the running policy, with real traffic: it decides nothing, and its report says
# what it would do otherwise.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	export PIN ROLEWALL_STATE_DIR
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-shadow
	ROLEWALL_STATE_DIR=$NET_DIR/state
	serve servers --tcp 5061,2000 --udp 1434,2000 "$FE4" "$FE6"
	serve clients --tcp 8080 --udp 8080 "$CLIENT4" "$CLIENT6"
}

teardown_file() {
	rolewall detach || true
	net_down
}

# site_on HOOK NAME [LINE...]
site_on() {
	local hook=$1 name=$2
	shift 2
	{
		cat <<-END
			version: 1
			interfaces:
			  - {name: out, side: outside, hook: @HOOK@}
			  - {name: in, side: inside, hook: @HOOK@}
			pools:
			  - {name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}
		END
		printf '%s\n' "$@"
	} | HOOK=$hook site "$name"
}

# A candidate without 5061 and 1434 and with 2000: the role has neither.
candidate_on() {
	site_on "$1" candidate 'extra:' '  - {roles: [office-web-apps], ports: [2000], protocols: [tcp, udp]}' |
		while read -r path; do
			sed -i 's/roles: \[front-end\], addr/roles: [office-web-apps], addr/' "$path"
			echo "$path"
		done
}

# found FILTER: what jq finds in the report.
found() {
	rolewall shadow --json | jq -r "$1"
}

compares_as_it_should() { # HOOK
	local site candidate address
	site=$(site_on "$1" active)
	candidate=$(candidate_on "$1")
	apply "$site"
	rolewall apply --shadow -c "$candidate"
	# what servers start, and its replies, differ in nothing
	passes_by flow expect open traffic servers tcp "$CLIENT4" 8080 --source "$FE4" --sport 40000
	passes_by flow expect echo traffic servers udp "$CLIENT6" 8080 --source "$FE6" --sport 40000
	[[ $(found '.newly_drop + .newly_pass') == 0 ]]
	for address in "$FE4" "$FE6"; do
		passes_by matrix passes_tcp "$address" 5061
		passes_by matrix passes_udp "$address" 1434
		drops_one port_not_in_matrix silent_tcp "$address" 2000
		drops_one port_not_in_matrix silent_udp "$address" 2000
	done
	[[ $(found '.newly_pass') == 4 ]]
	[[ $(found '[.differences[] | select(.kind == "newly-pass")] | map(.active) | unique[]') == port_not_in_matrix ]]
	[[ $(found '[.differences[] | select(.kind == "newly-pass")] | map(.candidate) | unique[]') == extra/01 ]]
	[[ $(found '[.differences[] | select(.kind == "newly-drop")] | map(.candidate) | unique[]') == port_not_in_matrix ]]
	[[ $(found '[.differences[].pool] | unique[]') == fe ]]
	[[ $(found '.differences[].sample.source' | grep -vcxF -e "$CLIENT4" -e "$CLIENT6") == 0 ]]
	[[ $(found '[.differences[].sample.interface] | unique[]') == out ]]
	(($(found .packets) >= $(found '.newly_drop + .newly_pass')))
}

@test "xdp: differences are reported with row, pool and client, and nothing else changes" {
	compares_as_it_should xdp-native
}

@test "tc: differences are reported with row, pool and client, and nothing else changes" {
	! kernel_before 6.6 || skip 'hook tc needs Linux 6.6'
	compares_as_it_should tc
}

@test "a difference names its pool as either policy has it" {
	apply "$(site_on xdp-native active)"
	# the candidate has another name for the pool
	rolewall apply --shadow -c "$(candidate_on xdp-native | while read -r path; do
		sed -i 's/name: fe,/name: web,/' "$path"
		echo "$path"
	done)"
	passes_by matrix passes_tcp "$FE4" 5061
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	[[ $(found '.differences[] | select(.kind == "newly-drop") | "\(.pool) \(.sample.other_pool)"') == 'web fe' ]]
	[[ $(found '.differences[] | select(.kind == "newly-pass") | "\(.pool) \(.sample.other_pool)"') == 'fe web' ]]
	rolewall shadow drop
}

@test "what only the candidate would let start leaves no flow" {
	apply "$(site_on xdp-native strict 'outbound: matrix')"
	rolewall apply --shadow -c "$(site_on xdp-native active)"
	for address in "$CLIENT4 $FE4" "$CLIENT6 $FE6"; do
		read -r client own <<<"$address"
		drops_one outbound_not_in_matrix expect silent traffic servers udp "$client" 8080 --source "$own" \
			--sport 40002 --wait "$SILENCE"
		drops_one outbound_not_in_matrix expect silent traffic servers tcp "$client" 8080 --source "$own" \
			--sport 40002 --wait "$SILENCE"
		drops_one port_not_in_matrix silent_udp "$own" 40002 --sport 8081
		drops_one port_not_in_matrix expect silent traffic clients udp "$own" 40002 --source "$client" \
			--sport 8080 --wait "$SILENCE"
	done
	[[ $(found '.newly_pass') == 4 ]]
	rolewall shadow drop
}

@test "a shadow that is dropped leaves what is in force, and none twice" {
	local generation
	apply "$(site_on xdp-native active)"
	rolewall apply --shadow -c "$(candidate_on xdp-native)"
	generation=$(generation)
	[[ $(rolewall shadow drop --json | jq -c .) == '{"shadow":false}' ]]
	[[ $(generation) == "$generation" ]]
	run -1 rolewall shadow drop
	[[ $output == *'no shadow'* ]]
	run -1 rolewall shadow
	[[ ! -e $PIN/shadow ]]
	passes_tcp "$FE4" 5061
}

# As a kill leaves it behind the last pin of an end, or before the first of a start.
# shellcheck disable=SC2154 # stderr is set by run
@test "what a killed end or start of a shadow left is removed" {
	apply "$(site_on xdp-native active)"
	mkdir "$PIN/shadow"
	run ! --separate-stderr rolewall shadow drop
	[[ $stderr == 'rolewall: no shadow is loaded'* && ! -e $PIN/shadow ]]
}

@test "a commit puts that candidate into force and cuts nothing" {
	local site candidate stream
	site=$(site_on xdp-native active)
	candidate=$(candidate_on xdp-native)
	apply "$site"
	rolewall apply --shadow -c "$candidate"
	expect open traffic servers tcp "$CLIENT4" 8080 --source "$FE4" --sport 40001 --bytes 20000000 &
	stream=$!
	rolewall shadow commit -c "$candidate"
	wait "$stream"
	passes_tcp "$FE4" 2000
	silent_tcp "$FE4" 5061
	run -1 rolewall shadow
}

@test "a commit of another site than was loaded is refused" {
	local site candidate
	site=$(site_on xdp-native active)
	candidate=$(candidate_on xdp-native)
	apply "$site"
	rolewall apply --shadow -c "$candidate"
	echo 'icmp_echo: allow' >>"$candidate"
	run -1 rolewall shadow commit -c "$candidate"
	[[ $output == *'has changed since'* ]]
	passes_tcp "$FE4" 5061
	rolewall shadow drop
}

@test "an apply keeps the shadow, which starts to compare again" {
	local site candidate
	site=$(site_on xdp-native active)
	candidate=$(candidate_on xdp-native)
	rolewall apply -c "$site"
	rolewall apply --shadow -c "$candidate"
	passes_tcp "$FE4" 5061
	(($(found .newly_drop) > 0))
	rolewall apply -c "$site"
	[[ $(found .newly_drop) == 0 ]]
	passes_tcp "$FE4" 5061
	(($(found .newly_drop) > 0))
}

@test "status does not take the shadow's programs for foreign ones" {
	run -0 rolewall status --json
	jq -e '.shadow and (.interfaces | all(.present))' <<<"$output"
	[[ $output != *foreign* ]]
	rolewall shadow drop
}
