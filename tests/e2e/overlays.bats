#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Overlays on real traffic: shut while they are off, open to the right roles alone once they are on.

bats_require_minimum_version 1.5.0
load lib

# Hosts on the clients' side, by the pool that holds them, and what they talk to.
FE_A4=10.77.1.11 FE_A6=fd77:1::11
DIRECTOR4=10.77.1.12 DIRECTOR6=fd77:1::12
ADMIN4=10.77.1.13 ADMIN6=fd77:1::13
FE_B4=10.77.2.10 FE_B6=fd77:2::10
EDGE4=10.77.2.20 EDGE6=fd77:2::20
SQL4=10.77.2.30 SQL6=fd77:2::30

setup_file() {
	export PIN
	net_up $FE_B4/24 $FE_B6/64 $EDGE4/24 $EDGE6/64 $SQL4/24 $SQL6/64
	ns_address clients eth0 $FE_A4/24 $FE_A6/64 $DIRECTOR4/24 $DIRECTOR6/64 $ADMIN4/24 $ADMIN6/64
	PIN=$BPFFS/$TAG-overlays
	serve servers --tcp 1433,1444,3389,5090,5092,5094,5095,50001,50003 --udp 1434,5090,50002 \
		$FE_B4 $FE_B6 $EDGE4 $EDGE6 $SQL4 $SQL6
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
			pools:
			  - {name: fe-a, roles: [front-end-cms], addresses: [$FE_A4, "$FE_A6"]}
			  - {name: fe-b, roles: [front-end], addresses: [$FE_B4, "$FE_B6"]}
			  - {name: director, roles: [director], addresses: [$DIRECTOR4, "$DIRECTOR6"]}
			  - {name: edge, roles: [av-edge-internal], addresses: [$EDGE4, "$EDGE6"]}
			  - {name: sql, roles: [sql-server], addresses: [$SQL4, "$SQL6"]}
			  - {name: admin, roles: [admin-host], addresses: [$ADMIN4, "$ADMIN6"]}
		END
		printf '%s\n' "$@"
	} | site "site$#"
}

# each FROM TO ASSERTION REASON CHECK PORT...: for both families, from the one's address to the other's.
each() {
	local from=$1 to=$2 family source address
	shift 2
	for family in 4 6; do
		source=$from$family address=$to$family
		"$1" "$2" "$3" "${!address}" "${@:4}" --source "${!source}" || return
	done
}

refused_tcp() { expect refused traffic clients tcp "$@"; }

@test "what no row has drops while the overlays are off" {
	apply "$(site_with)"
	each FE_A FE_B drops_one port_not_in_matrix silent_tcp 5090
	each DIRECTOR FE_B drops_one port_not_in_matrix silent_tcp 5090
	each ADMIN FE_B drops_one port_not_in_matrix silent_tcp 3389
	each FE_A EDGE drops_one port_not_in_matrix silent_tcp 50001
}

@test "windows-fabric opens its ports between front ends, and nothing else" {
	apply "$(site_with 'overlays: [windows-fabric]')"
	for port in 5090 5092 5094; do
		each FE_A FE_B passes_by matrix passes_tcp $port
		each DIRECTOR FE_B drops_one source_not_allowed silent_tcp $port
		each ADMIN FE_B drops_one source_not_allowed silent_tcp $port
	done
	each FE_A FE_B drops_one port_not_in_matrix silent_tcp 5095
	each FE_A FE_B drops_one port_not_in_matrix silent_udp 5090
	each FE_A EDGE drops_one port_not_in_matrix silent_tcp 5090
	run -0 rolewall explain --src $FE_A4 --dst $FE_B4 --proto tcp --dport 5090 --json
	jq -e '.verdict == "pass" and .rows == ["windows-fabric/01"]' <<<"$output"
}

@test "management opens to administration hosts alone, in profile literal too" {
	apply "$(site_with 'overlays: [management]')"
	each ADMIN FE_B passes_by matrix passes_tcp 3389
	each ADMIN EDGE passes_by matrix passes_tcp 3389
	each FE_A FE_B drops_one source_not_allowed silent_tcp 3389
	each DIRECTOR EDGE drops_one source_not_allowed silent_tcp 3389
	drops_one source_not_allowed silent_tcp $FE_B4 3389
}

@test "logging opens to servers and administration hosts" {
	apply "$(site_with 'overlays: [logging]')"
	each DIRECTOR EDGE passes_by matrix passes_tcp 50003
	each ADMIN EDGE passes_by matrix passes_tcp 50001
	drops_one source_not_allowed silent_tcp $EDGE4 50001
	each FE_A EDGE drops_one port_not_in_matrix silent_udp 50002
}

@test "sql guards the SQL servers, which nobody guarded before" {
	apply "$(site_with)"
	each ADMIN SQL passes_by transit passes_tcp 1444
	apply "$(site_with 'overlays: [sql]')"
	each FE_A SQL passes_by matrix passes_tcp 1433
	each FE_A SQL passes_by matrix passes_udp 1434
	each ADMIN SQL passes_by matrix passes_tcp 1433
	each DIRECTOR SQL drops_one source_not_allowed silent_tcp 1433
	each ADMIN SQL drops_one port_not_in_matrix silent_tcp 1444
}

# --- drops --advise; each of these starts with counters that nobody has touched

fresh() { # SITE-FILE
	rolewall detach
	apply "$1"
}

# advice SITE-FILE: the lines, without how many packets.
advice() {
	rolewall drops --advise -c "$1" | sed -E 's/ \([0-9]+ packets?(, a guess)?\)$//; s/: [0-9]+ packets?$//'
}

@test "advice names the overlay that explains what drops between the right roles" {
	local off on
	off=$(site_with)
	fresh "$off"
	run -0 advice "$off"
	[ "$output" = 'no service was refused' ]
	for port in 5090 5092 5094; do
		each FE_A FE_B drops_one port_not_in_matrix silent_tcp $port
	done
	each ADMIN FE_B drops_one port_not_in_matrix silent_tcp 3389
	each DIRECTOR EDGE drops_one port_not_in_matrix silent_tcp 50001
	run -0 advice "$off"
	diff - <(sort <<<"$output") <<-'END'
		TCP 3389 from admin hosts to all servers: overlay management
		TCP 50001 from all servers to av edge internals: overlay logging
		TCP 5090, 5092, 5094 between front ends: overlay windows-fabric
	END
	run -0 rolewall drops --advise --json -c "$off"
	jq -e '.packets == {explained: 10, open: 0, unexplained: 0}
		and .advice[0] == {kind: "overlay", name: "windows-fabric", feature: null, protocol: "tcp",
			ports: [[5090, 5090], [5092, 5092], [5094, 5094]], from: "front-end", to: "front-end",
			packets: 6, rows: ["windows-fabric/01", "windows-fabric/03", "windows-fabric/05"],
			confidence: "guess", text: "TCP 5090, 5092, 5094 between front ends: overlay windows-fabric"}' <<<"$output"
	run -0 rolewall drops --advise --csv -c "$off"
	[ "${lines[1]}" = $'tcp,5090 5092 5094,front-end,front-end,6,overlay,windows-fabric,,guess,windows-fabric/01 windows-fabric/03 windows-fabric/05\r' ]

	on=$(site_with 'overlays: [windows-fabric, logging, management]')
	apply "$on"
	each FE_A FE_B passes_by matrix passes_tcp 5092
	each ADMIN FE_B passes_by matrix passes_tcp 3389
	each DIRECTOR EDGE passes_by matrix passes_tcp 50001
	run -0 rolewall drops --advise -c "$on"
	[ "$output" = 'open by now, dropped before: 10 packets' ]
}

@test "advice is silent about the wrong roles, ports and protocols" {
	local off
	off=$(site_with)
	fresh "$off"
	each DIRECTOR FE_B drops_one port_not_in_matrix silent_tcp 5090
	each ADMIN FE_B drops_one port_not_in_matrix silent_tcp 5094
	each FE_A FE_B drops_one port_not_in_matrix silent_tcp 5095
	each FE_A FE_B drops_one port_not_in_matrix silent_udp 5090
	drops_one port_not_in_matrix silent_tcp $FE_B4 3389
	drops_one port_not_in_matrix silent_tcp $EDGE4 50001
	run -0 rolewall drops --advise -c "$off"
	[ "$output" = 'nothing to advise, see drops --by service: 10 packets' ]
	run -0 rolewall drops --advise --json -c "$off"
	jq -e '.advice == [] and .packets.unexplained == 10' <<<"$output"
}

@test "advice knows what servers may not start" {
	local off on
	off=$(site_with 'outbound: matrix')
	fresh "$off"
	each FE_A SQL drops_one outbound_not_in_matrix silent_tcp 1433
	# from a port that no row opens: what leaves an open UDP port may be an answer
	each FE_A SQL drops_one outbound_not_in_matrix silent_udp 1434 --sport 40000
	each DIRECTOR SQL drops_one outbound_not_in_matrix silent_tcp 1433
	run -0 advice "$off"
	diff - <(sort <<<"$output") <<-'END'
		TCP 1433 from front ends to sql servers: overlay sql
		UDP 1434 from front ends to sql servers: overlay sql
		nothing to advise, see drops --by service
	END
	on=$(site_with 'outbound: matrix' 'overlays: [sql]')
	apply "$on"
	each FE_A SQL passes_by matrix passes_tcp 1433
	each FE_A SQL passes_by matrix passes_udp 1434
	each DIRECTOR SQL drops_one source_not_allowed silent_tcp 1433
}

@test "advice names a feature, and the profile only where the row means the source" {
	local least
	least=$(site_with 'profile: least-privilege')
	fresh "$least"
	each FE_A FE_B drops_one port_not_in_matrix silent_tcp 5075
	each ADMIN FE_B drops_one port_not_in_matrix silent_tcp 5075
	run -0 advice "$least"
	diff - <(sort <<<"$output") <<-'END'
		TCP 5075 between front ends: feature call-park
		nothing to advise, see drops --by service
	END
	apply "$(site_with 'profile: least-privilege' 'features: [call-park]')"
	each FE_A FE_B passes_by matrix refused_tcp 5075
}

@test "advice refuses what it cannot read, and other views beside it" {
	run -1 rolewall drops --advise -c "$BATS_TEST_TMPDIR/none.yaml"
	[[ $output == *none.yaml*'No such file'* ]]
	run -2 rolewall drops --advise --by port
	[ "$output" = 'rolewall: drops --advise: not with --by' ]
}
