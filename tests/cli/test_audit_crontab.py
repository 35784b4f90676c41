"""The crontab of the documents, line by line, as cron runs it: its shell, its few variables, no terminal."""

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

FOLDER = "/var/lib/prometheus/node-exporter"


def crontab() -> tuple[dict[str, str], str]:
    """The variables that docs/audit.md sets, and its command."""
    text = (ROOT / "docs" / "audit.md").read_text()
    *settings, line = re.findall(r"^```crontab\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)[0].splitlines()
    return dict(one.split("=", 1) for one in settings), line.split(None, 6)[6]


def test_the_crontab_of_the_documents_mails_what_is_news_and_nothing_else(tmp_path: Path) -> None:
    variables, command = crontab()
    assert variables["PATH"].split(":")[0] == "/usr/local/bin"
    programs = tmp_path / "local"
    programs.mkdir()
    (programs / "dcctl").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m dcctl "$@"\n')
    (programs / "dcctl").chmod(0o755)
    path = variables["PATH"].replace("/usr/local/bin", str(programs))
    env = {"SHELL": "/bin/sh", "LOGNAME": "root", "HOME": str(tmp_path), "PATH": path}
    env["XDG_STATE_HOME"] = str(tmp_path / "state")  # not the one of this machine
    mails = []
    for _ in range(3):
        done = subprocess.run(
            ["/bin/sh", "-c", f"exec <&-; {command.replace(FOLDER, str(tmp_path))}"],
            env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True, check=False,
        )  # fmt: skip
        assert done.returncode == 3, "one node of the demo gives no answer"
        mails.append(done.stdout)
    assert "new" in mails[0]
    assert "\x1b" not in mails[0]
    assert mails[1:] == ["", ""]
    assert "dcctl_audit_findings" in (tmp_path / "dcctl-audit.prom").read_text()
