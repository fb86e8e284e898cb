# SPDX-License-Identifier: MIT
# rolewall matrix: the shipped rows, and what the pools of a site get from them.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	cd "$BATS_TEST_TMPDIR" || return
	cat >s.yaml <<-'END'
		version: 1
		interfaces: [eth0]
		pools:
		  - {name: fe, roles: [front-end-collocated-mediation], addresses: [10.1.2.0/28, "2001:db8:2::/64"]}
		  - {name: web, roles: [office-web-apps], addresses: [10.1.3.1]}
		  - {name: lb, roles: [front-end-hlb], addresses: [10.1.3.2]}
		  - {name: gw, roles: [pstn-gateway], addresses: [10.1.3.3]}
		extra:
		  - {role: front-end, ports: [5090-5094], protocols: [tcp], from: [front-end, 10.9.0.0/16]}
		  - {role: office-web-apps, ports: [443, 809], protocols: [tcp], from: [front-end]}
		  - {role: office-web-apps, ports: 88, protocols: [tcp, udp], direction: out, to: [10.9.0.1]}
	END
}

json() {
	run --separate-stderr "$rolewall" matrix --json "${@:2}"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	jq -e "$1" <<<"$output"
}

# --- the shipped rows

@test "gives scripts all 106 rows, in order" {
	json '.matrix == "skype-server-2015" and (.rows | length) == 106
		and ([.rows[] | .id] == [
			(range(1; 54) | ["servers", .]), (range(1; 21) | ["hlb-only", .]),
			(range(1; 7) | ["hlb-dns", .]), (range(1; 13) | ["clients", .]),
			(range(1; 16) | ["ipsec", .])
			| .[0] + "/" + ("0" + (.[1] | tostring))[-2:]])
		and all(.rows[]; .id == .table + "/" + ("0" + (.row | tostring))[-2:])'
}

@test "gives scripts every field of a row" {
	json '.rows[4] | .id == "servers/05" and .table == "servers" and .row == 5 and .role == "front-end"
		and .service == "Front-End service" and .ports == [[135, 135]] and .protocols == ["tcp"]
		and .application == "dcom-rpc" and .direction == ["in"] and .from == ["front-end", "admin-host", "front-end-hlb"]
		and .to == [] and .optional == false and .feature == null and .outgoing == false and .only == [] and (.note | length) > 0
		and .media == null and .load_balancing == null and .opens'
}

@test "gives scripts what least-privilege makes of a row" {
	json '[.rows[] | {key: .id, value: .}] | from_entries
		| .["servers/30"].feature == "call-park" and .["hlb-only/10"].feature == "call-park"
		and .["servers/40"].only == ["front-end", "mediation"]
		and ([.[] | select(.outgoing) | .id] == ["servers/25", "servers/26", "servers/32", "servers/36", "servers/38"])
		and all(.[]; .table == "clients" or (.optional == (.feature != null)))'
}

@test "gives scripts ranges, pairs, both protocols and both directions" {
	json '[.rows[] | {key: .id, value: .}] | from_entries
		| .["servers/10"].ports == [[57501, 65535]] and .["servers/10"].protocols == ["tcp", "udp"]
		and .["clients/01"].ports == [[67, 67], [68, 68]]
		and .["servers/25"].direction == ["in", "out"] and .["servers/25"].optional
		and .["servers/41"].application != "" and .["hlb-dns/03"].application == null
		and .["hlb-only/01"].load_balancing == "hardware" and .["hlb-dns/01"].load_balancing == "dns"
		and (.["ipsec/01"].opens | not) and .["servers/40"].media == "audio"'
}

@test "lists the rows" {
	run "$rolewall" matrix
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 107 ]
	[[ ${lines[0]} =~ ^ID\ +ROLE\ +SERVICE\ +PORTS\ +PROTOCOLS\ +DIRECTION\ +NOTE$ ]]
	[[ ${lines[25]} =~ ^servers/25\ +front-end-collocated-mediation\ +Mediation\ service\ +5081\ +tcp\ +in\+out\ +Outgoing ]]
	LC_ALL=C run ! grep -q '[^ -~]' <<<"$output"
}

@test "lists the rows as CSV of RFC 4180" {
	"$rolewall" matrix --csv >out.csv
	head -n 1 out.csv | cmp - <(printf 'ID,ROLE,SERVICE,PORTS,PROTOCOLS,DIRECTION,NOTE\r\n')
	[ "$(wc -l <out.csv)" -eq 107 ]
	[ "$(grep -c $'\r$' out.csv)" -eq 107 ]
	grep -q '^clients/01,client,DHCP,67 68,udp,in+out,' out.csv
	grep -q '^servers/02,.*,"Plain SIP' out.csv || grep -q '^servers/03,.*,"The main SIP port, for' out.csv
}

@test "lists what a host with a role gets, its base and groups included" {
	json '[.rows[].role] | unique == ["all-internal-servers", "all-servers", "front-end", "front-end-cms"]' \
		--role front-end-cms
	json '[.rows[] | .table] | unique == ["hlb-dns", "hlb-only"]' --role front-end-hlb
	json '.rows == []' --role pstn-gateway
}

@test "answers an unknown role with status 2" {
	run --separate-stderr "$rolewall" matrix --role frontend
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ $stderr == '--role: error: unknown role "frontend" (is it front-end?); accepted: front-end, '* ]]
	run "$rolewall" matrix -c s.yaml --role all-servers
	[ "$status" -eq 2 ]
}

# --- what pools get

@test "gives scripts the pools of a site" {
	json '[.pools[].name] == ["fe", "web", "lb", "gw"]
		and .pools[0].roles == ["front-end", "front-end-collocated-mediation"]
		and .pools[0].addresses == ["10.1.2.0/28", "2001:db8:2::/64"]
		and .pools[0].guarded and (.pools[3].guarded | not) and .pools[3].allow == []' -c s.yaml
}

@test "gives scripts each opening with its rows and sources" {
	json '.pools[0].allow
		| (map(select(.ports == [443, 443])) == [{direction: "in", protocol: "tcp", ports: [443, 443],
			rows: ["servers/12", "servers/19"], from: ["any"]}])
		and any(.[]; .ports == [5090, 5094] and .rows == ["extra/01"] and .from == ["front-end", "10.9.0.0/16"])
		and (map(select(.direction == "out") | .ports[0]) == [445, 5066, 5081, 5082])
		and all(.[] | select(.direction == "out"); .to == ["any"])' -c s.yaml
}

@test "cuts overlapping rows into openings" {
	json '[.pools[0].allow[] | select(.direction == "in" and .protocol == "tcp" and .ports[0] > 40000)
		| [.ports, .rows]] == [
		[[49152, 57500], ["servers/28", "servers/40"]], [[57501, 65535], ["servers/10", "servers/28"]]]' -c s.yaml
}

@test "splits an opening whose rows have different sources" {
	json '[.pools[1].allow[] | [.direction, .protocol, .ports[0], .rows[0], .from // .to]] == [
		["in", "tcp", 443, "servers/41", ["any"]],
		["in", "tcp", 443, "extra/02", ["front-end"]],
		["in", "tcp", 809, "extra/02", ["front-end"]],
		["out", "tcp", 88, "extra/03", ["10.9.0.1"]],
		["out", "udp", 88, "extra/03", ["10.9.0.1"]]]' -c s.yaml
}

@test "follows load_balancing" {
	json '[.pools[2].allow[].rows[]] == ["hlb-dns/01", "hlb-dns/02", "hlb-dns/04", "hlb-dns/03"]' -c s.yaml
	echo 'load_balancing: hardware' >>s.yaml
	json '[.pools[2].allow[].rows[]] | length == 14 and all(startswith("hlb-only/"))' -c s.yaml
}

@test "follows media" {
	echo 'media: {app-sharing: 40803-49150}' >>s.yaml
	json '.pools[0].allow | any(.ports == [40803, 49150] and .rows == ["servers/28"])
		and any(.ports == [49152, 57500] and .rows == ["servers/40"])' -c s.yaml
}

@test "lists the openings of pools" {
	run "$rolewall" matrix -c s.yaml --role office-web-apps
	[ "$status" -eq 0 ]
	diff <(printf '%s\n' "$output") - <<-'END'
		POOL DIRECTION PROTOCOL PORTS FROM/TO   ROWS
		web  in        tcp      443   any       servers/41
		web  in        tcp      443   front-end extra/02
		web  in        tcp      809   front-end extra/02
		web  out       tcp      88    10.9.0.1  extra/03
		web  out       udp      88    10.9.0.1  extra/03
	END
	run "$rolewall" matrix -c s.yaml --role office-web-apps --csv
	[ "${lines[2]}" = $'web,in,tcp,443,front-end,extra/02\r' ]
}

@test "refuses a broken site and prints nothing of it" {
	echo 'mode: learn' >>s.yaml
	run --separate-stderr "$rolewall" matrix --json -c s.yaml
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$stderr" = 's.yaml:12:7: error: mode: unknown word "learn"; accepted: enforce, audit' ]
}

@test "fits a terminal without breaking words" {
	command -v script >/dev/null || skip 'no script(1)'
	script -qc "stty cols 130; '$rolewall' matrix" /dev/null </dev/null | tr -d '\r' >out
	[ "$(awk '{ if (length($0) > longest) longest = length($0) } END { print longest }' out)" -le 130 ]
	[ "$(wc -l <out)" -gt 107 ]
	tr -s ' ' '\n' <out | grep -qx 'configuration.'
}

# --- profile least-privilege

@test "lists both directions with their peers under least-privilege" {
	sed -i '2i profile: least-privilege\nfeatures: [branch-appliance]' s.yaml
	run --separate-stderr "$rolewall" matrix -c s.yaml --json
	[ "$status" -eq 0 ]
	jq -e '[.pools[] | select(.name == "fe") | .allow[]] as $fe
		| any($fe[]; .direction == "in" and .ports == [5067, 5067] and .from == ["pstn-gateway"])
		and any($fe[]; .direction == "out" and .ports == [5081, 5081]
			and .to == ["pstn-gateway", "sba"] and .rows == ["servers/25"])
		and (any($fe[]; .direction == "in" and .ports == [5081, 5081]) | not)
		and (any($fe[]; .ports == [5068, 5068]) | not)
		and any($fe[]; .direction == "in" and .ports == [5090, 5094] and .from == ["front-end", "10.9.0.0/16"])
		and any($fe[]; .direction == "in" and .ports == [445, 445]
			and .from == ["front-end-cms"] and .rows == ["servers/38"])' <<<"$output"
	[[ "$stderr" == *'2:10: warning: no pool holds "client", so rows such as servers/11 admit nobody by it'* ]]
}
