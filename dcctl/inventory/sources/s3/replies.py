"""Answers of the S3 API in XML, as the dictionaries that SDKs make of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

QUERIES: Final = {
    "get_bucket_location": "location",
    "get_bucket_encryption": "encryption",
    "get_bucket_versioning": "versioning",
    "get_object_lock_configuration": "object-lock",
    "get_bucket_replication": "replication",
    "get_bucket_policy": "policy",
    "get_bucket_acl": "acl",
    "get_public_access_block": "publicAccessBlock",
}
"""By operation, the part of a bucket that it asks for."""
_LISTED: Final = {"Rule": "Rules", "Grant": "Grants", "Bucket": "Buckets"}
_TRUTHS: Final = {"true": True, "false": False}


def reply(operation: str, body: bytes) -> dict[str, Any]:
    """Return what an operation answered. ValueError: it is no answer to it."""
    if operation == "get_bucket_policy":
        return {"Policy": body.decode()}
    root = _root(body)
    if operation == "get_bucket_location":
        return {"LocationConstraint": (root.text or "").strip() or None}
    told = _tree(root, alone=operation == "get_object_lock_configuration")
    if operation == "get_bucket_versioning":
        return told
    if operation == "get_bucket_acl":
        return {"Grants": told.get("AccessControlList", {}).get("Grants", [])}
    return {_name(root): told}


def buckets(body: bytes) -> tuple[str, ...]:
    """Return the names of a list of buckets. ValueError: it is none."""
    told = _tree(_root(body)).get("Buckets", {}).get("Buckets", [])
    return tuple(str(one["Name"]) for one in told if isinstance(one, dict) and one.get("Name"))


def code_of(body: bytes) -> str:
    """Return the store's own word for why it refuses; empty: it says none."""
    try:
        return str(_tree(_root(body)).get("Code", ""))[:80]
    except ValueError:
        return ""


def _root(body: bytes) -> Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise ValueError("an answer that defines entities is not read")
    try:
        return ET.fromstring(body)  # noqa: S314  # it defines nothing, and is no longer than is read
    except ET.ParseError as error:
        raise ValueError(f"no XML: {error}") from error


def _tree(node: Element, *, alone: bool = False) -> dict[str, Any]:
    """What lies in an element, by name. `alone`: of what is a list elsewhere there is one here."""
    found: dict[str, Any] = {}
    for child in node:
        text = (child.text or "").strip()
        value = _tree(child, alone=alone) if len(child) else _TRUTHS.get(text, text)
        name = _name(child)
        if name in _LISTED and isinstance(value, dict) and not alone:
            found.setdefault(_LISTED[name], []).append(value)
        else:
            found[name] = value
    return found


def _name(node: Element) -> str:
    return node.tag.rpartition("}")[2]
