"""Configuration files of Kubernetes' components, reduced to what is no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.evidence.components import AuditRule, Authentication, Encrypted
from dcctl.inventory.sources.files.documents import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.sources.files.documents import Tree

_SECRET_WORDS = ("header", "token", "password", "secret")
_OF_NAMED_OBJECTS = ("core/-",)


def document(text: str, where: str, *kinds: str) -> dict[str, Tree]:
    """Return the mapping that a file of YAML or JSON holds. UsageError; `kinds`: what it may call itself."""
    found = tree(text, where)
    if not isinstance(found, dict):
        raise UsageError(where, "holds no mapping")
    if kinds and found.get("kind") not in kinds:
        raise UsageError(where, f"is no {kinds[0]}")
    return found


def flat(config: Tree) -> dict[str, str]:
    """Return what a file says by dotted paths, lists joined by commas, less what may hold a secret."""
    return dict(_flat(config, ""))


def _flat(config: Tree, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(config, dict):
        for name, value in config.items():
            if not name.lower().endswith(_SECRET_WORDS):
                yield from _flat(value, f"{path}.{name}" if path else name)
    elif isinstance(config, list):
        words = [each for each in config if isinstance(each, str)]
        if len(words) == len(config):
            yield path, ",".join(words)
    elif config is not None:
        yield path, config


def _items(config: dict[str, Tree], name: str, where: str) -> list[dict[str, Tree]]:
    """The mappings of a list. UsageError where it is none."""
    found = config.get(name) or []
    if isinstance(found, list):
        items = [each for each in found if isinstance(each, dict)]
        if len(items) == len(found):
            return items
    raise UsageError(where, f"{name} is no list of mappings")


def _words(config: dict[str, Tree], name: str, where: str) -> tuple[str, ...]:
    found = config.get(name) or []
    if not isinstance(found, list):
        raise UsageError(where, f"{name} is no list")
    return tuple(str(each) for each in found)


def encryption(text: str, where: str) -> tuple[Encrypted, ...]:
    """Return what an EncryptionConfiguration encrypts with what. UsageError: none, or not told in full."""
    config = document(text, where, "EncryptionConfiguration", "EncryptionConfig")
    found = tuple(
        Encrypted(
            _words(one, "resources", where),
            tuple(name for each in _items(one, "providers", where) for name in each),
        )
        for one in _items(config, "resources", where)
    )
    if not found or not all(one.resources and one.providers for one in found):
        raise UsageError(where, "does not tell resources and providers one by one in lines of their own")
    return found


def audit_policy(text: str, where: str) -> tuple[AuditRule, ...]:
    """Return the rules of an audit policy. UsageError."""
    return tuple(_rule(one, where) for one in _items(document(text, where, "Policy"), "rules", where))


def _rule(rule: dict[str, Tree], where: str) -> AuditRule:
    listed = _items(rule, "resources", where)
    resources = tuple(
        f"{one.get('group') or 'core'}/{name}"
        for one in listed
        if not one.get("resourceNames")
        for name in _words(one, "resources", where) or ("*",)
    )
    return AuditRule(
        level=str(rule.get("level") or ""),
        users=_words(rule, "users", where),
        groups=_words(rule, "userGroups", where),
        verbs=_words(rule, "verbs", where),
        resources=resources or (_OF_NAMED_OBJECTS if listed else ()),
        namespaces=_words(rule, "namespaces", where),
        urls=_words(rule, "nonResourceURLs", where),
    )


def authentication(text: str, where: str) -> Authentication:
    """Return what an AuthenticationConfiguration says of anonymous requests and of issuers. UsageError."""
    config = document(text, where, "AuthenticationConfiguration")
    anonymous, issuers = config.get("anonymous"), len(_items(config, "jwt", where))
    if not isinstance(anonymous, dict):
        return Authentication(issuers=issuers)
    paths = tuple(str(one.get("path")) for one in _items(anonymous, "conditions", where))
    return Authentication(str(anonymous.get("enabled")).lower() == "true", paths, issuers)


def authorizers(text: str, where: str) -> tuple[str, ...]:
    """Return the types of an AuthorizationConfiguration in their order. UsageError."""
    config = document(text, where, "AuthorizationConfiguration")
    return tuple(str(one.get("type")) for one in _items(config, "authorizers", where))
