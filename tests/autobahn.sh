#!/usr/bin/env bash
# Runs Autobahn's fuzzing client, the reference for RFC 6455, against the gateway's WebSocket, and fails when a
# case does. Compression (12, 13) is left out: the gateway offers none.
#
#   tests/autobahn.sh <Python 2.7> <socket_echo> <folder to install and report into>
set -euo pipefail
python="$1" echo="$2" folder="$3"

mkdir -p "$folder"
export PYTHONUSERBASE="$folder"
if [ ! -x "$folder/bin/wstest" ]; then
    echo "autobahn: installing"
    "$python" -m pip install --quiet --disable-pip-version-check --user autobahntestsuite==0.8.2 2>/dev/null
fi
exec 3< <("$echo" 127.0.0.1:0)
server=$!
trap 'kill "$server"' EXIT
read -r address <&3

cat >"$folder/spec.json" <<EOF
{
  "outdir": "$folder/report",
  "servers": [{ "agent": "jackfield", "url": "ws://$address" }],
  "cases": ["*"],
  "exclude-cases": ["12.*", "13.*"]
}
EOF
"$python" "$folder/bin/wstest" -m fuzzingclient -s "$folder/spec.json" >"$folder/log" 2>&1 || { tail "$folder/log" >&2; exit 1; }
python3 - "$folder/report/index.json" <<'EOF'
import collections, json, sys

cases = json.load(open(sys.argv[1]))["jackfield"]
count = collections.Counter(case["behavior"] for case in cases.values())
closes = collections.Counter(case["behaviorClose"] for case in cases.values())
print(f"autobahn: {len(cases)} cases: {dict(count)}; ends: {dict(closes)}")
bad = [name for name, case in cases.items() if "FAILED" in (case["behavior"], case["behaviorClose"])]
sys.exit(f"failed: {' '.join(bad)}" if bad else 0)
EOF
