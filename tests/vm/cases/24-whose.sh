# SPDX-License-Identifier: MIT
# Two services share a file: whose pages are whose, and what each has in cache.
. /payload/tests/vm/pagewarden.sh

make_file shared 8
make_file closed 4
run_unit t-first.service -- sh -c "dd if=$FILES/shared of=/dev/null bs=1M count=4; exec sleep infinity <$FILES/shared"
wait_for 15 eval '(( $(resident "$FILES/shared") >= 4 * MIB ))'
first=$(resident "$FILES/shared")
run_unit t-second.service -- sh -c "exec 3<$FILES/shared; cat $FILES/closed - <&3 >/dev/null; exec sleep infinity"
wait_for 15 eval '(( $(resident "$FILES/shared") == 8 * MIB ))'

assert_eq "$(charged_to t-first.service "$FILES/shared")" "$first" "who read it first is charged"
assert_eq "$(charged_to t-second.service "$FILES/shared")" $((8 * MIB - first)) "the rest is the second's"
[[ $(pagewarden inspect --by-cgroup "$FILES/shared") == *"/system.slice/t-first.service"* ]] || fail "no name in the table"

assert_eq "$(pagewarden who --json=short "$FILES/shared" | jq -r '[.files[0].users[].unit] | unique | join(" ")')" \
    "t-first.service t-second.service" "who has it open"

# files_of UNIT FILTER [OPTION...]: a jq filter on `pagewarden files`
files_of() {
    local unit=$1 filter=$2
    shift 2
    pagewarden files --json=short "$@" "$unit" | jq -c "$filter"
}
entry() { echo "[.files[] | select(.path == \"$FILES/$1\") | [.cached, .charged, .open]]"; }
assert_eq "$(files_of t-first.service "$(entry shared)")" "[[$((8 * MIB)),$first,1]]" "what the first has"
assert_eq "$(files_of t-second.service "$(entry shared)")" "[[$((8 * MIB)),$((8 * MIB - first)),1]]" "what the second has"
assert_eq "$(files_of t-second.service "$(entry closed)")" "[]" "a closed file is not looked for"
assert_eq "$(files_of t-second.service "$(entry closed)" --under="$FILES")" "[[$((4 * MIB)),$((4 * MIB)),0]]" "but in a folder"
assert_eq "$(files_of t-second.service ".other >= $((4 * MIB))")" true "it is among the others"
assert_eq "$(files_of t-second.service ".other < $((4 * MIB))" --under="$FILES")" true "and not any more, once found"
ln "$FILES/closed" "$FILES/again"
assert_eq "$(files_of t-second.service '[.files[] | select(.path | test("/(again|closed)$")) | .charged]' \
    --under="$FILES" --under="$FILES")" "[$((4 * MIB))]" "once, by whatever names and folders"

systemctl stop t-first.service t-second.service
wait_for 15 eval '[[ $(charged_to t-first.service "$FILES/shared") == 0 ]]'
assert_eq "$(charged_to system.slice "$FILES/shared")" $((8 * MIB)) "of a service that has ended, the slice is charged"
