# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# timeout: 900
# The experiment at its full size (docs/experiment.md), held to its counts; times are not judged.

mount_data
results=$(mktemp /run/t-experiment.XXXXXX)
trap 'rm -f "$results"' EXIT
/usr/libexec/pagewarden-tests/run --phases neighbour,pagewarden --seconds 45 --output "$results" 2> >(grep -v '^{' >&2)

value() { # JQ-PATH
    jq --raw-output "$1" "$results"
}
# The phases, by name.
bare='(.phases[] | select(.name == "neighbour"))' kept='(.phases[] | select(.name == "pagewarden"))'
jq --compact-output ".phases[] | {name, refaults, resident_bytes, locked_bytes, slow: .shop.slow,
    requests: .shop.requests, latency_us: .shop.latency_us, backup}" "$results"

# Without damage there is nothing to protect from: then the test proves nothing, and says so.
(($(value "$bare.refaults") >= 500)) || fail "inconclusive: only $(value "$bare.refaults") refaults without pagewarden"
(($(value "$bare.shop.slow") >= 500)) || fail "inconclusive: only $(value "$bare.shop.slow") slow requests without pagewarden"

(($(value "$kept.refaults") * 100 <= $(value "$bare.refaults"))) ||
    fail "refaults with pagewarden: $(value "$kept.refaults"), without: $(value "$bare.refaults")"
(($(value "$kept.shop.slow") * 100 <= $(value "$bare.shop.slow"))) ||
    fail "slow requests with pagewarden: $(value "$kept.shop.slow"), without: $(value "$bare.shop.slow")"
size=$(stat --format=%s /srv/shop/data)
assert_eq "$(value "$kept.resident_bytes")" "$size" "the file in memory"
assert_eq "$(value "$kept.locked_bytes")" "$size" "what the holder has locked"
assert_eq "$(value "$kept.status.targets[] | select(.unit == \"shop.service\").pin.locked")" "$size" \
    "what status says is locked"

for phase in "$bare" "$kept"; do
    assert_eq "$(value "$phase.backup.bytes")" "$(value .settings.stream_bytes)" "what the backup read"
    assert_eq "$(value "$phase.memory_high.after")" "$(value "$phase.memory_high.before")" "MemoryHigh= of the units"
done
assert_eq "$(value '.memory_high.changed | join(" ")')" "" "cgroups whose memory.high changed"
(($(value .memory_high.checked) > 0)) || fail "no memory.high was compared"
