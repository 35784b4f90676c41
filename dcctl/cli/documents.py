"""The answers that are documents: text in a format of its own, printed as it is."""

from __future__ import annotations

from dcctl.render.report import Shape


def _document(kind: str, text: str, form: str) -> Shape:
    return Shape(kind, f"{text} in `documents`.", (), document_format=form)


SNAPSHOT = Shape(
    "inventory-snapshot",
    "A snapshot, as text in `documents`; its own form is `dcctl schema snapshot`.",
    (),
    document_format="json",
)
EXPORTS = {
    "ansible": _document("inventory-export-ansible", "An Ansible inventory, as text", "yaml"),
    "json": _document("inventory-export-json", "The nodes for other programs, as JSON text", "json"),
    "csv": _document("inventory-export-csv", "The nodes for other programs, as CSV text", "csv"),
}
RBAC = _document("inventory-rbac", "The smallest ClusterRole, as YAML text", "yaml")
RENDERED = _document("schedule-render", "The manifests of a plan, as YAML text", "yaml")
SHAPES = (SNAPSHOT, *EXPORTS.values(), RBAC, RENDERED)
