"""
What the simulator leaves open: one knob for every behaviour that Twilio does not document.

The defaults are what the documentation says, or what was observed most. All may be changed while the simulator runs;
a job keeps the pace it was created with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

__all__ = ["Knobs", "Rejection"]


class Rejection(NamedTuple):
    """HTTP status and Twilio error code of an answer that refuses a request."""

    status: int
    code: int


_INVALID = Rejection(400, 20001)


@dataclass(slots=True)
class Knobs:
    """Settings of the simulated service; see each comment."""

    # Credentials
    #: Accept the simulator's ``bearer_token`` besides Basic authentication.
    accept_bearer: bool = False
    #: Status (401 or 403) of the answer to API keys and bearer tokens, with code 70051 for a missing permission;
    #: ``None``: they may do everything.
    key_denied_status: int | None = None

    # Create: which requests are refused, and how
    #: Refuse an ``EndDay`` later than UTC today minus two.
    check_end_day: bool = True
    missing_parameter: Rejection = _INVALID
    invalid_parameter: Rejection = _INVALID
    end_day_too_recent: Rejection = _INVALID
    days_out_of_order: Rejection = _INVALID
    half_webhook_pair: Rejection = _INVALID
    quota_exceeded: Rejection = _INVALID
    #: Create the job, then drop the connection instead of answering.
    drop_create_answer: bool = False

    # Quota
    #: Days that a parent account and its subaccounts may request in one UTC day.
    quota_days: int = 366
    #: Count every resource type by itself.
    quota_per_type: bool = False
    #: Give days that a deleted job did not export back to the UTC day on which it was created.
    quota_refund: bool = False

    # Life cycle; a job keeps the values it was created with
    #: Simulated seconds from the create request until the first day runs.
    queue_seconds: float = 15.0
    #: Simulated seconds that a day takes, on average; every day takes between half and one and a half of it.
    seconds_per_day_run: float = 45.0
    #: Days of one job that run at the same time.
    parallel_days: int = 4
    #: Jobs that run at the same time; ``None``: no limit.
    parallel_jobs: int | None = None
    #: Simulated seconds between ``ErrorDuringRun`` and the next attempt.
    error_pause_seconds: float = 30.0
    #: Share of days (0 to 1) that go through ``ErrorDuringRun`` once.
    error_rate: float = 0.0
    #: Share of days (0 to 1) that end ``Failed``.
    failed_rate: float = 0.0
    #: Share of days (0 to 1) without records.
    empty_rate: float = 0.0
    #: Simulated seconds that a running day stays ``RunningToBeDeleted`` after its job was deleted.
    stop_seconds: float = 20.0

    # How jobs are shown
    #: ``details`` in the answer to a create request; ``filled``: as in later answers.
    details_on_create: Literal["null", "{}", "[{}]", "[]", "filled"] = "null"
    #: Simulated seconds after the create request in which fetch and list still show ``details_on_create``.
    details_delay_seconds: float = 0.0
    #: Give only counts: ``"days": null`` in every group.
    details_days_null: bool = False
    #: A list of groups, each with its status, or an object of groups by their status (the words of the field's
    #: description allow both).
    details_shape: Literal["list", "by_status"] = "list"
    #: ``UPPER_SNAKE`` is ``COMPLETED_EMPTY_RECORDS``, ``UPPER`` the same without underscores.
    details_spelling: Literal["Pascal", "UPPER", "UPPER_SNAKE", "lower"] = "Pascal"
    #: Words shown instead of a status, by Twilio's spelling, such as ``{"Running": "Archiving"}``.
    details_words: Mapping[str, str] = field(default_factory=dict)
    #: Leave the last days of the range, so many, out of ``details``.
    details_missing_days: int = 0
    #: Show ``count`` as a string.
    details_count_as_text: bool = False
    #: ``"resource_type": null`` in jobs and in the Days list.
    resource_type_null: bool = False
    #: Queue position and estimated completion time.
    position_and_eta: Literal["filled", "null", "absent"] = "filled"
    #: Digits of the fraction of ``estimated_completion_time``: 0, 3, 6 or 9.
    eta_digits: int = 6
    #: Simulated seconds by which the estimate of an unfinished job is wrong.
    eta_error_seconds: float = 0.0
    #: Simulated seconds from the create request until the job is in the list.
    list_delay_seconds: float = 0.0
    #: List the newest job first.
    newest_job_first: bool = False
    #: Days for which a finished job stays listed.
    job_retention_days: float = 7.0
    #: ``gone``: a deleted job is unknown at once; ``listed``: it stays, its days deleted, as long as a finished one.
    deleted_job: Literal["listed", "gone"] = "listed"
    #: Answer to deleting a finished job; with 204 the job is gone afterwards. Day files stay in any case.
    delete_finished_status: Literal[204, 404, 409] = 204

    # Lists
    #: A ``PageSize`` above the maximum is lowered, or refused with 400.
    page_size_above_maximum: Literal["clamp", "reject"] = "clamp"
    #: Leave days without records out of the Days list.
    hide_empty_days: bool = False
    #: Show sizes in the Days list.
    listed_size: Literal["filled", "null", "absent"] = "filled"

    # Day files
    #: Records of a day, unless ``state.set_record_count`` says otherwise.
    records_per_day: int = 50
    #: Make every file at least this many (compressed) bytes, by repeating a block of records; ``None``: let
    #: ``records_per_day`` decide.
    bytes_per_day: int | None = None
    #: What a day without records has: a gzip file of nothing, a file of zero bytes, or no file (404, not listed).
    empty_day_file: Literal["gzip", "zero_bytes", "absent"] = "gzip"
    #: Show a job's files when the whole job is finished, not day by day.
    files_wait_for_job: bool = False
    #: Which file of a day a link leads to, if several jobs made one; the Days list has all of them.
    day_fetch_generation: Literal["newest", "oldest"] = "newest"
    #: Answer the first fetches of every file, so many, with 404 although its day is done.
    day_fetch_misses: int = 0
    #: Days from a file's creation until it is removed.
    file_retention_days: float = 7.0
    #: Simulated seconds after midnight UTC at which automatic daily export makes the file of the day before.
    daily_export_seconds: float = 900.0
    #: Answer to a request that sets ``Enabled``, as if the account had no Twilio Editions; ``None``: allowed.
    daily_export_refused: Rejection | None = None
    #: Show unset webhook values of the configuration as null. By default they are empty strings, as in the example of
    #: the OpenAPI document, although its schema wants a URI or null.
    configuration_null: bool = False
    #: Status of the answer that carries the link.
    day_fetch_status: Literal[200, 302, 307] = 307
    #: Put the link into a ``Location`` header.
    day_fetch_location: bool = True
    #: The JSON body: with the link, with ``"redirect_to": null``, or none.
    day_fetch_body: Literal["link", "null", "absent"] = "link"

    # Storage
    #: Simulated seconds for which a link is valid.
    link_seconds: int = 240
    #: Let a link be used more than once.
    link_reusable: bool = False
    #: Serve only so many bytes of every file, with a ``Content-Length`` to match.
    storage_truncate_at: int | None = None
    #: Added to every ``Content-Length``. Above zero the body ends early; below zero it is cut.
    storage_length_error: int = 0

    # Webhooks
    #: Announce each day that is done.
    webhook_per_day: bool = True
    #: Announce each job that is done.
    webhook_per_job: bool = True
    #: How often each notice is sent; 0: never.
    webhook_copies: int = 1
    #: Announce a job when it starts to run, long before it is done.
    webhook_early: bool = False

    # HTTP
    #: Send ``Twilio-Request-Id``, ``Twilio-Request-Duration`` and ``Twilio-Concurrent-Requests``.
    twilio_headers: bool = True
    #: Requests of one account under way at the same time; above it 429. ``None``: no limit.
    concurrency_limit: int | None = None
    #: Real seconds by which every answer of the API is delayed.
    latency_seconds: float = 0.0
