#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# rolewall metrics: read by the Prometheus project's own parser, and equal to what drops and status say.
# shellcheck disable=SC2154 # run sets stderr

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
# What a name of an interface may hold, and OpenMetrics must escape.
ODD='in"\x'

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-metrics
	ip -n "$TAG-gateway" link set in down
	ip -n "$TAG-gateway" link set in name "$ODD"
	ip -n "$TAG-gateway" link set "$ODD" up
	ns_address gateway "$ODD" fd77:2::1/64
	serve servers --tcp 5061,2000 --udp 50000,2000 "$FE4" "$FE6"
	serve clients --tcp 8080 --udp 8080 "$CLIENT4" "$CLIENT6"
	SITE=$BATS_FILE_TMPDIR/site.yaml
	export SITE
	cat >"$SITE" <<-END
		version: 1
		interfaces:
		  - {name: out, side: outside}
		  - {name: '$ODD', side: inside, hook: xdp-generic}
		pools:
		  - {name: fe.paris-1, roles: [front-end], addresses: [$FE4, "$FE6"]}
		timeouts: {udp: 5m, fragment: 2m}
	END
	apply "$SITE"
	traffic clients tcp "$FE4" 5061
	traffic clients tcp "$FE6" 5061
	traffic clients udp "$FE4" 2000 --wait 0.1
	traffic servers udp "$CLIENT4" 8080 --source "$FE4" --sport 40000
	traffic servers udp "$CLIENT6" 8080 --source "$FE6" --sport 40000
	traffic servers udp "$CLIENT6" 8080 --source "$FE6" --sport 40001
	traffic clients udp "$FE6" 50000 --bytes 4000
}

teardown_file() {
	rolewall detach || true
	net_down
}

# What the independent reader makes of the metrics, in $METRICS.
read_metrics() {
	rolewall metrics >"$BATS_TEST_TMPDIR/metrics"
	METRICS=$(/usr/bin/python3 "$BATS_TEST_DIRNAME/metrics.py" <"$BATS_TEST_TMPDIR/metrics")
}

metric() { # NAME
	jq --arg name "$1" '.[$name]' <<<"$METRICS"
}

@test "the text is OpenMetrics, with type, unit and help, and ends as it must" {
	read_metrics
	[[ $(tail -n 1 "$BATS_TEST_TMPDIR/metrics") == '# EOF' ]]
	(($(jq length <<<"$METRICS") > 200))
}

@test "reasons, rows and pools are what drops says" {
	rolewall drops --json >"$BATS_TEST_TMPDIR/reasons"
	rolewall drops --by row --json >"$BATS_TEST_TMPDIR/rows"
	rolewall drops --by pool --json >"$BATS_TEST_TMPDIR/pools"
	rolewall status --json >"$BATS_TEST_TMPDIR/status"
	read_metrics
	jq -s '
		def entry(family; kind; of; value): {"rolewall_\(family)_total{\(kind)=\(of)}": value};
		.[0] as $reasons | .[1].rows as $rows | .[2].pools as $pools | .[3].forwarding.packets as $forwarding | [
		($reasons.reasons | to_entries[] | .key as $r | .value |
			entry("dropped_packets"; "reason"; $r; .packets), entry("dropped_bytes"; "reason"; $r; .bytes),
			entry("audited_packets"; "reason"; $r; .audited)),
		($reasons.passes | to_entries[] | .key as $r | .value |
			entry("passed_packets"; "reason"; $r; .packets), entry("passed_bytes"; "reason"; $r; .bytes)),
		($rows[] | entry("row_packets"; "row"; .row; .packets), entry("row_bytes"; "row"; .row; .bytes)),
		($pools[] | entry("pool_dropped_packets"; "pool"; .pool; .packets),
			entry("pool_dropped_bytes"; "pool"; .pool; .bytes)),
		($forwarding | to_entries[] | entry("forwarding_packets"; "result"; .key; .value))] | add' \
		"$BATS_TEST_TMPDIR"/{reasons,rows,pools,status} |
		jq -S 'with_entries(.value += 0)' >"$BATS_TEST_TMPDIR/want"
	jq -S 'with_entries(select(.key | test("_(packets|bytes)_total[{]")))' <<<"$METRICS" >"$BATS_TEST_TMPDIR/got"
	# links talk on their own meanwhile
	diff <(grep -v 'arp\|neighbour\|multicast\|transit' "$BATS_TEST_TMPDIR/want" | sed -E 's/\.0+(,?)$/\1/') \
		<(grep -v 'arp\|neighbour\|multicast\|transit' "$BATS_TEST_TMPDIR/got" | sed -E 's/\.0+(,?)$/\1/')
	(($(metric 'rolewall_row_packets_total{row=servers/03}') == 12))
	(($(metric 'rolewall_pool_dropped_packets_total{pool=fe.paris-1}') == 1))
	(($(metric 'rolewall_dropped_packets_total{reason=port_not_in_matrix}') == 1))
}

@test "tables are what status says: both families, and fragments" {
	read_metrics
	status=$(rolewall status --json)
	jq -e '.tables | .flows_ipv4.used == 1 and .flows_ipv6.used == 2 and .fragments.used == 1 and
		.flows_created == 3 and .fragments_created == 1 and .flows_ipv6.size == 131072' <<<"$status"
	(($(metric 'rolewall_flows{family=ipv4}') == 1))
	(($(metric 'rolewall_flows{family=ipv6}') == 2))
	(($(metric 'rolewall_flows_capacity{family=ipv4}') == 131072))
	(($(metric 'rolewall_flows_capacity{family=ipv6}') == 131072))
	(($(metric rolewall_flows_started_total) == 3))
	(($(metric rolewall_flows_evicted_total) == 0))
	(($(metric rolewall_flows_lost_total) == 0))
	(($(metric rolewall_fragmented_packets) == 1))
	(($(metric rolewall_fragmented_packets_capacity) == 8192))
	(($(metric rolewall_fragmented_packets_remembered_total) == 1))
}

@test "the instance: interfaces with odd names, generation, mode, timeouts, age" {
	read_metrics
	status=$(rolewall status --json)
	(($(metric 'rolewall_interface{hook=xdp-native,interface=out,side=outside}') == 1))
	(($(metric "rolewall_interface{hook=xdp-generic,interface=$ODD,side=inside}") == 1))
	(($(metric rolewall_generation) == $(jq .generation <<<"$status")))
	(($(metric 'rolewall_mode{mode=enforce}') == 1 && $(metric 'rolewall_mode{mode=audit}') == 0))
	(($(metric 'rolewall_timeout_seconds{kind=udp}') == 300))
	(($(metric 'rolewall_timeout_seconds{kind=tcp}') == 7440))
	jq -e '.timeouts == {tcp_opening: 240, tcp: 7440, tcp_closing: 240, udp: 300, icmp_echo: 60, fragment: 120} and
		.asymmetric == false' <<<"$status"
	(($(metric rolewall_asymmetric) == 0))
	(($(metric rolewall_age_seconds) >= 1))
	(($(metric rolewall_image_bytes) == $(jq .image_pages <<<"$status") * 1024))
}

@test "what is going on: when the policy was made, no trial, no shadow, what watch was shown" {
	read_metrics
	status=$(rolewall status --json)
	made=$(jq .generation_time <<<"$status")
	(($(date +%s) - made >= 0 && $(date +%s) - made < 300))
	jq -e --argjson made "$made" '.rolewall_generation_timestamp_seconds == $made and
		.rolewall_trial_seconds == 0 and .rolewall_trial_returned == 0 and .rolewall_trial_returns_total == 0 and
		.rolewall_shadow == 0 and .rolewall_watch_events_lost_total == 0' <<<"$METRICS"
	jq -e '.profile == "literal" and .outbound == "open" and .trial == {seconds: 0, returned: false, returns: 0}' \
		<<<"$status"
	rolewall watch --count 1 --duration 5 >"$BATS_TEST_TMPDIR/watched" &
	watch=$!
	while kill -0 "$watch" 2>/dev/null; do
		silent_udp "$FE4" 2000
	done
	read_metrics
	(($(metric rolewall_watch_events_total) >= 1))
}

@test "an interface that has another name, or is gone, says so in status and metrics" {
	ip -n "$TAG-gateway" link set "$ODD" down
	ip -n "$TAG-gateway" link set "$ODD" name moved
	rolewall status --json | jq -e --arg odd "$ODD" '.interfaces[] | select(.name == $odd) |
		.condition == "renamed" and .hook == "xdp-generic" and .present'
	rolewall status | grep -q 'has another name now: moved'
	read_metrics
	(($(metric "rolewall_interface_condition{condition=renamed,interface=$ODD}") == 1))
	(($(metric "rolewall_interface_condition{condition=filtered,interface=$ODD}") == 0))
	(($(metric "rolewall_interface{hook=xdp-generic,interface=$ODD,side=inside}") == 1))
	ip -n "$TAG-gateway" link delete moved
	rolewall status --json | jq -e --arg odd "$ODD" '.interfaces[] | select(.name == $odd) |
		.condition == "missing" and .hook == "none" and .side == "inside" and (.present | not)'
	read_metrics
	(($(metric "rolewall_interface_condition{condition=missing,interface=$ODD}") == 1))
	(($(metric "rolewall_interface{hook=none,interface=$ODD,side=inside}") == 0))
	ip -n "$TAG-gateway" link add "$ODD" type veth peer name again
	rolewall status --json | jq -e --arg odd "$ODD" '.interfaces[] | select(.name == $odd) |
		.condition == "unfiltered" and .hook == "none" and .present'
}

@test "--textfile puts a whole file in place, or none" {
	file=$BATS_TEST_TMPDIR/dir/rolewall.prom
	mkdir "$BATS_TEST_TMPDIR/dir"
	rolewall metrics --textfile "$file"
	rolewall metrics --textfile "$file"
	[[ $(stat -c %a "$file") == 644 ]]
	[[ $(tail -n 1 "$file") == '# EOF' ]]
	/usr/bin/python3 "$BATS_TEST_DIRNAME/metrics.py" <"$file" >/dev/null
	[[ $(ls "$BATS_TEST_TMPDIR/dir") == rolewall.prom ]]
	run -1 --separate-stderr rolewall metrics --textfile "$BATS_TEST_TMPDIR/none/rolewall.prom"
	[[ $stderr == *"cannot write $BATS_TEST_TMPDIR/none/rolewall.prom: No such file or directory" ]]
	mkdir "$BATS_TEST_TMPDIR/dir/taken"
	run -1 --separate-stderr rolewall metrics --textfile "$BATS_TEST_TMPDIR/dir/taken"
	[[ $stderr == *"cannot write "* ]]
	[[ $(ls "$BATS_TEST_TMPDIR/dir") == $'rolewall.prom\ntaken' ]]
}

@test "other formats, and nothing loaded, are errors" {
	run -2 --separate-stderr rolewall metrics --json
	[[ -z $output ]]
	run -1 --separate-stderr in_ns gateway "$ROLEWALL" metrics --pin-dir "$PIN-none"
	[[ -z $output && $stderr == *"nothing is loaded at $PIN-none"* ]]
}
