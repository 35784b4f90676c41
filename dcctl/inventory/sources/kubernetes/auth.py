"""Who to talk to and as whom: the official client reads kubeconfig, runs exec plugins, renews tokens."""

from __future__ import annotations

import logging
import os
import shlex
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dcctl.errors import UsageError
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.http.connection import Connection, bounded
from dcctl.inventory.sources.kubernetes.api import ApiServer
from dcctl.redaction import first_line_of_a_program, without_credentials, without_long_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubernetes.client import Configuration

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_CONNECTIONS = 32
"""So many are kept open for what is asked at once; each costs a TLS handshake."""
_RENEWING = threading.Lock()
_IMPORTING = threading.Lock()
_WRONG_SHAPE = (LookupError, TypeError, ValueError, AttributeError)
"""The client indexes what it reads without looking: a wrong shape surfaces as any of these."""
_CLIENT_FILES = ("kube_config.py", "exec_provider.py")


def connect(kubeconfig: str | None, context: str | None, timeout_s: float) -> Connection:
    """Everything needed for requests, with nothing sent to the API server yet.

    Without `kubeconfig`: $KUBECONFIG, ~/.kube/config, then the service account of the pod we run in.
    Raises UsageError for a kubeconfig that is missing or wrong, SourceError when credentials cannot be had.
    """
    import urllib3

    with _IMPORTING:  # of two threads that import the client at once, one finds it half made
        import kubernetes  # the whole of it, before its parts
        import kubernetes.config  # noqa: F401
        from kubernetes.client import Configuration
        from kubernetes.client.rest import RESTClientObject

    configuration = Configuration()
    configuration.connection_pool_maxsize = _CONNECTIONS
    path = _kubeconfig(kubeconfig)
    if path is None:
        _load_in_cluster(configuration)
    else:
        _load_file(configuration, path, context, timeout_s)
    if not configuration.verify_ssl:  # as the kubeconfig says; a warning per request would say it again
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    certificate = Path(configuration.cert_file) if configuration.cert_file else None
    try:
        pool = RESTClientObject(configuration).pool_manager
    except ValueError as error:  # a proxy URL that is none
        raise UsageError(
            "kubernetes", f"proxy: {without_credentials(str(error))}", "check proxy-url and HTTPS_PROXY"
        ) from error
    return Connection(
        configuration.host.rstrip("/"),
        bounded(pool),
        lambda: _headers(configuration),
        ApiServer(certificate),
    )


def current_context(kubeconfig: str | None) -> str:
    """The context in force where none is named; `in-cluster` for the service account of our pod.

    `current` where no file says: what is wrong with them is told by `connect`.
    """
    try:
        path = _kubeconfig(kubeconfig)
        return "in-cluster" if path is None else _stated_context(path) or "current"
    except UsageError:
        return "current"


def _stated_context(path: str) -> str | None:
    """As kubectl does, unlike its Python client: the first of several files that says has the word."""
    stated = (document.get("current-context") for document in _documents(path))
    return next((each for each in stated if each and isinstance(each, str)), None)


def _documents(path: str) -> Iterator[dict[str, object]]:
    """What each kubeconfig of a list of paths holds, where it can be read. UsageError for what is none."""
    import yaml

    for each in filter(None, path.split(os.pathsep)):
        try:
            data = _at_home(each).read_bytes()
            document = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
        except (OSError, ValueError, RecursionError, yaml.YAMLError):
            continue  # the client tells what is wrong when it loads the file
        if not isinstance(document, dict | None):
            raise UsageError(f"kubeconfig {each}", "is not a kubeconfig", f"head -3 {shlex.quote(each)}")
        yield document or {}


def _headers(configuration: Configuration) -> dict[str, str]:
    """The headers that identify us; the client's hook renews a token that has expired."""
    with _RENEWING, _client_log() as said:  # one thread renews, the others find it done
        headers = {}
        for each in configuration.auth_settings().values():
            row = cast("dict[str, str | None]", each)  # BearerToken here, other names in older clients
            if row.get("key") and row.get("value"):
                headers[str(row["key"])] = _field(str(row["value"]))
    if said:
        raise SourceError("credentials", f"the token could not be renewed: {said[0]}", "unauthenticated")
    return headers


def _field(value: str) -> str:
    """The value of a header without the blanks around its token: files and plugins end in a newline.

    Raises SourceError, which does not repeat it, for what no header may hold: urllib3's error would.
    """
    field = " ".join(value.split(None, 1)).strip()  # scheme, then what identifies us
    if field.isascii() and field.isprintable():
        return field
    reason = "the token holds characters that no HTTP header may hold (a line break, a letter beyond ASCII)"
    raise SourceError("credentials", reason, "unauthenticated", "log in again, or write the token anew")


def _at_home(path: str) -> Path:
    """The path with its `~` replaced. UsageError for the home of nobody."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"kubeconfig {path}", str(error).lower().rstrip(".")) from error


def _kubeconfig(given: str | None) -> str | None:
    """Path (or list of paths) of the kubeconfig to use; None for the service account."""
    if given is not None:
        path = _at_home(given)
        if not path.is_file():
            raise UsageError(f"kubeconfig {given}", "no such file", "check `kubeconfig` in the configuration")
        return str(path)
    if named := os.environ.get("KUBECONFIG"):
        if any(Path(each).expanduser().is_file() for each in named.split(os.pathsep) if each):
            return named
        raise UsageError(f"KUBECONFIG={named}", "no such file", "unset KUBECONFIG or point it at a file")
    default = Path("~/.kube/config").expanduser()
    if default.is_file():
        return str(default)
    if "KUBERNETES_SERVICE_HOST" in os.environ and SERVICE_ACCOUNT.is_file():
        return None
    raise UsageError("kubernetes", "no kubeconfig and no service account", "set `kubeconfig` or KUBECONFIG")


def _load_in_cluster(configuration: Configuration) -> None:
    from kubernetes.config import ConfigException, load_incluster_config

    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise SourceError("service account", str(error), "unauthenticated") from error


def _load_file(configuration: Configuration, path: str, context: str | None, timeout_s: float) -> None:
    """Have the client read the file and, in a thread that may be given up, run what it names."""
    context = context or _stated_context(path)
    user = _user(path, context)
    with _client_log() as said:
        _within(timeout_s, lambda: _load(configuration, path, context), _plugin(user))
    if "exec" in user and not _has_credentials(configuration):
        reason = said[0] if said else "it gave neither a token nor a certificate"
        raise SourceError(
            f"exec plugin {_plugin(user)}",
            _plugin_reason(reason),
            "unauthenticated",
            f"run `{_plugin(user)}` by hand, or log in again",
        )


def _plugin_reason(said: str) -> str:
    if "No such file or directory" in said:
        return "not installed, or not in PATH"
    return said.removeprefix("exec: ")


def _load(configuration: Configuration, path: str, context: str | None) -> None:
    import oauthlib.oauth2  # type: ignore[import-untyped]
    import urllib3
    import yaml
    from kubernetes.config import ConfigException, load_kube_config

    try:
        load_kube_config(path, context, client_configuration=configuration, persist_config=False)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise UsageError(
            f"kubeconfig {path}", without_credentials(str(error)).replace("\n", " "), _contexts_hint(path)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"kubeconfig {path}", f"not YAML: {_first_line(error)}") from error
    except RecursionError as error:
        raise UsageError(f"kubeconfig {path}", "is nested too deeply to be a kubeconfig") from error
    except (FileNotFoundError, PermissionError, *_WRONG_SHAPE) as error:
        raise UsageError(
            f"kubeconfig {path}", f"not understood: {without_credentials(_first_line(error))}"
        ) from error
    except (OSError, urllib3.exceptions.HTTPError, oauthlib.oauth2.OAuth2Error) as error:
        reason = f"the identity provider did not renew the token: {without_long_words(_first_line(error))}"
        raise SourceError("credentials", reason, "unauthenticated", "log in again") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _contexts_hint(path: str) -> str:
    return f"kubectl --kubeconfig {path} config get-contexts"


def _has_credentials(configuration: Configuration) -> bool:
    return bool(configuration.api_key or configuration.cert_file)


def _plugin(user: dict[str, object]) -> str:
    plugin = user.get("exec")
    return str(plugin.get("command", "")) if isinstance(plugin, dict) else "of the user"


def _user(path: str, context: str | None) -> dict[str, object]:
    """The user section behind a context, to name its plugin in errors; empty when there is none."""
    import yaml
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KubeConfigMerger

    try:
        merged = KubeConfigMerger(path).config  # type: ignore[no-untyped-call]
        if merged is None:
            raise UsageError(f"kubeconfig {path}", "the file is empty", _contexts_hint(path))
        name = merged["contexts"].get_with_name(context or merged["current-context"])["context"]["user"]
        section = merged["users"].get_with_name(name)["user"]
        return dict(section.value) if hasattr(section, "value") else dict(section)
    except (ConfigException, yaml.YAMLError, OSError, RuntimeError, *_WRONG_SHAPE):
        return {}  # whatever is wrong is reported by the client when it loads the file


def _within(timeout_s: float, work: Callable[[], None], plugin: str) -> None:
    """Do it within the time: a plugin that waits for ever must not make us wait for ever."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # handed to the thread that waits, not swallowed
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="kube-credentials", daemon=True).start()
    try:
        done.result(timeout=max(0.1, timeout_s))
    except TimeoutError as error:
        raise SourceError(f"exec plugin {plugin}", f"no answer within {timeout_s:g} s", "timeout") from error


@contextmanager
def _client_log() -> Iterator[list[str]]:
    """What the client would have logged about credentials, instead of printing it: it may quote a plugin."""
    said: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        if record.filename not in _CLIENT_FILES:
            return True
        said.append(first_line_of_a_program(record.getMessage())[:200])
        return False

    root, quiet = logging.getLogger(), logging.NullHandler()
    root.addFilter(keep)
    root.addHandler(quiet)  # without any handler logging.error() would install one that prints
    try:
        yield said
    finally:
        root.removeFilter(keep)
        root.removeHandler(quiet)
