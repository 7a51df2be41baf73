"""Requests over boto3: jobs equal to boto3's own, other calls unaffected, every error typed."""

from __future__ import annotations

import gc
import inspect
import json
import pickle
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from botocore.stub import Stubber
from hypothesis import example, given
from hypothesis import strategies as st
from support.generating import examples
from support.raw_server import SESSION, Answer, PageServer, wire_job

from restorejobs_client import (
    AccessDeniedException,
    ConfigurationError,
    CredentialsError,
    ExpiredTokenException,
    InvalidParameterValueException,
    MalformedResponseError,
    MissingParameterValueException,
    ResourceNotFoundException,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.raw_server import Fault

    from restorejobs_client import RestoreJobs


def moments() -> st.SearchStrategy[float | int]:
    """Generate epoch seconds: AWS's milliseconds, whole seconds, the edges of the calendar."""
    return st.one_of(
        st.integers(-2_000_000_000_000, 4_102_444_800_000).map(lambda ms: ms / 1000),
        st.integers(-62_135_596_800, 253_402_300_799),
        st.sampled_from([0, -0.0, 0.001, -0.001, 1e-7, 253402300799.999, 2**31, 2**31 + 0.5]),
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        (
            "AccountId",
            "RestoreJobId",
            "RecoveryPointArn",
            "SourceResourceArn",
            "BackupVaultArn",
            "StatusMessage",
            "PercentDone",
            "IamRoleArn",
            "CreatedResourceArn",
            "ResourceType",
            "ParentJobId",
            "ValidationStatusMessage",
            "DeletionStatusMessage",
        ),
        TEXT,
    ),
    **dict.fromkeys(("CreationDate", "CompletionDate", "RecoveryPointCreationDate"), moments()),
    **dict.fromkeys(
        ("BackupSizeInBytes", "ExpectedCompletionTimeMinutes"),
        st.integers(-(2**80), 2**80) | st.integers(0, 2**60).map(str),
    ),
    "Status": st.sampled_from(["PENDING", "COMPLETED", "FAILED", "PAUSED", ""]),
    "ValidationStatus": st.sampled_from(["FAILED", "SUCCESSFUL", "SKIPPED"]),
    "DeletionStatus": st.sampled_from(["DELETING", "RETAINED"]),
    "IsParent": st.booleans(),
    "CreatedBy": st.fixed_dictionaries(
        {}, optional={"RestoreTestingPlanArn": TEXT | st.none(), "New": st.integers()}
    ),
}
WIRE_JOBS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={name: value | st.none() for name, value in MEMBERS.items()}
        | {"Unknown": st.recursive(st.none() | TEXT | st.integers(), st.lists, max_leaves=5)},
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def two_clients() -> Iterator[tuple[PageServer, RestoreJobsClient, Any]]:
    """Return a server, a client of ours, and one of boto3."""
    with PageServer([]) as server:
        yield server, RestoreJobsClient(client=server.client()), server.client()


@examples(10)
@given(jobs=WIRE_JOBS)
def test_every_member_equals_that_of_boto3(
    two_clients: tuple[PageServer, RestoreJobsClient, Any], jobs: list[dict[str, Any]]
) -> None:
    """Any jobs that the service sends are read as boto3 reads them."""
    server, client, boto3_client = two_clients
    server.jobs = jobs
    ours = list(client.list_restore_jobs())
    theirs = boto3_client.list_restore_jobs()["RestoreJobs"]
    assert [as_boto3_has_it(job) for job in ours] == theirs
    assert [RestoreJob.from_dict({"RestoreJobId": None, **job}) for job in theirs] == ours


ODD_VALUES = st.one_of(
    st.sampled_from(["null", "NULL", "true", "0", "-1", "1.5", "1e3", " 1", "1_0", "٣", "nan"]),
    st.sampled_from(["1700000000.5", "2026-01-01", "2026-01-01T00:00:00", "253402300800"]),
    st.sampled_from(["2026-01-01T00:00:00+05:30", "0001-01-01T00:00:00+14:00", "9" * 400]),
    moments().map(str),
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    st.lists(st.none(), max_size=1) | st.dictionaries(TEXT, st.none(), max_size=1),
)


@examples(20)
@given(name=st.sampled_from(sorted(MEMBERS)), value=ODD_VALUES)
@example(name="Status", value="null")
@example(name="CreatedBy", value="NULL")
def test_any_value_is_listed_as_from_dict_reads_it(
    two_clients: tuple[PageServer, RestoreJobsClient, Any], name: str, value: object
) -> None:
    """A value of a wrong type is read as `from_dict` reads it, or both refuse it."""
    server, client, _ = two_clients
    server.jobs = [{name: value}]
    try:
        expected = RestoreJob.from_dict(server.jobs[0])
    except MalformedResponseError:
        with pytest.raises(MalformedResponseError, match=name):
            list(client.list_restore_jobs())
    else:
        assert list(client.list_restore_jobs()) == [expected]


def as_boto3_has_it(job: RestoreJob) -> dict[str, Any]:
    """Return the members that were sent, by their AWS names."""
    members = {
        name.title().replace("_", ""): value
        for name, value in job.to_dict().items()
        if value is not None
    }
    if job.created_by is not None:
        plan = job.created_by.restore_testing_plan_arn
        members["CreatedBy"] = {} if plan is None else {"RestoreTestingPlanArn": plan}
    return members


def test_calls_of_the_owner_of_a_client_are_unaffected(server: PageServer) -> None:
    """Direct calls on a boto3 client that we use get boto3's own answers, damage included."""
    boto3_client: Any = server.client()
    RestoreJobsClient(client=boto3_client)
    RestoreJobsClient(client=boto3_client)
    theirs: Any = server.client()
    assert (
        boto3_client.list_restore_jobs()["RestoreJobs"]
        == (theirs.list_restore_jobs()["RestoreJobs"])
    )
    server.requests.clear()
    server.fail(1, lambda _: Answer(body=b"<html></html>"))
    assert set(boto3_client.list_restore_jobs()) == {"ResponseMetadata"}  # botocore's own silence
    assert len(server.requests) == 1
    server.heal()
    server.fail(1, lambda _: Answer(status=400, body=b"<html>proxy</html>"))
    with pytest.raises(ClientError, match="<html>proxy</html>"):
        boto3_client.list_restore_jobs()


@pytest.mark.parametrize("code", [503, True, None])
def test_odd_code_of_an_error_is_no_obstacle(server: PageServer, code: object) -> None:
    """An error whose code is no text is tried again, for the owner of the client and for us."""
    core: Any = server.client(attempts=3)
    client = RestoreJobsClient(client=core)
    body = json.dumps({"code": code, "message": "upstream"}).encode()
    for call in (core.list_restore_jobs, client.list_restore_jobs().first):
        server.requests.clear()
        server.fail_next(*[lambda _: Answer(status=503, body=body)] * 2)
        assert call()
        assert len(server.requests) == 3


def test_client_used_five_times_has_our_handlers_once(
    server: PageServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A boto3 client that several of ours use makes no more attempts, and logs each once."""
    boto3_client: Any = server.client(attempts=3)
    clients = [RestoreJobsClient(client=boto3_client) for _ in range(5)]
    server.fail(1, lambda _: Answer(body=b"<html></html>"))
    with pytest.raises(MalformedResponseError):
        clients[-1].list_restore_jobs().first()
    assert len(server.requests) == 3
    assert len([one for one in caplog.records if one.name == "restorejobs_client"]) == 2


def test_refusal_after_damage_is_not_requested_again(server: PageServer) -> None:
    """A refusal ends the attempts that a damaged page has begun."""
    client = RestoreJobsClient(client=server.client(attempts=6))
    server.fail(1, lambda _: Answer(body=b"<html></html>"), times=1)
    server.fail(1, error("AccessDeniedException", 403))
    with pytest.raises(AccessDeniedException):
        client.list_restore_jobs().first()
    assert len(server.requests) == 2


def test_stubber_answers_are_listed(server: PageServer) -> None:
    """Under botocore's `Stubber`, what botocore has parsed is listed."""
    boto3_client: Any = server.client()
    listing = RestoreJobsClient(client=boto3_client).list_restore_jobs(by_status="FAILED")
    job = {"RestoreJobId": "a", "CreationDate": datetime(2026, 1, 1, tzinfo=UTC)}
    with Stubber(boto3_client) as stubber:
        stubber.add_response(
            "list_restore_jobs",
            {"RestoreJobs": [job], "NextToken": "t"},
            {"ByStatus": "FAILED", "MaxResults": 1000},
        )
        stubber.add_response("list_restore_jobs", {"RestoreJobs": [{}]})
        assert list(listing) == [RestoreJob.from_dict(job), RestoreJob()]
        for nothing in ({}, {"ResponseMetadata": {"HTTPStatusCode": 200}}):
            stubber.add_response("list_restore_jobs", nothing)
            assert list(listing) == []
    assert server.requests == []


def test_stubber_errors_are_raised(server: PageServer) -> None:
    """Under botocore's `Stubber`, errors and missing pages raise our errors."""
    boto3_client: Any = server.client()
    listing = RestoreJobsClient(client=boto3_client).list_restore_jobs()
    with Stubber(boto3_client) as stubber:
        stubber.add_response("list_restore_jobs", {"RestoreJobs": [{}], "NextToken": "t"})
        stubber.add_response("list_restore_jobs", {})
        with pytest.raises(MalformedResponseError, match="the response with no members"):
            list(listing)
        stubber.add_client_error("list_restore_jobs", "AccessDeniedException", "no", 403)
        with pytest.raises(AccessDeniedException):
            list(listing)
        with pytest.raises(ConfigurationError, match="Unexpected API Call"):
            list(listing)
    assert server.requests == []


def parsed_by_botocore(server: PageServer, parsed: dict[str, Any]) -> RestoreJobs:
    """List what a handler on the client answers instead of botocore."""
    boto3_client: Any = server.client()

    def answer(**_: object) -> tuple[Any, dict[str, Any]]:
        return type("Response", (), {"status_code": 200}), dict(parsed)

    boto3_client.meta.events.register("before-call.backup.ListRestoreJobs", answer)
    return RestoreJobsClient(client=boto3_client).list_restore_jobs()


@pytest.mark.parametrize(
    "parsed",
    [
        {"RestoreJobs": [{"CreationDate": datetime(2026, 1, 1)}]},  # noqa: DTZ001  # the case
        {"RestoreJobs": [{"RestoreJobId": 5}]},
        {"NextToken": 7},
        {"message": "no"},
    ],
)
def test_parsed_answer_that_is_no_page_raises(server: PageServer, parsed: dict[str, Any]) -> None:
    """Where botocore has parsed the answer, it is checked as strictly."""
    with pytest.raises(MalformedResponseError, match="not a list of restore jobs"):
        parsed_by_botocore(server, parsed).first()


def test_answer_over_http_that_was_not_checked_raises(server: PageServer) -> None:
    """An answer that came over HTTP, past our checks, is refused, whatever is in it."""
    parsed = {"RestoreJobs": [{"RestoreJobId": "a"}], "ResponseMetadata": {"HTTPHeaders": {}}}
    with pytest.raises(MalformedResponseError, match="was not checked for damage"):
        parsed_by_botocore(server, parsed).first()


def test_handler_that_clears_the_context_gets_no_list(server: PageServer) -> None:
    """Where a handler has removed our mark, the answer is refused."""
    boto3_client: Any = server.client()
    boto3_client.meta.events.register(
        "before-call.backup.ListRestoreJobs", lambda context, **_: context.clear()
    )
    with pytest.raises(MalformedResponseError, match="was not checked for damage"):
        list(RestoreJobsClient(client=boto3_client).list_restore_jobs())


def test_answers_have_aws_names_only(server: PageServer, client: RestoreJobsClient) -> None:
    """A member by its name in snake_case is unknown, in a body and in a parsed answer."""
    members = {"RestoreJobs": [{"restore_job_id": "a"}]}
    server.fail(1, lambda _: Answer(body=json.dumps(members).encode()))
    assert list(client.list_restore_jobs()) == [RestoreJob()]
    assert list(parsed_by_botocore(server, members)) == [RestoreJob()]


@pytest.mark.parametrize("header", [5, None, ["a"]])
def test_odd_headers_of_a_handler_hide_no_error(server: PageServer, header: object) -> None:
    """A header that is no text does not replace the error of the service."""
    boto3_client: Any = server.client(attempts=1)

    def add_header(request: Any, **_: object) -> None:
        request.headers["X-Auth-Token"] = header

    boto3_client.meta.events.register("before-send.backup.ListRestoreJobs", add_header)
    with pytest.raises(RestoreJobsError):
        RestoreJobsClient(client=boto3_client).list_restore_jobs(next_token="-").first()


@pytest.mark.parametrize("response", [None, "text", {"Error": None}, {"ResponseMetadata": None}])
def test_exceptions_with_odd_attributes_become_ours(server: PageServer, response: Any) -> None:
    """Whatever a handler raises, the error is ours."""
    boto3_client: Any = server.client(attempts=1)
    error = ClientError({}, "ListRestoreJobs")
    error.response = response

    def fail(**_: object) -> None:
        raise error

    boto3_client.meta.events.register("before-call.backup.ListRestoreJobs", fail)
    with pytest.raises(RestoreJobsError, match=r"boto3|ListRestoreJobs"):
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()


def test_listing_inside_a_call_leaves_that_call_its_checks(server: PageServer) -> None:
    """A handler that lists during a call of ours does not hide the damage of that call."""
    boto3_client: Any = server.client(attempts=1)
    inside: list[RestoreJob] = []

    def list_others(**_: object) -> None:
        if not inside:
            inside.extend(RestoreJobsClient(client=server.client()).list_restore_jobs(limit=3))

    boto3_client.meta.events.register("before-call.backup.ListRestoreJobs", list_others)
    server.fail(1, lambda answer: Answer(body=answer.body[:-1]) if inside else answer)
    with pytest.raises(MalformedResponseError, match="HTTP 200"):
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    assert len(inside) == 3


@pytest.mark.parametrize("answer", [None, [], "text", 5])
def test_mocked_method_that_returns_no_dict_is_damage(server: PageServer, answer: object) -> None:
    """If a test replaces a method of the client, what it returns must look like an answer."""
    boto3_client: Any = server.client()
    boto3_client.list_restore_jobs = lambda **_: answer
    with pytest.raises(MalformedResponseError, match="not a dict"):
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()


def test_error_in_a_handler_is_a_transport_error(server: PageServer) -> None:
    """An exception of a handler on the caller's client becomes a `TransportError` with its text."""
    boto3_client: Any = server.client()

    def fail(**_: object) -> None:
        message = "oh"
        raise LookupError(message)

    boto3_client.meta.events.register("before-call.backup", fail)
    with pytest.raises(TransportError, match="LookupError: oh") as caught:
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    assert caught.value.__cause__ is caught.value.__context__ is None


def error(code: str, status: int = 400, **members: object) -> Fault:
    """Answer with an error of AWS."""
    content = json.dumps({"message": "what AWS says", **members}).encode()
    return lambda _: Answer(status=status, body=content, headers={"x-amzn-ErrorType": code})


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ResourceNotFoundException", 400, ResourceNotFoundException),
        ("InvalidParameterValueException", 400, InvalidParameterValueException),
        ("MissingParameterValueException", 400, MissingParameterValueException),
        ("ServiceUnavailableException", 500, ServiceUnavailableException),
        ("ServiceUnavailable", 503, ServiceUnavailableException),
        ("Whatever", 503, ServiceUnavailableException),
        ("AccessDeniedException", 403, AccessDeniedException),
        ("AccessDenied", 403, AccessDeniedException),
        ("ExpiredTokenException", 403, ExpiredTokenException),
        ("ExpiredToken", 400, ExpiredTokenException),
        (
            "com.amazonaws.backup#InvalidParameterValueException:http://x/",
            400,
            InvalidParameterValueException,
        ),
        ("Throttling", 400, ThrottlingException),
        ("ThrottlingException", 400, ThrottlingException),
        ("TooManyRequestsException", 429, ThrottlingException),
        ("RequestLimitExceeded", 503, ThrottlingException),
        ("SlowDown", 503, ThrottlingException),
        ("Whatever", 429, ThrottlingException),
        ("UnrecognizedClientException", 403, ServiceError),
        ("Whatever", 400, ServiceError),
    ],
)
def test_error_code_has_its_class(
    server: PageServer, code: str, status: int, kind: type[ServiceError]
) -> None:
    """An error of AWS raises its class, with code, status, request id and cause, and pickles."""
    client = RestoreJobsClient(client=server.client(attempts=1))
    server.fail(1, error(code, status, Context="the context"))
    with pytest.raises(ServiceError, match="what AWS says") as caught:
        client.list_restore_jobs().first()
    assert type(caught.value) is kind
    assert isinstance(caught.value.__cause__, ClientError)
    assert caught.value.code == code.rsplit("#", 1)[-1].split(":", 1)[0]
    assert caught.value.http_status == status
    assert caught.value.request_id == "id-1"
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # our own
    assert vars(again) == vars(caught.value)


def test_modelled_error_has_its_context(server: PageServer, client: RestoreJobsClient) -> None:
    """`context` is the member Context of an error that AWS has modelled."""
    server.fail(1, error("InvalidParameterValueException", 400, Context="which", Type="User"))
    with pytest.raises(InvalidParameterValueException) as caught:
        client.list_restore_jobs().first()
    assert caught.value.context == "which"


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("AccessDeniedException", 403, "backup:ListRestoreJobs"),
        ("ExpiredTokenException", 403, "renew the credentials"),
        ("Throttling", 400, "later"),
    ],
)
def test_error_says_what_to_do(server: PageServer, code: str, status: int, advice: str) -> None:
    """The message of an error that can be helped says how."""
    server.fail(1, error(code, status))
    with pytest.raises(ServiceError, match=advice):
        RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs().first()


@pytest.mark.parametrize(("status", "named"), [(403, "HTTP 403 Forbidden"), (499, "HTTP 499")])
def test_error_without_json_has_its_status(
    server: PageServer, client: RestoreJobsClient, status: int, named: str
) -> None:
    """An error with another body than AWS's is named by its HTTP status, and shows that body."""
    server.fail(1, lambda _: Answer(status=status, body=b"<html>Blocked by the proxy</html>"))
    with pytest.raises(ServiceError, match=rf"{named} with .*Blocked by the proxy") as caught:
        client.list_restore_jobs().first()
    assert (caught.value.code, caught.value.http_status) == (str(status), status)


@pytest.mark.parametrize("mode", ["standard", "legacy", "adaptive"])
def test_bare_429_is_requested_again(
    server: PageServer, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 429 without an error code is throttling, in each retry mode of botocore."""
    # In adaptive mode, botocore would wait for its own limit of requests.
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)
    retries: Any = {"mode": mode, "total_max_attempts": 3}
    client = RestoreJobsClient(
        session=SESSION, endpoint_url=server.endpoint_url, config=Config(retries=retries)
    )
    server.fail(1, lambda _: Answer(status=429), times=1)
    assert client.list_restore_jobs().first() is not None
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("retries", "attempts"),
    [
        ({"mode": "legacy"}, 5),
        ({"mode": "standard"}, 3),
        ({"mode": "standard", "total_max_attempts": 1}, 1),
        ({"mode": "standard", "total_max_attempts": 2}, 2),
    ],
)
def test_damaged_page_uses_the_configured_attempts(
    server: PageServer, retries: Any, attempts: int
) -> None:
    """A page that stays damaged is requested as often as the client is configured to."""
    client = SESSION.client(
        "backup", endpoint_url=server.endpoint_url, config=Config(retries=retries)
    )
    server.fail(1, lambda _: Answer(body=b"<html></html>"))
    with pytest.raises(MalformedResponseError):
        RestoreJobsClient(client=client).list_restore_jobs().first()
    assert len(server.requests) == attempts


@pytest.mark.parametrize(
    ("answer", "longest_waits"),
    [
        (Answer(status=429), [1, 2, 4, 8, 16, 20]),
        (Answer(body=b"<html></html>"), [0.05, 0.1, 0.2, 0.4, 0.8, 1.6]),
    ],
    ids=["throttled", "damaged"],
)
def test_waits_between_attempts_grow(
    server: PageServer,
    retry_waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    longest_waits: list[float],
) -> None:
    """Each wait is up to twice as long, from a second if throttled, and much less after damage."""
    # With no retries left, botocore leaves throttling to us.
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: False)
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    server.fail(1, lambda _: answer)
    with pytest.raises(RestoreJobsError):
        RestoreJobsClient(client=server.client(attempts=7)).list_restore_jobs().first()
    assert retry_waits == longest_waits


BOTOCORE_ERRORS = sorted(
    {
        kind
        for kind in vars(botocore.exceptions).values()
        if inspect.isclass(kind)
        and issubclass(kind, Exception)
        and not issubclass(kind, Warning)
        and kind.__module__ == "botocore.exceptions"
    },
    key=lambda kind: kind.__name__,
)


def instance_of(kind: type[Exception]) -> Exception:
    """Return an error of botocore with all that its message needs."""
    if issubclass(kind, ClientError):
        return kind({"Error": {"Code": "Odd", "Message": "no"}}, "ListRestoreJobs")
    fields = {name for _, name, _, _ in string.Formatter().parse(getattr(kind, "fmt", "")) if name}
    values: dict[str, Any] = {name: f"the {name}" for name in fields}
    if kind is WaiterError:
        values["last_response"] = {}
    return kind(**values)


@pytest.mark.parametrize("kind", BOTOCORE_ERRORS)
def test_every_error_of_botocore_becomes_ours(server: PageServer, kind: type[Exception]) -> None:
    """Each error of botocore becomes ours, with its message, its cause and a checkpoint."""
    raised = instance_of(kind)
    boto3_client: Any = server.client(attempts=1)
    listing = RestoreJobsClient(client=boto3_client).list_restore_jobs()

    def fail(**_: object) -> None:
        raise raised

    boto3_client.meta.events.register_first("before-send.backup", fail)
    with pytest.raises(RestoreJobsError) as caught:
        listing.first()
    error = caught.value
    ancestors = {one.__name__ for one in kind.__mro__}
    # The one is a ClientError and the others are BotoCoreErrors, as `kind` is.
    if issubclass(kind, ClientError):
        assert isinstance(error, ServiceError)
    else:
        assert isinstance(error, (ConfigurationError, TransportError))
    is_of_network = not issubclass(kind, (BotoCoreError, ClientError)) or bool(
        ancestors & {"ConnectionError", "HTTPClientError", "IncompleteReadError"}
    )
    assert isinstance(error, TransportError) == is_of_network
    is_of_credentials = any(
        word in kind.__name__ for word in ("Credential", "SSO", "Login", "Profile", "Token")
    )
    assert isinstance(error, CredentialsError) == is_of_credentials
    assert str(raised) in str(error)
    assert error.__cause__ is raised
    assert error.checkpoint is not None
    if kind is WaiterError:
        return  # where causes are pickled, it cannot be read again
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
    assert server.requests == []


def test_errors_of_botocore_are_found() -> None:
    """The test above has all errors that botocore has."""
    assert {BotoCoreError, ClientError, WaiterError} <= set(BOTOCORE_ERRORS)
    assert len(BOTOCORE_ERRORS) > 80


def test_error_has_no_signature_of_the_request(server: PageServer) -> None:
    """An error, its pickle and its cause do not have the signature of the request."""
    server.fail(1, lambda _: Answer(raw=b"", ending="reset"))
    with pytest.raises(TransportError) as caught:
        RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs().first()
    signature = server.headers[0].split("Signature=")[1][:64]
    assert signature not in f"{caught.value} {vars(caught.value)}"
    assert signature not in repr(vars(caught.value.__cause__))
    assert not getattr(caught.value.__cause__, "request", None)
    assert signature.encode() not in pickle.dumps(caught.value)


def test_dates_in_any_form_are_read_in_utc(server: PageServer, client: RestoreJobsClient) -> None:
    """Dates as text with an offset and as epoch seconds are the same moment in UTC."""
    server.jobs = [
        wire_job(1) | {"CreationDate": date}
        for date in ("2026-01-01T05:30:00+05:30", "2026-01-01T00:00:00Z", 1767225600, -0.001)
    ]
    *dates, early = (job.creation_date for job in client.list_restore_jobs())
    for date in dates:
        assert date is not None
        assert date.isoformat() == "2026-01-01T00:00:00+00:00"
    assert early == datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


def test_jobs_of_a_page_share_repeated_values(
    server: PageServer, client: RestoreJobsClient
) -> None:
    """Equal roles and plans of a page are one object, which saves memory."""
    role, plan = f"arn:aws:iam::123456789012:role/{'r' * 60}", f"arn:aws:backup:{'p' * 80}"
    server.jobs = [
        wire_job(n) | {"IamRoleArn": role, "CreatedBy": {"RestoreTestingPlanArn": plan}}
        for n in range(3)
    ]
    first, *rest = client.list_restore_jobs()
    assert first.iam_role_arn == role
    assert first.created_by is not None
    assert first.created_by.restore_testing_plan_arn == plan
    for job in rest:
        assert job.iam_role_arn is first.iam_role_arn
        assert job.created_by is first.created_by


def test_jobs_are_no_work_for_the_garbage_collector(client: RestoreJobsClient) -> None:
    """The cycle collector does not track jobs, and stays on."""
    jobs = list(client.list_restore_jobs())
    assert len(jobs) == 300
    assert not any(gc.is_tracked(job) for job in jobs)
    assert gc.isenabled()
