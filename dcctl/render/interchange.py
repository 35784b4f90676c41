"""Documents that other programs collect: strict readers refuse what terminals and JSON let pass."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dcctl.render.plain import encode
from dcctl.render.text import printable

if TYPE_CHECKING:
    from dcctl.render.plain import Json


def line(document: Json) -> str:
    """Return `document` as JSON on one line; control and half characters of its texts are written out."""
    return encode(_clean(document), unicode=True) + "\n"


def stamp(unix_s: int) -> str:
    """Return a Unix time as RFC 3339 has it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))


def _clean(value: Json) -> Json:
    if isinstance(value, str):
        return printable(value, unicode=True)
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return value
