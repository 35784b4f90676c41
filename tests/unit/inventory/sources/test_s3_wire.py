"""Signatures and answers of the S3 API as they are on the wire."""

from __future__ import annotations

import pytest

from dcctl.inventory.sources.s3.replies import buckets, code_of, reply
from dcctl.inventory.sources.s3.sign import Credentials, Question, signed

WHO = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""Of the examples in AWS's documents."""
HOST = "examplebucket.s3.amazonaws.com"


def signature(question: Question, who: Credentials = WHO) -> str:
    headers = signed(question, who, "us-east-1", "20130524T000000Z")
    return headers["Authorization"].rpartition("=")[2]


def test_the_signature_is_that_of_the_published_example() -> None:
    asked = Question(HOST, "/", (("lifecycle", ""),))
    assert signature(asked) == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"


def test_a_token_of_a_session_is_signed_and_no_secret_is_shown() -> None:
    who = WHO._replace(token="t0ken")
    headers = signed(Question(HOST, "/"), who, "us-east-1", "20130524T000000Z")
    assert "x-amz-security-token" in headers["Authorization"]
    assert signature(Question(HOST, "/"), who) != signature(Question(HOST, "/"))
    assert WHO.secret not in f"{headers}{who!r}{who}"


def test_a_bomb_of_entities_is_no_answer() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><LocationConstraint>&a;</LocationConstraint>'
    with pytest.raises(ValueError, match="entities"):
        reply("get_bucket_location", bomb)
    assert code_of(bomb) == ""
    with pytest.raises(ValueError, match="no XML"):
        buckets(b"<html")


def test_grants_to_everybody_are_read_from_xml() -> None:
    acl = b"""<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><AccessControlList><Grant>
    <Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">
    <URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>
    </AccessControlList></AccessControlPolicy>"""
    (grant,) = reply("get_bucket_acl", acl)["Grants"]
    assert grant["Grantee"]["URI"].endswith("AllUsers")
    blocked = b"<PublicAccessBlockConfiguration><IgnorePublicAcls>false</IgnorePublicAcls>"
    told = reply("get_public_access_block", blocked + b"</PublicAccessBlockConfiguration>")
    assert told == {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": False}}
