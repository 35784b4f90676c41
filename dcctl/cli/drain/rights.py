"""`dcctl drain --rbac`: the rights that a drain needs, for who grants them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.render.report import Report


def rights() -> "Report":
    """A ClusterRole and a Role. Nobody is asked."""
    from dcctl.drain.told.shape import RIGHTS
    from dcctl.inventory.sources.kubernetes.rbac import drain_rbac_yaml
    from dcctl.render.report import Report, Table

    return Report(
        kind=RIGHTS.kind,
        headline="",
        items=Table("items", (), ()),
        documents=(drain_rbac_yaml(),),
        document_format=RIGHTS.document_format,
    )
