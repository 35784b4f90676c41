# Two looks at RAPL's counters, a row for each domain: `zone FOLDER NAME ENERGY RANGE`, `-` for what is hidden.
look() {
  read -r now _ </proc/uptime
  echo "@@rapl look $now"
  for folder in /sys/class/powercap/*:*; do
    [ -e "$folder/energy_uj" ] || continue
    name='' energy='' range=''
    { read -r name <"$folder/name"; read -r energy <"$folder/energy_uj"; } 2>/dev/null
    { read -r range <"$folder/max_energy_range_uj"; } 2>/dev/null
    echo "@@rapl zone ${folder##*/} ${name:--} ${energy:--} ${range:--}"
  done
}
look
sleep 2
look
echo "@@rapl end"
