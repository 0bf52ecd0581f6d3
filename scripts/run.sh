#!/bin/sh
# Serves with an example inside, until Ctrl-C. Called by make run, which has built the program.
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
LISTEN=${LISTEN:-127.0.0.1:8080}
DATA=${DATA:-./clientele-data}
url=http://$LISTEN

server=
stop() {
	trap - EXIT INT TERM
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
}
trap stop EXIT
trap 'exit 0' TERM
# A terminal's Ctrl-C has reached the server too, and a second signal would end it at once.
trap 'sleep 1; exit 0' INT

ready() {
	node -e 'fetch(process.argv[1]).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "$url/readyz"
}

if ready; then
	echo "something answers at $url already: stop it, or choose another address with make run LISTEN=127.0.0.1:8081" >&2
	exit 1
fi

echo "Generating the example shop ..."
"$GO" run ./examples/shop examples/generated

bin/clientele serve --config examples/clientele.yaml --listen "$LISTEN" --data "$DATA" &
server=$!
tries=0
until ready; do
	if ! kill -0 "$server" 2>/dev/null; then
		echo "the server has stopped: what it said stands above" >&2
		exit 1
	fi
	tries=$((tries + 1))
	if [ "$tries" -ge 60 ]; then
		echo "the server is not ready after a minute: what it said stands above" >&2
		exit 1
	fi
	sleep 1
done

# What has been imported once changes nothing the second time. The customers come from a source
# of their own, as their numbers are the CRM's.
for one in 'crm customers csv' 'shop products csv' 'shop orders csv' 'web web_events jsonl'; do
	set -- $one
	file=examples/generated/$2.$3
	echo "Importing $file ..."
	bin/clientele import --data "$DATA" --source "$1" --map "examples/shop/$2.yaml" "$file"
done

data=
[ "$DATA" = ./clientele-data ] || data=" --data $DATA"
cat <<END

Clientele serves at $url (data in $DATA). In another terminal, try:

  bin/clientele sql$data "SELECT count(*) AS customers FROM profiles"
  bin/clientele sql$data "SELECT namespace, value FROM identifiers LIMIT 5"
  bin/clientele profile$data NAMESPACE:VALUE       with one of those

  curl -u WEB_KEY: $url/v1/track -d '{"userId":"ann","event":"Product Viewed","properties":{"sku":"T-1"}}'
  bin/clientele profile$data user_id:ann --events 5

Ctrl-C stops the server; the data stays.
END
wait "$server"
