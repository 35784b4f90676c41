# Facts of a node without Python: key=value lines, values percent-free and on one line each.
# POSIX sh, coreutils and awk alone. Nothing is written to the node.
LC_ALL=C
export LC_ALL
put() { [ -n "$2" ] && echo "$1=$2"; }
file() { [ -r "$2" ] && { read -r line <"$2" || [ -n "$line" ]; } 2>/dev/null && put "$1" "$line"; line=; }
echo "@@dcctl sh"
put hostname "$(uname -n)"
put architecture "$(uname -m)"
put kernel "$(uname -r)"
file boot_id /proc/sys/kernel/random/boot_id
file machine_id /etc/machine-id
file uptime /proc/uptime
file loadavg /proc/loadavg
file cpu_stat /proc/stat
for name in product_uuid sys_vendor product_name product_serial; do
  file "dmi.$name" "/sys/class/dmi/id/$name"
done
for path in /etc/os-release /usr/lib/os-release; do
  [ -r "$path" ] && { awk '/^(PRETTY_NAME|ID|VERSION_ID)=/ { print "os." $0 }' "$path"; break; }
done
[ -r /proc/meminfo ] && awk '/^(MemTotal|MemAvailable):/ { print "memory." substr($1, 1, length($1) - 1) "=" $2 }' /proc/meminfo
[ -r /proc/cpuinfo ] && awk -F': ' '/^processor/ { n++ } /^model name/ { m = $2 } END { if (n) print "cpu.threads=" n; if (m) print "cpu.model=" m }' /proc/cpuinfo
for path in /sys/class/net/*; do
  [ -e "$path/type" ] || continue
  name=${path##*/}
  for part in type operstate carrier speed mtu address statistics/rx_bytes statistics/tx_bytes statistics/rx_errors statistics/tx_errors; do
    file "net.$name.$part" "$path/$part"
  done
  device=$(readlink "$path/device") && put "net.$name.pci" "${device##*/}"
  driver=$(readlink "$path/device/driver") && put "net.$name.driver" "${driver##*/}"
done
for path in /sys/block/*; do
  name=${path##*/}
  case $name in loop* | ram* | zram* | sr* | dm-* | md* | fd* | nbd*) continue ;; esac
  file "disk.$name.sectors" "$path/size"
  file "disk.$name.rotational" "$path/queue/rotational"
  file "disk.$name.model" "$path/device/model"
done
[ -d /sys/bus/pci/devices ] && echo "pci.looked=1"
for path in /sys/bus/pci/devices/*; do
  [ -r "$path/class" ] && read -r class <"$path/class" && read -r vendor <"$path/vendor" || continue
  case $class,$vendor in 0x03* | 0x0b40* | 0x12* | *,0x1ae0 | *,0x1d0f) ;; *) continue ;; esac
  name=${path##*/}
  put "pci.$name.class" "$class"
  put "pci.$name.vendor" "$vendor"
  for part in device numa_node current_link_speed current_link_width max_link_speed max_link_width; do
    file "pci.$name.$part" "$path/$part"
  done
  driver=$(readlink "$path/driver") && put "pci.$name.driver" "${driver##*/}"
  [ -e "$path/physfn" ] && put "pci.$name.virtual_function" 1
done
sleep 0.1 2>/dev/null || sleep 1
file cpu_stat /proc/stat
echo "@@dcctl end"
