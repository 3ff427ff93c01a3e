#!/bin/bash
# What `runner reconcile` is measured against: a host made ready for containers and one container on it, the way a person
# would put it into a script. Can be run again.
#
#   ssh HOST sudo bash -s NAME IMAGE PORT RULES < ssh_by_hand.sh     RULES: what keeps neighbours out, base64
set -euo pipefail
name=$1 image=$2 port=$3 rules=$4
export DEBIAN_FRONTEND=noninteractive

put() { # put FILE, content from standard input; true when that changed it
  local text
  text=$(cat)
  [ "$(cat "$1" 2>&1 || true)" != "$text" ] || return 1
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$text" >"$1"
}

restart=
if put /etc/docker/daemon.json <<'END'; then restart=yes; fi
{"live-restore": true, "log-driver": "json-file", "log-opts": {"max-size": "20m", "max-file": "3"},
 "default-address-pools": [{"base": "172.20.0.0/14", "size": 24}]}
END

packages=(ca-certificates curl unattended-upgrades docker.io apparmor nftables)
if ! dpkg --status "${packages[@]}" >/root/packages 2>&1; then
  apt-get update -qq
  before=$(command -v dockerd || true)
  apt-get install -y -qq "${packages[@]}" >/root/apt.log 2>&1
  [ -n "$before" ] || restart=
fi
put /etc/apt/apt.conf.d/52by-hand <<'END' || true
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
END
if [ -n "$restart" ]; then systemctl restart docker; fi
systemctl is-enabled --quiet docker || systemctl enable docker

put /etc/systemd/system/by-hand-rules.service <<'END' || true
[Unit]
Before=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/by-hand.nft
[Install]
WantedBy=multi-user.target
END
if base64 -d <<<"$rules" | put /etc/by-hand.nft; then
  systemctl daemon-reload
  systemctl enable --quiet by-hand-rules
  systemctl restart by-hand-rules
fi

docker image inspect "$image" >/root/image 2>&1 || docker pull --quiet "$image"
wanted="$image $port"
if [ "$(docker inspect --format '{{.State.Running}} {{.Config.Labels.by_hand}}' "$name" 2>&1 || true)" != "true $wanted" ]; then
  docker rm --force "$name" >/root/removed 2>&1 || true
  docker run --detach --name "$name" --restart unless-stopped --label "by_hand=$wanted" --publish "127.0.0.1:$port:8080" \
    --volume "$name-data:/data" "$image" sh -c 'echo hello > /data/index.html; exec httpd -f -p 8080 -h /data'
fi
tries=0
until [ "$(curl -s -o /root/answer -w '%{http_code}' "http://127.0.0.1:$port/")" = 200 ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || { docker logs --tail 20 "$name"; exit 1; }
  sleep 0.1
done
