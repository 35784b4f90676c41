"""`kubectl dcctl`: the options that kubectl hands to a plugin, as dcctl's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

_VALUED = {
    "--kubeconfig": "kubeconfig",
    "--context": "context",
    "-n": "namespace",
    "--namespace": "namespace",
}
_SWITCHES = {"-A", "--all-namespaces"}
_ASKING = {"assess", "audit", "drain", "inventory"}
"""Commands that ask sources."""


def translated(arguments: Sequence[str], environ: MutableMapping[str, str]) -> list[str]:
    """`arguments` as dcctl reads them: the cluster of kubectl's options becomes `-i kubernetes:CONTEXT`.

    --kubeconfig goes to KUBECONFIG and -n to DCCTL_NAMESPACE in `environ`. An inventory that the user names
    stays as it is.
    """
    given: dict[str, str] = {}
    rest = list(_taken_out(arguments, given))
    if "kubeconfig" in given:
        environ["KUBECONFIG"] = given["kubeconfig"]
    if "namespace" in given:
        environ["DCCTL_NAMESPACE"] = given["namespace"]
    named = any(word in {"-i", "--inventory"} or word.startswith(("-i", "--inventory=")) for word in rest)
    if named or not rest or rest[0] not in _ASKING:
        return rest
    context = given.get("context")
    return [*rest, "--inventory", f"kubernetes:{context}" if context else "kubernetes"]


def _taken_out(arguments: Sequence[str], given: dict[str, str]) -> Iterator[str]:
    """Yield the arguments that are not kubectl's, and keep the values of those that are in `given`."""
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name in _VALUED:
            found = value if equals else next(words, None)
            if not found:
                raise UsageError(name, "needs a value", "kubectl dcctl --help")
            given[_VALUED[name]] = found
        elif word not in _SWITCHES:
            yield word
