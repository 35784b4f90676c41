"""A group whose bare command runs its default verb: `dcctl assess -i demo` is `dcctl assess fleet -i demo`."""

from typing import TYPE_CHECKING, ClassVar

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer import Context


class DefaultVerb(TyperGroup):
    """A group that puts its first verb before arguments that do not begin with one."""

    default: ClassVar[str] = ""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Insert the default verb unless a verb or a request for help comes first."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def get_help(self, ctx: "Context") -> str:
        """The help of the default verb, and below it the other verbs."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.commands[self.default].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
        return str(formatter.getvalue()).rstrip("\n")


def default_verb(name: str) -> type[DefaultVerb]:
    """The group class for a command whose bare form runs the verb `name`."""
    return type(f"Default{name.title()}", (DefaultVerb,), {"default": name})
