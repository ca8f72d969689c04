#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts in quotes; names of helper.bash
# locktop serve: what scrapers get, who gets nothing, and clients that do harm.

load helper

# refused STATUS TEXT ARG...: one line that says so, nothing is served.
refused() {
	local wanted=$1 text=$2

	shift 2
	run "-$wanted" --separate-stderr timeout 20 "$LOCKTOP" serve "$@"
	[ -z "$output" ]
	one_line "${stderr:?}"
	[[ $stderr == *"$text"* ]]
}

says_url() {
	url=$(sed -n 's/^locktop: metrics are at //p' "$truth.err")
	address=${url#*//}
	address=${address%/metrics}
	[ -n "$url" ]
}

# serve ARG...: on a port that is free; sets url, address and pid.
serve() {
	start "$LOCKTOP" serve --listen 127.0.0.1:0 -d 0.5 "$@"
	wait_for 20 says_url
}

# contended: four threads want one mutex, for as long as the test.
contended() {
	"$WORKLOADS/contend" 4 120 1000 100 >/dev/null 2>&1 3>&- &
	started+=($!)
}

client() {
	python3 "$e2e/serve.py" "$@" 2>&3
}

# reader PROGRAM: one that `make test-readers` installs is here; with READERS=needed it has to be.
reader() {
	! command -v "$1" >/dev/null || return 0
	[ "${READERS:-}" != needed ] || {
		echo "$1 is missing: make test-readers installs it"
		return 1
	}
	skip "$1 (package prometheus) is not installed: make test-readers"
}

# head_of CURL-ARG...: status line and headers of an answer.
head_of() {
	curl -s -m 10 -D - -o /dev/null "$@" | tr -d '\r'
}

@test "GET and HEAD /metrics, a hint at /, 404 and 405 for the rest" {
	serve
	run -0 head_of "$url"
	[[ $output == *"HTTP/1.1 200"* ]]
	[[ $output == *"application/openmetrics-text; version=1.0.0"* ]]
	run -0 head_of -I "$url"
	[[ $output == *"HTTP/1.1 200"* ]]
	run -0 curl -s -m 10 "${url%/metrics}/"
	one_line "$output"
	[[ $output == */metrics* ]]
	run -0 head_of "${url}x"
	[[ $output == *"HTTP/1.1 404"* ]]
	run -0 head_of -X POST -d x=1 "$url"
	[[ $output == *"HTTP/1.1 405"* ]]
	[[ $output == *"Allow: GET, HEAD"* ]]
	run -0 head_of -H 'Accept: text/plain' "$url"
	[[ $output == *"text/plain; version=0.0.4"* ]]
}

@test "counters never fall, and sums over locks are what all locks waited" {
	contended
	serve --top 0
	client monotonic "$url"
}

@test "--top bounds the series; the rest is summed" {
	"$WORKLOADS/moving" 2 50 120000 >/dev/null 2>&1 3>&- &
	started+=($!)
	contended
	serve --top 1
	sleep 2
	client bounded "$url"
}

@test "promtool takes it" {
	reader promtool
	contended
	serve -i
	sleep 1
	curl -s -m 10 -H 'Accept: text/plain' "$url" | promtool check metrics
}

@test "a token: 401 without it or with another, 200 with it" {
	(umask 077 && echo 0123456789abcdef0123456789abcdef >"$BATS_TEST_TMPDIR/token")
	serve --token-file "$BATS_TEST_TMPDIR/token"
	run -0 head_of "$url"
	[[ $output == *"HTTP/1.1 401"* ]]
	[[ $output == *"WWW-Authenticate: Bearer"* ]]
	run -0 head_of -H 'Authorization: Bearer 0123456789abcdef0123456789abcdeX' "$url"
	[[ $output == *"HTTP/1.1 401"* ]]
	run -0 head_of -H "Authorization: Bearer $(cat "$BATS_TEST_TMPDIR/token")" "$url"
	[[ $output == *"HTTP/1.1 200"* ]]
}

# certificate: a key and a certificate for 127.0.0.1, and a token, in $BATS_TEST_TMPDIR.
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=locktop \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$BATS_TEST_TMPDIR/key.pem" \
		-out "$BATS_TEST_TMPDIR/cert.pem" 2>/dev/null
	echo 0123456789abcdef0123456789abcdef >"$BATS_TEST_TMPDIR/token"
	secured=(--tls-cert "$BATS_TEST_TMPDIR/cert.pem" --tls-key "$BATS_TEST_TMPDIR/key.pem"
		--token-file "$BATS_TEST_TMPDIR/token")
}

@test "an address that others reach is served with TLS and a token, and not without both" {
	certificate
	refused 1 --token-file --listen 0.0.0.0:0
	refused 1 --token-file --listen '[::]:0' "${secured[@]:0:4}"
	refused 1 --tls-cert --listen 0.0.0.0:0 "${secured[@]:4}"
	refused 2 --tls-key --listen 0.0.0.0:0 "${secured[@]:0:2}" "${secured[@]:4}"
	start "$LOCKTOP" serve --listen 0.0.0.0:0 -d 0.5 "${secured[@]}"
	wait_for 20 says_url
	[[ $url == https://0.0.0.0:* ]]
	url=${url/0.0.0.0/127.0.0.1}
	run -0 curl -s -m 10 --cacert "$BATS_TEST_TMPDIR/cert.pem" \
		-H "Authorization: Bearer $(cat "$BATS_TEST_TMPDIR/token")" "$url"
	[[ $output == *"# EOF"* ]]
	run -0 head_of --cacert "$BATS_TEST_TMPDIR/cert.pem" "$url"
	[[ $output == *"HTTP/1.1 401"* ]]
	run ! curl -s -m 10 --tls-max 1.1 --cacert "$BATS_TEST_TMPDIR/cert.pem" "$url"
	run -0 bash -c 'curl -s -m 10 "${1/https/http}" || true' - "$url"
	[[ $output != *locktop_* ]]
}

@test "wrong addresses and files: one line, and what to do" {
	refused 1 'ADDR:PORT' --listen 127.0.0.1:x
	refused 1 '99999' --listen 127.0.0.1:99999
	refused 1 '--token-file' --token-file /no/such/file
	refused 1 'visible characters' --token-file /dev/null
	refused 1 '--tls-cert' --tls-cert /etc/hostname --tls-key /etc/hostname
	refused 2 'go together' --tls-cert /etc/hostname
	refused 2 '--format' -f json
	serve
	refused 1 'Address already in use' --listen "$address"
	run -2 "$LOCKTOP" -b --listen 127.0.0.1:1
}

@test "where seccomp refuses bpf, as in a container, that is what is said" {
	run -1 --separate-stderr timeout 20 python3 "$e2e/no_bpf.py" "$LOCKTOP" serve --listen 127.0.0.1:0
	one_line "${stderr:?}"
	[[ $stderr == *"bpf system call is refused"*seccomp* ]]
	run -1 timeout 20 python3 "$e2e/no_bpf.py" "$LOCKTOP" check
	[[ $output == *"MISSING  bpf system call: refused by a seccomp profile"* ]]
}

@test "the thread that strangers talk to has no privileges" {
	serve
	run -0 sh -c 'cat /proc/"$1"/task/*/status | grep -c "^CapEff:[[:space:]]*0000000000000000"' - "$pid"
	[ "$output" = 1 ]
}

@test "1,000 clients that never finish: others are served, memory is bounded, no stall" {
	contended
	serve
	client crowd "$url" "$pid"
}

@test "slow clients are shut out" {
	serve
	client slow "$url"
}

@test "oversized and malformed requests are refused" {
	serve
	client malformed "$url" "$pid"
}

@test "SIGTERM ends it, with clients connected" {
	serve
	exec {held}<>"/dev/tcp/${address%:*}/${address#*:}"
	kill -TERM "$pid"
	wait "$pid"
	started=()
	exec {held}>&-
}

# scraped_by PROMETHEUS-TEST [ARG...]: with the configuration in contrib/, its times made short.
scraped_by() {
	local test=$1

	shift
	cp "$root"/contrib/prometheus/*.yml "$BATS_TEST_TMPDIR"
	sed -i -e '/On other machines/,$d' -e "s,127.0.0.1:9752,$address," \
		-e 's,15s,1s,' "$BATS_TEST_TMPDIR/scrape.yml"
	sed -i '1a global: { evaluation_interval: 1s }' "$BATS_TEST_TMPDIR/scrape.yml"
	sed -i -e 's/for: .*/for: 2s/' -e 's/\[[0-9]*m]/[10s]/' "$BATS_TEST_TMPDIR/locktop.rules.yml"
	python3 "$e2e/promql.py" "$test" "$BATS_TEST_TMPDIR" "$@" 2>&3
}

@test "a real Prometheus scrapes it with the configuration in contrib/, and answers queries" {
	reader prometheus
	contended
	serve
	scraped_by scraped
}

@test "contrib/: every expression of alert rules and dashboard has data; alerts fire" {
	reader prometheus
	"$WORKLOADS/contend" 7 120 1000 100 >/dev/null 2>&1 3>&- &
	started+=($!)
	"$WORKLOADS/deadlocks" pair 120 >/dev/null 2>&1 3>&- &
	started+=($!)
	serve -x --budget 10000
	scraped_by expressions "$root/contrib/grafana/locktop.json"
}

@test "contrib/: alert rules do what they say; rules and dashboard name metrics that there are" {
	reader promtool
	(cd "$root/contrib/prometheus" && promtool check rules locktop.rules.yml &&
		promtool test rules locktop.rules.test.yml &&
		promtool check config --syntax-only scrape.yml)
	contended
	serve -x --comm contend
	sleep 2
	client names "$url" "$root/contrib/prometheus/locktop.rules.yml" \
		"$root/contrib/grafana/locktop.json"
}
