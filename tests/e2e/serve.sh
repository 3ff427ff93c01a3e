#!/usr/bin/env bash
# What the end-to-end tests run by the template custom-script: serves what it may see and do as a page.
set -euo pipefail
cd "$DATA"
date +%s >> starts
cp "$0" itself.sh
{
    echo "hello from $(basename "$0"), word ${WORD:-none}"
    echo "user $(id -u)"
    for place in /etc/x /usr/x "$HOME/x" /tmp/x; do
        (: > "$place") 2> /dev/null && echo "writes $place"
    done
    [[ -r /var/run/docker.sock ]] && echo "reads docker.sock"
    grep -E '^(NoNewPrivs|CapEff|CapBnd|Seccomp):' /proc/self/status
} > index.html || true
exec python3 -m http.server --bind "${BIND:-127.0.0.1}" "$PORT"
