# SPDX-License-Identifier: MIT
# The cases for Linux under the hypervisor, each a function that succeeds, or says what is wrong and
# fails. What needs more than a shell is in the program probe.

. /log.sh
cpus=$(argument cpus)

is()
{
    [ "$1" = "$2" ] || { echo "expected $1 seen $2"; return 1; }
}

case_cpus()
{
    is "$cpus" "$(grep -c '^processor' /proc/cpuinfo)" &&
    is "$cpus" "$(nproc)"
}

# What a hypervisor offers that has them.
case_fifo_events()
{
    dmesg | grep -q 'Using FIFO-based ABI' || { echo "two-level events"; return 1; }
}

# Linux keeps a part for itself, 64 MiB of it as bounce buffers; the hypervisor another.
case_memory()
{
    kib=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
    wanted=$(argument memory)
    [ $((kib / 1024)) -le "$wanted" ] && [ $((kib / 1024)) -ge $((wanted * 2 / 3)) ] ||
        { echo "expected about $wanted MiB seen $kib KiB"; return 1; }
}

case_uptime()
{
    before=$(cut -d. -f1 /proc/uptime)
    usleep 1100000
    after=$(cut -d. -f1 /proc/uptime)
    [ "$after" -gt "$before" ] || { echo "uptime $before, later $after"; return 1; }
    [ "$(date +%Y)" -ge 2020 ] || { echo "the year $(date +%Y)"; return 1; }
}

# Every timer of every processor ticks.
case_timers()
{
    for cpu in $(seq 0 $((cpus - 1))); do
        taskset "$(printf %x $((1 << cpu)))" usleep 20000
        grep -q "timer$cpu\$" /proc/interrupts || { echo "no timer$cpu"; return 1; }
    done
    awk '/timer[0-9]+$/ { for (i = 2; i < NF - 1; i++) n[$NF] += $i }
         END { for (t in n) if (!n[t]) { print t " never rang"; exit 1 } }' /proc/interrupts
}

case_forks()
{
    count=0
    while [ $count -lt 40 ]; do
        is $count "$(/bin/busybox echo $count)" || return 1
        count=$((count + 1))
    done
}

case_pipes()
{
    is 50005000 "$(seq 1 10000 | cat | tee /dev/null | awk '{ n += $1 } END { print n }')" &&
    is 3000 "$(yes | head -n 3000 | sed s/y/z/ | sort | grep -c z)"
}

# The same long computation in several processes at once; the digits are those of pi.
case_parallel()
{
    for i in 1 2 3 4; do
        echo 'scale=200; 16 * a(1/5) - 4 * a(1/239)' | BC_LINE_LENGTH=0 bc -l |
            cut -c1-190 >/scratch/pi.$i &
        awk 'BEGIN { for (i = 1; i < 20000; i++) x += sin(i) * sqrt(i); printf "%.6f\n", x }' \
            >/scratch/sum.$i &
    done
    wait
    for i in 1 2 3 4; do
        case $(cat /scratch/pi.$i) in
        3.14159265358979323846264338327950288419716939937510582097494459230781640628*) ;;
        *) echo "pi is $(cat /scratch/pi.$i)"; return 1 ;;
        esac
        cmp /scratch/pi.$i /scratch/pi.1 && cmp /scratch/sum.$i /scratch/sum.1 || return 1
    done
    rm /scratch/pi.* /scratch/sum.*
}

case_files()
{
    mkdir -p /scratch/files/a
    dd if=/dev/urandom of=/scratch/files/a/big bs=64k count=40 2>/dev/null
    sum=$(sha256sum </scratch/files/a/big)
    for i in 1 2 3 4; do
        cp /scratch/files/a/big /scratch/files/copy.$i &
    done
    wait
    for i in 1 2 3 4; do
        is "$sum" "$(sha256sum </scratch/files/copy.$i)" || return 1
    done
    tar -C /scratch/files -cf - a | gzip -1 >/scratch/files/packed
    is "$sum" "$(gunzip </scratch/files/packed | tar -xOf - a/big | sha256sum)" &&
    rm -r /scratch/files
}

online()
{
    echo "$2" >/sys/devices/system/cpu/cpu"$1"/online
}

# Processors go away and come back while programs run.
case_hotplug()
{
    timeout 100 yes >/dev/null &
    for cpu in $(seq 1 $((cpus - 1))); do
        online "$cpu" 0 || return 1
        is $((cpus - 1)) "$(nproc)" || return 1
        online "$cpu" 1 || return 1
    done
    for cpu in $(seq 1 $((cpus - 1))); do online "$cpu" 0 || return 1; done
    is 1 "$(grep -c '^processor' /proc/cpuinfo)" || return 1
    for cpu in $(seq 1 $((cpus - 1))); do online "$cpu" 1 || return 1; done
    kill $!
    case_cpus && case_timers
}

run_case()
{
    echo "CASE $1 BEGIN"
    name=$1
    shift
    if said=$("$@" 2>&1); then
        echo "CASE $name PASS"
        passed=$((passed + 1))
    else
        echo "CASE $name FAIL expected status 0 seen $(echo "$said" | tail -n 1)"
        failed=$((failed + 1))
    fi
}

shell_cases="cpus fifo_events memory uptime timers forks pipes parallel files"
[ "$cpus" -gt 1 ] && shell_cases="$shell_cases hotplug"
programs=$(probe)
passed=0
failed=0
echo "GUEST linux CASES $(echo $shell_cases $programs log | wc -w)"
for name in $shell_cases; do run_case "$name" "case_$name"; done
for name in $programs; do run_case "$name" probe "$name"; done
run_case log log_is_clean
echo "GUEST linux DONE pass=$passed fail=$failed skip=0"
