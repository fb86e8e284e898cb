# SPDX-License-Identifier: MIT
# rolewall export: options, messages, and that each reader gets what the vendor's document says.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	reader=$(realpath "$BATS_TEST_DIRNAME/read_ipsec.py")
	cd "$BATS_TEST_TMPDIR" || return
	cat >s.yaml <<-'END'
		version: 1
		interfaces: [eth0]
		media: {client-audio: 50020-50039, client-video: 50040-50065, client-app-sharing: 51000-51099,
		        client-file-transfer: 51100-51199}
		pools:
		  - {name: fe.paris, roles: [front-end-collocated-mediation], addresses: [10.1.2.0/28, "2001:db8:2::/64"]}
		  - {name: web, roles: [office-web-apps], addresses: [10.1.2.8/30]}
		  - {name: both, roles: [mediation, front-end], addresses: [10.1.3.1, 10.1.3.2, 10.1.3.8]}
		  - {name: desk, roles: [client], addresses: [10.8.0.0/16, "2001:db8:8::/48"]}
		  - {name: files, roles: [file-server], addresses: [10.1.9.1, "2001:db8:9::1"]}
		  - {name: edge-in, roles: [av-edge-internal], addresses: [10.1.10.1, "2001:db8:10::1"]}
		  - {name: edge-out, roles: [av-edge-external], addresses: [192.0.2.1]}
		  - {name: um, roles: [exchange-um], addresses: [10.1.11.0/24]}
		  - {name: share, roles: [application-sharing], addresses: [10.1.12.1]}
		  - {name: conf, roles: [front-end-conferencing-attendant], addresses: [10.1.13.1]}
		  - {name: dir, roles: [director], addresses: [10.1.14.1]}
	END
}

export_as() { # FORMAT VARIANT
	"$rolewall" export ipsec -c s.yaml --format "$1" --variant "$2" >"out.$1" 2>err
	! grep -v ': warning: ' err
}

agrees() { # FORMAT [ARGUMENT...]: both variants
	local format=$1 variant
	shift
	for variant in ports-and-protocols network-requirements; do
		export_as "$format" "$variant"
		/usr/bin/python3 "$reader" "$format" "$variant" s.yaml "out.$format" "$@"
	done
}

wanted() { # lines of ipsec:
	printf 'ipsec:\n' >>s.yaml
	printf '  - {%s}\n' "$@" >>s.yaml
}

usage() { # MESSAGE ARGUMENT...
	local message=$1
	shift
	run --separate-stderr "$rolewall" export "$@"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	diff <(echo "$message") <(echo "$stderr")
}

@test "strongSwan gets the vendor's tables" {
	agrees strongswan
}

@test "netsh gets the vendor's tables" {
	agrees netsh
}

@test "PowerShell gets the vendor's tables" {
	agrees powershell
}

@test "ip xfrm gets the vendor's tables" {
	agrees xfrm
}

@test "leaves to IPsec what the site wants to be IPsec" {
	wanted 'between: [mediation, file-server], note: "SMB"' 'between: [10.1.2.0/29, 10.8.7.0/24]' \
		'between: [front-end, front-end]' 'between: [client, "2001:db8:2::/63"]'
	for format in strongswan netsh powershell xfrm; do
		agrees "$format" --count 1500
		[ "$(grep -c 'mediation -- file-server (SMB)' "out.$format")" -eq 1 ]
	done
}

@test "is the same every time, and follows the variant" {
	for format in strongswan netsh powershell xfrm; do
		export_as "$format" ports-and-protocols
		"$rolewall" export --format "$format" ipsec -c s.yaml 2>/dev/null | cmp - "out.$format"
		mv "out.$format" first
		export_as "$format" network-requirements
		run ! cmp -s first "out.$format"
	done
}

@test "names stay when the site grows" {
	export_as powershell ports-and-protocols
	grep -o "IPsecRuleName '[^']*'" out.powershell >before
	printf '  - {name: aa, roles: [mediation], addresses: [10.0.0.1]}\n' >>s.yaml
	export_as powershell ports-and-protocols
	grep -o "IPsecRuleName '[^']*'" out.powershell >after
	[ "$(grep -vxcf before after)" -eq 4 ]
	run ! grep -vxf after before
}

@test "splits what a line of cmd does not hold" {
	{
		printf 'version: 1\ninterfaces: [eth0]\npools:\n  - name: many\n    roles: [mediation]\n    addresses:\n'
		for i in {1..100}; do printf '      - "2001:db8:%x::2:0:0:1"\n' "$((i * 2))"; done
	} >s.yaml
	agrees netsh
	grep -q -- '-v6-udp-part3"' out.netsh
}

@test "writes single ports for ip xfrm, and leaves out what would be too many" {
	sed -i 's/^media: .*/media: {client-audio: 50020-50039,/' s.yaml
	sed -i 's/^  *client-file.*/        client-app-sharing: 51000-51099, client-file-transfer: 51100-51199}/' s.yaml
	run --separate-stderr "$rolewall" export ipsec -c s.yaml --format xfrm
	[ "$status" -eq 0 ]
	[ "$(grep -c 'is left out' <<<"$stderr")" -eq 2 ]
	[[ $stderr == *'rolewall: rolewall-ipsec-15-desk-v4-udp is left out: 64512 ports, at most 1024 in this format'* ]]
	echo "$output" >out.xfrm
	/usr/bin/python3 "$reader" xfrm ports-and-protocols s.yaml out.xfrm --left-out ipsec/15
}

@test "says what no pool has" {
	sed -i '/name: um,/d' s.yaml
	export_as xfrm ports-and-protocols
	[ "$(grep -c '^# No address for ' out.xfrm)" -eq 2 ]
	grep -qx '# No address for ipsec/11 (exchange-um).' out.xfrm
	grep -qx '# No address for ipsec/14 (exchange-um).' out.xfrm
}

@test "says that nobody is exempt" {
	printf 'version: 1\ninterfaces: [eth0]\npools: [{name: d, roles: [director], addresses: [10.1.0.1]}]\n' >s.yaml
	run --separate-stderr "$rolewall" export ipsec -c s.yaml --format xfrm
	[ "$status" -eq 0 ]
	[ "$stderr" = 'rolewall export: no pool has a row of the table of IPsec exceptions' ]
	run ! grep -v '^#' <<<"$output"
}

@test "notes cannot act as commands" {
	# shellcheck disable=SC2016 # that is the note
	wanted 'between: [director, 10.9.0.1], note: "$(reboot) `x` & del %TEMP% > y | z \" é }"'
	for format in strongswan netsh powershell xfrm; do
		agrees "$format" --count 500
		grep -q 'director -- 10.9.0.1 (?(reboot) ?x? ? del ?TEMP? ? y ? z ? ?? ?)' "out.$format"
	done
}

@test "refuses a site with mistakes" {
	wanted 'between: [front-end, any]'
	run --separate-stderr "$rolewall" export ipsec -c s.yaml --format xfrm
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *'s.yaml:18:27: error: between: "any" would permit IPsec to everybody; '* ]]
}

@test "refuses wrong command lines" {
	usage 'rolewall export: a word is missing: ipsec; see "rolewall export --help"'
	usage 'rolewall export: unknown word "pf"; accepted: ipsec' pf
	usage 'rolewall export: unexpected word "xfrm"; see "rolewall export --help"' ipsec xfrm
	usage 'rolewall export: option --format is missing; accepted with ipsec: strongswan, netsh, powershell, xfrm' ipsec
	usage 'rolewall export: unknown format "ike"; accepted with ipsec: strongswan, netsh, powershell, xfrm' \
		ipsec --format ike
	usage 'rolewall export: --json and --csv mean nothing here; accepted: --format strongswan, netsh, powershell, xfrm; see "rolewall export --help"' \
		ipsec --format xfrm --json
	run --separate-stderr "$rolewall" export ipsec -c s.yaml --format xfrm --variant lync
	[ "$status" -eq 2 ]
	[[ $stderr == *'rolewall export: unknown variant "lync"; accepted with matrix skype-server-2015: ports-and-protocols, network-requirements' ]]
}
