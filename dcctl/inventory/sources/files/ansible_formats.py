"""The text formats of Ansible inventories, read into groups of hosts with variables."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, TypeAlias

from dcctl.errors import UsageError
from dcctl.inventory.nodeexpr import MAX_NAMES, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.files.documents import Tree

Vars: TypeAlias = "dict[str, Tree]"
_RANGE: Final = re.compile(r"\[([0-9]{1,18}|[a-zA-Z]):([0-9]{1,18}|[a-zA-Z])(?::([0-9]{1,6}))?\]")
_SECTION: Final = re.compile(r"\[([^\[\]:]+)(?::(children|vars|hosts))?\]")
_PORT: Final = re.compile(r"([^:]+):([0-9]{1,5})")


class Groups:
    """Hosts and groups as an inventory states them."""

    def __init__(self) -> None:
        """Empty."""
        self.hosts: dict[str, Vars] = {}
        self.members: dict[str, list[str]] = {}
        self.children: dict[str, list[str]] = {}
        self.group_vars: dict[str, Vars] = {}
        self._of: dict[str, list[str]] | None = None

    def add_host(self, group: str, host: str, variables: Vars) -> None:
        """Put a host in a group; variables that it already has are replaced."""
        self.hosts.setdefault(host, {}).update(variables)
        self.members.setdefault(group, []).append(host)

    def add_child(self, group: str, child: str) -> None:
        """Make one group a part of another."""
        self.children.setdefault(group, []).append(child)

    def add_vars(self, group: str, variables: Vars) -> None:
        """Give variables to every host of a group."""
        self.group_vars.setdefault(group, {}).update(variables)

    def beside(self, kind: str, name: str, variables: Vars) -> None:
        """Take variables from a file in group_vars or host_vars; hosts that nobody listed are passed over."""
        if kind == "group":
            self.add_vars(name, variables)
        elif name in self.hosts:
            self.hosts[name].update(variables)

    def of_host(self, host: str) -> list[str]:
        """Return the groups of a host, the outermost first; `all` is always one."""
        if self._of is None:
            self._of = self._ancestors()
        return self._of.get(host, ["all"])

    def _ancestors(self) -> dict[str, list[str]]:
        """Walk down from every group to its hosts; a group that contains itself is walked once."""
        depth: dict[str, dict[str, int]] = {}
        for top in {*self.members, *self.children}:
            level, seen, todo = 0, {top}, [top]
            while todo:
                for group in todo:
                    for host in self.members.get(group, ()):
                        near = depth.setdefault(host, {})
                        near[top] = min(level, near.get(top, level))
                todo = [c for group in todo for c in self.children.get(group, ()) if c not in seen]
                seen.update(todo)
                level += 1
        return {
            host: ["all", *sorted(near.keys() - {"all"}, key=lambda group: (-near[group], group))]
            for host, near in depth.items()
        }

    def variables(self, host: str) -> Vars:
        """Return a host's variables: its own beat those of the nearest group, then those farther out."""
        result: Vars = {}
        for group in self.of_host(host):
            result |= self.group_vars.get(group, {})
        return result | self.hosts[host]


def hosts_of(pattern: str, where: str) -> list[str]:
    """Expand `www[01:50:2]` and `db[a:f]`; UsageError for ranges that are empty or too large."""
    names = [""]
    at = 0
    for match in _RANGE.finditer(pattern):
        values = list(_values(match, where))
        if len(names) * len(values) > MAX_NAMES:
            raise UsageError(where, f"{shown(pattern)} stands for more than {MAX_NAMES:,} hosts")
        names = [name + pattern[at : match.start()] + value for name in names for value in values]
        at = match.end()
    return [name + pattern[at:] for name in names]


def _values(match: re.Match[str], where: str) -> Iterator[str]:
    low, high, step = match[1], match[2], int(match[3] or 1)
    if low.isdigit() != high.isdigit() or step < 1:
        raise UsageError(where, f"{shown(match[0])} is not a range")
    first, last = (int(low), int(high)) if low.isdigit() else (ord(low), ord(high))
    if last < first or (last - first) // step >= MAX_NAMES:
        raise UsageError(where, f"the range {shown(match[0])} is empty or stands for too many hosts")
    width = len(low) if low[0] == "0" else 0
    for value in range(first, last + 1, step):
        yield f"{value:0{width}d}" if low.isdigit() else chr(value)


def read_ini(text: str, where: str) -> Groups:
    """Return the groups of an INI inventory; UsageError names the line."""
    groups, section, kind = Groups(), "ungrouped", "hosts"
    for number, raw in enumerate(text.splitlines(), 1):
        line, place = raw.strip(), f"{where}:{number}"
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and not _RANGE.match(line):
            match = _SECTION.fullmatch(line.split("#")[0].strip())
            if match is None:
                raise UsageError(place, f"{shown(line)} is not a section")
            section, kind = match[1].strip(), match[2] or "hosts"
        elif kind == "children":
            groups.add_child(section, line.split()[0])
        elif kind == "vars":
            name, equals, value = line.partition("=")
            if not equals:  # the line is not shown: it may be half a password
                raise UsageError(place, f"a line of [{section[:60]}:vars] has no `=`")
            groups.add_vars(section, {name.strip(): value.strip().strip("'\"")})
        else:
            _ini_host(groups, section, line, place)
    return groups


def _ini_host(groups: Groups, section: str, line: str, place: str) -> None:
    try:
        pattern, *settings = shlex.split(line, comments=True)
    except ValueError as error:
        raise UsageError(place, "a quote is not closed") from error
    variables: Vars = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(place, "a word after the host is not `key=value`")
        variables[name] = value
    port = _PORT.fullmatch(_RANGE.sub("", pattern))
    if port:
        pattern = pattern.removesuffix(f":{port[2]}")
        variables.setdefault("ansible_port", port[2])
    for host in hosts_of(pattern, place):
        groups.add_host(section, host, variables)


def read_document(tree: Tree, where: str) -> Groups:
    """Return the groups of a YAML inventory, or of what a dynamic script prints for `--list`."""
    if not isinstance(tree, dict):
        raise UsageError(where, "is not an inventory: groups are expected at its top")
    groups = Groups()
    meta = tree.get("_meta")
    for name, body in tree.items():
        if name != "_meta":
            _group(groups, name, body, where)
    hostvars = meta.get("hostvars") if isinstance(meta, dict) else None
    if isinstance(hostvars, dict):
        for host, variables in hostvars.items():
            groups.hosts.setdefault(host, {}).update(variables if isinstance(variables, dict) else {})
    return groups


def _group(groups: Groups, name: str, body: Tree, where: str) -> None:
    """Read one group: a dict of hosts, children and vars, or (in scripts) a plain list of hosts."""
    if isinstance(body, list):
        body = {"hosts": body}
    if body is None:
        body = {}
    if not isinstance(body, dict) or not all(key in {"hosts", "children", "vars"} for key in body):
        raise UsageError(where, f"the group {shown(name)} may have hosts, children and vars, nothing else")
    for pattern, variables in _entries(body.get("hosts"), f"{where}: {name}.hosts"):
        for host in hosts_of(pattern, where):
            groups.add_host(name, host, variables if isinstance(variables, dict) else {})
    for child, inner in _entries(body.get("children"), f"{where}: {name}.children"):
        groups.add_child(name, child)
        _group(groups, child, inner, where)
    groups.members.setdefault(name, [])
    variables = body.get("vars")
    groups.add_vars(name, variables if isinstance(variables, dict) else {})


def _entries(body: Tree, where: str) -> list[tuple[str, Tree]]:
    """Return (name, value) of a dict, or (name, None) of a list."""
    if isinstance(body, dict):
        return list(body.items())
    if isinstance(body, list) and all(isinstance(name, str) for name in body):
        return [(str(name), None) for name in body]
    if body is None or body == "":
        return []
    raise UsageError(where, "should be names, each on a line and followed by a colon")
