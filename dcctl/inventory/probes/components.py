"""Part of the audit's probe: how the components of Kubernetes on this node were started and configured.

Python 3.6 and its standard library alone. Whose command line cannot be read is not found; what a file of
theirs did not tell is named with its reason. Keys of encryption are left out before anything is sent.
"""

import errno
import grp
import hashlib
import json
import os
import pwd
import re

from dcctl.inventory.probes.audit import Command, Part

COMPONENT_NAMES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
    "kubelet",
    "kube-proxy",
)
COMPONENT_TEXTS = (
    *("config", "config-file", "encryption-provider-config", "audit-policy-file"),
    *("authentication-config", "authorization-config"),
)
"""Flags that name a file which is read."""
COMPONENT_PATHS = (
    "data-dir",
    "kubeconfig",
    "client-ca-file",
    "config",
    "tls-cert-file",
    "tls-private-key-file",
)
"""Flags that name a path of which mode and owner are told."""
CERTIFICATES = ("client-ca-file", "trusted-ca-file")
"""Flags that name public certificates, which are told apart by a digest."""
COMPONENT_FILES = (
    *("/etc/kubernetes/manifests", "/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf"),
    *(
        "/etc/kubernetes/controller-manager.conf",
        "/etc/kubernetes/scheduler.conf",
        "/etc/kubernetes/kubelet.conf",
    ),
    *("/etc/kubernetes/proxy.conf", "/etc/kubernetes/pki", "/etc/cni/net.d", "/var/lib/cni/networks"),
    *("/var/lib/etcd", "/var/lib/kubelet/config.yaml", "/usr/lib/systemd/system/kubelet.service"),
    *("/usr/lib/systemd/system/kubelet.service.d", "/etc/systemd/system/kubelet.service"),
    *("/etc/systemd/system/kubelet.service.d", "/var/lib/rancher/rke2/agent/pod-manifests"),
)
_AUDIT_POLICIES = ("/etc/kubernetes/audit-policy.yaml", "/etc/kubernetes/audit/policy.yaml")
_ENCRYPTIONS = ("/etc/kubernetes/enc/enc.yaml", "/etc/kubernetes/encryption-config.yaml")
ENCRYPTION_LINES = "|".join(
    (
        "^kind: Encryption[A-Za-z]*",
        "^[ -]*(resources|providers|identity|aescbc|aesgcm|secretbox|kms):( [,[][a-z,.\"'* -]+[]]$)?",
        "^ *- [a-z.\"'*]+$",
    )
)
"""What is told of an EncryptionConfiguration: its lists by name, kinds of providers, names of resources.

All else of the file is left out, wherever a key may stand: `grep -o` prints these parts of lines alone.
"""
COMPONENT_COMMANDS = (
    Command(
        "component-files",
        ("/usr/bin/find", "-L", *COMPONENT_FILES, "-maxdepth", "2", "-printf", "<%y %m %u:%g %p>"),
        *(True, 10.0, "/var/lib/kubelet", "modes and owners of what configures Kubernetes"),
    ),
    Command(
        *("kubelet-version", ("/usr/bin/kubelet", "--version"), False, 10.0, "/usr/bin/kubelet"),
        "the defaults of its version",
    ),
    *(
        Command("text:" + path, ("/usr/bin/cat", path), True, 5.0, path, "settings of Kubernetes")
        for path in ("/var/lib/kubelet/config.yaml", *_AUDIT_POLICIES)
    ),
    *(
        Command(
            "text:" + path,
            ("/usr/bin/grep", "-oE", ENCRYPTION_LINES, path),
            *(True, 5.0, path, "which providers encrypt what in etcd, in their order; no key"),
        )
        for path in _ENCRYPTIONS
    ),
)
PROC = "/proc"  # tests put a recorded tree here
TEXT_BYTES = 256 * 1024
MOST_DROP_INS = 64
_CLIENT_CA = re.compile("clientCAFile[\"']?\\s*:\\s*[\"']?([^\\s\"',}]+)")


def component_name(argv: "list[str]") -> str:
    """Return which component a command line starts; empty: none."""
    for word in argv[:2]:
        name = word.rpartition("/")[2]
        if name in COMPONENT_NAMES:
            return name
        if name != "hyperkube":
            return ""
    return ""


def flag_values(argv: "list[str]", flag: str) -> "list[str]":
    """Return what a flag was given, as `--flag=value` or `--flag value`."""
    found = []
    for position, word in enumerate(argv):
        name, is_given, value = word.lstrip("-").partition("=")
        if word.startswith("-") and name.replace("_", "-") == flag:
            found += [value] if is_given else argv[position + 1 : position + 2]
    return found


def words_of(pid: str, name: str) -> "list[str]":
    """Return what /proc tells of a process in words that end with a zero byte; none if it cannot be read."""
    try:
        with open(os.path.join(PROC, pid, name), "rb") as file:
            data = file.read(TEXT_BYTES)
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in data.split(b"\0") if word]


def in_a_pod_network(pid: str) -> bool:
    """Return whether a process has a network of its own: it is of a cluster inside this one, or of a test."""
    try:
        return os.readlink(os.path.join(PROC, pid, "ns/net")) != os.readlink(os.path.join(PROC, "1/ns/net"))
    except OSError:
        return False


def without_keys(text: str) -> str:
    """Return what of an EncryptionConfiguration is no key: the lines that grep prints too, or its JSON."""
    try:
        told = json.loads(text)
        kind, rows = told["kind"], told["resources"]
        for row in rows:
            row["providers"] = [{name: {} for name in one} for one in row["providers"]]
        kept = [{name: row[name] for name in ("resources", "providers")} for row in rows]
        return json.dumps({"kind": kind, "resources": kept})
    except (ValueError, TypeError, KeyError):
        found = re.finditer(ENCRYPTION_LINES, text, re.MULTILINE)
        return "".join(match.group() + "\n" for match in found)


def read_of(pid: str, path: str) -> "dict[str, object]":
    """Return a file as a process sees it, else as we do."""
    told = {}  # type: dict[str, object]
    for place in (os.path.join(PROC, pid, "root") + path, path):
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(TEXT_BYTES + 1) or b""
        except OSError as error:
            told = _untold(error)
            continue
        if len(data) > TEXT_BYTES:
            return {"why": f"more than {TEXT_BYTES // 1024} KiB", "cause": "truncated"}
        return {
            "out": data.decode("utf-8", "replace"),
            "digest": hashlib.sha256(data).hexdigest(),
        }
    return told


def _untold(error: OSError) -> "dict[str, object]":
    absent = error.errno in (errno.ENOENT, errno.ENOTDIR)
    denied = error.errno in (errno.EACCES, errno.EPERM)
    return {
        "why": error.strerror or "failed",
        "cause": "missing" if absent else "denied" if denied else "failed",
    }


def mode_of(pid: str, path: str) -> "dict[str, object]":
    """Return mode and owner of a path as a process sees it, else as we do, or why they were not told."""
    told = {}  # type: dict[str, object]
    for place in (os.path.join(PROC, pid, "root") + path, path):
        try:
            found = os.stat(place)
        except OSError as error:
            told = _untold(error)
            continue
        folder = (found.st_mode & 0o170000) == 0o040000
        return {"mode": found.st_mode & 0o7777, "owner": _owner(found.st_uid, found.st_gid), "folder": folder}
    return told


def _owner(uid: int, gid: int) -> str:
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return user + ":" + group


def drop_ins(pid: str, folder: str) -> "list[str]":
    """Return the paths of a kubelet's drop-ins in the order that it applies them."""
    for place in (os.path.join(PROC, pid, "root") + folder, folder):
        try:
            names = sorted(name for name in os.listdir(place) if name.endswith(".conf"))
        except OSError:
            continue
        return [folder.rstrip("/") + "/" + name for name in names[:MOST_DROP_INS]]
    return []


def component_of(pid: str, argv: "list[str]") -> "dict[str, object]":
    """Return what is told of one process: arguments, files that configure it, modes and digests."""
    named = {flag: flag_values(argv, flag)[-1:] for flag in COMPONENT_TEXTS + COMPONENT_PATHS + CERTIFICATES}
    drops = [path for folder in flag_values(argv, "config-dir")[-1:] for path in drop_ins(pid, folder)]
    wanted = [path for flag in COMPONENT_TEXTS for path in named[flag]] + drops
    texts = {path: read_of(pid, path) for path in wanted if path.startswith("/")}
    for path in named["encryption-provider-config"]:
        if "out" in texts.get(path, {}):
            texts[path]["out"] = without_keys(str(texts[path]["out"]))
    paths = [path for flag in COMPONENT_PATHS + CERTIFICATES for path in named[flag]]
    public = [path for flag in CERTIFICATES for path in named[flag]]
    for path in named["config"]:
        paths += _CLIENT_CA.findall(str(texts.get(path, {}).get("out", "")))
    digests = {path: read_of(pid, path).get("digest") for path in public if path.startswith("/")}
    return {
        "pid": int(pid),
        "argv": argv,
        "environ": [one for one in words_of(pid, "environ") if one.startswith("ETCD_")],
        "texts": {
            path: {name: told[name] for name in told if name != "digest"} for path, told in texts.items()
        },
        "drop_ins": drops,
        "modes": {path: mode_of(pid, path) for path in sorted(set(paths)) if path.startswith("/")},
        "digests": {path: digest for path, digest in digests.items() if digest},
    }


def read_components() -> "dict[str, object]":
    """Return the components that run here, each as it was started."""
    found = []
    for pid in sorted((one for one in os.listdir(PROC) if one.isdigit()), key=int):
        argv = words_of(pid, "cmdline")
        if component_name(argv) and not in_a_pod_network(pid):
            found.append(component_of(pid, argv))
    return {"processes": found}


COMPONENTS = Part("components", COMPONENT_COMMANDS, read_components)
