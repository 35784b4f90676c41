"""Secrets that are written in the open are found; what only looks like one is left alone."""

from __future__ import annotations

import string
from base64 import b64encode
from hashlib import sha256
from random import Random
from uuid import UUID

import pytest
from msgspec import json

from dcctl.inventory.sources.kubernetes.evidence.literals import (
    in_arguments,
    in_text,
    in_values,
)
from dcctl.secrecy import is_secret

CHANCE = Random(7)
LETTERS = string.ascii_letters + string.digits


def by_chance(length: int) -> str:
    return "".join(CHANCE.choices(LETTERS, k=length))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2!"),
        ("dbPassword", "hunter2!"),
        ("spring.datasource.password", "hunter2!"),
        ("MYSQL_ROOT_PASSWORD", "root"),
        ("API_KEY_2", "q8Zr2Lk0Vn5T"),
        ("X", "AKIA" + "IOSFODNN7EXAMPL2"),
        ("X", "ghp_" + "a1B2" * 9),
        ("X", "hf_" + "aBcD" * 9),
        ("X", "nvapi-" + "aB3_" * 12),
        ("X", "glpat-" + "a1B2c3D4e5" * 2),
        ("X", "redis://:s3cr3t@cache:6379/0"),
        ("X", "https://user:pa55@example.com/a"),
        ("X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
        ("X", "Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123"),
        ("X", "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----"),
        ("X", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n"),
    ],
)
def test_a_secret_is_found_by_its_form_or_its_name(name: str, value: str) -> None:
    assert is_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PASSWORD", ""),
        ("PASSWORD", "$(FROM_ELSEWHERE)"),
        ("PASSWORD", "${FROM_ELSEWHERE}"),
        ("PASSWORD", "<your password>"),
        ("PASSWORD", "/run/secrets/db"),
        ("PASSWORD", "********"),
        ("TOKEN", "true"),
        ("PASSWORD_FILE", "hunter2!"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("TOKENIZER", "Qwen/Qwen2.5-72B-Instruct-AWQ-with-a-long-name"),
        ("SORT_KEY", "created_at"),
        ("X", "https://example.com:8443/a/b?c=d"),
        ("X", "postgres://app:$(PASSWORD)@db:5432/app"),
        ("X", "postgres://app@db:5432/app"),
        ("X", "nvcr.io/nvidia/pytorch@sha256:" + "3b" * 32),
        ("X", "gpu-operator-node-feature-discovery-worker-x7k2p-kube-system-01"),
        ("X", "ThisIsOneOfThoseVeryLongNamesOfClassesInJava21Beans"),
        ("MODEL", "Meta-Llama-3-1-70B-Instruct-GPTQ-INT4-v2"),
        ("X", "DeepSeek-R1-Distill-Qwen-32B-AWQ-8K-H200x8"),
        ("X", "/opt/nvidia/nsight-systems/2025.3.1/target-linux-x64/nsys3Ab9Zx"),
        ("X", "-----BEGIN CERTIFICATE-----\nMIIDdzCC\n-----END CERTIFICATE-----"),
        ("X", "-----BEGIN PUBLIC KEY-----\nMFkwEwYH\n-----END PUBLIC KEY-----"),
        ("SSH_KEYS", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 wu@example.com"),
        ("CHECKSUM", "qL7cRZ1xXbW9sJd2vN8kTg4yHu6mPo3f"),
    ],
)
def test_what_only_looks_like_a_secret_is_none(name: str, value: str) -> None:
    assert not is_secret(name, value)


def test_letters_by_chance_are_secrets_and_digests_are_not() -> None:
    """Of a thousand generated secrets nearly all are found without a name; of digests and names, none."""
    found = sum(is_secret("X", by_chance(40)) for _ in range(1_000))
    assert found >= 990
    for number in range(1_000):
        digest = sha256(str(number).encode())
        assert not is_secret("X", digest.hexdigest())
        assert not is_secret("X", digest.hexdigest()[:40])
        assert not is_secret("X", str(UUID(int=CHANCE.getrandbits(128))))
        assert not is_secret("X", f"sha256-{b64encode(digest.digest()).decode()}")
        assert not is_secret("X", f"sha256:{digest.hexdigest()}")


def test_a_secret_is_told_by_its_path_and_nothing_else() -> None:
    """A digest of a password that somebody guesses would say that the guess is right."""
    (one,) = in_values("main/env/", [("A", "b"), ("DB_PASSWORD", "password")])
    assert json.encode(one) == b'{"path":"main/env/DB_PASSWORD"}'


def test_files_are_read_by_the_names_that_they_give() -> None:
    text = '{"user": "app", "password": "hunter2!"}\n[db]\nsecret_key = q8Zr2Lk0\npassword: ${FROM}\nurl: http://a\n'
    assert [one.path for one in in_text("app.ini", text)] == ["app.ini/password", "app.ini/secret_key"]
    key = "# mine\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n"
    assert [one.path for one in in_text("id", key)] == ["id"]
    assert not list(in_text("a", "number of tokens: 4096\nmax_tokens: 4096\n"))


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        (["serve", "--api-token", "q8Zr2Lk0"], ["a/--api-token"]),
        (["serve", "--api-token=q8Zr2Lk0"], ["a/api-token"]),
        (["sh", "-c", "export HF_TOKEN=q8Zr2Lk0; run"], ["a/HF_TOKEN"]),
        (["curl", "https://u:pa55@example.com"], ["a"]),
        (["serve", "--token", "--verbose"], []),
        (["serve", "--token-file", "/run/t"], []),
        (["serve", "--max-tokens=4096", "--token=$(TOKEN)"], []),
    ],
)
def test_arguments_and_scripts_are_read(words: list[str], paths: list[str]) -> None:
    assert [one.path for one in in_arguments("a/", words)] == paths


SECRET = "Zq7xW9vKpL4rT8mB2nC6hQe5"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f'{{"db":{{"password":"{SECRET}"}}}}', "password"),
        (f'{{\n  "token": "{SECRET}"\n}}', "token"),
        (f"db:\n  password: {SECRET}\n", "password"),
        (f'db: {{password: "{SECRET}"}}\n', "password"),
        (f"users:\n- name: a\n  user:\n    token: {SECRET}\n", "token"),
        (f"<db><password>{SECRET}</password></db>", "password"),
        (f'{{"auths":{{"r":{{"auth":"{b64encode(b"user:" + SECRET.encode()).decode()}"}}}}}}', "auth"),
        (f"machine h login u password {SECRET}", "password"),
        (f"https://hooks.slack.com/services/T00000000/B00000000/{SECRET}", ""),
        (f'export DB_PASSWORD="{SECRET}"\n', "DB_PASSWORD"),
    ],
)
def test_files_of_all_kinds_tell_where_their_secret_is(text: str, where: str) -> None:
    (found,) = in_values("", [("file", text)])
    assert found.path == ("file/" + where if where else "file")


@pytest.mark.parametrize(
    "text",
    [
        "password:\n  from: vault\n",
        '{"password":{"from":"vault"}}',
        '{"auth":"basic123"}',
        "<password></password><token/>",
        "the password of the site is asked for at the desk",
        "https://hooks.slack.com/services/",
    ],
)
def test_files_without_a_secret_tell_none(text: str) -> None:
    assert list(in_values("", [("file", text)])) == []
