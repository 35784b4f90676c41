"""The ways in which dcctl says no. Each class is one exit code; cli/exits.py owns the numbers."""


class DcctlError(Exception):
    """A failure that is shown as one line: what and where, why, and the next command to type."""

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        """`what` names the thing and where it is, `why` the cause, `hint` a command that helps."""
        super().__init__(what, why, hint)
        self.what, self.why, self.hint = what, why, hint

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}" if self.why else self.what
        end = "" if text.endswith((".", "?", "!")) else "."
        return f"{text}{end} Try: {self.hint}" if self.hint else text


class UsageError(DcctlError):
    """The command line, a configuration or an inventory file is wrong; nothing was contacted."""


class DeniedError(DcctlError):
    """Credentials are missing or were refused."""


class UnreachableError(DcctlError):
    """Nothing that could answer was reachable."""


class RefusedError(DcctlError):
    """A safety gate, a lock held by another or the answer `no`; nothing was changed."""


class UnfinishedError(DcctlError):
    """An action began and did not finish; the journal says how to resume it."""


class OutputError(DcctlError):
    """The answer could not be written: a full disk, say."""
