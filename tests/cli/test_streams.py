"""Standard streams that are closed, full, or read by somebody who leaves; questions on standard input."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.fleets import ONE, write
from tests.conftest import Cli


def shell(line: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run one line of bash in which `dcctl` is the program under test."""
    script = f'dcctl() {{ "{sys.executable}" -m dcctl "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script], env=env, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", ["config", "--version", "--help", "inventory -i demo -o json", "man"])
def test_a_closed_stdout_is_an_error_of_one_line(home: dict[str, str], tmp_path: Path, words: str) -> None:
    done = shell(f"dcctl {words} >&-", home, tmp_path)
    assert done.returncode == 70
    assert "standard output" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_a_file_for_the_answer_a_closed_stdout_does_not_matter(
    home: dict[str, str], tmp_path: Path
) -> None:
    done = shell("dcctl config -o json=x.json >&- <&-", home, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "x.json").read_text())["schema"] == "dcctl/config/v1"


def test_a_closed_stderr_changes_no_exit_code(home: dict[str, str], tmp_path: Path) -> None:
    for line, code in (("config", 0), ("nosuch", 2), ("inventory -i demo", 3)):
        done = shell(f"dcctl {line} 2>&-", home, tmp_path)
        assert (done.returncode, done.stderr) == (code, "")
        assert bool(done.stdout) == (code != 2)


def test_closed_stdin(home: dict[str, str], tmp_path: Path) -> None:
    assert shell("dcctl config <&-", home, tmp_path).returncode == 0
    for line in ("inventory -i -", "inventory -i demo -w -"):
        done = shell(f"dcctl {line} <&-", home, tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", ["--version", "--help", "config", "inventory snapshot -i demo", "completion bash"]
)
def test_a_full_disk_behind_stdout(home: dict[str, str], tmp_path: Path, words: str) -> None:
    done = shell(f"dcctl {words} > /dev/full", home, tmp_path)
    assert done.returncode == 70
    assert done.stderr.endswith("dcctl: standard output: No space left on device\n")


def test_the_reader_takes_one_line_and_leaves(home: dict[str, str], tmp_path: Path) -> None:
    done = shell(
        "dcctl inventory snapshot -i demo | head -c 10; code=${PIPESTATUS[0]}; echo; echo $code",
        home,
        tmp_path,
    )
    assert done.stdout.splitlines() == ['{"schema":', "141"]
    assert "Traceback" not in done.stderr


def test_stdout_carries_the_answer_and_nothing_else(cli: Cli) -> None:
    done = cli("inventory", "-i", "demo", "-o", "jsonl")
    assert done.stderr.startswith("dcctl: gap: ")
    assert all(json.loads(line)["node"] for line in done.stdout.splitlines())


def test_an_inventory_on_standard_input(cli: Cli) -> None:
    assert cli("inventory", "-i", "-", "-o", "name", stdin=ONE).stdout == "gpu1\n"


def test_names_on_standard_input(cli: Cli) -> None:
    done = cli("inventory", "-i", "demo", "-w", "-", "-o", "name", stdin="gpu001\n\n  gpu[003-004]\r\n")
    assert done.stdout.split() == ["gpu001", "gpu003", "gpu004"]


def test_a_remark_among_names_is_no_name(cli: Cli) -> None:
    text = "# rack 7\n\ngpu001\n  # gpu002 gpu003\ngpu004, gpu[005, 006]\n"
    done = cli("inventory", "-i", "demo", "-w", "-", "-o", "name", stdin=text)
    assert done.stdout.split() == ["gpu001", "gpu004", "gpu005", "gpu006"]


def test_several_words_on_a_line_are_refused_with_its_number(cli: Cli) -> None:
    done = cli("inventory", "-i", "demo", "-w", "-", stdin="# names\ngpu001\ngpu002 gpu003\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "standard input:3: node set 'gpu002 gpu003': names are separated by commas" in done.stderr


def test_no_names_are_not_all_names(cli: Cli) -> None:
    for text in ("", "\n \n"):
        for option in ("-w", "-x"):
            done = cli("inventory", "-i", "demo", option, "-", stdin=text)
            assert (done.returncode, done.stdout) == (2, "")
            assert "no names came on standard input" in done.stderr


@pytest.mark.parametrize("words", [("-i", "-", "-w", "-"), ("-w", "-", "-x", "-"), ("-i", "-", "-i", "-")])
def test_standard_input_is_read_for_one_purpose(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli("inventory", *words, stdin=ONE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "standard input" in done.stderr


def test_names_that_are_no_text(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "names").write_bytes(b"gpu001\n\xff\xfe\n")
    done = shell("dcctl inventory -i demo -w - < names", home, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "standard input:2: is not text in UTF-8" in done.stderr


def test_two_at_once_keep_the_cache_of_names_whole(home: dict[str, str], tmp_path: Path) -> None:
    many = write(tmp_path, "many.yaml", "nodes: ['gpu[0001-4000]']\n")
    few = write(tmp_path, "few.yaml", "nodes: ['gpu[0001-0002]']\n")
    source = '[[context.{}.source]]\nkind = "file"\npath = "{}"\n'
    config = write(tmp_path, "c.toml", source.format("many", many) + source.format("few", few))
    words = [sys.executable, "-m", "dcctl", "inventory", "-o", f"name={tmp_path}/out", "--config", config]
    running = [subprocess.Popen([*words, "--context", name], env=home) for name in ("many", "few") * 3]
    assert [process.wait(60) for process in running] == [0] * 6
    assert (tmp_path / "out").read_text().count("\n") in {2, 4000}
    names = (tmp_path / "cache" / "dcctl" / "nodes").read_text()
    nodes = [name for name in names.splitlines() if name.startswith("gpu")]
    assert nodes in ([f"gpu{n:04}" for n in range(1, 4001)], ["gpu0001", "gpu0002"])
    assert names.endswith("\n")
    assert [path.name for path in (tmp_path / "cache" / "dcctl").iterdir()] == ["nodes"]


def test_a_cache_that_cannot_be_written_is_no_error(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    done = shell("dcctl inventory -o name | wc -l; exit ${PIPESTATUS[0]}", home, tmp_path)
    assert done.stdout.strip() == "1"
    assert "Traceback" not in done.stderr


def test_the_demo_and_files_do_not_take_the_place_of_the_names_of_the_fleet(cli: Cli, tmp_path: Path) -> None:
    lab, names = write(tmp_path, "lab.yaml", ONE), tmp_path / "cache" / "dcctl" / "nodes"
    for words in (["-i", "demo"], ["-i", lab], ["diff", lab, "demo"], ["-i", lab, "-i", "live"]):
        cli("inventory", *words)
        assert not names.exists()
    here = cli("inventory", "-o", "name").stdout
    assert names.read_text().startswith(here)


def test_names_are_kept_once_the_answer_is_shown_whatever_becomes_of_it(
    home: dict[str, str], tmp_path: Path
) -> None:
    late = "from dcctl.cli import names\nimport sys\nusual = names.remember\n"
    late += "names.remember = lambda *given: (print('kept', flush=True), usual(*given))\n"
    (tmp_path / "sitecustomize.py").write_text(late)
    env = home | {"PYTHONPATH": f"{tmp_path}:{home['PYTHONPATH']}"}
    write(tmp_path, "lab.yaml", ONE)
    done = shell("dcctl inventory diff lab.yaml live", env, tmp_path)
    assert done.returncode in {1, 3}
    assert done.stdout.index("gpu1") < done.stdout.index("kept")
    shutil.rmtree(tmp_path / "cache")
    full = shell("dcctl inventory -o json > /dev/full", home, tmp_path)
    assert full.returncode == 70
    assert (tmp_path / "cache" / "dcctl" / "nodes").exists()


def test_without_buffers_a_short_write_is_still_an_error(home: dict[str, str], tmp_path: Path) -> None:
    """Python's unbuffered text layer would drop what a full disk did not take, with exit code 0."""
    limit = 16 * 1024
    program = f"ulimit -f {limit // 1024}; exec {sys.executable} -m dcctl inventory snapshot -i demo"
    with (tmp_path / "out.json").open("w") as out:
        done = subprocess.run(
            ["bash", "-c", f"trap '' XFSZ; {program}"],
            env=home | {"PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 70
    assert "standard output" in done.stderr


@pytest.mark.parametrize("nowhere", ["2>&-", "2>/dev/full", "2</dev/null", "2> >(:)"])
def test_a_stderr_that_takes_nothing_changes_no_exit_code(
    home: dict[str, str], tmp_path: Path, nowhere: str
) -> None:
    for line, code in (("inventory -i demo -o name", 3), ("assess -i demo", 3), ("nosuch", 2)):
        done = shell(f"dcctl {line} {nowhere}", home, tmp_path)
        assert done.returncode == code
        assert bool(done.stdout) == (code != 2)


def test_a_device_that_is_full_is_named(home: dict[str, str], tmp_path: Path) -> None:
    done = shell("dcctl config -o csv=/dev/full", home, tmp_path)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == "dcctl: /dev/full was not written: No space left on device\n"
    left = shell("dcctl inventory -i demo -o json=/dev/stdout | true; exit ${PIPESTATUS[0]}", home, tmp_path)
    assert (left.returncode, left.stderr.count("Traceback")) == (141, 0)
