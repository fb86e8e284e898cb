# SPDX-License-Identifier: MIT
# rolewall plan where nothing runs: exit statuses, formats, messages.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	pin=/sys/fs/bpf/rolewall-cli-plan-$$
	cd "$BATS_TEST_TMPDIR" || return
	cat >s.yaml <<-'END'
		version: 1
		interfaces: [eth0]
		pools:
		  - {name: web, roles: [office-web-apps], addresses: [10.0.0.0/28, "2001:db8::/64"]}
	END
}

plan() {
	run "-$1" --separate-stderr "$rolewall" plan --pin-dir "$pin" "${@:2}"
	[ ! -e "$pin" ]
}

@test "nothing runs: a table, exit status 3" {
	plan 3 -c s.yaml
	grep -qE '^pool added +web +\+ office-web-apps *$' <<<"$output"
	grep -qE '^opens +web +16 \+ 1 IPv6 prefix +in tcp 443 +any +servers/41 *$' <<<"$output"
	[ "$stderr" = 'rolewall: nothing runs yet, so that nothing is filtered: with s.yaml what its pools open stays open, and everything else to their hosts shuts (pools: 1, IPv4 addresses: 16, IPv6 prefixes: 1)' ]
}

@test "nothing runs: only hosts that the site guards count, and audit shuts nothing" {
	sed -i 's/^interfaces/mode: audit\ninterfaces/' s.yaml
	echo '  - {name: users, roles: [admin-host], addresses: [10.4.0.0/16]}' >>s.yaml
	plan 3 -c s.yaml
	[[ $stderr == *'(pools: 1, IPv4 addresses: 16, IPv6 prefixes: 1); mode: audit counts that, but drops nothing' ]]
	sed -i 's/^mode: audit/unlisted: drop/' s.yaml
	plan 3 -c s.yaml
	[[ $stderr == *'(pools: 2, IPv4 addresses: 65,552, IPv6 prefixes: 1)' ]]
}

@test "nothing runs: CSV" {
	plan 3 -c s.yaml --csv
	diff <(tr -d '\r' <<<"$output" | grep -v ^setting) - <<-'END'
		CHANGE,POOL,HOSTS,WHAT,FROM/TO,ROWS,PACKETS,LAST
		pool added,web,,+ office-web-apps,,,,
		addresses,web,16 + 1 IPv6 prefix,+ 10.0.0.0/28 2001:db8::/64 (newly guarded),,,,
		opens,web,16 + 1 IPv6 prefix,in tcp 443,any,servers/41,,
	END
}

@test "nothing runs: JSON" {
	plan 3 -c s.yaml --json
	jq -e '.changes and (.running | not) and .generation == 0 and .counted_since == null and
		.pools == [{name: "web", change: "added", before: null, after: {name: "web",
			roles: ["office-web-apps"], guarded: true, ipsec_exempt: false}}] and
		(.areas | length == 1) and (.areas[0] | .before == null and .after == "web" and
			.ipv4_addresses == 16 and .ipv6_prefixes == 1 and .shuts == [] and
			.addresses == ["10.0.0.0/28", "2001:db8::/64"] and (.more | not) and
			.opens == [{direction: "in", protocol: "tcp", ports: [443, 443],
				from: ["any"], except: [], rows: ["servers/41"]}])' <<<"$output"
}

@test "a wrong site is refused with its line" {
	sed -i 's/office-web-apps/office-web-app/' s.yaml
	plan 1 -c s.yaml
	[ -z "$output" ]
	[[ $stderr == 's.yaml:4:25: error: unknown role "office-web-app" (is it office-web-apps?)'* ]]
}

@test "a site that is not there is refused" {
	plan 1 -c none.yaml
	[ -z "$output" ]
	[[ $stderr == *none.yaml* ]]
}

@test "a plan that is lost is a failure, not a change" {
	run -1 --separate-stderr bash -c "'$rolewall' plan --pin-dir '$pin' -c s.yaml >/dev/full"
	[[ $stderr == *'rolewall: cannot write the output: No space left on device' ]]
}

@test "plan takes no words" {
	plan 2 -c s.yaml now
	[[ $stderr == *'unexpected word "now"'* ]]
}
