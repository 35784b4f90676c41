"""`dcctl completion`: the shell completions, which need no Python at TAB."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Shell = Literal["bash", "zsh", "fish"]
FILES = {"bash": "dcctl.bash", "zsh": "_dcctl", "fish": "dcctl.fish"}


def text(shell: str) -> str:
    """The completion script for `shell`."""
    from dcctl.cli.generate import completions
    from dcctl.cli.generate.tree import read
    from dcctl.cli.program import tree

    return {"bash": completions.bash, "zsh": completions.zsh, "fish": completions.fish}[shell](read(tree()))


def write(directory: Path) -> None:
    """Write the three scripts into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for shell, name in FILES.items():
        (directory / name).write_text(text(shell), encoding="utf-8")


def register(app: typer.Typer) -> None:
    """Add `completion` to the command tree."""

    @app.command("completion")
    def completion(
        shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")] = "bash",
        directory: Annotated[
            str, typer.Option("--directory", metavar="DIR", help="Write all three into this folder instead.")
        ] = "",
    ) -> None:
        """A completion script; for bash: dcctl completion bash > /etc/bash_completion.d/dcctl."""
        if directory:
            write(Path(directory))
            return
        typer.echo(text(shell), nl=False)
