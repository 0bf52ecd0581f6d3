#!/bin/sh
# Runs every fuzz test of the project for a bounded time. Go fuzzes one at a time.
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
FUZZTIME=${FUZZTIME:-10s}

found=0
for file in $(find . -name '*_test.go' -not -path './node_modules/*' | sort); do
	for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		found=$((found + 1))
		echo "fuzz $(dirname "$file") $name"
		"$GO" test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$(dirname "$file")"
	done
done
echo "$found fuzz tests, nothing found"
