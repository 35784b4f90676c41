"""A group whose bare command runs its default verb: `dcctl assess -i demo` means `assess fleet -i demo`."""

from typing import TYPE_CHECKING, ClassVar

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer import Context
    from typer._click import Command, HelpFormatter


class Listing(TyperGroup):
    """A group whose help tells each command in a whole sentence: Click would cut it after a few words."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # type: ignore[override]
        """The commands, each with the first paragraph of its help."""
        for command in self.commands.values():
            command.short_help = " ".join((command.help or "").partition("\n\n")[0].split())
        super().format_commands(ctx, formatter)


class DefaultVerb(Listing):
    """A group that puts its first verb before arguments that do not begin with one."""

    default: ClassVar[str] = ""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:  # type: ignore[override] # vendored Click
        """Insert the default verb unless a verb or a request for help comes first."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def get_help(self, ctx: "Context") -> str:  # type: ignore[override] # vendored Click
        """The help of the default verb, and below it the other verbs."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.commands[self.default].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
        return str(formatter.getvalue()).rstrip("\n")

    def format_usage(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # type: ignore[override]
        """The one verb in brackets, or `[VERB]` and below it every verb with its arguments."""
        several = len(self.commands) > 1
        formatter.write_usage(ctx.command_path, f"[{'VERB' if several else self.default}] [OPTIONS]")
        if not several:
            return
        verbs = [" ".join([name, *_arguments(verb, ctx)]) for name, verb in self.commands.items()]
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(f"VERB: {' | '.join(verbs)}. Left out, it is {self.default}.")


def _arguments(verb: "Command", ctx: "Context") -> list[str]:
    """The positional arguments of a verb as help shows them: OLD [NEW]."""
    pieces = [piece.strip("{}") for piece in verb.collect_usage_pieces(ctx)]
    return [piece for piece in pieces if piece != "[OPTIONS]"]


def default_verb(name: str) -> type[DefaultVerb]:
    """The group class for a command whose bare form runs the verb `name`."""
    return type(f"Default{name.title()}", (DefaultVerb,), {"default": name})
