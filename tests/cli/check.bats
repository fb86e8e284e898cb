# SPDX-License-Identifier: MIT
# rolewall check: what it says of broken site files, and how it says it of good ones.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	cd "$BATS_TEST_TMPDIR" || return
}

# A good site of three lines; what follows starts in line 4.
site() {
	cat >s.yaml <<-'END'
		version: 1
		interfaces: [eth0]
		pools: [{name: fe, roles: [front-end], addresses: [10.0.0.1]}]
	END
	printf '%s\n' "$@" >>s.yaml
}

# The first two lines of a site, then a pool with these roles and addresses in line 3.
pool() {
	printf 'version: 1\ninterfaces: [eth0]\npools: [{name: fe, roles: [%s], addresses: [%s]}]\n' \
		"$1" "$2" >s.yaml
}

# check refuses s.yaml with exactly these lines before its summary.
refused() {
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	diff <(printf 's.yaml:%s\n' "$@") <(head -n -1 <<<"$stderr")
	[[ ${stderr##*$'\n'} == "rolewall check: s.yaml is refused: "* ]]
}

# check accepts s.yaml with exactly these warnings.
accepted() {
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 0 ]
	diff <(printf '%s' "${1+s.yaml:$1}") <(printf '%s' "$stderr")
	[[ $output == "valid: "* ]]
}

# --- mistakes, each with its place

site_keys='version, matrix, profile, load_balancing, mode, outbound, unlisted, icmp_echo, interfaces, pools, timeouts, asymmetric, forwarding, media, extra, ipsec, overlays, failsafe, features'
addresses='10.1.2.3, 10.1.2.0/28, 2001:db8::1, 2001:db8::/64'

@test "refuses an unknown key" {
	site 'rules: []'
	refused "4:1: error: unknown key \"rules\" in a site; accepted: $site_keys"
}

@test "refuses a key given twice" {
	site 'version: 1'
	refused '4:1: error: key "version" is given twice in a site; line 1 has it already'
}

@test "refuses a missing key" {
	printf 'version: 1\ninterfaces: [eth0]\n' >s.yaml
	refused "1:1: error: key \"pools\" is missing in a site; accepted: $site_keys"
}

@test "refuses another version" {
	printf 'version: 2\ninterfaces: [eth0]\npools: []\n' >s.yaml
	refused '1:10: error: version: "2" is not known; accepted: 1' \
		'3:8: warning: no pools, so nothing is guarded'
}

@test "refuses a value for a list" {
	site 'extra: none'
	refused '4:8: error: extra: a value found; a list is accepted'
}

@test "refuses what is no YAML" {
	site 'extra: [{role: front-end}'
	refused "5:1: error: not YAML: did not find expected ',' or ']' (while parsing a flow sequence that starts in line 4)"
}

@test "refuses an anchor" {
	site 'mode: &m audit'
	refused '4:7: error: anchor "&m" is not accepted; write the value where it is used'
}

@test "refuses a second document" {
	site '---' 'version: 1'
	refused '4:1: error: second document; a file holds one'
}

@test "refuses an unknown mode" {
	site 'mode: learn'
	refused '4:7: error: mode: unknown word "learn"; accepted: enforce, audit'
}

@test "refuses a boolean in other words" {
	printf 'version: 1\ninterfaces: [eth0]\npools:\n- {name: fe, roles: front-end, addresses: 10.0.0.1, inherit: yes}\n' >s.yaml
	refused '4:62: error: inherit: unknown word "yes"; accepted: false, true'
}

@test "refuses a feature that nobody knows, and names those there are" {
	site 'profile: least-privilege
features: [call-park, servers/24, karaoke]'
	refused '5:35: error: features: unknown name "karaoke"; accepted: the id of an optional row, as in servers/24, or plain-sip, legacy-clients, external-http, mobility-legacy, dial-in-conferencing, plain-sip-trunk, branch-appliance, call-park, audio-test, e911, response-group, cac, office-web-apps'
}

@test "refuses failsafe sources and ports that would open too much or nothing" {
	site 'failsafe: {from: [0.0.0.0/0, admin-host], ports: [22, 0/udp]}'
	refused '4:19: error: from: 0.0.0.0/0 is every address there is; accepted: longer prefixes' \
		'4:30: error: from: "admin-host" is no prefix; accepted: 10.9.0.0/24, 10.9.0.7, 2001:db8:9::/64' \
		'4:51: error: ports: "22" has no protocol; accepted: N/tcp, A-B/tcp, N/udp, A-B/udp' \
		'4:55: error: ports: "0" is out of range; accepted: 1-65535'
}

@test "refuses a word that forwarding does not know, warns where it cannot be" {
	site 'forwarding: fast'
	refused '4:13: error: forwarding: unknown word "fast"; accepted: kernel, xdp'
	site 'forwarding: xdp'
	sed -i 's/^interfaces:.*/interfaces: [{name: eth0, hook: tc}, eth1]/' s.yaml
	accepted '2:14: warning: eth0: with hook: tc the kernel forwards in spite of forwarding: xdp'
}

@test "refuses a timeout out of range, and says the range" {
	site 'timeouts: {tcp: 8h, udp: 0, fragment: 5m}'
	refused '4:26: error: udp: "0"; accepted: 1 to 604800 seconds, as 90, 90s, 15m or 2h' \
		'4:39: error: fragment: "5m"; accepted: 1 to 120 seconds, as 90, 90s, 15m or 2h'
}

@test "refuses a matrix that is not there" {
	site 'matrix: own.yaml'
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = 'own.yaml: error: cannot be read: No such file or directory' ]
	[ "${stderr_lines[1]}" = 's.yaml:4:9: error: matrix: "own.yaml" cannot be used; accepted: skype-server-2015, or the path of a matrix file' ]
}

@test "refuses a site without interfaces" {
	printf 'version: 1\ninterfaces: []\npools: [{name: fe, roles: [front-end], addresses: [10.0.0.1]}]\n' >s.yaml
	refused '2:13: error: interfaces: empty list; at least one interface is accepted'
}

@test "refuses an interface given twice" {
	printf 'version: 1\ninterfaces: [eth0, {name: eth0}]\npools: [{name: fe, roles: [front-end], addresses: [10.0.0.1]}]\n' >s.yaml
	refused '2:20: error: interface "eth0" is listed twice; line 2 has it already'
}

@test "refuses a name that no interface can have" {
	printf 'version: 1\ninterfaces: [a-name-of-sixteen]\npools: [{name: fe, roles: [front-end], addresses: [10.0.0.1]}]\n' >s.yaml
	refused '2:14: error: "a-name-of-sixteen" is no name of an interface; accepted: 1 to 15 bytes without blank, / and :'
}

@test "refuses an unknown hook and side" {
	printf 'version: 1\ninterfaces: [{name: eth0, side: left, hook: xdp}]\npools: [{name: fe, roles: [front-end], addresses: [10.0.0.1]}]\n' >s.yaml
	refused '2:33: error: side: unknown word "left"; accepted: any, outside, inside' \
		'2:45: error: hook: unknown word "xdp"; accepted: auto, xdp-native, xdp-generic, tc'
}

@test "refuses a pool given twice" {
	printf '%s\n' 'version: 1' 'interfaces: [eth0]' 'pools:' \
		'- {name: fe, roles: [front-end], addresses: [10.0.0.1]}' \
		'- {name: fe, roles: [front-end], addresses: [10.0.0.2]}' >s.yaml
	refused '5:3: error: pool "fe" is listed twice; line 4 has it already'
}

@test "refuses a name that no pool can have" {
	printf 'version: 1\ninterfaces: [eth0]\npools: [{name: fe/1, roles: [front-end], addresses: [10.0.0.1]}]\n' >s.yaml
	refused '3:16: error: "fe/1" is no name of a pool; accepted: 1 to 31 of a-z A-Z 0-9 . _ -'
}

@test "refuses an unknown role, and guesses the right one" {
	pool 'frontend' 10.0.0.1
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[[ $stderr == 's.yaml:3:28: error: unknown role "frontend" (is it front-end?); accepted: front-end, front-end-collocated-mediation, '* ]]
}

@test "refuses a group as a role" {
	pool 'all-servers' 10.0.0.1
	refused '3:28: error: "all-servers" is a group, not a role; accepted: the roles it stands for: front-end, director, mediation, persistent-chat-front-end'
}

@test "refuses host bits, and says the prefix" {
	pool front-end '10.1.2.3/28, "2001:db8::1/64"'
	refused '3:52: error: 10.1.2.3/28: host bits set; 10.1.2.0/28 is the prefix' \
		'3:65: error: 2001:db8::1/64: host bits set; 2001:db8::/64 is the prefix'
}

@test "refuses what is no address" {
	pool front-end '10.1.2, 10.1.2.0/33, localhost'
	refused "3:52: error: \"10.1.2\" is no address; accepted: $addresses" \
		"3:60: error: \"10.1.2.0/33\" is no address; accepted: $addresses" \
		"3:73: error: \"localhost\" is no address; accepted: $addresses"
}

@test "refuses addresses that no host has" {
	pool front-end '224.0.0.1, 127.0.0.1, "fe80::1", "::", 0.0.0.0/0, "::ffff:10.0.0.1"'
	refused '3:52: error: 224.0.0.1: multicast (224.0.0.0/4); accepted: addresses that hosts have' \
		'3:63: error: 127.0.0.1: loopback (127.0.0.0/8); accepted: addresses that hosts have' \
		'3:74: error: fe80::1: link-local (fe80::/10); accepted: addresses that hosts have' \
		'3:85: error: ::: the unspecified address (::); accepted: addresses that hosts have' \
		'3:91: error: 0.0.0.0/0: every address there is; accepted: addresses that hosts have' \
		'3:102: error: ::ffff:10.0.0.1: IPv4-mapped (::ffff:0:0/96); accepted: addresses that hosts have'
}

@test "refuses an address in two pools with different roles" {
	printf '%s\n' 'version: 1' 'interfaces: [eth0]' 'pools:' \
		'- {name: a, roles: [front-end], addresses: [10.0.0.1]}' \
		'- {name: b, roles: [director], addresses: [10.0.0.1]}' >s.yaml
	refused '5:44: error: 10.0.0.1 is in pool "a" with other roles (line 4); accepted: one pool for an address'
}

@test "refuses to inherit from two pools" {
	printf '%s\n' 'version: 1' 'interfaces: [eth0]' 'pools:' \
		'- {name: a, roles: [front-end], addresses: [10.0.0.0/24]}' \
		'- {name: b, roles: [director], addresses: [10.0.1.0/24]}' \
		'- {name: c, roles: [mediation], addresses: [10.0.0.1, 10.0.1.1], inherit: true}' >s.yaml
	refused '6:55: error: pool "c" inherits, but 10.0.0.1 lies in pool "a" and 10.0.1.1 in pool "b"; accepted: one outer pool for all its addresses, so split it'
}

@test "refuses a reversed range" {
	site 'extra: [{role: front-end, ports: [90-80], protocols: tcp}]'
	refused '4:35: error: ports: "90-80" is reversed; accepted: 80-90'
}

@test "refuses ports that are none" {
	site 'extra: [{role: front-end, ports: [0, 65536, http, 443/tcp], protocols: tcp}]'
	refused '4:35: error: ports: "0" is out of range; accepted: 1-65535' \
		'4:38: error: ports: "65536" is out of range; accepted: 1-65535' \
		'4:45: error: ports: "http" is no port; accepted: N or A-B within 1-65535' \
		'4:51: error: ports: "443/tcp" is no port; accepted: N or A-B within 1-65535'
}

@test "refuses an unknown protocol" {
	site 'extra: [{role: front-end, ports: 80, protocols: [icmp]}]'
	refused '4:50: error: protocols: unknown word "icmp"; accepted: tcp, udp'
}

@test "refuses a row without roles" {
	site 'extra:' '- {ports: 80, protocols: tcp}'
	refused '5:3: error: key "roles" is missing in a row; accepted: roles: [ROLE, ...]'
}

@test "refuses an empty from:, which could be read as nobody" {
	site 'extra: [{role: front-end, ports: 80, protocols: tcp, from: []}]'
	refused '4:60: error: from: empty list; at least one value is accepted'
}

@test "refuses a from: with host bits" {
	site 'extra: [{role: front-end, ports: 80, protocols: tcp, from: [10.0.0.1/24]}]'
	refused '4:61: error: 10.0.0.1/24: host bits set; 10.0.0.0/24 is the prefix'
}

@test "refuses a media range of too few ports" {
	site 'media: {client-audio: 50000-50018}'
	refused '4:23: error: client-audio: only 19 ports; accepted: 20 or more'
}

@test "refuses an unknown media range" {
	site 'media: {sound: 50000-50999}'
	refused '4:9: error: unknown key "sound" in media; accepted: audio, video, app-sharing, client-audio, client-video, client-app-sharing, client-file-transfer'
}

@test "says all mistakes in one run, in the order of the file" {
	printf '%s\n' 'version: 1' 'mode: on' 'interfaces: [eth0]' 'colour: red' 'pools:' \
		'- {name: a, roles: [no-such-role-at-all], addresses: [10.0.0.1/8]}' \
		'- {name: a, addresses: [10.0.0.1]}' >s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	diff <(printf '%s\n' "$stderr" | sed 's/: error: .*//' | head -n -1) - <<-'END'
		s.yaml:2:7
		s.yaml:4:1
		s.yaml:6:21
		s.yaml:6:55
		s.yaml:7:3
		s.yaml:7:3
	END
	[ "${stderr_lines[6]}" = 'rolewall check: s.yaml is refused: 6 errors, 0 warnings' ]
}

@test "keeps escapes of the file from the terminal" {
	printf 'version: "1\\e[31m"\ninterfaces: [eth0]\npools: []\n"\\x1b[2J\xc3\xa9": 1\n' >s.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[[ $stderr == *'unknown key "\x1b[2J\xc3\xa9" in a site'* ]]
	LC_ALL=C run ! grep -q '[^ -~]' <<<"$stderr"
}

# --- warnings

@test "accepts a good site without a word" {
	site
	accepted
}

@test "warns of a pool inside another" {
	printf '%s\n' 'version: 1' 'interfaces: [eth0]' 'pools:' \
		'- {name: a, roles: [front-end], addresses: [10.0.0.0/24]}' \
		'- {name: b, roles: [director], addresses: [10.0.0.1, 10.0.0.2]}' >s.yaml
	accepted '5:44: warning: 10.0.0.1 lies in 10.0.0.0/24 of pool "a"; there only the roles of pool "b" count (inherit: true would add the others)'
}

@test "warns of a pool that drops everything inbound" {
	pool mediation-hlb 10.0.0.1
	accepted '3:9: warning: pool "fe" drops everything inbound: with load_balancing dns no row opens a port for its roles'
}

@test "warns of media ranges that overlap" {
	site 'media: {app-sharing: 40803-49150, audio: 49000-49999}'
	accepted '4:42: warning: audio 49000-49999 overlaps app-sharing 40803-49150 on tcp'
}

@test "warns of a source that nobody is" {
	site 'extra: [{role: front-end, ports: 80, protocols: tcp, from: [sba]}]'
	accepted '4:61: warning: no pool holds "sba", so nothing matches it'
}

# --- files

@test "says why a file cannot be read" {
	run --separate-stderr "$rolewall" check -c missing.yaml
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = 'missing.yaml: error: cannot be read: No such file or directory' ]
	run --separate-stderr "$rolewall" check -c .
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = '.: error: cannot be read: Is a directory' ]
	run --separate-stderr "$rolewall" check -c /dev/null
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = '/dev/null: error: empty; a YAML file with keys is expected' ]
}

@test "finds a matrix beside the site file, not beside itself" {
	mkdir etc
	site 'matrix: own.yaml'
	mv s.yaml etc
	cat >etc/own.yaml <<-'END'
		version: 1
		name: own
		title: Own
		roles: {front-end: {title: Front end}}
		tables: {web: {title: Web, rows: [{id: web/01, role: front-end, service: Web, ports: 443, protocols: tcp, direction: in}]}}
	END
	run "$rolewall" check -c etc/s.yaml
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'valid: matrix own, load_balancing dns, mode enforce' ]
}

@test "names the matrix file in its mistakes" {
	site 'matrix: own.yaml'
	printf 'version: 1\nname: own\ntitle: Own\nroles: {a: {title: A}}\ntables: {t: {title: T, rows: [{}]}, extra: {}}\n' >own.yaml
	run --separate-stderr "$rolewall" check -c s.yaml
	[ "$status" -eq 1 ]
	[[ ${stderr_lines[0]} == 'own.yaml:5:31: error: key "id" is missing in a row; '* ]]
	[[ $stderr == *'s.yaml:4:9: error: matrix: "own.yaml" cannot be used; '* ]]
}

# --- output

@test "lists pools" {
	site
	run "$rolewall" check -c s.yaml
	[ "$status" -eq 0 ]
	[[ ${lines[1]} =~ ^'sizes: 1 interfaces, 1 pools, 1 prefixes, 106 rows, image '[0-9]+' KiB'$ ]]
	[ "${lines[2]}" = 'overlays: none; also for these roles: windows-fabric, pool-services, logging' ]
	[ "${lines[3]}" = 'POOL GUARDED ADDRESSES TCP UDP TCP-PORTS UDP-PORTS ROLES' ]
	[[ ${lines[4]} =~ ^'fe   yes             1  '[0-9]+' ' ]]
}

@test "lists pools as CSV of RFC 4180" {
	site
	"$rolewall" check --csv -c s.yaml >out.csv
	head -n 1 out.csv | cmp - <(printf 'POOL,GUARDED,ADDRESSES,TCP,UDP,TCP-PORTS,UDP-PORTS,ROLES\r\n')
	[ "$(wc -l <out.csv)" -eq 2 ]
}

@test "tells scripts of a good site in JSON" {
	site 'media: {app-sharing: 40803-49150, audio: 49000-49999}'
	run --separate-stderr "$rolewall" check --json -c s.yaml
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	jq -e '.valid and .errors == [] and (.warnings | length) == 1
		and .warnings[0].file == "s.yaml" and .warnings[0].line == 4 and .warnings[0].column == 42
		and .pools[0].name == "fe" and .pools[0].roles == ["front-end"] and .pools[0].guarded
		and .pools[0].openings.tcp > 30 and .pools[0].ports.udp > 8000
		and .sizes.prefixes == 1 and .sizes.image_bytes > 0' <<<"$output"
}

@test "tells scripts of a broken site in JSON" {
	site 'mode: learn' 'rules: []'
	run --separate-stderr "$rolewall" check --json -c s.yaml
	[ "$status" -eq 1 ]
	jq -e '(.valid | not) and .pools == []
		and ([.errors[] | [.file, .line, .column]] == [["s.yaml", 4, 7], ["s.yaml", 5, 1]])
		and .errors[0].message == "mode: unknown word \"learn\"; accepted: enforce, audit"' <<<"$output"
}

# --- the command line

usage() {
	local hint=$1
	shift
	run --separate-stderr "$rolewall" "$@"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[ "$stderr" = "$hint" ]
}

@test "answers a wrong command line with status 2 and one line" {
	usage 'rolewall: no command; see "rolewall help"'
	usage 'rolewall: unknown command "chek"; see "rolewall help"' chek
	usage 'rolewall: unknown command "chek"; see "rolewall help"' help chek
	usage 'rolewall check: unknown or ambiguous option --frob; see "rolewall check --help"' check --frob
	usage 'rolewall check: unknown option -x; see "rolewall check --help"' check -x
	usage 'rolewall check: option -c needs a value; see "rolewall check --help"' check -c
	usage 'rolewall check: option --json=1 takes no value; see "rolewall check --help"' check --json=1
	usage 'rolewall check: --json and --csv exclude each other; see "rolewall check --help"' check --json --csv
	usage 'rolewall check: unexpected word "s.yaml"; see "rolewall check --help"' check s.yaml
}

@test "helps" {
	run --separate-stderr "$rolewall" help
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == *$'\n  check      '* ]]
	run "$rolewall" check --help
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == 'Usage: rolewall check [OPTION...]' ]]
	run "$rolewall" help matrix
	[[ $output == *'  --role ROLE '* ]]
	run "$rolewall" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^rolewall\ [0-9] ]]
}

# What may be made of --json and --csv: "json csv", "json" or "".
formats() {
	"$rolewall" "$1" --help | sed -nE 's/^  --(json|csv) .*/\1/p' | paste -sd ' '
}

@test "helps with --json and --csv where they are not refused" {
	for command in metrics export agent boot; do
		[ -z "$(formats $command)" ]
		for option in --json --csv; do
			run --separate-stderr "$rolewall" $command $option
			[ "$status" -eq 2 ]
			[[ -z $output && $stderr == "rolewall $command: "*"; see \"rolewall $command --help\"" ]]
		done
	done
	[ "$(formats watch)" = json ]
	[ "$(formats check)" = 'json csv' ]
}

@test "fails when its output gets lost" {
	site
	run --separate-stderr bash -c "'$rolewall' check -c s.yaml >/dev/full"
	[ "$status" -eq 1 ]
	[ "$stderr" = 'rolewall: cannot write the output: No space left on device' ]
}
