#!/bin/sh
# Runs govulncheck at a fixed version. A database that cannot be reached is said and fails nothing: a
# build without a network is still a build. Vulnerabilities that are found fail it.
set -u
if out=$($GO run "$GOVULNCHECK" ./... 2>&1); then
	echo "$out" | tail -n 3
	exit 0
fi
case $out in
*"exit status 3"*)
	echo "$out"
	exit 1
	;;
*"dial tcp"* | *"no such host"* | *"connection refused"* | *"i/o timeout"* | *"Forbidden"* | *"module lookup disabled"*)
	echo "$out" | tail -n 3
	echo "govulncheck: NOT CHECKED: the tool or its vulnerability database cannot be reached from here"
	exit 0
	;;
esac
echo "$out"
exit 1
