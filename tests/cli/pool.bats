# SPDX-License-Identifier: MIT
# rolewall pool: edits of the site file, as far as they need no kernel.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	cd "$BATS_TEST_TMPDIR" || return
	cat >s.yaml <<-'END'
		version: 1
		interfaces: [eth0]
		pools:  # all of them
		  - name: fe
		    roles: [front-end]      # one
		    addresses:
		      - 10.0.0.1  # first
		      - 10.0.0.2
		  - {name: dir, roles: director, addresses: "10.0.1.1"}
	END
	cp s.yaml before.yaml
}

# The file is what it was, but for these lines of `diff`.
changed() {
	diff <(printf '%s\n' "$@") <(diff before.yaml s.yaml)
	[ -z "$(find . -name '.s.yaml*')" ]
}

# This edit is refused with these lines, and the file is what it was.
refused() {
	local message=$1
	shift
	run --separate-stderr "$rolewall" pool "$@" -c s.yaml --no-apply
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$stderr" = "$message"$'\n''rolewall: nothing was changed' ]
	cmp before.yaml s.yaml
	[ -z "$(find . -name '.s.yaml*')" ]
}

@test "lists pools" {
	run --separate-stderr "$rolewall" pool list -c s.yaml --csv
	[ "$status" -eq 0 ]
	diff <(tr -d '\r' <<<"$output") - <<-'END'
		POOL,LINE,GUARDED,INHERIT,ROLES,ADDRESSES
		fe,4,yes,no,front-end,10.0.0.1 10.0.0.2
		dir,9,yes,no,director,10.0.1.1
	END
	"$rolewall" pool list -c s.yaml --json | python3 -c '
import json, sys
pools = json.load(sys.stdin)["pools"]
assert pools[0] == {"name": "fe", "roles": ["front-end"], "addresses": ["10.0.0.1", "10.0.0.2"],
    "holds": ["front-end"], "inherit": False, "guarded": True, "line": 4}, pools[0]
assert [pool["name"] for pool in pools] == ["fe", "dir"]'
}

@test "adds a role and keeps the rest" {
	"$rolewall" pool add-role fe mediation sba -c s.yaml --no-apply
	changed 5c5 '<     roles: [front-end]      # one' '---' \
		'>     roles: [front-end, mediation, sba]      # one'
}

@test "removes an address with its line" {
	"$rolewall" pool remove-address fe 10.0.0.1/32 -c s.yaml --no-apply
	changed 7d6 '<       - 10.0.0.1  # first'
}

@test "adds addresses, then takes them out again" {
	"$rolewall" pool add-address fe 10.0.0.3 2001:db8::/64 -c s.yaml --no-apply
	changed 8a9,10 '>       - 10.0.0.3' '>       - 2001:db8::/64'
	"$rolewall" pool remove-address fe 2001:db8:0::/64 10.0.0.3 -c s.yaml --no-apply
	cmp before.yaml s.yaml
}

@test "removes a role of several" {
	"$rolewall" pool add-role dir mediation -c s.yaml --no-apply
	"$rolewall" pool remove-role dir director -c s.yaml --no-apply
	changed 9c9 '<   - {name: dir, roles: director, addresses: "10.0.1.1"}' '---' \
		'>   - {name: dir, roles: [mediation], addresses: "10.0.1.1"}'
}

@test "--dry-run shows the difference and changes nothing" {
	run --separate-stderr "$rolewall" pool remove-address fe 10.0.0.2 -c s.yaml --dry-run
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	cmp before.yaml s.yaml
	patch -s s.yaml <<<"$output"
	changed 8d7 '<       - 10.0.0.2'
	"$rolewall" pool add-role dir sba -c s.yaml --dry-run --json |
		python3 -c 'import json, sys; d = json.load(sys.stdin); assert "+  - {name: dir, roles: [director, sba]," in d["diff"], d'
}

@test "says that there is no such pool" {
	refused 's.yaml: error: unknown pool "fee" (is it fe?); accepted: fe, dir' add-role fee sba
}

@test "says that it is there already" {
	refused 's.yaml:8:9: error: pool "fe" has address 10.0.0.2 already' add-address fe 10.0.0.2
}

@test "says that it is not there" {
	refused 's.yaml:5:12: error: pool "fe" does not list role sba; accepted: front-end' \
		remove-role fe sba
}

@test "says that nothing would be left" {
	refused 's.yaml:9:45: error: pool "dir" would have no address left; accepted: to keep one, or to take the pool out of the file' \
		remove-address dir 10.0.1.1
}

@test "says what is no address" {
	run -2 --separate-stderr "$rolewall" pool add-address fe 10.0.0.3/24 x -c s.yaml --no-apply
	[ -z "$output" ]
	[ "$stderr" = 'rolewall pool: 10.0.0.3/24: host bits set; 10.0.0.0/24 is the prefix
rolewall pool: "x" is no address; accepted: 10.1.2.3, 10.1.2.0/28, 2001:db8::1, 2001:db8::/64
rolewall: nothing was changed' ]
	cmp before.yaml s.yaml
}

@test "says what is no name of a role, and what is there twice" {
	run -2 --separate-stderr "$rolewall" pool add-role fe 'a, b' -c s.yaml --no-apply
	[[ $stderr == 'rolewall pool: "a, b" is no name of a role; accepted: '* ]]
	run -2 --separate-stderr "$rolewall" pool add-role fe sba sba -c s.yaml --no-apply
	[[ $stderr == 'rolewall pool: role sba is given twice; once is enough'* ]]
	cmp before.yaml s.yaml
}

@test "says where the changed site would be wrong" {
	run --separate-stderr "$rolewall" pool add-role fe front-ent -c s.yaml --no-apply
	[ "$status" -eq 1 ]
	[[ $stderr == *'would be refused; lines are those of the changed text:'*'s.yaml:5:24: error: unknown role "front-ent" (is it front-end?); accepted: '* ]]
	cmp before.yaml s.yaml
	run --separate-stderr "$rolewall" pool add-address dir 10.0.0.1 -c s.yaml --no-apply
	[ "$status" -eq 1 ]
	[[ $stderr == *'s.yaml:9:58: error: 10.0.0.1 is in pool "fe" with other roles (line 7); accepted: one pool for an address'* ]]
	cmp before.yaml s.yaml
}

@test "refuses a site that is wrong elsewhere" {
	sed -i 's/eth0/eth:0/' s.yaml
	cp s.yaml before.yaml
	run --separate-stderr "$rolewall" pool add-role fe sba -c s.yaml --no-apply
	[ "$status" -eq 1 ]
	[[ $stderr == *'s.yaml:2:14: error: "eth:0" is no name of an interface'* ]]
	cmp before.yaml s.yaml
}

@test "refuses UTF-16, and says so" {
	for encoding in UTF-16LE UTF-16BE; do
		printf '\xef\xbb\xbf' | cat - s.yaml | iconv -f UTF-8 -t $encoding >wide.yaml
		mv wide.yaml before.yaml
		cp before.yaml s.yaml
		"$rolewall" check -c s.yaml
		refused 's.yaml: error: UTF-16: it can be read, but not edited here; accepted: UTF-8' \
			add-role fe sba
		iconv -f $encoding -t UTF-8 before.yaml | tail -c +4 >s.yaml
	done
}

@test "refuses anchors" {
	sed -i 's/roles: director/roles: \&r director/' s.yaml
	cp s.yaml before.yaml
	refused 's.yaml:9:24: error: anchor "&r" is not accepted; write the value where it is used' \
		add-role fe sba
}

@test "keeps mode and owner, and follows a link" {
	mkdir elsewhere
	mv s.yaml elsewhere/real.yaml
	ln -s elsewhere/real.yaml s.yaml
	chmod 640 elsewhere/real.yaml
	chown 1234:2345 elsewhere/real.yaml 2>/dev/null || [ "$EUID" -ne 0 ]
	[ "$EUID" -ne 0 ] || owner=1234:2345
	"$rolewall" pool add-role fe sba -c s.yaml --no-apply
	[ -L s.yaml ]
	[ "$(stat -c %a:%u:%g elsewhere/real.yaml)" = "640:${owner-$(id -u):$(id -g)}" ]
	changed 5c5 '<     roles: [front-end]      # one' '---' '>     roles: [front-end, sba]      # one'
}

@test "refuses what is no plain file with one name" {
	ln s.yaml other.yaml
	refused "rolewall: $PWD/s.yaml: has 2 names (hard links); they would hold different texts after an edit" \
		add-role fe sba
	rm other.yaml
	mkfifo pipe
	run --separate-stderr "$rolewall" pool add-role fe sba -c pipe --no-apply
	[ "$status" -eq 1 ]
	[ "$stderr" = "rolewall: $PWD/pipe: is no plain file, so it cannot be edited"$'\n''rolewall: nothing was changed' ]
	run --separate-stderr "$rolewall" pool add-role fe sba -c nowhere.yaml --no-apply
	[ "$status" -eq 1 ]
	[ "$stderr" = 'rolewall: nowhere.yaml: cannot be read: No such file or directory'$'\n''rolewall: nothing was changed' ]
}

@test "refuses while another one is editing" {
	exec 9<s.yaml
	flock 9
	run --separate-stderr -1 "$rolewall" pool add-role fe sba -c s.yaml --no-apply 9<&-
	[[ $stderr == "rolewall: $PWD/s.yaml: is being edited by process "[0-9]*"; try again"* ]]
	cmp before.yaml s.yaml
}

@test "refuses where it cannot write" {
	[ "$EUID" -eq 0 ] || skip 'needs root'
	# shellcheck disable=SC2016 # expands inside
	unshare --mount bash -c '
		mount --bind . . && mount -o remount,ro,bind . && cd . &&
		"$0" pool add-role fe sba -c "$PWD/s.yaml" --no-apply' "$rolewall" 2>message && return 1
	grep -F 's.yaml: cannot be replaced: Read-only file system' message
	cmp before.yaml s.yaml
}

@test "refuses before anything else what cannot be replaced at the end" {
	[ "$EUID" -eq 0 ] || skip 'needs root'
	# shellcheck disable=SC2016 # expands inside
	unshare --mount bash -c '
		mount --bind s.yaml s.yaml &&
		"$0" pool add-role fe sba -c "$PWD/s.yaml" --no-apply' "$rolewall" 2>message && return 1
	grep -F 's.yaml: is a mount of its own and cannot be replaced' message
	cmp before.yaml s.yaml
}

@test "a comment that no history would have is refused" {
	run -2 --separate-stderr "$rolewall" pool add-role fe sba -c s.yaml --no-apply --comment why
	[ "$stderr" = 'rolewall pool: --no-apply records nothing that --comment could stand beside' ]
	[ -z "$output" ]
	cmp before.yaml s.yaml
}

@test "says what is accepted" {
	run --separate-stderr "$rolewall" pool rename fe front -c s.yaml
	[ "$status" -eq 2 ]
	[[ $stderr == 'rolewall pool: unknown word rename; accepted: list | add-role POOL ROLE...'* ]]
	run --separate-stderr "$rolewall" pool add-role fe -c s.yaml
	[ "$status" -eq 2 ]
	[[ $stderr == 'rolewall pool: too few words behind add-role; accepted: '* ]]
	run --separate-stderr "$rolewall" pool list fe -c s.yaml
	[ "$status" -eq 2 ]
	run --separate-stderr "$rolewall" pool -c s.yaml
	[ "$status" -eq 2 ]
}

@test "an edit that is not applied has an answer in JSON" {
	run -0 --separate-stderr "$rolewall" pool add-role fe sba -c s.yaml --no-apply --json
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin))' <<<"$output")" = "{'file': 's.yaml', 'applied': False}" ]
	run -4 --separate-stderr bash -c "'$rolewall' pool add-role dir sba -c s.yaml --no-apply --json >/dev/full"
	grep -q 'roles: \[director, sba\]' s.yaml
}
