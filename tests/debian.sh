#!/bin/sh
# Installs, as root on Debian, the real components that the tests start. Otherwise says which are missing.
# Services are kept from starting: the tests start their own, on loopback, and stop them.
set -eu
wanted="openssh-server openssh-client iproute2 gcc libc6-dev zsh fish groff-base prometheus util-linux jq systemd
  prometheus-node-exporter nut-server snmpd snmp ipmitool openssl sudo"

missing=""
for package in $wanted; do
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "dcctl: tests of real components will be skipped without these Debian packages:$missing" >&2
  exit 0
fi

echo "dcctl: installing Debian packages for the tests:$missing"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT INT TERM
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words is meant
apt-get install -y -qq --no-install-recommends $missing >/dev/null
