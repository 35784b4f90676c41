"""`dcctl completion`: the shell completions, which need no Python at TAB."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.core import TyperGroup

Shell = Literal["bash", "zsh", "fish"]
FILES = {"bash": "dcctl.bash", "zsh": "_dcctl", "fish": "dcctl.fish"}


def text(shell: str, tree: "TyperGroup") -> str:
    """The completion script for `shell`, made from the command tree."""
    from dcctl.cli.generate import completions
    from dcctl.cli.generate.tree import read

    return {"bash": completions.bash, "zsh": completions.zsh, "fish": completions.fish}[shell](read(tree))


def write(directory: Path, tree: "TyperGroup") -> None:
    """Write the three scripts into `directory`. UsageError when it cannot be written."""
    from dcctl.cli.generate.files import write_all

    write_all(directory, {name: text(shell, tree) for shell, name in FILES.items()})


def register(app: typer.Typer, whole: "Callable[[], TyperGroup]") -> None:
    """Add `completion` to the command tree; `whole` gives the tree with all commands."""

    @app.command("completion")
    def completion(
        shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")] = "bash",
        directory: Annotated[
            str, typer.Option("--directory", metavar="DIR", help="Write all three into this folder instead.")
        ] = "",
    ) -> None:
        """A completion script; for bash: dcctl completion bash > /etc/bash_completion.d/dcctl."""
        if directory:
            write(Path(directory), whole())
            return
        typer.echo(text(shell, whole()), nl=False)
