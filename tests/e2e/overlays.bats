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

# each FROM TO COMMAND...: for both families, with --source of the one and the address of the other.
each() {
	local from=$1 to=$2 command=$3 reason=$4 check=$5 family source address
	shift 5
	for family in 4 6; do
		source=$from$family address=$to$family
		"$command" "$reason" "$check" "${!address}" "$@" --source "${!source}" || return
	done
}

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
