"""`dcctl man`: the manual pages, in roff."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `man` to the command tree."""

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
            write(Path(directory))
            return
        made = pages()
        typer.echo(made[_file_of(page, made)], nl=False)


def write(directory: Path) -> None:
    """Write every page into `directory`. UsageError when it cannot be written."""
    from dcctl.errors import UsageError

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(str(directory), error.strerror or str(error)) from error


def pages() -> dict[str, str]:
    """Every page by file name, made from the command tree."""
    from dcctl.cli.generate.man import pages as make
    from dcctl.cli.generate.tree import read
    from dcctl.cli.program import tree

    return make(read(tree()))


def _file_of(page: str, made: dict[str, str]) -> str:
    from dcctl.errors import UsageError

    for name in made:
        if name.rpartition(".")[0] in {page, f"dcctl-{page}"}:
            return name
    raise UsageError(f"manual page {page!r}", f"known: {', '.join(sorted(made))}", "dcctl man")
