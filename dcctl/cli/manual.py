"""`dcctl man`: the manual pages, in roff."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.core import TyperGroup


def register(app: typer.Typer, whole: "Callable[[], TyperGroup]") -> None:
    """Add `man` to the command tree; `whole` gives the tree with all commands."""

    @app.command("man")
    def man(
        page: Annotated[
            str, typer.Argument(metavar="PAGE", help="assess, inventory, dcctl.toml, exit-codes, …")
        ] = "dcctl",
        directory: Annotated[
            str, typer.Option("--directory", metavar="DIR", help="Write every page into this folder instead.")
        ] = "",
    ) -> None:
        """A manual page in roff; to read it: dcctl man assess | man -l -."""
        if directory:
            write(Path(directory), whole())
            return
        made = pages(whole())
        typer.echo(made[_file_of(page, made)], nl=False)


def write(directory: Path, tree: "TyperGroup") -> None:
    """Write every page into `directory`. UsageError when it cannot be written."""
    from dcctl.cli.generate.files import write_all

    write_all(directory, pages(tree))


def pages(tree: "TyperGroup") -> dict[str, str]:
    """Every page by file name, made from the command tree."""
    from dcctl.cli.generate.man import pages as make
    from dcctl.cli.generate.tree import read

    return make(read(tree))


def _file_of(page: str, made: dict[str, str]) -> str:
    from dcctl.errors import UsageError

    for name in made:
        if name.rpartition(".")[0] in {page, f"dcctl-{page}"}:
            return name
    raise UsageError(f"manual page {page!r}", f"known: {', '.join(sorted(made))}", "dcctl man")
