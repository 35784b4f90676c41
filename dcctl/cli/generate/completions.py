"""Static completions for bash, zsh and fish. Pressing TAB starts no Python: node names come from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.cli.generate.tree import Command, Parameter

_NOTICE = "# Made from the command tree by `make completions`; do not edit."
_NODES = frozenset({"NODESET", "NODES"})
_FILES = frozenset({"FILE", "WHAT", "OLD", "NEW", "DIR"})


def bash(root: Command) -> str:
    """The completion for bash."""
    return f"{_NOTICE}\n{_tables(root)}{_NAMES % _UNSAFE}{_BASH}"


def zsh(root: Command) -> str:
    """The completion for zsh: the same tables, offered through compadd."""
    return f"#compdef dcctl\n{_NOTICE}\n{_tables(root)}{_NAMES % _UNSAFE}{_ZSH}"


def fish(root: Command) -> str:
    """The completion for fish."""
    verbs = " ".join(f"'{' '.join(c.path[1:])}/{verb.name}'" for c in root.walk() for verb in c.verbs)
    lines = [_NOTICE, _FISH % (verbs, _UNSAFE), "complete -c dcctl -f"]
    for command in root.walk():
        lines += _fish_command(command)
    return "\n".join(lines) + "\n"


def _tables(root: Command) -> str:
    """Three functions of `case` that bash and zsh both read: what follows a command, an option, and verbs."""
    commands, verbs = [], []
    for command in root.walk():
        path = " ".join(command.path[1:])
        words = " ".join(verb.name for verb in command.verbs)
        options = " ".join(name for option in command.options for name in option.names)
        kind = _source(command.arguments[0]) if command.arguments else "none"
        commands.append(f'    "{path}") verbs="{words}" options="{options}" kind={kind} ;;')
        verbs += [f'"{path}/{verb.name}"' for verb in command.verbs]
    values = [f"    {at}) kind={source}; return 0 ;;" for at, source in _values(root) if source]
    return (
        f"_dcctl_command() {{\n  case $1 in\n{_lines(commands)}  esac\n}}\n"
        f"_dcctl_value() {{\n  case $1 in\n{_lines(values)}  esac\n  return 1\n}}\n"
        f"_dcctl_is_verb() {{\n  case $1 in {'|'.join(verbs)}) return 0 ;; esac\n  return 1\n}}\n"
    )


def _values(root: Command) -> list[tuple[str, str]]:
    """Where the values of each option come from, by `command option`; `*`: whatever the command."""
    told: dict[str, dict[str, str]] = {}
    for command in root.walk():
        for option in command.options:
            for name in option.names:
                told.setdefault(name, {})[" ".join(command.path[1:])] = _source(option)
    found = []
    for name, sources in sorted(told.items()):
        if len(set(sources.values())) == 1:
            found.append((f'*" {name}"', next(iter(sources.values()))))
        else:
            found += [(f'"{path} {name}"', source) for path, source in sources.items()]
    return found


def _lines(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _source(parameter: Parameter) -> str:
    """Where candidates come from: `nodes`, `files`, a quoted list of values, `none`; empty for a switch."""
    if not parameter.takes_value:
        return ""
    if parameter.values:
        return f'"{" ".join(parameter.values)}"'
    if parameter.metavar in _NODES:
        return "nodes"
    return "files" if parameter.metavar in _FILES else "none"


def _fish_command(command: Command) -> list[str]:
    at = f"complete -c dcctl -n '__dcctl_at \"{' '.join(command.path[1:])}\"'"
    lines = [f"{at} -a {verb.name} -d {_quoted(verb.summary)}" for verb in command.verbs]
    for option in command.options:
        flags = " ".join(_fish_flag(name) for name in option.names)
        lines.append(f"{at} {flags}{_fish_candidates(option, '-r ')} -d {_quoted(option.help)}")
    lines += [f"{at}{_fish_candidates(argument, '')}" for argument in command.arguments[:1]]
    return lines


def _fish_flag(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _fish_candidates(parameter: Parameter, required: str) -> str:
    source = _source(parameter)
    if source == "nodes":
        return f" {required}-a '(__dcctl_nodes)'"
    if source == "files":
        return f" {required}-F"
    if source in {"", "none"}:
        return f" {required}".rstrip() if source else ""
    return f" {required}-a {_quoted(' '.join(parameter.values))}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_UNSAFE = "-e '^[-=]' -e '[[:cntrl:] -*,;<>?[-^`{-~]'"
"""For grep in the C locale: every ASCII character but letters, digits and `_.:@+=/-`."""

_NAMES = """\
# The names that dcctl saw last, one a line; `tail` is what stands after the last set operator of the word.
# A name that a shell would take for more than a word is never offered: whoever names nodes could run it.
_dcctl_nodes() {
  local cache head="" tail=$1 name
  if [ -n "${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/dcctl/nodes
  elif [ "$EUID" = 0 ]; then cache=/var/cache/dcctl/nodes
  else cache=$HOME/.cache/dcctl/nodes; fi
  [ -r "$cache" ] || return 0
  case $tail in *[,!^]*) tail=${tail##*[,!^]}; head=${1%%"$tail"} ;; esac
  LC_ALL=C grep -v %s "$cache" |
    LC_ALL=C grep -m 200 -- "^$(printf %%s "$tail" | LC_ALL=C tr -c 'A-Za-z0-9_@:-' .)" |
    while IFS= read -r name; do printf '%%s\\n' "$head$name"; done
}
"""

_BASH = """\
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
"""

_ZSH = """\
_dcctl() {
  local current=${words[CURRENT]} previous=${words[CURRENT-1]} word at=""
  local verbs="" options="" kind=none
  for word in "${(@)words[2,CURRENT-1]}"; do
    if _dcctl_is_verb "$at/$word"; then at="${at:+$at }$word"; fi
  done
  _dcctl_command "$at"
  if ! _dcctl_value "$at $previous"; then
    case $current in -*) kind=$options ;; *) if [ -n "$verbs" ]; then kind=$verbs; fi ;; esac
  fi
  case $kind in
    none) ;;
    nodes) compadd -- "${(@f)$(_dcctl_nodes "$current")}" ;;
    files) _files ;;
    *) compadd -- ${=kind} ;;
  esac
}
if [ "${funcstack[1]}" = "_dcctl" ]; then _dcctl "$@"; else compdef _dcctl dcctl; fi
"""

_FISH = """\
function __dcctl_at --description 'Whether the words so far name this command'
    set -l path
    for word in (commandline -opc)[2..]
        switch "$path/$word"
            case %s
                set path (string trim -- "$path $word")
        end
    end
    test "$path" = "$argv[1]"
end

function __dcctl_nodes --description 'The names that dcctl saw last'
    set -l cache $HOME/.cache/dcctl/nodes
    test (id -u) = 0; and set cache /var/cache/dcctl/nodes
    set -q XDG_CACHE_HOME; and set cache $XDG_CACHE_HOME/dcctl/nodes
    test -r $cache; or return
    set -l head (string match -r '^.*[,!^]' -- (commandline -ct))
    for name in (LC_ALL=C grep -m 200 -v %s $cache)
        echo "$head$name"
    end
end
"""
