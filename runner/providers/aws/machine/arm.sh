# Runs once, early in the first boot: puts the guard in place and arms it before anything is installed.
[ -e /var/lib/slipway/born ] && exit 0
mkdir -p /etc/slipway /var/lib/slipway /usr/local/lib/slipway
printf 'SETUP_S=%s\nTTL_S=%s\nIMDS=http://169.254.169.254\n' "$1" "$2" > /etc/slipway/guard
cat > /usr/local/lib/slipway/guard <<'END'
@guard.sh@
END
cat > /usr/local/lib/slipway/notice <<'END'
@notice.py@
END
chmod 755 /usr/local/lib/slipway/guard /usr/local/lib/slipway/notice
cat > /etc/systemd/system/slipway-guard.service <<'END'
[Unit]
Description=Ends this machine when it was not finished in time, or when its time is over
[Service]
Type=oneshot
ExecStart=/usr/local/lib/slipway/guard
END
cat > /etc/systemd/system/slipway-guard.timer <<'END'
[Unit]
Description=Looks every half minute whether this machine may go on
[Timer]
OnBootSec=30
OnUnitInactiveSec=30
AccuracySec=5
[Install]
WantedBy=timers.target
END
cat > /etc/systemd/system/slipway-notice.service <<'END'
[Unit]
Description=Watches for the notice that AWS takes this machine back
After=network.target
[Service]
EnvironmentFile=/etc/slipway/guard
ExecStart=/usr/bin/python3 /usr/local/lib/slipway/notice
Restart=always
RestartSec=15
[Install]
WantedBy=multi-user.target
END
date +%s > /var/lib/slipway/born
systemctl daemon-reload
systemctl enable slipway-guard.timer $3
systemctl start --no-block slipway-guard.timer $3
