"""The entry point: answers what needs no machinery at once, and hands the rest to the guard."""

import os
import sys


def main() -> int:
    """Run dcctl on sys.argv and return its exit code."""
    arguments = sys.argv[1:]
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        from dcctl.streams import replace_closed

        replace_closed()
    if os.environ.get("PYTHONUNBUFFERED"):
        from dcctl.streams import buffer_stdout

        buffer_stdout()
    if arguments in (["--version"], ["-V"]) and _said_version():
        return 0
    from dcctl.cli.guard import guarded, leave

    code = guarded(arguments)
    leave(code)
    return code


def _said_version() -> bool:
    """Whether the version is on stdout; False leaves the trouble to the guard."""
    from dcctl import __version__

    try:
        sys.stdout.write(f"dcctl {__version__}\n")
        sys.stdout.flush()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
