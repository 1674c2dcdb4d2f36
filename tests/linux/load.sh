# SPDX-License-Identifier: MIT
# A heavy load for some minutes, for tests/load: rounds of everything at once, each of which must
# end well. The kernel's command line says how long, in seconds= of the guest's own clock.

. /log.sh
seconds=$(argument seconds)
cpus=$(argument cpus)

# A tree of processes, each of which starts two more.
tree()
{
    [ "$1" = 0 ] && return 0
    (tree $(($1 - 1))) & left=$!
    (tree $(($1 - 1))) & right=$!
    wait $left && wait $right
}

# Files written, read back and given back.
disk()
{
    dd if=/dev/urandom of=/scratch/disk.$1 bs=256k count=20 2>/dev/null &&
    sum=$(md5sum </scratch/disk.$1) && cp /scratch/disk.$1 /scratch/disk.$1.copy &&
    rm /scratch/disk.$1 &&
    [ "$sum" = "$(md5sum </scratch/disk.$1.copy)" ] && rm /scratch/disk.$1.copy
}

pipes()
{
    [ 2001000 = "$(seq 1 2000 | cat | cat | sort -n | awk '{ n += $1 } END { print n }')" ]
}

plug()
{
    [ "$cpus" -gt 1 ] || return 0
    echo 0 >/sys/devices/system/cpu/cpu$((cpus - 1))/online &&
    echo 1 >/sys/devices/system/cpu/cpu$((cpus - 1))/online
}

# load NAME COMMAND...: one of a round's loads; says only what went wrong.
load()
{
    name=$1
    shift
    "$@" >/scratch/said.$name 2>&1 || {
        echo "LOAD $name FAILED: $(tail -n 1 /scratch/said.$name)"
        touch /scratch/failed
    }
}

now()
{
    cut -d. -f1 /proc/uptime
}

begin=$(now)
round=0
while [ $(($(now) - begin)) -lt "$seconds" ] && [ ! -e /scratch/failed ]; do
    load tree tree 5 &
    for i in 1 2; do load disk$i disk $i & done
    load storm probe storm 3 &
    load cow probe cow 5 &
    load map probe map 10 &
    load shared probe shared 5 &
    load float probe float 2 &
    load ldt probe ldt 2 &
    load threads probe threads 4 &
    load signals probe signals 3 &
    load sleep probe sleep &
    load pipes pipes &
    load plug plug &
    wait
    round=$((round + 1))
    echo "LOAD round $round at $(now) s, $(awk '/^MemFree/ { print $2 }' /proc/meminfo) KiB free"
done
log_is_clean || echo "LOAD log FAILED: see above"
echo "LOAD DONE $round rounds"
