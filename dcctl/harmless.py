"""Text from nodes and servers made harmless: nothing in it moves a cursor, hides or turns around."""

from __future__ import annotations

import re

# Categories Cc, Cf, Cs, Zl and Zp of Unicode 14: they move the cursor, turn the reading direction, hide, or
# cannot be encoded. Written out because asking unicodedata for every code point costs half a second.
_HOSTILE_RANGES = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b-\\u200f"
    "\\u2028-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb\\U000110bd\\U000110cd"
    "\\U00013430-\\U00013438\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0001\\U000e0020-\\U000e007f"
)
HOSTILE = re.compile(f"[{_HOSTILE_RANGES}]")
"""One character that must never reach a terminal as it is."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(character: str) -> str:
    r"""Return the backslash form of one character: `\n`, `\x1b`, `\u202e`."""
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def visible(text: str) -> str:
    """Return `text` on one line, with every control, direction and invisible character written out."""
    return HOSTILE.sub(lambda match: escape(match[0]), text)


def json_safe(text: str) -> str:
    r"""Return JSON on one line with every hostile character, all of which stand in strings, as `\uXXXX`."""
    if text.isascii() and "\x7f" not in text:  # json itself escapes the other control characters
        return text
    return HOSTILE.sub(lambda match: _utf16(match[0]), text)


def _utf16(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
