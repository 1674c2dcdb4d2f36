# SPDX-License-Identifier: MIT
# The kernel found nothing to complain about, before or during the tests.
log_is_clean()
{
    dmesg >/tmp/log
    if grep -E -e 'WARNING: CPU|BUG|Oops|[Uu]nhandled|xen_mc_flush' \
            -e 'multicall|[ _]stall|lockup|Call Trace' /tmp/log >/tmp/complaints; then
        sed 's/^/LOG /' /tmp/log
        head -n 1 /tmp/complaints
        return 1
    fi
}
