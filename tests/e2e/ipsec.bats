#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What `rolewall export ipsec` writes, in the programs that it is for: a running charon, and the
# kernel's own policies, beside others that block or require IPsec for everything.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10 # exempt
DIR4=10.77.2.20 DIR6=fd77:2::20 # not
SHARE4=10.77.2.30 # exempt: TCP, or both, as the variant says
VARIANTS=(ports-and-protocols network-requirements)

setup_file() {
	net_up $FE4/24 $FE6/64 $DIR4/24 $DIR6/64 $SHARE4/24
	serve servers --tcp 5061,50000 --udp 500,3478,50000 $FE4 $FE6 $DIR4 $DIR6 $SHARE4
	cat >"$BATS_FILE_TMPDIR/site.yaml" <<-END
		version: 1
		interfaces: [eth0]
		media: {client-audio: 50020-50059, client-video: 50060-50119}
		pools:
		  - {name: fe.paris, roles: [front-end], addresses: [$FE4, "$FE6"]}
		  - {name: dir_paris, roles: [director], addresses: [$DIR4, "$DIR6"]}
		  - {name: share, roles: [application-sharing], addresses: [$SHARE4]}
		  - {name: clients, roles: [client], addresses: [$CLIENT4, "$CLIENT6"]}
	END
}

teardown_file() {
	net_down
}

setup() {
	WORK=$BATS_TEST_TMPDIR
	in_ns servers ip xfrm policy list >/dev/null 2>&1 || skip 'this kernel has no xfrm policies (CONFIG_XFRM_USER)'
	export STRONGSWAN_CONF=$WORK/strongswan.conf
	CHARON=
}

teardown() {
	local name
	[[ -z $CHARON ]] || stop "$CHARON"
	for name in clients gateway servers; do
		in_ns $name ip xfrm policy flush
	done
}

# write FORMAT VARIANT [LINE...]: the export of the site, with these lines of ipsec:, as $WORK/FORMAT.
write() {
	local format=$1 variant=$2
	shift 2
	cp "$BATS_FILE_TMPDIR/site.yaml" "$WORK/site.yaml"
	(($# == 0)) || printf 'ipsec:\n' >>"$WORK/site.yaml"
	(($# == 0)) || printf '  - {%s}\n' "$@" >>"$WORK/site.yaml"
	"$ROLEWALL" export ipsec -c "$WORK/site.yaml" --format "$format" --variant "$variant" >"$WORK/$format"
}

# load_xfrm NAME: the file in the kernel, the fast way that its head tells.
load_xfrm() {
	sed -n 's/^ip //p' "$WORK/xfrm" | in_ns "$1" ip -batch -
}

# never KIND ADDRESS PORT...: no answer, whatever the kernel says to whom sends.
never() {
	local got
	got=$(traffic clients "$@" --wait "$SILENCE" 2>/dev/null) || true
	[[ $got != open && $got != echo ]]
}

policies() { # NAME: how many the kernel has there
	in_ns "$1" ip xfrm policy list nosock | grep -c '^src' || true
}

# everything NAME WHAT...: policies of lowest rank for all TCP and UDP in every direction.
everything() {
	local name=$1 direction any protocol
	shift
	for direction in in out fwd; do
		for any in 0.0.0.0/0 ::/0; do
			for protocol in tcp udp; do
				in_ns "$name" ip xfrm policy add dir "$direction" src "$any" dst "$any" \
					proto "$protocol" priority 400000 "$@"
			done
		done
	done
}

blocks() { everything "$1" action block; }
requires() { everything "$1" tmpl proto esp mode transport level required; }

# charon NAME: strongSwan in that namespace, with a socket and files of its own.
charon() {
	cat >"$STRONGSWAN_CONF" <<-END
		charon-systemd {
		  load = vici kernel-netlink nonce random openssl socket-default
		  port = 0
		  port_nat_t = 0
		  plugins {
		    vici {
		      socket = unix://$WORK/charon.vici
		    }
		  }
		  filelog {
		    main {
		      path = $WORK/charon.log
		      default = 1
		    }
		  }
		}
		swanctl {
		  load = random
		}
	END
	background "$1" /usr/sbin/charon-systemd >"$WORK/charon.out" 2>&1
	CHARON=$BACKGROUND
	wait_for 10 vici --stats >"$WORK/stats" || {
		cat "$WORK/charon.log" "$WORK/charon.out" >&2
		return 1
	}
}

vici() { # COMMAND...
	swanctl "$@" --uri "unix://$WORK/charon.vici" 2>"$WORK/swanctl.err"
}

# load_shunts: the file as swanctl takes it; every shunt must be there afterwards.
load_shunts() {
	vici --load-conns --file "$WORK/strongswan" >"$WORK/loaded"
	grep -qx "loaded connection 'rolewall-ipsec'" "$WORK/loaded"
	vici --list-pols --pass >"$WORK/listed"
	diff <(sed -n 's/^ *\(rolewall-ipsec-.*\) {$/\1/p' "$WORK/strongswan" | sort) \
		<(sed -n 's,^rolewall-ipsec/\(.*\)\, PASS$,\1,p' "$WORK/listed" | sort)
	[[ $(wc -l <"$WORK/listed") -gt 0 ]]
}

# What goes in clear with the exceptions of VARIANT loaded, and what does not.
exceptions_hold() { # VARIANT
	local address
	for address in $FE4 $FE6; do
		passes_tcp "$address" 5061
		passes_udp "$address" 50000
	done
	for address in $DIR4 $DIR6; do
		never tcp "$address" 5061
	done
	passes_tcp $SHARE4 5061
	if [[ $1 == ports-and-protocols ]]; then
		never udp $SHARE4 50000
		never udp $DIR4 3478
		never udp $DIR4 3478 --sport 50019
		passes_udp $DIR4 3478 --sport 50020
		passes_udp $DIR6 3478 --sport 50085
		passes_udp $DIR4 3478 --sport 50119
		never udp $DIR6 3478 --sport 50120
	else
		passes_udp $SHARE4 50000
	fi
}

@test "strongSwan: swanctl loads every shunt, of both variants, and again" {
	charon servers
	for variant in "${VARIANTS[@]}"; do
		write strongswan "$variant"
		load_shunts
		before=$(policies servers)
		((before > 0))
		load_shunts
		[[ $(policies servers) -eq $before ]]
	done
	: >"$WORK/empty"
	vici --load-conns --file "$WORK/empty" >"$WORK/loaded" # as if the file were gone
	[[ $(policies servers) -eq 0 ]]
}

@test "strongSwan: shunts for a site with pairs, cut into many prefixes" {
	charon servers
	write strongswan ports-and-protocols 'between: [front-end, 192.0.2.0/30], note: a' \
		"between: [$FE6, \"2001:db8::/32\"]" 'between: [application-sharing, client]'
	load_shunts
	grep -q ' local: .* 2001:db9::/32\[tcp\] ' "$WORK/listed"
}

@test "strongSwan: exceptions go in clear where everything else is blocked" {
	charon servers
	blocks servers
	never udp $FE4 50000
	write strongswan ports-and-protocols
	load_shunts
	exceptions_hold ports-and-protocols
}

@test "strongSwan: exceptions go in clear where everything else requires IPsec" {
	charon servers
	requires servers
	never udp $FE4 50000
	write strongswan ports-and-protocols
	load_shunts
	exceptions_hold ports-and-protocols
}

@test "strongSwan: the same file at the clients and on the gateway" {
	write strongswan ports-and-protocols
	for place in clients gateway; do
		charon $place
		blocks $place
		load_shunts
		exceptions_hold ports-and-protocols
		stop "$CHARON"
		CHARON=
		in_ns $place ip xfrm policy flush
	done
}

@test "ip xfrm: the kernel takes every policy, of both variants, and again; then none is left" {
	for variant in "${VARIANTS[@]}"; do
		write xfrm "$variant"
		remove=$(sed -n 's/^# Remove: //p' "$WORK/xfrm")
		written=$(grep -c '^ip xfrm policy update ' "$WORK/xfrm")
		in_ns servers sh -e "$WORK/xfrm"
		[[ $(policies servers) -eq $written ]]
		load_xfrm servers
		[[ $(policies servers) -eq $written ]]
		in_ns servers sh -c "${remove/THIS-FILE/$WORK/xfrm}"
		[[ $(policies servers) -eq 0 ]]
	done
}

@test "ip xfrm: exceptions go in clear where everything else is blocked" {
	blocks servers
	never udp $FE4 50000
	write xfrm ports-and-protocols
	load_xfrm servers
	exceptions_hold ports-and-protocols
}

# In the other variant everything that clients send is in clear, so this site has none.
@test "ip xfrm: exceptions of the other variant" {
	blocks servers
	sed '/name: clients/d' "$BATS_FILE_TMPDIR/site.yaml" >"$WORK/site.yaml"
	"$ROLEWALL" export ipsec -c "$WORK/site.yaml" --format xfrm --variant network-requirements >"$WORK/xfrm"
	load_xfrm servers
	exceptions_hold network-requirements
}

@test "ip xfrm: exceptions go in clear where everything else requires IPsec" {
	requires servers
	never udp $FE4 50000
	write xfrm ports-and-protocols
	load_xfrm servers
	exceptions_hold ports-and-protocols
}

@test "ip xfrm: the same file at the clients and on the gateway" {
	write xfrm ports-and-protocols
	for place in clients gateway; do
		blocks $place
		load_xfrm $place
		exceptions_hold ports-and-protocols
		in_ns $place ip xfrm policy flush
	done
}

@test "ip xfrm: what a pair names is left to IPsec" {
	requires servers
	write xfrm ports-and-protocols "between: [front-end, $CLIENT4]"
	load_xfrm servers
	never udp $FE4 50000
	passes_udp $FE6 50000
	passes_tcp $SHARE4 5061
}
