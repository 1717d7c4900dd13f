# SPDX-License-Identifier: MIT
# A daemon's code stays in memory while everything that can be taken is taken from it: no request has to
# read it again. Restarts unlock nothing, upgrades are followed.
. /payload/tests/vm/pagewarden.sh

# The web server has a library of its own, which can be upgraded.
library=$(ldd /usr/sbin/nginx | awk '/libpcre2/ { print $3 }')
mkdir "$FILES/lib"
cp "$library" "$FILES/lib/"
own=$FILES/lib/${library##*/}
sync "$own"
cat >"$FILES/nginx.conf" <<CONF
pid $FILES/nginx.pid;
error_log stderr;
worker_processes 2;
events {}
http {
    access_log off;
    server { listen 127.0.0.1:8042; location / { return 200 "served\n"; } }
}
CONF
start_nginx() {
    evict /usr/sbin/nginx "$own"
    run_unit t-nginx.service --slice=t-web.slice --setenv=LD_LIBRARY_PATH="$FILES/lib" -- \
        nginx -c "$FILES/nginx.conf" -g 'daemon off;'
    wait_for 20 serves
}
serves() {
    local answer
    exec 3<>/dev/tcp/127.0.0.1/8042 || return 1
    printf 'GET / HTTP/1.0\r\n\r\n' >&3
    answer=$(cat <&3)
    exec 3>&-
    [[ $answer == *served* ]]
} 2>/dev/null

# Takes all that can be taken, from it and from whoever pins for it.
squeeze() {
    local slice=/sys/fs/cgroup/t.slice/t-web.slice
    for _ in 1 2 3; do
        echo 500M >$slice/memory.reclaim 2>/dev/null || true # it cannot find as much
    done
    drop_caches
}
faults() {
    memory_stat t-nginx.service pgmajfault
}

# Without a policy its code goes, and requests have to read it again.
start_nginx
squeeze
(($(resident /usr/sbin/nginx) < $(stat -c %s /usr/sbin/nginx) / 2)) || fail "the squeeze takes nothing"
(($(resident "$own") < $(stat -c %s "$own") / 2)) || fail "the squeeze takes no library"
before=$(faults)
serves
(($(faults) > before)) || fail "served without its code"
systemctl stop t-nginx.service

policy web <<POLICY
version: 1
match: { units: [t-nginx.service] }
pin:
  budget: 64M
  files:
    - mapped: [executables, libraries]
POLICY
start_nginx
planned=$(pagewarden plan --json=short web | jq '[.policies[0].pin.files[].pinned] | add')
pagewarden plan --json=short web | jq -er '.policies[0].pin.files[].path' >"$FILES/mapped"
grep -qx /usr/sbin/nginx "$FILES/mapped" || fail "plan does not know the executable"
grep -qx "$own" "$FILES/mapped" || fail "plan does not know the library"
start_daemon
wait_for 60 target_is t-nginx.service .pin.locked "$planned"
assert_eq "$(target t-nginx.service .pin.failed)" 0 "problems"
squeeze
while read -r file; do
    size=$(stat -c %s "$file")
    assert_eq "$(resident "$file")" $(((size + 4095) / 4096 * 4096)) "in memory of $file"
done <"$FILES/mapped"
before=$(faults)
for _ in {1..20}; do
    serves || fail "does not serve"
done
assert_eq "$(faults)" "$before" "major faults while it served"

# Upgraded: what runs stays pinned, though its name is another file's now.
cp "$own" "$FILES/lib/new"
sync "$FILES/lib/new"
old=$(stat -c %i "$own")
mv "$FILES/lib/new" "$own"
holder=$(main_pid pagewarden-hold-t-nginx.service)
holds() {
    awk -v inode="$1" '$5 == inode && $2 ~ /^[r-][w-][x-][ps]$/ { found = 1 } END { exit !found }' "/proc/$holder/maps"
}
holds "$old" || fail "the library is not held"

# A restart: it is never less than before, and then the new library takes the place of the old.
systemctl restart t-nginx.service
settled() {
    local locked
    locked=$(locked_in pagewarden-hold-t-nginx.service)
    ((locked >= planned)) || fail "unlocked at a restart: $locked of $planned"
    holds "$(stat -c %i "$own")" && ! holds "$old"
}
wait_for 60 settled
assert_eq "$(main_pid pagewarden-hold-t-nginx.service)" "$holder" "the holder"
wait_for 20 target_is t-nginx.service .pin.locked "$planned"
