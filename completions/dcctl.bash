# Made from the command tree by `make completions`; do not edit.
_dcctl_command() {
  case $1 in
    "") verbs="assess schedule audit drain inventory config schema man completion" options="--version -V" kind=none ;;
    "assess") verbs="fleet history energy demand check cost" options="--by --job-size --idle-below --idle-after --map --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "assess fleet") verbs="" options="--by --job-size --idle-below --idle-after --map --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "assess history") verbs="" options="--by --prometheus --range --step --until --idle-below --idle-share --cpus-per-gpu --memory-per-gpu --ahead --queries --fresh --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "assess energy") verbs="" options="--since --over --price --carbon --carbon-market --for --eta --slowdown --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=files ;;
    "assess demand") verbs="" options="--params --layers --hidden --heads --kv-heads --vocab --gpu --gpus --tokens --deadline --seq --batch --micro-batch --tp --pp --vp --cp --ep --zero --recompute --precision --optimizer --lora --adapters --search --storage --stall --price --energy-price --carbon --pue --serve --input-tokens --output-tokens --rate --ttft --tpot --longest --weight-bits --kv-bits --explain --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "assess check") verbs="" options="--runs --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "assess cost") verbs="" options="--limit --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "schedule") verbs="plan explain whatif defrag status share dag apply render" options="" kind=none ;;
    "schedule plan") verbs="" options="--pending --policy --effort --seed --window --price --carbon --links --wait-at-most --preempt --no-cut --tree --gantt --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "schedule explain") verbs="" options="--pending --policy --effort --seed --window --price --carbon --links --wait-at-most --preempt --no-cut --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "schedule whatif") verbs="" options="--pending --policy --effort --seed --window --price --carbon --links --wait-at-most --preempt --no-cut --add --remove --fail --evict --every-single --for --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "schedule defrag") verbs="" options="--pending --for --moves --policy --seed --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "schedule status") verbs="" options="--policy --seed --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "schedule share") verbs="" options="--objective --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "schedule dag") verbs="" options="--seed --steps --prove --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=files ;;
    "schedule apply") verbs="" options="--to --wait --bind --resume --undo --status --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --dry-run --yes --config" kind=none ;;
    "schedule render") verbs="" options="--to --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "audit") verbs="run list explain diff waive verify install-timer" options="--by --select --severity --standard --min-coverage --waivers --checks --models --save --record --since --cron --digest --jitter --deadline --sudoers --rbac --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "audit run") verbs="" options="--by --select --severity --standard --min-coverage --waivers --checks --models --save --record --since --cron --digest --jitter --deadline --sudoers --rbac --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "audit list") verbs="" options="--select --checks --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "audit explain") verbs="" options="--checks --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "audit diff") verbs="" options="--of --output -o --columns --sort --color --quiet -q --context --config" kind=files ;;
    "audit waive") verbs="" options="--owner --ticket --reason --days --finding --waivers --checks --output -o --columns --sort --color --quiet -q --context --dry-run --yes --config" kind=none ;;
    "audit verify") verbs="" options="--public-key --head --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "audit install-timer") verbs="" options="--calendar --jitter --deadline --user --options --output -o --columns --sort --color --quiet -q --context --dry-run --yes --config" kind=none ;;
    "drain") verbs="" options="--selector -l --gpu --for --reason --max-unavailable --by --window --not-before --deadline --grace --policy --force --delete-emptydir-data --allow-pdb-violation --waive-checkpoint --disturb-protected --whole-cluster --control-plane --foreign-cordons --without-fit --return --without-checks --resume --undo --run --status --rbac --compat --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --dry-run --yes --config" kind=none ;;
    "inventory") verbs="show snapshot diff export sources" options="--inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "inventory show") verbs="" options="--inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "inventory snapshot") verbs="" options="--inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "inventory diff") verbs="" options="--inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=files ;;
    "inventory export") verbs="" options="--inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind="ansible json csv" ;;
    "inventory sources") verbs="" options="--rbac --inventory -i --nodes -w --exclude -x --output -o --columns --sort --color --quiet -q --fail-on --fanout -f --timeout --context --watch --config" kind=none ;;
    "config") verbs="show check" options="--origin --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "config show") verbs="" options="--origin --output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "config check") verbs="" options="--output -o --columns --sort --color --quiet -q --context --config" kind=none ;;
    "schema") verbs="" options="" kind=none ;;
    "man") verbs="" options="--directory" kind=none ;;
    "completion") verbs="" options="--directory" kind="bash zsh fish" ;;
  esac
}
_dcctl_value() {
  case $1 in
    *" --adapters") kind=none; return 0 ;;
    *" --add") kind=none; return 0 ;;
    *" --ahead") kind=none; return 0 ;;
    *" --allow-pdb-violation") kind=none; return 0 ;;
    *" --batch") kind=none; return 0 ;;
    "assess --by") kind="pool site rack node model workload"; return 0 ;;
    "assess fleet --by") kind="pool site rack node model workload"; return 0 ;;
    "assess history --by") kind="pool team workload"; return 0 ;;
    "audit --by") kind="severity object"; return 0 ;;
    "audit run --by") kind="severity object"; return 0 ;;
    "drain --by") kind="node domain leaf rack feed zone"; return 0 ;;
    *" --calendar") kind="auto always never"; return 0 ;;
    "assess energy --carbon") kind=files; return 0 ;;
    "assess demand --carbon") kind=none; return 0 ;;
    "schedule plan --carbon") kind=files; return 0 ;;
    "schedule explain --carbon") kind=files; return 0 ;;
    "schedule whatif --carbon") kind=files; return 0 ;;
    *" --carbon-market") kind=files; return 0 ;;
    *" --checks") kind=files; return 0 ;;
    *" --color") kind="auto always never"; return 0 ;;
    *" --columns") kind=none; return 0 ;;
    *" --compat") kind=none; return 0 ;;
    *" --config") kind=files; return 0 ;;
    *" --context") kind=none; return 0 ;;
    *" --cp") kind=none; return 0 ;;
    *" --cpus-per-gpu") kind=none; return 0 ;;
    *" --days") kind=none; return 0 ;;
    *" --deadline") kind=none; return 0 ;;
    *" --digest") kind="mon tue wed thu fri sat sun"; return 0 ;;
    *" --directory") kind=files; return 0 ;;
    *" --effort") kind="fast normal best"; return 0 ;;
    *" --energy-price") kind=none; return 0 ;;
    *" --ep") kind=none; return 0 ;;
    *" --eta") kind=none; return 0 ;;
    *" --evict") kind=none; return 0 ;;
    *" --exclude") kind=nodes; return 0 ;;
    *" --fail") kind=none; return 0 ;;
    *" --fail-on") kind="info warn crit never"; return 0 ;;
    *" --fanout") kind=none; return 0 ;;
    *" --finding") kind=none; return 0 ;;
    "assess energy --for") kind=none; return 0 ;;
    "schedule whatif --for") kind=none; return 0 ;;
    "schedule defrag --for") kind=none; return 0 ;;
    "drain --for") kind=files; return 0 ;;
    *" --gpu") kind=none; return 0 ;;
    *" --gpus") kind=none; return 0 ;;
    *" --grace") kind=none; return 0 ;;
    *" --head") kind=none; return 0 ;;
    *" --heads") kind=none; return 0 ;;
    *" --hidden") kind=none; return 0 ;;
    *" --idle-after") kind=none; return 0 ;;
    *" --idle-below") kind=none; return 0 ;;
    *" --idle-share") kind=none; return 0 ;;
    *" --input-tokens") kind=none; return 0 ;;
    *" --inventory") kind=files; return 0 ;;
    *" --jitter") kind=none; return 0 ;;
    *" --job-size") kind=none; return 0 ;;
    *" --kv-bits") kind=none; return 0 ;;
    *" --kv-heads") kind=none; return 0 ;;
    *" --layers") kind=none; return 0 ;;
    *" --limit") kind=none; return 0 ;;
    *" --links") kind=files; return 0 ;;
    *" --longest") kind=none; return 0 ;;
    *" --lora") kind=none; return 0 ;;
    *" --max-unavailable") kind=none; return 0 ;;
    *" --memory-per-gpu") kind=none; return 0 ;;
    *" --micro-batch") kind=none; return 0 ;;
    *" --min-coverage") kind=none; return 0 ;;
    *" --models") kind=none; return 0 ;;
    *" --moves") kind=none; return 0 ;;
    *" --nodes") kind=nodes; return 0 ;;
    *" --not-before") kind=none; return 0 ;;
    *" --objective") kind="fair train-x-infer max-min"; return 0 ;;
    *" --of") kind=none; return 0 ;;
    *" --optimizer") kind="adamw adamw-8bit muon sgd"; return 0 ;;
    *" --options") kind=none; return 0 ;;
    *" --output") kind="table wide json jsonl yaml csv name prom html nagios sarif junit ocsf oscal"; return 0 ;;
    *" --output-tokens") kind=none; return 0 ;;
    *" --over") kind=none; return 0 ;;
    *" --owner") kind=none; return 0 ;;
    *" --params") kind=none; return 0 ;;
    "schedule plan --policy") kind="use-value fgd first-fit best-fit dot-product"; return 0 ;;
    "schedule explain --policy") kind="use-value fgd first-fit best-fit dot-product"; return 0 ;;
    "schedule whatif --policy") kind="use-value fgd first-fit best-fit dot-product"; return 0 ;;
    "schedule defrag --policy") kind="use-value fgd first-fit best-fit dot-product"; return 0 ;;
    "schedule status --policy") kind="use-value fgd first-fit best-fit dot-product"; return 0 ;;
    "drain --policy") kind=files; return 0 ;;
    *" --pp") kind=none; return 0 ;;
    *" --precision") kind="bf16 fp8 mxfp8"; return 0 ;;
    "assess energy --price") kind=files; return 0 ;;
    "assess demand --price") kind=none; return 0 ;;
    "schedule plan --price") kind=files; return 0 ;;
    "schedule explain --price") kind=files; return 0 ;;
    "schedule whatif --price") kind=files; return 0 ;;
    *" --prometheus") kind=none; return 0 ;;
    *" --public-key") kind=none; return 0 ;;
    *" --pue") kind=none; return 0 ;;
    *" --queries") kind=none; return 0 ;;
    *" --range") kind=none; return 0 ;;
    *" --rate") kind=none; return 0 ;;
    *" --reason") kind=none; return 0 ;;
    *" --recompute") kind="none selective full"; return 0 ;;
    *" --remove") kind=nodes; return 0 ;;
    *" --run") kind=none; return 0 ;;
    *" --save") kind=files; return 0 ;;
    *" --seed") kind=none; return 0 ;;
    *" --select") kind=none; return 0 ;;
    *" --selector") kind=none; return 0 ;;
    *" --seq") kind=none; return 0 ;;
    *" --severity") kind="critical crit high medium low info"; return 0 ;;
    *" --since") kind=none; return 0 ;;
    *" --slowdown") kind=none; return 0 ;;
    *" --sort") kind=none; return 0 ;;
    *" --stall") kind=none; return 0 ;;
    *" --standard") kind=none; return 0 ;;
    *" --step") kind=none; return 0 ;;
    *" --steps") kind=none; return 0 ;;
    *" --storage") kind=none; return 0 ;;
    *" --ticket") kind=none; return 0 ;;
    *" --timeout") kind=none; return 0 ;;
    *" --to") kind=none; return 0 ;;
    *" --tokens") kind=none; return 0 ;;
    *" --tp") kind=none; return 0 ;;
    *" --tpot") kind=none; return 0 ;;
    *" --ttft") kind=none; return 0 ;;
    *" --until") kind=none; return 0 ;;
    *" --vocab") kind=none; return 0 ;;
    *" --vp") kind=none; return 0 ;;
    *" --wait") kind=none; return 0 ;;
    *" --wait-at-most") kind=none; return 0 ;;
    *" --waive-checkpoint") kind=none; return 0 ;;
    *" --waivers") kind=files; return 0 ;;
    *" --watch") kind=none; return 0 ;;
    *" --weight-bits") kind=none; return 0 ;;
    "schedule plan --window") kind=none; return 0 ;;
    "schedule explain --window") kind=none; return 0 ;;
    "schedule whatif --window") kind=none; return 0 ;;
    "drain --window") kind="auto always never"; return 0 ;;
    *" --zero") kind=none; return 0 ;;
    *" -f") kind=none; return 0 ;;
    *" -i") kind=files; return 0 ;;
    *" -l") kind=none; return 0 ;;
    *" -o") kind="table wide json jsonl yaml csv name prom html nagios sarif junit ocsf oscal"; return 0 ;;
    *" -w") kind=nodes; return 0 ;;
    *" -x") kind=nodes; return 0 ;;
  esac
  return 1
}
_dcctl_is_verb() {
  case $1 in "/assess"|"/schedule"|"/audit"|"/drain"|"/inventory"|"/config"|"/schema"|"/man"|"/completion"|"assess/fleet"|"assess/history"|"assess/energy"|"assess/demand"|"assess/check"|"assess/cost"|"schedule/plan"|"schedule/explain"|"schedule/whatif"|"schedule/defrag"|"schedule/status"|"schedule/share"|"schedule/dag"|"schedule/apply"|"schedule/render"|"audit/run"|"audit/list"|"audit/explain"|"audit/diff"|"audit/waive"|"audit/verify"|"audit/install-timer"|"inventory/show"|"inventory/snapshot"|"inventory/diff"|"inventory/export"|"inventory/sources"|"config/show"|"config/check") return 0 ;; esac
  return 1
}
# The names that dcctl saw last, one a line; `tail` is what stands after the last set operator of the word.
# A name that a shell would take for more than a word is never offered: whoever names nodes could run it.
_dcctl_nodes() {
  local cache head="" tail=$1 name
  if [ -n "${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/dcctl/nodes
  elif [ "$EUID" = 0 ]; then cache=/var/cache/dcctl/nodes
  else cache=$HOME/.cache/dcctl/nodes; fi
  [ -r "$cache" ] || return 0
  case $tail in *[,!^]*) tail=${tail##*[,!^]}; head=${1%"$tail"} ;; esac
  LC_ALL=C grep -v -e '^[-=]' -e '[[:cntrl:] -*,;<>?[-^`{-~]' "$cache" |
    LC_ALL=C grep -m 200 -- "^$(printf %s "$tail" | LC_ALL=C tr -c 'A-Za-z0-9_@:-' .)" |
    while IFS= read -r name; do printf '%s\n' "$head$name"; done
}
_dcctl_path() {
  local word path=""
  for word in "$@"; do
    if _dcctl_is_verb "$path/$word"; then path="${path:+$path }$word"; fi
  done
  printf %s "$path"
}
_dcctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local verbs="" options="" kind=none
  local at; at=$(_dcctl_path "${COMP_WORDS[@]:1:COMP_CWORD-1}")
  _dcctl_command "$at"
  if ! _dcctl_value "$at $previous"; then
    case $current in -*) kind=$options ;; *) if [ -n "$verbs" ]; then kind=$verbs; fi ;; esac
  fi
  case $kind in
    none) COMPREPLY=() ;;
    nodes) mapfile -t COMPREPLY < <(_dcctl_nodes "$current") ;;
    files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
  esac
}
complete -F _dcctl dcctl
