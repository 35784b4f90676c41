"""Nothing that looks like a secret survives; what helps a person does."""

import traceback

import pytest

from dcctl.redaction import (
    MARK,
    first_line_of_a_program,
    without_credentials,
    without_secrets,
    without_userinfo,
)


@pytest.mark.parametrize(
    "text",
    [
        "Invalid header value b'Bearer hunter2\\n'",
        "Invalid header value b'Bearer hunter1 hunter2'",
        "authorization: Bearer hunter2",
        "{'Authorization': 'hunter2'}",
        "{'authorization': b'Basic hunter2'}",
        "Failed to parse: http://root:hunter2@host/api",
        "Failed to parse: http://root:a/hunter2@host/api",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        "eyJhbGciOiJSUzI1NiJ9.eyJodW50ZXIyIjoxfQ.hunter2",
    ],
)
def test_credentials_are_taken_out_of_a_traceback(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int(text)
    caught.value.args = (text,)
    shown = without_credentials("".join(traceback.format_exception(caught.value)))
    assert "hunter" not in shown
    assert "ValueError" in shown
    assert __file__ in shown


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2",
        "Password=hunter2 for root",
        "wrong password hunter2",
        "client_secret=hunter2",
        "secret hunter2 refused",
        "AWS_SECRET_ACCESS_KEY: hunter2",
        "token hunter2 has expired",
        "the token is: hunter2",
        "GET https://root:hunter2@login/ failed",
    ],
)
def test_what_a_program_says_of_its_secrets_is_not_repeated(line: str) -> None:
    assert "hunter2" not in first_line_of_a_program(line)
    assert "hunter2" not in first_line_of_a_program(f"process returned 1. {line}\nhunter2")


@pytest.mark.parametrize(
    "line", ["process returned 3", "the token has expired, run: cloud login", "no such profile", ""]
)
def test_the_reason_of_a_program_is_kept(line: str) -> None:
    assert first_line_of_a_program(f"\n{line}\nsecond line") == line or not line


def test_a_url_without_a_user_is_as_it_was() -> None:
    assert without_userinfo("https://h:6443/api, mail a@b") == "https://h:6443/api, mail a@b"
    assert without_userinfo("https://u:p@h:6443/api") == "https://h:6443/api"


def test_the_query_of_a_url_is_taken_and_the_rest_of_the_line_kept() -> None:
    text = "http://10.0.0.1:6443/api?token=hunter2&x=1: no route to host"
    assert without_credentials(text) == "http://10.0.0.1:6443/api?… no route to host"


@pytest.mark.parametrize(
    "text",
    [
        "/bin/ckpt --token=hunter2 --now",
        "/bin/ckpt --password hunter2 --now",
        "/bin/ckpt --password 'hunter2 hunter3' --now",
        "/bin/ckpt --password=a;hunter2 --now",
        r"/bin/ckpt --password a\ hunter2 --now",
        "env PGPASSWORD=hunter2 S3_SECRET_KEY_2=hunter3 save --now",
        "sh -c 'save --api-key=\"hunter2 x\" --now'",
        "POST :8080/save?token=hunter2&now=1",
        "POST :8080/save?x=1&access_key=hunter2&now=1",
        "curl http://root:hunter2@host/now",
        "curl --user root:hunter2 http://host/now",
        "curl -u root:hunter2 http://host/now",
        "curl http://host/now -H 'X-Api-Key: hunter2'",
        "curl http://host/now -H 'Authorization: Bearer hunter2'",
        "save --now hf_hunter2hunter2hunter2hunter2hunter2",
        "save --now 9hunter2aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1",
        "example.com/auth-token=hunter2 now",
        "now " + "x" * 5000 + " hunter2",
    ],
)
def test_a_command_is_shown_without_its_secrets(text: str) -> None:
    shown = without_secrets(text)
    assert "hunter" not in shown
    assert "now" in shown
    assert MARK in shown


@pytest.mark.parametrize(
    "text",
    [
        "USR1",
        "POST https://:8443/v1/checkpoint?step=last&wait=1",
        "/opt/trainer/bin/save --dir /mnt/ckpt/llama-70b-2026-03-01/step-0012000 --max-tokens=4096",
        "sh -c 'kill -USR1 $(pgrep -f train.py) && sync'",
        "python -m trainer.checkpoint --rank 0 --name 0f8fad5b-d9cb-469f-a165-70867728950e",
        "example.com/checkpoint=now",
    ],
)
def test_a_command_without_secrets_is_shown_as_it_is(text: str) -> None:
    assert without_secrets(text) == text
