"""Settings: which value wins, where it came from, and what is said of a wrong one."""

from pathlib import Path

import pytest

from dcctl import config, specs
from dcctl.cli.generate.tree import read
from dcctl.cli.program import tree
from dcctl.errors import UsageError
from dcctl.settings import DECLARED
from tests.conftest import ROOT

CONTEXT = """
[[context.prod.source]]
kind = "ssh"
nodes = "gpu[001-128]"
user = "ops"
site = "dc1"
[[context.prod.source]]
kind = "kubernetes"
kubeconfig_context = "prod"
[context.prod.site.dc1]
pue_limit = 1.3
"""


def write(folder: Path, text: str) -> dict[str, str]:
    (folder / "dcctl").mkdir(exist_ok=True)
    (folder / "dcctl" / "config.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}


def test_flag_beats_variable_beats_file_beats_default(tmp_path: Path) -> None:
    environ = write(tmp_path, "fanout = 7\ntimeout = 3\ncolor = 'never'\n")
    environ |= {"DCCTL_FANOUT": "8", "DCCTL_TIMEOUT": "4.5"}
    settings = config.resolve({"fanout": 9}, environ, None)
    assert (settings.fanout, settings.origins["fanout"]) == (9, "--fanout")
    assert (settings.timeout, settings.origins["timeout"]) == (4.5, "DCCTL_TIMEOUT")
    assert (settings.color, settings.origins["color"]) == ("never", str(tmp_path / "dcctl" / "config.toml"))
    assert (settings.output, settings.origins["output"]) == ("table", "default")


def test_named_file_is_read_alone(tmp_path: Path) -> None:
    environ = write(tmp_path, "fanout = 7\n")
    other = tmp_path / "other.toml"
    other.write_text("timeout = 3\n")
    settings = config.resolve({}, environ, str(other))
    assert (settings.fanout, settings.timeout) == (32, 3)


def test_the_only_context_is_in_force_and_converts(tmp_path: Path) -> None:
    settings = config.resolve({}, write(tmp_path, CONTEXT), None)
    assert settings.context_in_force is not None
    ssh, kubernetes = specs.of_context(settings.context_in_force)
    assert ssh == specs.SshSpec(nodes="gpu[001-128]", user="ops", site="dc1")
    assert kubernetes == specs.KubernetesSpec(kubeconfig_context="prod")
    assert specs.sites_of(settings.context_in_force) == {"dc1": specs.SiteSpec(pue_limit=1.3)}


def test_two_contexts_need_a_choice_or_none_is_used(tmp_path: Path) -> None:
    environ = write(tmp_path, "[context.a]\n[context.b]\n")
    assert config.resolve({}, environ, None).context_in_force is None
    chosen = config.resolve({}, environ | {"DCCTL_CONTEXT": "b"}, None).context_in_force
    assert chosen is not None
    assert chosen.name == "b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fanout = ", "not valid TOML"),
        ("fanuot = 3", "unknown key 'fanuot'; did you mean 'fanout'?"),
        ("fanout = 'many'", "fanout must be a positive whole number"),
        ("fanout = 0", "fanout must be a positive whole number"),
        ("timeout = true", "timeout must be a positive number"),
        ("quiet = 1", "quiet must be a true or false"),
        ("color = 'red'", "color must be one of auto, always, never"),
        ("context = 'prod'", "to choose one, set default_context"),
        ("[context]\nprod = 3", "must be a table"),
        ("[context.prod]\nsuorce = []", "unknown key 'suorce'; did you mean 'source'?"),
        ("[context.prod.source]\nkind = 'ssh'", "[[context.NAME.source]]"),
    ],
)
def test_a_wrong_file_names_place_and_cause(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.resolve({}, write(tmp_path, text), None)
    assert said in str(caught.value)
    assert "config.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("nodes = 'a'", "needs a kind"),
        ("kind = 'shh'", "unknown kind 'shh'"),
        ("kind = 'ssh'\nport = 'x'", "Expected `int | null`, got `str` - at `$.port`"),
        ("kind = 'ssh'\nusr = 'x'", "unknown key 'usr'; did you mean 'user'?"),
        ("kind = 'file'", "missing required field `path`"),
    ],
)
def test_a_wrong_source_names_its_table(tmp_path: Path, table: str, said: str) -> None:
    settings = config.resolve({}, write(tmp_path, f"[[context.p.source]]\n{table}\n"), None)
    assert settings.context_in_force is not None
    with pytest.raises(UsageError) as caught:
        specs.of_context(settings.context_in_force)
    assert said in str(caught.value)
    assert "context.p.source[0]" in str(caught.value)


def test_a_context_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    settings = config.resolve({"context": "stage"}, write(tmp_path, CONTEXT), None)
    with pytest.raises(UsageError, match="known: prod"):
        _ = settings.context_in_force


def test_folders_follow_xdg_even_for_root() -> None:
    environ = {"XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c", "HOME": "/h"}
    assert config.state_dir(environ) == Path("/s/dcctl")
    assert config.cache_dir(environ) == Path("/c/dcctl")


def test_every_setting_is_told_of_and_its_flag_is_an_option() -> None:
    told = (ROOT / "docs" / "configuration.md").read_text()
    assess = next(command for command in read(tree()).walk() if command.path == ("dcctl", "assess", "fleet"))
    options = {name: option for option in assess.options for name in option.names}
    for setting in DECLARED.values():
        assert f"`{setting.key}`" in told, setting.key
        if setting.flag is None:
            assert setting.option not in options
        else:
            assert options[setting.option].takes_value is not isinstance(setting.default, bool)
            assert options[setting.option].values == setting.choices or setting.name == "output"
