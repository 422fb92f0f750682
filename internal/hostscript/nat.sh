# Turns Amazon Linux 2023 into a NAT router for the network CIDR.
forward() {
  # Where an entry takes 400 bytes this is a tenth of the memory at most. The
  # kernel's own number is an entry for each 128 KiB: 3,400 on a t4g.nano.
  local entries
  entries=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' "$PROC/meminfo") / 4)) || return
  # The package manager needs more than the 512 MB of a nano instance.
  if [[ ! -e $SWAP ]]; then
    dd if=/dev/zero of="$SWAP" bs=1M count=768 && chmod 600 "$SWAP" && mkswap "$SWAP" || return
  fi
  swapon "$SWAP"
  local attempt
  for attempt in 1 2 3 4 5; do
    dnf install -y nftables && break
    sleep 10
  done

  # The module is there before its settings, now and after a restart.
  echo nf_conntrack >"$ETC/modules-load.d/nat.conf"
  echo "options nf_conntrack hashsize=$entries" >"$ETC/modprobe.d/nat.conf"
  modprobe nf_conntrack || return
  cat >"$ETC/sysctl.d/90-nat.conf" <<SETTINGS
net.ipv4.ip_forward = 1
net.netfilter.nf_conntrack_max = $entries
net.netfilter.nf_conntrack_tcp_timeout_established = 3600
net.netfilter.nf_conntrack_tcp_timeout_syn_sent = 30
net.netfilter.nf_conntrack_tcp_timeout_fin_wait = 30
net.netfilter.nf_conntrack_tcp_timeout_time_wait = 30
SETTINGS
  sysctl -p "$ETC/sysctl.d/90-nat.conf" || return

  echo "table ip nat { chain postrouting { type nat hook postrouting priority 100; ip saddr $CIDR ip daddr != $CIDR masquerade; } }" >"$ETC/sysconfig/nftables.conf"
  systemctl enable nftables && systemctl restart nftables
}

# How full the table of connections is goes out every five minutes, after a
# restart as well.
schedule() {
  cat >"$ETC/systemd/system/tinystack-nat.service" <<UNIT
[Service]
Type=oneshot
ExecStart=/usr/bin/bash $1
UNIT
  cat >"$ETC/systemd/system/tinystack-nat.timer" <<UNIT
[Timer]
OnCalendar=*:0/5
[Install]
WantedBy=timers.target
UNIT
  systemctl daemon-reload && systemctl enable --now tinystack-nat.timer
}
