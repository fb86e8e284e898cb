#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Least-privilege, outbound: matrix and failsafe on real traffic: two pools of servers, users and
# strangers; what a source may reach, and what a server may start.

bats_require_minimum_version 1.5.0
load lib

# On the clients' side, by the pool that holds them; the stranger ($CLIENT4) is in none.
USER4=10.77.1.11 USER6=fd77:1::11
MEDIATION4=10.77.1.21 MEDIATION6=fd77:1::21
TRUNK4=10.77.1.31 TRUNK6=fd77:1::31
ADMIN4=10.77.1.41 ADMIN6=fd77:1::41
# Behind the gateway: a Front End with the Central Management store, and a host of nobody's.
FE4=10.77.2.10 FE6=fd77:2::10
OTHER4=10.77.2.20 OTHER6=fd77:2::20

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64 $OTHER4/24 $OTHER6/64
	ns_address clients eth0 $USER4/24 $USER6/64 $MEDIATION4/24 $MEDIATION6/64 $TRUNK4/24 $TRUNK6/64 \
		$ADMIN4/24 $ADMIN6/64
	PIN=$BPFFS/$TAG-directions
	serve servers --tcp 22,23,443,445,5061,5062,5067,5068,5081 --udp 161,50000 $FE4 $FE6 $OTHER4 $OTHER6
	serve clients --tcp 22,443,445,5061,5070,5081 --udp 53,50020 "$CLIENT4" "$CLIENT6" $USER4 $USER6 \
		$MEDIATION4 $MEDIATION6 $TRUNK4 $TRUNK6 $ADMIN4 $ADMIN6
}

teardown_file() {
	rolewall detach || true
	net_down
}

# site_with [LINE...]: the pools, with further lines at the top level.
site_with() {
	{
		cat <<-END
			version: 1
			interfaces: [out, in]
			failsafe: {from: [$ADMIN4, "$ADMIN6"], ports: [22/tcp, 161/udp]}
			pools:
			  - {name: fe, roles: [front-end-cms, front-end-collocated-mediation], addresses: [$FE4, "$FE6"]}
			  - {name: mediation, roles: [mediation], addresses: [$MEDIATION4, "$MEDIATION6"]}
			  - {name: users, roles: [client], addresses: [$USER4, "$USER6"]}
			  - {name: trunk, roles: [pstn-gateway], addresses: [$TRUNK4, "$TRUNK6"]}
		END
		printf '%s\n' "$@"
	} | site "site$#"
}

narrow() {
	apply "$(site_with 'profile: least-privilege' 'outbound: matrix' 'unlisted: drop' \
		'features: [branch-appliance]')"
}

# From the servers' side.
starts_tcp() { expect open traffic servers tcp "$@"; }
starts_udp() { expect echo traffic servers udp "$@"; }
held_tcp() { expect silent traffic servers tcp "$@" --wait "$SILENCE"; }
held_udp() { expect silent traffic servers udp "$@" --wait "$SILENCE"; }

# each FROM TO CHECK REASON TRAFFIC ARGUMENTS...: in both families.
each() {
	local from=$1 to=$2 check=$3 reason=$4 traffic=$5 family source address
	shift 5
	for family in 4 6; do
		source=$from$family address=$to$family
		"$check" "$reason" "$traffic" "${!address}" "$@" --source "${!source}" || return
	done
}

@test "rows let their peers in and nobody else" {
	narrow
	each USER FE passes_by matrix passes_tcp 443
	each USER FE passes_by matrix passes_tcp 5061
	each MEDIATION FE passes_by matrix passes_tcp 5061
	each TRUNK FE passes_by matrix passes_tcp 5067
	each TRUNK FE drops_one source_not_allowed silent_tcp 5061
	each USER FE drops_one source_not_allowed silent_tcp 5067
	drops_one source_not_allowed silent_tcp $FE4 443
	drops_one source_not_allowed silent_tcp $FE6 443
}

@test "optional rows are shut until a feature names them" {
	narrow
	each TRUNK FE drops_one port_not_in_matrix silent_tcp 5068
	apply "$(site_with 'profile: least-privilege' 'features: [plain-sip-trunk]')"
	each TRUNK FE passes_by matrix passes_tcp 5068
	each USER FE drops_one source_not_allowed silent_tcp 5068
}

@test "outgoing rows open at their far end and not at home" {
	narrow
	each FE TRUNK passes_by matrix starts_tcp 5081
	each TRUNK FE drops_one port_not_in_matrix silent_tcp 5081
	each FE MEDIATION passes_by matrix starts_tcp 445
	each MEDIATION FE drops_one source_not_allowed silent_tcp 445
	each USER FE drops_one source_not_allowed silent_tcp 445
}

@test "a server starts what the matrix knows of, and nothing else" {
	narrow
	each FE MEDIATION passes_by matrix starts_tcp 5070
	each FE TRUNK drops_one outbound_not_in_matrix held_tcp 443
	each FE USER drops_one port_not_in_matrix held_tcp 443
	expect silent traffic servers tcp "$CLIENT4" 443 --source $FE4 --wait "$SILENCE"
	each FE TRUNK drops_one outbound_not_in_matrix held_udp 53 --sport 40000
}

@test "media flows both ways, whoever speaks first" {
	narrow
	each FE USER passes_by matrix starts_udp 50020 --sport 50000
	each USER FE passes_by matrix passes_udp 50000 --sport 50020
	each FE TRUNK passes_by outbound starts_udp 50020 --sport 50000
}

@test "a server cannot open a port that is open to everybody if no row says that it does" {
	apply "$(site_with 'outbound: matrix' 'extra:' \
		'  - {role: front-end, ports: [23], protocols: [tcp], from: [client]}')"
	each USER FE passes_by matrix passes_tcp 5062 # literal: any source
	each MEDIATION FE drops_one outbound_not_in_matrix silent_tcp 5062
	each MEDIATION FE drops_one source_not_allowed silent_tcp 23
	each TRUNK FE passes_by matrix passes_tcp 5062
}

@test "failsafe reaches the servers, and what nobody guards" {
	narrow
	each ADMIN FE passes_by failsafe passes_tcp 22
	each ADMIN FE passes_by failsafe passes_udp 161
	each ADMIN FE drops_one port_not_in_matrix silent_tcp 23
	each USER FE drops_one port_not_in_matrix silent_tcp 22
	each ADMIN OTHER passes_by failsafe passes_tcp 22
	each ADMIN OTHER drops_one unlisted silent_tcp 23
	drops_one unlisted silent_tcp $OTHER4 22
	each FE ADMIN drops_one outbound_not_in_matrix held_tcp 22
}

@test "failsafe comes before spoofing" {
	site_with 'unlisted: drop' >/dev/null
	sed -i -e 's/interfaces: .*/interfaces: [{name: out, side: outside}, {name: in, side: inside}]/' \
		-e "s/  - {name: users.*/  - {name: bastion, roles: [director], addresses: [$ADMIN4, \"$ADMIN6\"]}/" \
		"$BATS_TEST_TMPDIR/site1.yaml"
	apply "$BATS_TEST_TMPDIR/site1.yaml"
	each ADMIN FE passes_by failsafe passes_tcp 22
	each ADMIN FE drops_one spoofed silent_tcp 5061
	each MEDIATION FE drops_one spoofed silent_tcp 22
}

@test "explain names the row by which a server starts a connection" {
	narrow
	run -0 rolewall explain --src $FE4 --dst $TRUNK4 --proto tcp --dport 5081 --json
	jq -e '.verdict == "pass" and .reason == "matrix" and .rows == ["servers/25"]' <<<"$output"
	run -0 rolewall explain --src $FE4 --dst $MEDIATION4 --proto tcp --dport 445 --json
	jq -e '.verdict == "pass" and .rows == ["servers/38"]' <<<"$output"
	run -0 rolewall explain --src $FE6 --dst $TRUNK6 --proto tcp --dport 443 --json
	jq -e '.verdict == "drop" and .reason == "outbound_not_in_matrix" and .rows == []' <<<"$output"
}
