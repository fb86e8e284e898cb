# SPDX-License-Identifier: MIT
# Overlays: what matrix lists of them, and what a site gets that turns them on.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	cd "$BATS_TEST_TMPDIR" || return
	cat >s.yaml <<-'END'
		version: 1
		interfaces: [eth0]
		pools:
		  - {name: fe, roles: [front-end], addresses: [10.1.2.0/28]}
		  - {name: sql, roles: [sql-server], addresses: [10.1.3.1]}
		  - {name: dc, roles: [domain-controller], addresses: [10.1.3.2]}
	END
	names='edge, edge-legacy-media, reverse-proxy, sql, file-share, sba, persistent-chat-peer, windows-fabric, pool-services, logging, exchange-um, active-directory, management, online'
}

json() {
	run --separate-stderr "$rolewall" matrix --json "${@:2}"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	jq -e "$1" <<<"$output"
}

@test "gives scripts every overlay" {
	json ".matrix == \"skype-server-2015\" and ([.overlays[].name] | join(\", \")) == \"$names\"
		and all(.overlays[]; .on == false and (.title | length) > 0 and (.rows | length) > 0)" --overlay all
	json '.rows | length == 106 and all(.source == null and .confidence == null)'
}

@test "gives scripts source and confidence of each row" {
	json '[.overlays[].rows[] | [.id, .role, .ports, .direction, .from, .confidence, .source]] | length == 5
		and .[4] == ["windows-fabric/05", "front-end", [[5094, 5094]], ["in"], ["front-end"], "guess",
			"skype/skype-ps/skype/Set-CsRegistrar.md"]' --overlay windows-fabric
}

@test "lists one overlay" {
	run "$rolewall" matrix --overlay file-share --csv
	[ "$status" -eq 0 ]
	diff <(printf '%s\n' "$output" | tr -d '\r') - <<-'END'
		ID,ROLE,SERVICE,PORTS,PROTOCOLS,DIRECTION,FROM/TO,ON,CONFIDENCE,SOURCE,NOTE
		file-share/01,file-server,File share of the pool,445,tcp,in,front-end,no,documented,Skype/SfbServer/plan-your-deployment/network-requirements/ports-and-protocols.md,The other end of servers/36.
		file-share/02,file-server,Backup Service,445,tcp,in,front-end,no,documented,Skype/SfbServer/plan-your-deployment/high-availability-and-disaster-recovery/disaster-recovery.md,Each Front End Server of a pool reaches the share of the paired pool too.
	END
}

@test "lists the rows that a role gets" {
	json '[.overlays[].rows[].id] | length > 10 and all(startswith("windows-fabric/") or startswith("logging/")
		or startswith("pool-services/") or startswith("management/") or startswith("active-directory/")
		or startswith("exchange-um/") or startswith("sba/"))' --overlay all --role front-end
}

@test "answers an unknown overlay with status 2" {
	run --separate-stderr "$rolewall" matrix --overlay windows-fabrik
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[ "$stderr" = "--overlay: error: unknown overlay \"windows-fabrik\" (is it windows-fabric?); accepted: $names" ]
}

@test "says which overlays a site turned on" {
	echo 'overlays: [windows-fabric, sql]' >>s.yaml
	json '[.overlays[] | select(.on) | .name] == ["sql", "windows-fabric"]' -c s.yaml --overlay all
	json '.overlays == ["windows-fabric", "sql"]' -c s.yaml
	run --separate-stderr "$rolewall" matrix -c s.yaml --overlay windows-fabric
	[[ ${lines[1]} =~ ^windows-fabric/01\ +front-end\ .*\ yes\ +guess\  ]]
}

@test "opens what an overlay says, to whom it says, in profile literal" {
	echo 'overlays: windows-fabric' >>s.yaml
	json '[.pools[0].allow[] | select(.rows[0] | startswith("windows-fabric/"))
		| [.direction, .protocol, .ports[0], .ports[1], .from[]]] == [range(5090; 5095)
		| ["in", "tcp", ., ., "front-end"]]' -c s.yaml
}

@test "guards a peer role whose ports an overlay opens, and only then" {
	json '[.pools[].guarded] == [true, false, false]' -c s.yaml
	echo 'overlays: [sql, active-directory]' >>s.yaml
	run --separate-stderr "$rolewall" matrix --json -c s.yaml
	jq -e '[.pools[].guarded] == [true, true, false]
		and ([.pools[1].allow[].ports[0]] | unique) == [53, 88, 123, 135, 389, 445, 464, 636, 1433, 1434, 3268, 5022, 7022, 49152]
		and ([.pools[1].allow[] | select(.direction == "in") | .from | join(" ")] | unique)
			== ["front-end admin-host", "persistent-chat-front-end", "sql-server"]
		and all(.pools[].allow[] | select(.rows[0] | startswith("active-directory/")); .to == ["domain-controller"])' <<<"$output"
}

@test "check tells which overlays are on, and which have rows for the site's roles" {
	echo 'overlays: [windows-fabric]' >>s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "${lines[2]}" = 'overlays: windows-fabric; also for these roles: sql, pool-services, logging, active-directory' ]
	run --separate-stderr "$rolewall" check --json -c s.yaml
	jq -e '.overlays == {on: ["windows-fabric"], offered: ["sql", "pool-services", "logging", "active-directory"]}' <<<"$output"
	echo 'mode: learn' >>s.yaml
	run --separate-stderr "$rolewall" check --json -c s.yaml
	jq -e '.overlays == {on: ["windows-fabric"], offered: []}' <<<"$output"
}

@test "check names the overlay that would open a pool that is shut" {
	echo '  - {name: edge, roles: [av-edge-internal], addresses: [10.1.2.30]}' >>s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$stderr" = 's.yaml:7:5: warning: pool "edge" drops everything inbound: with load_balancing dns no row opens a port for its roles; overlay edge does' ]
	echo 'overlays: [edge]' >>s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ -z "$stderr" ]
}

@test "the documentation has every row with its source" {
	local docs=$BATS_TEST_DIRNAME/../../docs/overlays.md
	"$rolewall" matrix --overlay all --json | jq -r '.overlays[].rows[]
		| "| \(.id) | \(.role) | \(.protocols | join("+")) \(.ports | map(if .[0] == .[1] then "\(.[0])" else "\(.[0])-\(.[1])" end) | join(" ")) | \(.direction | join("+")) | \((.from + .to) | unique | length > 0) | \(.source)\(if .confidence == "guess" then " (guess)" else "" end)"' |
		cut -d '|' -f 2-5,7 >want
	grep -E '^\| [a-z-]+/[0-9]+ \|' "$docs" | cut -d '|' -f 2-5,8 | sed 's/ $//' | diff want -
}

@test "warns of an overlay whose roles no pool holds" {
	echo 'overlays: [logging, persistent-chat-peer]' >>s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 0 ]
	[ "$stderr" = 's.yaml:7:21: warning: overlay "persistent-chat-peer" opens nothing: no guarded pool holds any of persistent-chat-front-end' ]
}

@test "warns of an overlay whose far ends no pool holds" {
	echo 'overlays: [management]' >>s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 0 ]
	[ "$stderr" = 's.yaml:7:12: warning: overlay "management" opens nothing: no pool holds any of admin-host, statistics-manager' ]
	sed -i 's/\[sql-server\]/[sql-server, admin-host]/' s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ -z "$stderr" ]
}

@test "refuses an unknown overlay" {
	echo 'overlays: [windows-fabric, fabric]' >>s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = "s.yaml:7:28: error: unknown overlay \"fabric\"; accepted: $names" ]
}

@test "refuses overlays of a matrix that has none" {
	cat >own.yaml <<-'END'
		version: 1
		name: own
		title: Own
		roles: {front-end: {title: F}, sql-server: {title: S}, domain-controller: {title: D}}
		tables: {}
	END
	printf 'matrix: own.yaml\noverlays: [sql]\n' >>s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = 's.yaml:8:12: error: unknown overlay "sql"; matrix own has no overlays' ]
}

@test "takes the overlays of the site's own matrix" {
	cat >own.yaml <<-'END'
		version: 1
		name: own
		title: Own
		roles: {front-end: {title: F}, sql-server: {title: S, peer: true}, domain-controller: {title: D, peer: true}}
		tables:
		  t:
		    title: T
		    rows:
		      - {id: t/01, role: front-end, service: S, ports: 80, protocols: tcp, direction: in}
		overlays:
		  sql:
		    title: Databases
		    rows:
		      - {id: sql/01, role: sql-server, service: SQL, ports: 3306, protocols: tcp, direction: in, source: Our wiki}
	END
	printf 'matrix: own.yaml\noverlays: [sql]\n' >>s.yaml
	json '.matrix == "own" and [.overlays[].rows[] | [.source, .confidence]] == [["Our wiki", "documented"]]' \
		-c s.yaml --overlay all
	run --separate-stderr "$rolewall" matrix --json -c s.yaml
	jq -e '[.pools[1].allow[] | [.ports[0], .rows[0], .from[0]]] == [[3306, "sql/01", "any"]]' <<<"$output"
}
