"""A group whose bare command runs its default verb: `dcctl assess -i demo` means `assess fleet -i demo`."""

from typing import TYPE_CHECKING, ClassVar

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer import Context


class Root(TyperGroup):
    """The program itself: its commands are listed in the order in which an administrator asks."""

    order: ClassVar[tuple[str, ...]] = ("assess", "inventory", "config", "schema", "man", "completion")

    def list_commands(self, ctx: "Context") -> list[str]:  # type: ignore[override] # vendored Click
        """The names in `order`, then any other."""
        return [*self.order, *(name for name in self.commands if name not in self.order)]


class DefaultVerb(TyperGroup):
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
        self.subcommand_metavar = f"[{self.default}]"
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.commands[self.default].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
        return str(formatter.getvalue()).rstrip("\n")


def default_verb(name: str) -> type[DefaultVerb]:
    """The group class for a command whose bare form runs the verb `name`."""
    return type(f"Default{name.title()}", (DefaultVerb,), {"default": name})
