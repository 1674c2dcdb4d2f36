# SPDX-License-Identifier: MIT
# The kernel found nothing to complain about, before or during the tests.
complaints='WARNING: CPU|BUG|Oops|[Uu]nhandled|multicall|[ _]stall|lockup|Call Trace|No low mem'

log_is_clean()
{
    dmesg >/scratch/log
    if grep -E "$complaints" /scratch/log >/scratch/complaints; then
        sed 's/^/LOG /' /scratch/log
        head -n 1 /scratch/complaints
        return 1
    fi
}
