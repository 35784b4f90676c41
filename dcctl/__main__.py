"""The entry point: answers what needs no machinery at once, and hands the rest to the guard."""

import sys


def main() -> int:
    """Run dcctl on sys.argv and return its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        return _version()
    from dcctl.cli.guard import guarded

    return guarded(arguments)


def _version() -> int:
    from dcctl import __version__

    try:
        sys.stdout.write(f"dcctl {__version__}\n")
        sys.stdout.flush()
    except OSError as error:
        from dcctl.streams import abandon_stdout

        abandon_stdout()
        return 141 if isinstance(error, BrokenPipeError) else 70
    return 0


if __name__ == "__main__":
    sys.exit(main())
