# SPDX-License-Identifier: MIT
# rolewall history, and --comment, as far as nothing has to run.
# shellcheck disable=SC2154,SC2030,SC2031 # run sets stderr, status and output
bats_require_minimum_version 1.5.0

setup() {
	rolewall=$(realpath "${ROLEWALL:-build/rolewall}")
	cd "$BATS_TEST_TMPDIR" || return
}

history() {
	run "-$1" --separate-stderr "$rolewall" history --state-dir "$PWD/state" "${@:2}"
	[ ! -e state ]
}

@test "a directory that is not there has no generations" {
	history 0
	[ "$stderr" = "rolewall: there is no state directory $PWD/state" ]
	history 0 --json
	jq -e --arg directory "$PWD/state" '. == {directory: $directory, generations: []}' <<<"$output"
	history 0 --csv
	[ "$output" = $'GENERATION,CURRENT,TIME,WHO,OUTCOME,NOTE,SITE,COMMENT\r' ]
}

@test "a generation that is not there is named" {
	local words
	for words in 7 'diff 7 8'; do
		# shellcheck disable=SC2086 # several words
		history 1 $words
		[[ -z $output && $stderr == "rolewall: there is no generation 7: there is no state directory $PWD/state" ]]
	done
}

# generation N COMMENT [MEMBER=JSON...]: one that was kept, as an apply would have written it.
generation() {
	python3 - "$@" <<-'END'
		import json, os, re, sys, zlib

		def crc(data):
		    return "%08x" % zlib.crc32(data)

		number, comment, members = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
		files = {
		    "site.yaml": "version: 1\ninterfaces: [eth0]\npools:\n"
		                 "- {name: fe, roles: [front-end], addresses: 10.0.0.%d}\n" % (number // 10 + 1),
		    "matrix.yaml": "version: 1\nname: m\ntitle: M\nroles: {front-end: {title: A}}\ntables:\n"
		                   "  t: {title: T, rows: [{id: t/01, role: front-end, service: S, ports: 1,"
		                   " protocols: tcp, direction: in}]}\n"}
		meta = {"format": 1, "generation": number, "outcome": "kept", "time": "2026-01-02T03:04:05Z",
		        "epoch": 1767323045, "settled": 1767323046, "user": "root", "uid": 0, "login": None,
		        "login_uid": 0, "comment": comment or None, "based_on": 0, "version": "1", "site": "s.yaml",
		        "matrix": "m", "policy": "89abcdef",
		        "files": {name: {"bytes": len(text), "crc32": crc(text.encode())}
		                  for name, text in files.items()}}
		meta.update((word.split("=", 1)[0], json.loads(word.split("=", 1)[1])) for word in members)
		text = json.dumps(meta, sort_keys=True, separators=(",", ":"))
		text = re.sub(r"\\u....", lambda found: "\\u" + found[0][2:].upper(), text) # as jansson does
		meta["crc32"] = crc(text.encode())
		os.umask(0o077)
		folder = "history/generations/%06d" % number
		os.makedirs(folder)
		for name, text in [*files.items(), ("meta.json", json.dumps(meta))]:
		    with open(f"{folder}/{name}", "w") as file:
		        file.write(text)
	END
}

listed() { # STATUS WORD...: of what generation() has made
	run "-$1" --separate-stderr "$rolewall" history --state-dir history --pin-dir "/sys/fs/bpf/rolewall-none-$$" "${@:2}"
}

@test "who asks for one that is not there is told which are" {
	local number words
	for number in 4 5 6 7 9 10 12; do
		generation $number ''
	done
	for words in 99 'diff 4 99' 'diff 99 4'; do
		# shellcheck disable=SC2086 # several words
		listed 1 $words
		[[ -z $output && $stderr == 'rolewall: there is no generation 99 in history; there are: 4 to 7, 9, 10, 12' ]]
	done
	rm -r history/generations/0*
	listed 1 99
	[[ $stderr == 'rolewall: there is no generation 99 in history, nor any other' ]]
}

@test "a comment is printed as it was written, but for what cannot be seen" {
	local locale
	generation 1 'Büro für 中文 — déjà vu'
	generation 2 $'r\u202eevil\u202c z\u200bw s\u00adhy \u2066 \u2028'
	generation 3 'no \x1b of ours'
	generation 4 e$'\u0301'
	generation 5 plain 'user="müller"'
	generation 6 control 'comment="a\u001b[2J\nb\u009bc"'
	for locale in C C.UTF-8; do
		LC_ALL=$locale listed 0
		[[ -z $stderr && ${lines[1]} == *' Büro für 中文 — déjà vu' ]]
		[[ ${lines[2]} == *' r\xe2\x80\xaeevil\xe2\x80\xac z\xe2\x80\x8bw s\xc2\xadhy \xe2\x81\xa6 \xe2\x80\xa8' ]]
		[[ ${lines[3]} == *' no \x5cx1b of ours' && ${lines[4]} == *$' e\u0301' ]]
		[[ ${lines[6]} == *' a\x1b[2J\x0ab\xc2\x9bc' ]]
		# the columns behind "müller" stand where the others do
		python3 -c '
import sys
places = {line.index("kept") for line in sys.argv[1].splitlines()[1:]}
assert len(places) == 1, places' "$output"
		LC_ALL=$locale listed 0 1
		[[ $output == *'comment '*' Büro für 中文 — déjà vu'* ]]
	done
}

@test "a narrow terminal breaks a comment by what is seen of it" {
	local text
	text=$(printf 'üü %.0s' {1..40})
	generation 1 "$text"
	script -qec "stty cols 100; $rolewall history --state-dir history" /dev/null >typescript
	python3 -c '
lines = [line.rstrip("\r\n") for line in open("typescript", encoding="utf-8")]
assert sum(line.count("üü") for line in lines) == 40, lines
assert max(map(len, lines)) <= 100 and len(lines) <= 7, lines'
}

@test "--json has what meta.json says, in numbers and null" {
	generation 7 why 'login="alice"' login_uid=1000 based_on=3 detached=1767323050
	generation 8 '' settled=0 'outcome="trial"'
	listed 0 --json
	jq -e --slurpfile meta history/generations/000007/meta.json '.generations[0] ==
		($meta[0] | del(.format, .crc32) + {current: false, damaged: false})' <<<"$output"
	jq -e '.generations[1] | .settled == null and .login == null and .login_uid == null and
		.comment == null and .based_on == null and .detached == null and .outcome == "trial"' <<<"$output"
	printf '7 crc32 %08x\n' "$(python3 -c 'import zlib; print(zlib.crc32(b"7"))')" >history/current
	chmod 600 history/current
	listed 0 7 --json
	jq -e '.current and .settled == 1767323046 and (.site_text | startswith("version: 1"))' <<<"$output"
}

@test "diff --json says that nothing of it runs" {
	generation 1 ''
	generation 11 ''
	listed 3 diff 1 11 --json
	jq -e '.changes and .running == false and .generation == 0 and .from == "generation 1"' <<<"$output"
}

@test "words that are no generations are refused" {
	local words
	for words in x 0 -- -1 4294967296 1x 'diff' 'diff 1' 'diff 1 x' 'diff 1 0' '1 2'; do
		[ "$words" != -- ] || continue
		# shellcheck disable=SC2086 # several words
		history 2 $words
		[[ -z $output && $stderr == *'--help'* || $stderr == *'accepted: [N | diff A B]'* ]]
	done
}

# comment_refused REASON TEXT
comment_refused() {
	local command
	for command in apply 'pool add-role fe director'; do
		# shellcheck disable=SC2086 # several words
		run -2 --separate-stderr "$rolewall" $command -c none.yaml --comment "$2"
		[[ -z $output && $stderr == "rolewall ${command%% *}: --comment: $1; accepted: one line of UTF-8, at most 1000 bytes"* ]]
	done
}

@test "a comment that cannot be shown is refused" {
	local control='with control characters or more than one line'
	comment_refused "$control" $'two\nlines'
	comment_refused "$control" $'\e[2J'
	comment_refused "$control" $'\xc2\x9b2J'
	comment_refused 'not UTF-8' $'\xff'
	comment_refused 'too long' "$(printf '%01001d' 0)"
	# and one that can be is not
	run -1 --separate-stderr "$rolewall" apply -c none.yaml --comment 'déjà vu'
	run -1 --separate-stderr "$rolewall" apply -c none.yaml --comment "$(printf '%01000d' 0)"
}
