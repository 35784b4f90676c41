"""Ansible inventories: INI, YAML, JSON and dynamic scripts. Ansible itself is not needed.

Groups become pools. Of the variables only those that say where a host is and how to reach it are kept: an
inventory is full of passwords, and a list of what to leave out would miss some.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dcctl.errors import UsageError
from dcctl.inventory.folding import fold, sort_key
from dcctl.inventory.model import MAX_PORT, Fleet, Node, Pool
from dcctl.inventory.nodeexpr import check_name
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.files.ansible_formats import Groups, Vars, read_document, read_ini
from dcctl.inventory.sources.files.documents import read_bytes, text_of, tree
from dcctl.inventory.sources.machine.figures import number
from dcctl.redaction import first_line_of_a_program

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from typing import IO

_FIELDS: Final = {
    "ansible_host": "address",
    "ansible_ssh_host": "address",
    "ansible_user": "login_user",
    "ansible_ssh_user": "login_user",
    "ansible_port": "login_port",
    "ansible_ssh_port": "login_port",
    "rack": "rack",
    "site": "site",
    "datacenter": "site",
}
"""Variable -> field of a node. Nothing else leaves the inventory."""
_NOT_POOLS: Final = frozenset({"all", "ungrouped"})
_YAML_START: Final = re.compile(r"- |[\w.'\"-]+\s*:(\s|$)")
_MAX_OUTPUT: Final = 64 << 20
_MAX_SAID: Final = 4096
"""Bytes of the end of what a script says on standard error."""
_MAX_LINE: Final = 200


class AnsibleSource:
    """An inventory file, or a script that prints one for `--list`."""

    kind = "ansible"

    def __init__(self, path: str, timeout_s: float = 30.0) -> None:
        """`timeout_s` is how long a script may take."""
        self.path, self.timeout_s = path, timeout_s
        self.name = f"ansible:{path}"

    def collect(self) -> Fleet:
        """Return the fleet of the inventory with the group_vars and host_vars beside it.

        UsageError: the file cannot be read as one. SourceError: the script failed.
        """
        beside = list(_variables_beside(Path(self.path).parent))
        if is_script(self.path):
            return parse(_run(self.path, self.timeout_s), self.path, beside)
        return parse(read_bytes(self.path), self.path, beside)


def parse(data: bytes, where: str, beside: list[tuple[str, str, Vars]] | None = None) -> Fleet:
    """Return the fleet of an inventory; its format is seen from its text.

    `beside` holds (`host` or `group`, name, variables) of files next to it. UsageError: not readable.
    """
    text = text_of(data, where)
    head = text.lstrip()[:1]
    if not head:
        raise UsageError(where, "is empty", f"ansible-inventory -i {where} --list")
    structured = head == "{" or text.lstrip().startswith("---") or _looks_like_yaml(text)
    groups = read_document(tree(text, where), where) if structured else read_ini(text, where)
    for kind, name, variables in beside or ():
        groups.beside(kind, name, variables)
    return _fleet(groups, where)


def _looks_like_yaml(text: str) -> bool:
    """Tell YAML from INI by the first line with content: `all:` against `[gpu]` or `host key=value`."""
    lines = (line.split(" #")[0].rstrip() for line in text.splitlines())
    first = next((line for line in lines if line.strip() and line.lstrip()[0] not in "#;"), "")
    return _YAML_START.match(first) is not None


def _fleet(groups: Groups, where: str) -> Fleet:
    pools: dict[str, list[str]] = {}
    nodes = []
    for host in sorted(groups.hosts, key=sort_key):
        member_of = groups.of_host(host)
        pools_of = tuple(sorted(set(member_of) - _NOT_POOLS, key=sort_key))
        for pool in pools_of:
            pools.setdefault(pool, []).append(host)
        nodes.append(_node(host, pools_of, groups.variables(host), where))
    if not nodes:
        raise UsageError(where, "holds no hosts", f"ansible-inventory -i {where} --graph")
    named = (Pool(name=name, nodes=fold(pools[name])) for name in sorted(pools, key=sort_key))
    return Fleet(nodes=tuple(nodes), pools=tuple(named))


def _node(host: str, pools: tuple[str, ...], variables: Vars, where: str) -> Node:
    facts: dict[str, str] = {}
    for variable, field in _FIELDS.items():
        value = variables.get(variable)
        if isinstance(value, str) and value.strip() and "{{" not in value and len(value) < 256:
            facts.setdefault(field, value.strip())
    port = number(facts.get("login_port"))
    return Node(
        name=check_name(host, where),
        pools=pools,
        site=facts.get("site"),
        rack=facts.get("rack"),
        address=None if facts.get("address") == host else facts.get("address"),
        login_user=facts.get("login_user"),
        login_port=port if port and port <= MAX_PORT else None,
    )


def _variables_beside(folder: Path) -> Iterator[tuple[str, str, Vars]]:
    """Yield the variables in group_vars/NAME.yml, group_vars/NAME/*.yml and the same for host_vars."""
    for kind in ("group", "host"):
        for path in sorted((folder / f"{kind}_vars").glob("**/*")):
            if path.suffix not in {".yml", ".yaml", ".json", ""} or not path.is_file() or path.name[0] == ".":
                continue
            relative = path.relative_to(folder / f"{kind}_vars")
            name = (
                relative.parts[0]
                if len(relative.parts) > 1
                else relative.stem
                if path.suffix
                else relative.name
            )
            data = read_bytes(str(path))
            if data.startswith(b"$ANSIBLE_VAULT"):
                continue  # encrypted as a whole; nothing in it is needed
            variables = tree(text_of(data, str(path)), str(path))
            if isinstance(variables, dict):
                yield kind, name, variables


def is_script(path: str) -> bool:
    """Tell a script or binary from an inventory whose x bit is set by accident."""
    if not Path(path).is_file() or not os.access(path, os.X_OK | os.R_OK):
        return False
    with Path(path).open("rb") as file:
        return file.read(2) in {b"#!", b"\x7fE"}


def _run(path: str, timeout_s: float) -> bytes:
    """Return what the script prints for `--list`; SourceError when it fails, hangs or prints without end."""
    import subprocess
    import tempfile

    # The shell's file-size limit stops a script that would fill the disk (its unit is 512 or 1024 bytes).
    command = [
        "/bin/sh",
        "-c",
        f'ulimit -f {_MAX_OUTPUT // 1024}; exec "$0" --list',
        str(Path(path).absolute()),
    ]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        try:
            child = subprocess.Popen(  # noqa: S603  the administrator named this program
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            raise SourceError(path, f"cannot be started: {error.strerror}") from error
        _check_status(path, _wait(child, path, timeout_s), said)
        out.seek(0)
        return out.read()


def _wait(child: subprocess.Popen[bytes], path: str, timeout_s: float) -> int:
    """Return the exit status. After the deadline, or on Ctrl-C, the script and its children are killed."""
    import signal
    import subprocess

    try:
        return child.wait(timeout_s)
    except subprocess.TimeoutExpired as error:
        raise SourceError(path, f"no answer within {timeout_s:g} s", "timeout", _by_hand(path)) from error
    finally:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _by_hand(path: str) -> str:
    """The command that runs the script as we do, from where we are."""
    return f"{shlex.quote(path if '/' in path else f'./{path}')} --list"


def _check_status(path: str, status: int, said: IO[bytes]) -> None:
    """SourceError for a status other than 0, with the last line that the script `said` about it."""
    import signal

    if status in {-signal.SIGXFSZ, 128 + signal.SIGXFSZ}:  # the script itself, or what it ran
        raise SourceError(
            path, f"prints more than {_MAX_OUTPUT >> 20} MiB", "truncated", f"{_by_hand(path)} | wc -c"
        )
    if status != 0:
        why = _last_line(said)
        reason = f"ended with exit code {status}" + (f": {why}" if why else "")
        raise SourceError(path, reason, "failed", _by_hand(path))


def _last_line(said: IO[bytes]) -> str:
    """The last line that is not blank, without what may be a secret; empty when there is none."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - _MAX_SAID))
    lines = [line for line in said.read().decode("utf-8", "replace").splitlines() if line.strip()]
    return first_line_of_a_program(lines[-1])[:_MAX_LINE] if lines else ""
