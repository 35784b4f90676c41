"""Options of `dcctl audit` that do not go together."""

import pytest

from tests.conftest import Cli


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sudoers", "--rbac"), "--sudoers --rbac: do not go together"),
        (("--rbac", "--select", "RBAC-03"), "--rbac --select: do not go together"),
        (
            ("--since", "24h", "--standard", "nonsense", "--save", "f"),
            "--since --standard: do not go together",
        ),
        (("--since", "24h", "--no-record"), "--since --no-record: do not go together"),
        (("--since", "24h", "--min-coverage", "0"), "--since --min-coverage: do not go together"),
        (("--standard", "nsa", "--by", "object"), "--standard --by: do not go together"),
        (("--standard", "nsa", "--severity", "high"), "--standard --severity: do not go together"),
        (("--digest", "mon"), "--digest: means something with --cron alone"),
    ],
)
def test_no_option_is_dropped_in_silence(cli: Cli, words: tuple[str, ...], says: str) -> None:
    done = cli("audit", "-i", "demo", *words)
    assert (done.returncode, done.stdout, says in done.stderr) == (2, "", True)


def test_what_belongs_to_the_run_goes_with_what_asks_nothing(cli: Cli) -> None:
    """The sources and the format are of every command."""
    for words in (("--sudoers",), ("--rbac",)):
        assert cli("audit", "-i", "demo", *words, "-o", "json").returncode == 0
