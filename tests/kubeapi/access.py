"""Who may do what: bearer tokens, and rules that deny."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kubeapi.status import ApiError, forbidden, unauthorized

if TYPE_CHECKING:
    from tests.kubeapi.route import Request

ANONYMOUS = "system:anonymous"
PUBLIC = ("/version", "/healthz", "/readyz", "/livez")


@dataclass(frozen=True, slots=True)
class Rule:
    """One denial; `*` stands for any. `resource` is `pods`, `pods/eviction` or `deployments.apps`."""

    user: str
    verb: str
    resource: str
    namespace: str = "*"

    def denies(self, user: str, verb: str, resource: str, group: str, namespace: str) -> bool:
        names = {"*", resource, f"{resource}.{group}" if group else resource}
        return (
            self.user in {"*", user}
            and self.verb in {"*", verb}
            and self.resource in names
            and self.namespace in {"*", namespace}
        )


class Access:
    """Tokens of users. Everybody with a token may do everything that no rule denies."""

    def __init__(self, users: dict[str, str], *, anonymous: bool) -> None:
        self.users = dict(users)
        self._anonymous = anonymous
        self._rules: list[Rule] = []

    def token_of(self, user: str) -> str:
        return next(token for token, name in self.users.items() if name == user)

    def deny(self, user: str, verb: str, resource: str, namespace: str = "*") -> None:
        self._rules.append(Rule(user, verb, resource, namespace))

    def allow_all(self) -> None:
        self._rules.clear()

    def user_of(self, authorization: str) -> str:
        """Who sent this header: the anonymous user without one; 401 for a token that nobody has."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" and self._anonymous:
            return ANONYMOUS
        if token.strip() not in self.users:
            raise unauthorized()
        return self.users[token.strip()]

    def allows(self, user: str, verb: str, resource: str, group: str, namespace: str) -> bool:
        if user == ANONYMOUS:
            return False
        return not any(rule.denies(user, verb, resource, group, namespace) for rule in self._rules)

    def check(self, user: str, request: Request) -> None:
        """Nothing when allowed; 403 in the server's words when not."""
        route = request.route
        if route is None or route.kind is None:
            self._check_path(user, request)
            return
        kind, verb = route.kind, request.verb
        resource = f"{kind.plural}/{route.subresource}" if route.subresource else kind.plural
        if self.allows(user, verb, resource, kind.group, route.namespace):
            return
        where = f'in the namespace "{route.namespace}"' if route.namespace else "at the cluster scope"
        why = f'User "{user}" cannot {verb} resource "{resource}" in API group "{kind.group}" {where}'
        raise forbidden(kind, route.name, why)

    def _check_path(self, user: str, request: Request) -> None:
        if user == ANONYMOUS and not request.path.startswith(PUBLIC):
            why = f'User "{user}" cannot {request.method.lower()} path "{request.path}"'
            raise ApiError(403, f"forbidden: {why}", details={})
