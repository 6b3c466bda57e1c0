"""Signed links and their files, complete and damaged."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
import requests

from airflow_provider_bulkexports.simulator import Simulator


@pytest.fixture
def link_to(sim: Simulator, link_to: Callable[..., str]) -> Callable[..., str]:
    """Links to the files of a finished job."""
    sim.create_job("Messages", "2026-11-01", "2026-11-02")
    sim.finish_jobs()
    return link_to


def error_of(response: requests.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"].startswith("application/xml")
    return response.status_code, response.text.partition("<Code>")[2].partition("</Code>")[0]


def test_link_serves_the_file(storage: requests.Session, link_to: Callable[..., str]) -> None:
    response = storage.get(link_to())
    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers["Accept-Ranges"] == "bytes"
    assert len(gzip.decompress(response.content).splitlines()) == 50


def test_link_works_once_and_a_new_one_works_again(storage: requests.Session, link_to: Callable[..., str]) -> None:
    link = link_to()
    assert storage.get(link).status_code == 200
    assert error_of(storage.get(link)) == (403, "AccessDenied")
    assert storage.get(link_to()).status_code == 200


def test_link_can_be_reusable(sim: Simulator, storage: requests.Session, link_to: Callable[..., str]) -> None:
    sim.knobs.link_reusable = True
    link = link_to()
    assert [storage.get(link).status_code for _ in range(2)] == [200, 200]


def test_link_expires_after_240_seconds(sim: Simulator, storage: requests.Session, link_to: Callable[..., str]) -> None:
    early, late = link_to(), link_to()
    sim.clock.advance(239)
    assert storage.get(early).status_code == 200
    sim.clock.advance(1)
    response = storage.get(late)
    assert error_of(response) == (403, "AccessDenied")
    assert "expired" in response.text


@pytest.mark.parametrize("value", ["Basic QUM6eA==", "Bearer x", ""])
def test_authorization_header_is_refused_and_link_stays_unused(
    storage: requests.Session, link_to: Callable[..., str], value: str
) -> None:
    link = link_to()
    assert error_of(storage.get(link, headers={"Authorization": value})) == (400, "InvalidArgument")
    assert storage.get(link).status_code == 200


def test_changed_or_invented_link_is_refused(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    link = link_to()
    assert error_of(storage.get(link.replace("Expires=240", "Expires=999"))) == (403, "SignatureDoesNotMatch")
    assert error_of(storage.get(link.replace("2026-11-01", "2026-11-02"))) == (403, "SignatureDoesNotMatch")
    assert error_of(storage.get(link.partition("?")[0])) == (403, "AccessDenied")
    assert error_of(storage.get(f"{sim.storage_url}/%00?X-Amz-Signature=%FF")) == (403, "AccessDenied")


def test_link_works_for_get_only(storage: requests.Session, link_to: Callable[..., str]) -> None:
    link = link_to()
    assert storage.head(link).status_code == 403
    assert error_of(storage.put(link)) == (405, "MethodNotAllowed")
    assert storage.get(link).status_code == 200


def test_link_to_a_removed_file_gets_404(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    link = link_to()
    sim.knobs.file_retention_days = 0
    assert error_of(storage.get(link)) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-20", slice(-20, None)),
        ("bytes=10-999999", slice(10, None)),
    ],
)
def test_range_is_served(storage: requests.Session, link_to: Callable[..., str], wanted: str, part: slice) -> None:
    whole = storage.get(link_to())
    response = storage.get(link_to(), headers={"Range": wanted, "If-Range": whole.headers["ETag"]})
    assert response.status_code == 206
    assert response.content == whole.content[part]
    assert response.headers["Content-Range"].endswith(f"/{len(whole.content)}")
    assert response.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("wanted", ["bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=" + "9" * 5000 + "-"])
def test_invalid_range_is_ignored(storage: requests.Session, link_to: Callable[..., str], wanted: str) -> None:
    assert storage.get(link_to(), headers={"Range": wanted}).status_code == 200


def test_range_with_another_etag_gets_the_whole_file(storage: requests.Session, link_to: Callable[..., str]) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
    assert storage.get(link_to(), headers=headers).status_code == 200


def test_range_beyond_the_end_gets_416(storage: requests.Session, link_to: Callable[..., str]) -> None:
    assert error_of(storage.get(link_to(), headers={"Range": "bytes=999999-"})) == (416, "InvalidRange")


def test_file_can_be_truncated_with_a_matching_length(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    sim.knobs.storage_truncate_at = 1000
    response = storage.get(link_to())
    assert len(response.content) == 1000 == int(response.headers["Content-Length"])
    with pytest.raises(EOFError):
        gzip.decompress(response.content)


def test_content_length_can_be_too_large(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    sim.knobs.storage_length_error = 10
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="10 more expected"):
        storage.get(link_to())


def test_content_length_of_an_empty_file_can_be_too_large(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    sim.knobs.empty_day_file, sim.knobs.storage_length_error = "zero_bytes", 10
    sim.state.empty_day("Calls", "2026-11-01")
    sim.create_job("Calls", "2026-11-01", "2026-11-01")
    sim.finish_jobs()
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="10 more expected"):
        storage.get(link_to(resource_type="Calls"))


def test_content_length_can_be_too_small(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str]
) -> None:
    whole = storage.get(link_to()).content
    sim.knobs.storage_length_error = -10
    assert storage.get(link_to()).content == whole[:-10]


@pytest.mark.parametrize(("kind", "content"), [("gzip", gzip.compress(b"", mtime=0)), ("zero_bytes", b"")])
def test_file_of_an_empty_day_follows_the_knob(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str], kind: str, content: bytes
) -> None:
    sim.state.empty_day("Calls", "2026-11-01")
    sim.create_job("Calls", "2026-11-01", "2026-11-01")
    sim.finish_jobs()
    sim.knobs.empty_day_file = kind  # type: ignore[assignment]
    assert storage.get(link_to(resource_type="Calls")).content == content


def test_large_file_arrives_complete(sim: Simulator, storage: requests.Session, link_to: Callable[..., str]) -> None:
    sim.knobs.bytes_per_day = 64 * 1024 * 1024
    received = 0
    with storage.get(link_to(), stream=True) as response:
        for chunk in response.iter_content(1024 * 1024):
            received += len(chunk)
    assert received == int(response.headers["Content-Length"]) >= 64 * 1024 * 1024


def test_disconnected_client_does_not_disturb_the_next(
    sim: Simulator, storage: requests.Session, link_to: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    sim.knobs.bytes_per_day = 64 * 1024 * 1024
    with storage.get(link_to(), stream=True) as response:
        response.raw.read(10)
    sim.knobs.bytes_per_day = None
    assert storage.get(link_to()).status_code == 200
    sim.stop()
    assert caplog.text == ""
