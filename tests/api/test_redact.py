"""Secrets are found in any text: queries, user information, signatures, authorization values, given words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.api.redact import redact, redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example.com/a/b", "https://x.example.com/a/b"),
        ("https://x.example.com/a?b=c", "https://x.example.com/a?***"),
        ("https://x.example.com:8443/a?b=c#d", "https://x.example.com:8443/a?***"),
        ("https://x.example.com/a#secret", "https://x.example.com/a"),
        ("https://user:pass@x.example.com/a", "https://x.example.com/a"),
        ("https://us@er:pass@x.example.com/?q", "https://x.example.com/?***"),
        ("//x.example.com/a?b", "//x.example.com/a?***"),
        ("/v1/Exports?PageToken=x", "/v1/Exports?***"),
        ("no url", "no url"),
        ("", ""),
        ("https://[::1/secret", "***"),
    ],
)
def test_of_a_url_scheme_host_and_path_stay(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://x.example.com/a?b=c failed", "GET https://x.example.com/a?*** failed"),
        ("HTTPS://X.example.com/a?b=c", "https://X.example.com/a?***"),
        ("'https://x.example.com/?q=1', \"http://y/?z\"", "'https://x.example.com/?***', \"http://y/?***\""),
        ("<a href='https://u:p@x.example.com/'>", "<a href='https://x.example.com/'>"),
        (
            "Max retries exceeded with url: /v1/x?PageToken=PA (Caused",
            "Max retries exceeded with url: /v1/x?*** (Caused",
        ),
        ("key?X-Amz-Signature=abc&X-Amz-Date=1", "key?X-Amz-Signature=***&X-Amz-Date=***"),
        ("x-amz-security-token=abc", "x-amz-security-token=***"),
        ("?Signature=abc&Key-Pair-Id=K&Policy=P", "?Signature=***&Key-Pair-Id=***&Policy=***"),
        ("Authorization: Basic QUMwMTIzNDU2Nzg5", "Authorization: Basic ***"),
        ("authorization: bearer eyJhbGciOi.J9", "authorization: bearer ***"),
        ("Basic words stay, and design=yes", "Basic words stay, and design=yes"),
    ],
)
def test_of_a_text_everything_else_stays(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_given_secrets_are_taken_out_wherever_they_are() -> None:
    assert redact("atokenb token", "token", None, "") == "a***b ***"


def test_what_is_no_text_is_shown_as_text() -> None:
    assert redact(ValueError("https://x.example.com/?a=b")) == "https://x.example.com/?***"


@given(
    text=st.text(),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*"), min_size=8),
)
def test_no_surroundings_save_a_secret(text: str, secret: str) -> None:
    assert secret not in redact(f"{text}{secret}{text}", secret)


@given(before=st.text(), after=st.text())
def test_no_surroundings_save_a_signed_query(before: str, after: str) -> None:
    text = f"{before}https://bucket.s3.amazonaws.com/x?X-Amz-Signature=5ec2e75ec2e7{after}"
    assert "5ec2e75ec2e7" not in redact(text)
