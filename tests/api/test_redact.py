"""Secrets are removed from any text: queries, user information, signatures, authorization values, given words."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_bulkexports.api.redact import LONGEST, redact, redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example.com/a/b", "https://x.example.com/a/b"),
        ("https://x.example.com/a?b=c", "https://x.example.com/a"),
        ("https://x.example.com:8443/a?b=c#d", "https://x.example.com:8443/a"),
        ("https://x.example.com/a#secret", "https://x.example.com/a"),
        ("https://user:pass@x.example.com/a", "https://x.example.com/a"),
        ("https://us@er:pass@x.example.com/?q", "https://x.example.com/"),
        ("//x.example.com/a?b", "//x.example.com/a"),
        ("/v1/Exports?PageToken=x", "/v1/Exports"),
        ("no url", "no url"),
        ("", ""),
        ("https://[::1/secret", "***"),
    ],
)
def test_url_keeps_scheme_host_and_path(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://x.example.com/a?b=c failed", "GET https://x.example.com/a failed"),
        ("HTTPS://X.example.com/a?b=c", "https://X.example.com/a"),
        ("'https://x.example.com/?q=1', \"http://y/?z\"", "'https://x.example.com/', \"http://y/\""),
        ("<a href='https://u:p@x.example.com/'>", "<a href='https://x.example.com/'>"),
        (
            "Max retries exceeded with url: /v1/x?PageToken=PA (Caused",
            "Max retries exceeded with url: /v1/x (Caused",
        ),
        ("key?X-Amz-Signature=abc&X-Amz-Date=1", "key?X-Amz-Signature=***&X-Amz-Date=***"),
        ("x-amz-security-token=abc", "x-amz-security-token=***"),
        ("?Signature=abc&Key-Pair-Id=K&Policy=P", "?Signature=***&Key-Pair-Id=***&Policy=***"),
        ("Authorization: Basic QUMwMTIzNDU2Nzg5", "Authorization: Basic ***"),
        ("authorization: bearer eyJhbGciOi.J9", "authorization: bearer ***"),
        ("Basic words stay, and design=yes", "Basic words stay, and design=yes"),
    ],
)
def test_rest_of_a_text_stays(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_given_secrets_are_removed_anywhere() -> None:
    assert redact("atokenb token", "token", None, "") == "a***b ***"


def test_other_values_are_shown_as_text() -> None:
    assert redact(ValueError("https://x.example.com/?a=b")) == "https://x.example.com/"


@given(
    text=st.text(),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*"), min_size=8),
)
def test_secret_is_removed_in_any_surroundings(text: str, secret: str) -> None:
    assert secret not in redact(f"{text}{secret}{text}", secret)


@given(before=st.text(), after=st.text())
def test_signed_query_is_removed_in_any_surroundings(before: str, after: str) -> None:
    text = f"{before}https://bucket.s3.amazonaws.com/x?X-Amz-Signature=5ec2e75ec2e7{after}"
    assert "5ec2e75ec2e7" not in redact(text)


SECRET = "5ec2e75ec2e7"

#: A signed link as servers, proxies, XML, JSON and logs write it; none may show the signature.
NOTATIONS = {
    "percent-encoded": "https%3A%2F%2Fbucket.s3.amazonaws.com%2Fx%3FX-Amz-Date%3D1%26X-Amz-Signature%3D{}",
    "percent-encoded in lower case": "https%3a%2f%2fb.s3.amazonaws.com%2fx%3fX-Amz-Date%3d1%26X-Amz-Signature%3d{}",
    "percent-encoded twice": "https%253A%252F%252Fb.s3.amazonaws.com%252Fx%253FX-Amz-Signature%253D{}",
    "as a parameter": "/login?next=https%3A%2F%2Fb.s3.amazonaws.com%2Fx%3FX-Amz-Signature%3D{}",
    "JSON with escaped slashes": r"https:\/\/bucket.s3.amazonaws.com\/x?X-Amz-Date=1&X-Amz-Signature={}",
    "JSON with escaped ampersands": r"https://b.s3.amazonaws.com/x?X-Amz-Date=1\u0026X-Amz-Signature={}",
    "JSON with everything escaped": r"https:\u002f\u002fb.s3.amazonaws.com\u002fx\u003fX-Amz-Signature\u003d{}",
    "JSON in JSON": r"https:\\/\\/bucket.s3.amazonaws.com\\/x?X-Amz-Date=1\\u0026X-Amz-Signature\\u003d{}",
    "HTML": "https://b.s3.amazonaws.com/x?X-Amz-Date=1&amp;X-Amz-Signature={}",
    "HTML with numbers": "https:&#47;&#x2f;b.s3.amazonaws.com/x&#63;X-Amz-Date=1&#38;X-Amz-Signature&#61;{}",
    "HTML with names": "https&colon;&sol;&sol;b.s3.amazonaws.com&sol;x&quest;X-Amz-Signature&equals;{}",
    "HTML with names in the query": "https://b.s3.amazonaws.com/x&quest;a=1&amp;X-Amz-Signature&equals;{}",
    "quoted-printable": "https://b.s3.amazonaws.com/x=3FX-Amz-Signature=3D{}",
    "a parameter with spaces": "X-Amz-Signature = {}",
    "a parameter on the next line": "X-Amz-Signature=\n {}",
    "a list of JSON": '{{"X-Amz-Signature": ["{}"]}}',
    "user information of a proxy": "socks5h://user:{}@proxy.example.com:1080",
    "ampersand alone": r"X-Amz-Date=1\u0026X-Amz-Signature={}",
    "ampersand in HTML alone": "X-Amz-Date=1&amp;X-Amz-Signature={}",
    "percent-encoded alone": "X-Amz-Date%3D1%26X-Amz-Signature%3D{}",
    "a header": "X-Amz-Signature: {}",
    "a field of JSON": '{{"X-Amz-Signature": "{}"}}',
    "a field of XML": "<Signature>{}</Signature>",
    "Azure": "https://x.blob.core.windows.net/y?se=1&sig={}",
    "Google": "https://storage.googleapis.com/y?X-Goog-Signature={}",
    "a fragment": "https://b.s3.amazonaws.com/x#X-Amz-Signature={}",
    "user information": "https://user:{}@example.com/x",
    "user information, percent-encoded": "https%3A%2F%2Fuser%3A{}%40example.com%2Fx",
    "an authorization": "Authorization: Basic {}",
    "an authorization, percent-encoded": "Authorization%3A%20Basic%20{}",
    "a redirect": "moved to 'HTTPS://B.S3.AMAZONAWS.COM/x?X-AMZ-SIGNATURE={}'",
}


@pytest.mark.parametrize("notation", NOTATIONS.values(), ids=NOTATIONS)
@pytest.mark.parametrize("around", ["{}", "failed ({}) again", "a\\n{}\\n", "x" * 50 + " {}"])
def test_signed_link_is_found_in_every_notation(notation: str, around: str) -> None:
    shown = redact(around.format(notation.format(SECRET)))
    assert SECRET not in shown
    assert "***" in shown or not re.search("(?i)signature", shown)
    assert SECRET not in redact_url(notation.format(SECRET)) or "://" not in notation


SLOW = {
    "names of headers": "X-Amz-" * 20_000,
    "a name and spaces": "Signature " * 12_000,
    "URLs": "https://x/?y " * 10_000,
    "one URL": "https://" + "x" * 102_000,
    "one query": "https://x/?" + "?" * 102_000,
    "beginnings of URLs": "https:" * 20_000,
    "slashes": "https:" + "/" * 102_000,
    "backslashes": "https:" + "\\" * 102_000,
    "percent signs": "https%" + "25" * 51_000,
    "at signs": "https://" + "@" * 102_000,
    "authorizations": "Basic " * 20_000,
    "an authorization of spaces": "Basic" + " " * 102_000,
    "paths": "with url: /x" * 9_000,
    "marks": "with url: " + "?" * 102_000,
    "the secret": "s3cr3t" * 20_000,
    "escapes": "\\u0026" * 20_000,
    "entities": "&#0000" * 20_000,
    "beginnings of user information": "://x" * 30_000,
    "names of signatures and brackets": "Signature=[" * 11_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("repeat", [1, 100])
def test_redaction_takes_milliseconds(text: str, repeat: int) -> None:
    text *= repeat
    began = time.process_time()
    redact(text, "s3cr3t")
    redact_url(text)
    assert time.process_time() - began < 0.2 * repeat**0.5


@pytest.mark.parametrize("offset", range(-40, 41, 5))
def test_cut_text_ends_with_no_part_of_a_secret(offset: int) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    shown = redact("x " * ((LONGEST + offset) // 2) + secret, secret)
    assert secret[:4] not in shown
