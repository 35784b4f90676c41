"""Nodes: who may log in to them, and who becomes root there."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from dcctl.audit.check import Fault, check
from dcctl.audit.checks.nodes_common import like, unless_told
from dcctl.audit.sudoers import is_own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.hosts import Host

_KEYS_ALONE = {"no", "prohibit-password", "without-password", "forced-commands-only"}
_ASKED = "kbdinteractiveauthentication"
_STRICT_KEX = "kex-strict-s-v00@openssh.com"


def _of_openssh(host: Host, _scene: Scene) -> str:
    if host.ssh_server == "":
        return "nodes without an SSH server"
    return "" if (host.ssh_server or "OpenSSH").startswith("OpenSSH") else "SSH servers other than OpenSSH"


def _without_server(host: Host, _scene: Scene) -> str:
    return "nodes without an SSH server" if host.ssh_server == "" else ""


def _last(host: Host, keyword: str, default: str = "") -> str:
    values = (host.sshd or {}).get(keyword, ())
    return values[-1].lower() if values else default


def _matched(host: Host, keyword: str, allowed: set[str]) -> Iterator[tuple[str, str]]:
    """(criteria, value) of the Match blocks that set a keyword to something else than it may be."""
    for one in host.sshd_matches or ():
        if one.keyword == keyword and one.value.lower() not in allowed:
            yield one.criteria, one.value


@check(
    "NOD-01",
    "SSH lets root log in with a password",
    "high",
    tier="R",
    over="hosts",
    needs=("sshd",),
    refs=("800-53:AC-6(2)", "soc2:CC6.1", "iso:A.8.2", "mlps:8.1.4.1"),
    why="Root is the one name that every attacker knows, and its log-ins name no person.",
    fix="PermitRootLogin no (or prohibit-password) in sshd_config; then systemctl reload ssh.",
    applies=_of_openssh,
)
def root_login(host: Host, _scene: Scene) -> list[Fault]:
    """Root may not log in, or with a key alone; no Match block makes an exception."""
    value = _last(host, "permitrootlogin")
    faults = (
        []
        if value in _KEYS_ALONE
        else [Fault(f"PermitRootLogin is {value or 'not told'}", "permitrootlogin")]
    )
    for criteria, told in _matched(host, "permitrootlogin", _KEYS_ALONE):
        faults.append(Fault(f"PermitRootLogin is {told} for {criteria}", f"permitrootlogin match {criteria}"))
    return unless_told(host, faults, "sshd", "sshd_matches")


@check(
    "NOD-02",
    "SSH takes passwords",
    "high",
    tier="R",
    over="hosts",
    needs=("sshd",),
    refs=("800-53:AC-17(a)", "soc2:CC6.1", "iso:A.8.5", "mlps:8.1.4.1"),
    why="A password can be guessed from anywhere, and is used again elsewhere.",
    fix="PasswordAuthentication no, KbdInteractiveAuthentication no, PermitEmptyPasswords no in sshd_config.",
    applies=_of_openssh,
)
def passwords(host: Host, _scene: Scene) -> list[Fault]:
    """No password alone lets anybody in; one beside a key (AuthenticationMethods) does no harm."""
    faults = []
    if _last(host, "permitemptypasswords") == "yes":
        faults.append(Fault("accounts without a password may log in", "permitemptypasswords", "critical"))
    for criteria, _ in _matched(host, "permitemptypasswords", {"no"}):
        says = f"accounts without a password may log in for {criteria}"
        faults.append(Fault(says, f"permitemptypasswords match {criteria}", "critical"))
    if _by_key(" ".join((host.sshd or {}).get("authenticationmethods", ("any",)))):
        faults += _without_key(host)
        return unless_told(host, faults, "sshd", "sshd_matches")
    if _last(host, "passwordauthentication") != "no":
        faults.append(Fault("passwords are taken", "passwordauthentication"))
    if _last(host, "usepam") == "yes" and _asked(host) == "yes":
        faults.append(Fault("PAM asks for passwords", _ASKED))
    for keyword in _password_keywords(host):
        for criteria, _ in _matched(host, keyword, {"no"}):
            faults.append(Fault(f"passwords are taken for {criteria}", f"{keyword} match {criteria}"))
    return unless_told(host, faults, "sshd", "sshd_matches")


def _asked(host: Host) -> str:
    return _last(host, _ASKED, _last(host, "challengeresponseauthentication", "no"))


def _password_keywords(host: Host) -> tuple[str, ...]:
    """The settings by which passwords are taken: what PAM asks counts where PAM is used."""
    pam = _last(host, "usepam") == "yes"
    return ("passwordauthentication", _ASKED) if pam else ("passwordauthentication",)


def _by_key(methods: str) -> bool:
    """True when each of these ways in asks for a key."""
    return all("publickey" in one.split(",") for one in methods.strip('"').split())


def _without_key(host: Host) -> Iterator[Fault]:
    """Match blocks that let in without the key that everybody else has to show, where passwords are taken."""
    taken = [_last(host, "passwordauthentication"), _asked(host) if _last(host, "usepam") == "yes" else "no"]
    taken += [value for keyword in _password_keywords(host) for _, value in _matched(host, keyword, {"no"})]
    for one in host.sshd_matches or ():
        loose = one.keyword == "authenticationmethods" and not _by_key(one.value)
        if loose and any(value != "no" for value in taken):
            says, where = (
                f"passwords are taken for {one.criteria}",
                f"authenticationmethods match {one.criteria}",
            )
            yield Fault(says, where)


@check(
    "NOD-03",
    "SSH offers weak algorithms",
    "medium",
    tier="net",
    over="hosts",
    needs=("algorithms",),
    refs=("800-53:CM-6(a)", "soc2:CC6.7", "iso:A.8.24", "mlps:8.1.4.7"),
    why="Who sits in between chooses the weakest of what both sides offer.",
    fix="Name KexAlgorithms, Ciphers, MACs and HostKeyAlgorithms in sshd_config, or take a newer OpenSSH.",
    applies=_without_server,
)
def algorithms(host: Host, scene: Scene) -> Iterator[Fault]:
    """Nothing on the list of weak ones is offered, nothing open to Terrapin (CVE-2023-48795)."""
    offered = host.algorithms
    if offered is None:
        return
    for kind in ("kex", "host_keys", "ciphers", "macs"):
        for name in getattr(offered, kind):
            if like(name, getattr(scene.policy.hosts.ssh_weak, kind)):
                yield Fault(f"offers {name}", f"{kind} {name}")
    open_to_cuts = "chacha20-poly1305@openssh.com" in offered.ciphers
    if open_to_cuts and _STRICT_KEX not in offered.kex and host.ssh_server is not None:
        yield Fault(
            "the beginning of a session can be cut unseen (Terrapin): no strict key exchange", "terrapin"
        )


@check(
    "NOD-04",
    "SSH sessions are less limited than they should be",
    "low",
    tier="R",
    over="hosts",
    needs=("sshd",),
    refs=("800-53:CM-6(a)", "soc2:CC6.1", "iso:A.8.5"),
    why="Many tries, sessions without an end and forwarded screens widen what a stolen log-in reaches.",
    fix="MaxAuthTries 4, ClientAliveInterval 300, ClientAliveCountMax 3, X11Forwarding no, AllowGroups.",
    applies=_of_openssh,
)
def session_limits(host: Host, scene: Scene) -> list[Fault]:
    """Tries, idle sessions, X11 and who may log in are limited as the site says."""
    return unless_told(host, list(_unlimited(host, scene)), "sshd")


def _unlimited(host: Host, scene: Scene) -> Iterator[Fault]:
    policy = scene.policy.hosts
    tries = int(_last(host, "maxauthtries", "6"))
    if tries > policy.ssh_auth_tries:
        yield Fault(f"MaxAuthTries is {tries}, at most {policy.ssh_auth_tries}", "maxauthtries")
    idle_s = int(_last(host, "clientaliveinterval", "0")) * int(_last(host, "clientalivecountmax", "3"))
    if not 0 < idle_s <= policy.ssh_idle_s:
        says = f"ends after {idle_s} s, at most {policy.ssh_idle_s} s" if idle_s else "never ends"
        yield Fault(f"a session without a sign of life {says}", "clientaliveinterval")
    if _last(host, "x11forwarding", "no") == "yes":
        yield Fault("X11 is forwarded", "x11forwarding")
    if policy.ssh_allowlist and not {"allowusers", "allowgroups"} & set(host.sshd or {}):
        yield Fault("any account may log in: neither AllowGroups nor AllowUsers is set", "allowgroups")


def _without_accounts(host: Host, _scene: Scene) -> str:
    return "systems without accounts of their own" if host.accounts == () else ""


@check(
    "NOD-07",
    "Root by more ways than its own",
    "critical",
    tier="R",
    over="hosts",
    needs=("accounts",),
    refs=("800-53:IA-2", "800-53:IA-5(1)(a)", "800-53:IA-11", "soc2:CC6.1", "iso:A.8.2", "mlps:8.1.4.1"),
    why="A second uid 0, an empty password or sudo without one is root for whoever gets in at all.",
    fix="Remove the account or lock it (passwd -l); take NOPASSWD out of sudoers, or name commands for it.",
    applies=_without_accounts,
)
def ways_to_root(host: Host, scene: Scene) -> list[Fault]:
    """Root alone has uid 0, each account a password, and sudo asks for it unless the site says otherwise."""
    faults = [
        Fault(f"{one.name} has uid 0", f"uid 0 {one.name}")
        for one in host.accounts or ()
        if one.uid == 0 and one.name != "root"
    ]
    faults += [
        Fault(f"{name} has no password", f"empty password {name}") for name in host.empty_passwords or ()
    ]
    for grant in host.nopasswd or ():
        if like(grant.who, scene.policy.hosts.sudo_without_password) or is_own(grant.commands):
            continue
        whole = "ALL" in grant.commands.replace(",", " ").split()
        says = "anything" if whole else grant.commands[:80] or "something"
        what = "ALL" if whole else _digest(grant.commands)
        faults.append(
            Fault(
                f"{grant.who} may run {says} as root without a password",
                f"sudo {grant.who} {what}",
                None if whole else "high",
            )
        )
    return unless_told(host, faults, "empty_passwords", "nopasswd")


def _digest(commands: str) -> str:
    """A name for just these commands, in whatever order: one more is another finding."""
    words = sorted({" ".join(word.split()) for word in re.split(r"(?<!\\),", commands)})
    return sha256(", ".join(words).encode(errors="surrogatepass")).hexdigest()[:8]
