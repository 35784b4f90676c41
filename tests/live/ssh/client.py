"""The client's side of the tests: an ssh_config and a known_hosts file, and what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.ssh.run import Overrides
from dcctl.inventory.sources.ssh.source import SshSource, Target
from dcctl.inventory.sources.ssh.transport import Deadlines
from tests.live.ssh.sshd import make_key

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.inventory.model import Fleet, Gap
    from tests.live.ssh.sshd import Sshd

PATIENT = Deadlines(connect_s=30, banner_s=60, auth_s=60, command_s=60)
"""For what ends by itself, also on a machine that is busy with other things."""


class Client:
    """Somebody with a key, and with servers known by name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.key = folder, make_key(folder / "key")
        self.known_hosts = folder / "known_hosts"
        self.config_file = folder / "ssh_config"
        self.known_hosts.touch()
        self._blocks: list[str] = []
        self.defaults = {
            "IdentityFile": str(self.key),
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "none",
        }

    def add(self, name: str, server: Sshd, *, known: bool = True, **settings: str) -> None:
        """Let `name` be this server in ssh_config, with its host key known unless `known` is False."""
        words = {"HostName": server.address, "Port": str(server.port), "User": server.user, **settings}
        self.add_block(name, words)
        if known:
            with self.known_hosts.open("a") as file:
                file.write(server.known_hosts())

    def add_block(self, name: str, words: dict[str, str]) -> None:
        """Add a Host block."""
        self._blocks.append(f"Host {name}\n" + "".join(f"  {key} {word}\n" for key, word in words.items()))

    def overrides(self) -> Overrides:
        """Write the files and return where they are."""
        common = "Host *\n" + "".join(f"  {key} {word}\n" for key, word in self.defaults.items())
        self.config_file.write_text("".join(self._blocks) + common)
        return Overrides(config_file=str(self.config_file))

    def collect(self, *names: str, deadlines: Deadlines = PATIENT) -> Fleet:
        """Ask the hosts."""
        targets = [Target(name, site="dc1") for name in names]
        return SshSource(targets, deadlines=deadlines, overrides=self.overrides()).collect()

    def gap(self, name: str, deadlines: Deadlines = PATIENT) -> Gap:
        """Return the one gap that asking this host gives, when there is no node."""
        fleet = self.collect(name, deadlines=deadlines)
        assert fleet.nodes == ()
        assert [(gap.subject, gap.node) for gap in fleet.gaps] == [(name, name)]
        return fleet.gaps[0]
