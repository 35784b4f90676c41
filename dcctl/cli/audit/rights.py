"""`dcctl audit --sudoers` and `--rbac`: the rights that an audit needs, for who grants them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.cli.session import Session
    from dcctl.render.report import Report


def rights(session: "Session", *, sudoers: bool) -> "Report":
    """A file for /etc/sudoers.d, or a ClusterRole. Nobody is asked."""
    from dcctl.audit.listing import text_report
    from dcctl.audit.shape import DONE

    return text_report(DONE, "rights", _sudoers(session) if sudoers else _cluster_role())


def _sudoers(session: "Session") -> str:
    """The rules for the login of the first ssh source, `dcctl` where none is named."""
    from dcctl import specs
    from dcctl.audit.sudoers import rules
    from dcctl.errors import UsageError

    context = session.settings.context_in_force
    sources = specs.of_context(context) if context else ()
    login = next((one.user for one in sources if isinstance(one, specs.SshSpec) and one.user), "dcctl")
    try:
        return rules(login)
    except ValueError as error:
        raise UsageError("the user of the ssh source", str(error), "dcctl config show") from error


def _cluster_role() -> str:
    from dcctl.inventory.sources.kubernetes.rbac import audit_rbac_yaml

    return audit_rbac_yaml()
