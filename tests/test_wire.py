"""The fast path: equal to botocore's parser, alone with its own calls, and every error mapped."""

from __future__ import annotations

import functools
import gc
import inspect
import json
import pickle
import string
import threading
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st
from page_server import Answer, PageServer, wire_job

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

# Equal to botocore's own parser


def moments() -> st.SearchStrategy[float | int]:
    """Epoch seconds: AWS's milliseconds, whole seconds, and the edges of the calendar."""
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


@settings(deadline=None, max_examples=150)
@given(jobs=WIRE_JOBS)
def test_every_field_equals_what_botocore_parses(
    _shared_server: tuple[PageServer, RestoreJobsClient], jobs: list[dict[str, Any]]
) -> None:
    server, client = _shared_server
    healthy, server.jobs = server.jobs, jobs
    boto3_client: Any = _plain_client(server)
    try:
        ours = list(client.list_restore_jobs())
        theirs = boto3_client.list_restore_jobs()["RestoreJobs"]
    finally:
        server.jobs = healthy
    assert [same_as_botocore(job) for job in ours] == theirs
    # What botocore parsed, read by us, is the same once more.
    assert [RestoreJob.from_dict(job) for job in theirs] == ours


_plain_client = functools.cache(PageServer.client)


def same_as_botocore(job: RestoreJob) -> dict[str, Any]:
    """Return the job as botocore gives it: AWS names, only what was sent."""
    members = {
        name.title().replace("_", ""): value
        for name, value in job.to_dict().items()
        if value is not None
    }
    if job.created_by is not None:
        plan = job.created_by.restore_testing_plan_arn
        members["CreatedBy"] = {} if plan is None else {"RestoreTestingPlanArn": plan}
    return members


# Alone with its own calls


def test_a_users_own_calls_on_the_same_client_are_let_alone(server: PageServer) -> None:
    boto3_client: Any = server.client()
    expected = server.client().list_restore_jobs()["RestoreJobs"]  # type: ignore[attr-defined]  # made at run time
    client = RestoreJobsClient(client=boto3_client)
    failures: list[object] = []

    def theirs() -> None:
        for _ in range(10):
            if boto3_client.list_restore_jobs()["RestoreJobs"] != expected:
                failures.append("theirs")  # noqa: PERF401  # clearer

    def ours() -> None:
        for _ in range(10):
            if len(list(client.list_restore_jobs(max_results=50))) != 300:
                failures.append("ours")  # noqa: PERF401  # clearer

    threads = [threading.Thread(target=work) for work in (theirs, ours) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_users_own_calls_behave_as_before(server: PageServer) -> None:
    boto3_client: Any = server.client()
    RestoreJobsClient(client=boto3_client)
    RestoreJobsClient(client=boto3_client)
    assert len(boto3_client.list_restore_jobs()["RestoreJobs"]) == 300
    server.requests.clear()
    server.fail(1, lambda _: Answer(body=b"<html></html>"))
    assert set(boto3_client.list_restore_jobs()) == {"ResponseMetadata"}  # botocore's own silence
    assert len(server.requests) == 1
    server.heal()
    server.fail(1, lambda _: Answer(status=400, body=b"<html>proxy</html>"))
    with pytest.raises(ClientError, match="<html>proxy</html>"):
        boto3_client.list_restore_jobs()


def test_a_client_that_is_wrapped_often_is_registered_with_once(server: PageServer) -> None:
    boto3_client: Any = server.client(attempts=3)
    clients = [RestoreJobsClient(client=boto3_client) for _ in range(5)]
    assert len(list(clients[0].list_restore_jobs())) == 300
    server.requests.clear()
    server.fail(1, lambda _: Answer(body=b"<html></html>"))
    with pytest.raises(MalformedResponseError):
        clients[-1].list_restore_jobs().first()
    assert len(server.requests) == 3


def test_a_fault_that_ends_in_a_refusal_is_not_tried_again(server: PageServer) -> None:
    client = RestoreJobsClient(client=server.client(attempts=6))
    server.fail(1, lambda _: Answer(body=b"<html></html>"), times=1)
    server.fail(1, error("AccessDeniedException", 403))
    with pytest.raises(AccessDeniedException):
        client.list_restore_jobs().first()
    assert len(server.requests) == 2


def test_under_stubber_the_parsed_answer_is_read(server: PageServer) -> None:
    boto3_client: Any = server.client()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with Stubber(boto3_client) as stubber:
        stubber.add_response(
            "list_restore_jobs",
            {
                "RestoreJobs": [{"RestoreJobId": "a", "CreationDate": moment, "Status": "FAILED"}],
                "NextToken": "t",
            },
            {"ByStatus": "FAILED", "MaxResults": 1000},
        )
        stubber.add_response("list_restore_jobs", {"RestoreJobs": [{}]})
        jobs = list(RestoreJobsClient(client=boto3_client).list_restore_jobs(by_status="FAILED"))
        stubber.assert_no_pending_responses()
        assert jobs == [
            RestoreJob.from_dict({"RestoreJobId": "a", "CreationDate": moment, "Status": "FAILED"}),
            RestoreJob(),
        ]

        for nothing in ({}, {"ResponseMetadata": {"HTTPStatusCode": 200}}):
            stubber.add_response("list_restore_jobs", nothing)
            assert RestoreJobsClient(client=boto3_client).list_restore_jobs().first() is None

        stubber.add_response("list_restore_jobs", {"RestoreJobs": [{}], "NextToken": "t"})
        stubber.add_response("list_restore_jobs", {})
        with pytest.raises(MalformedResponseError, match="the response with no members"):
            list(RestoreJobsClient(client=boto3_client).list_restore_jobs())

        stubber.add_client_error("list_restore_jobs", "AccessDeniedException", "no", 403)
        with pytest.raises(AccessDeniedException):
            RestoreJobsClient(client=boto3_client).list_restore_jobs().first()

        with pytest.raises(ConfigurationError, match="Unexpected API Call"):
            RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    assert server.requests == []


@pytest.mark.parametrize(
    "parsed",
    [
        {"RestoreJobs": [{"CreationDate": datetime(2026, 1, 1)}]},  # noqa: DTZ001  # the case
        {"RestoreJobs": [{"RestoreJobId": 5}]},
        {"NextToken": 7},
        {"message": "no"},
        {"ResponseMetadata": {"HTTPHeaders": {}}},  # what botocore makes of damage over HTTP
    ],
)
def test_a_parsed_answer_that_is_none_is_refused(
    server: PageServer, parsed: dict[str, Any]
) -> None:
    boto3_client: Any = server.client()

    def answer(**_: object) -> tuple[Any, dict[str, Any]]:
        return type("Response", (), {"status_code": 200}), dict(parsed)

    boto3_client.meta.events.register("before-call.backup.ListRestoreJobs", answer)
    with pytest.raises(MalformedResponseError, match="not a list of restore jobs"):
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()


def test_members_are_known_by_their_aws_names_alone(
    server: PageServer, client: RestoreJobsClient
) -> None:
    members = {"RestoreJobs": [{"restore_job_id": "a"}]}
    server.fail(1, lambda _: Answer(body=json.dumps(members).encode()))
    assert list(client.list_restore_jobs()) == [RestoreJob()]

    def answer(**_: object) -> tuple[Any, dict[str, Any]]:
        return type("Response", (), {"status_code": 200}), dict(members)

    boto3_client: Any = server.client()
    boto3_client.meta.events.register("before-call.backup.ListRestoreJobs", answer)
    listing = RestoreJobsClient(client=boto3_client).list_restore_jobs()
    assert list(listing) == [RestoreJob()]


def test_a_listing_inside_a_call_leaves_that_call_its_checks(server: PageServer) -> None:
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


def test_a_handler_of_the_user_that_fails_is_a_transport_error(server: PageServer) -> None:
    boto3_client: Any = server.client()

    def fail(**_: object) -> None:
        message = "oh"
        raise LookupError(message)

    boto3_client.meta.events.register("before-call.backup", fail)
    with pytest.raises(TransportError, match="LookupError: oh") as caught:
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    assert isinstance(caught.value.__cause__, LookupError)


# Errors


def error(code: str, status: int = 400, **members: object) -> Any:
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
def test_every_answer_that_is_an_error_has_its_class(
    server: PageServer, code: str, status: int, kind: type[ServiceError]
) -> None:
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


def test_a_modelled_error_has_its_context(server: PageServer, client: RestoreJobsClient) -> None:
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
def test_errors_say_what_to_do(server: PageServer, code: str, status: int, advice: str) -> None:
    server.fail(1, error(code, status))
    with pytest.raises(ServiceError, match=advice):
        RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs().first()


@pytest.mark.parametrize(("status", "named"), [(403, "HTTP 403 Forbidden"), (499, "HTTP 499")])
def test_an_error_without_json_is_told_by_its_status(
    server: PageServer, client: RestoreJobsClient, status: int, named: str
) -> None:
    server.fail(1, lambda _: Answer(status=status, body=b"<html>Blocked by the proxy</html>"))
    with pytest.raises(ServiceError, match=rf"{named} with .*Blocked by the proxy") as caught:
        client.list_restore_jobs().first()
    assert (caught.value.code, caught.value.http_status) == (str(status), status)


@pytest.mark.parametrize("mode", ["standard", "legacy", "adaptive"])
def test_a_bare_429_is_tried_again_in_every_mode(server: PageServer, mode: str) -> None:
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
    )
    retries: Any = {"mode": mode, "total_max_attempts": 3}
    client = RestoreJobsClient(
        session=session, endpoint_url=server.endpoint_url, config=Config(retries=retries)
    )
    server.fail(1, lambda _: Answer(status=429), times=1)
    assert client.list_restore_jobs().first() is not None
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("retries", "attempts"),
    [
        ({"mode": "legacy"}, 5),
        ({"mode": "standard"}, 3),
        ({"mode": "standard", "total_max_attempts": 2}, 2),
    ],
)
def test_a_damaged_page_is_asked_for_as_often_as_the_owner_of_a_client_has_set(
    server: PageServer, retries: Any, attempts: int
) -> None:
    session: Any = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
    )
    client = session.client(
        "backup", endpoint_url=server.endpoint_url, config=Config(retries=retries)
    )
    server.fail(1, lambda _: Answer(body=b"<html></html>"))
    with pytest.raises(MalformedResponseError):
        RestoreJobsClient(client=client).list_restore_jobs().first()
    assert len(server.requests) == attempts


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


def raised_as(kind: type[Exception]) -> Exception:
    """Return an exception of botocore as it is raised there."""
    if issubclass(kind, ClientError):
        return kind({"Error": {"Code": "Odd", "Message": "no"}}, "ListRestoreJobs")
    fields = {name for _, name, _, _ in string.Formatter().parse(getattr(kind, "fmt", "")) if name}
    values: dict[str, Any] = {name: f"the {name}" for name in fields}
    if kind is WaiterError:
        values["last_response"] = {}
    return kind(**values)


@pytest.mark.parametrize("kind", BOTOCORE_ERRORS)
def test_every_exception_of_botocore_is_mapped(server: PageServer, kind: type[Exception]) -> None:
    raised = raised_as(kind)
    boto3_client: Any = server.client(attempts=1)
    listing = RestoreJobsClient(client=boto3_client).list_restore_jobs()

    def fail(**_: object) -> None:
        raise raised

    for event in ("before-call.backup", "before-sign.backup", "before-send.backup"):
        boto3_client.meta.events.register_first(event, fail)
        with pytest.raises(RestoreJobsError) as caught:
            listing.first()
        boto3_client.meta.events.unregister(event, fail)
        error = caught.value
        # The one is a ClientError and the others are BotoCoreErrors, as `kind` is.
        ours = (
            ServiceError if issubclass(kind, ClientError) else (ConfigurationError, TransportError)
        )
        assert isinstance(error, ours)
        of_network = any(
            one.__name__ in {"ConnectionError", "HTTPClientError", "IncompleteReadError"}
            for one in kind.__mro__
        ) or not issubclass(kind, (BotoCoreError, ClientError))
        assert isinstance(error, TransportError) == of_network
        assert str(raised) in str(error)
        assert error.__cause__ is raised
        assert error.checkpoint is not None
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
        of_credentials = any(
            word in kind.__name__ for word in ("Credential", "SSO", "Login", "Profile", "Token")
        )
        assert isinstance(error, CredentialsError) == of_credentials
    assert server.requests == []


def test_the_exceptions_of_botocore_are_found() -> None:
    assert {BotoCoreError, ClientError, WaiterError} <= set(BOTOCORE_ERRORS)
    assert len(BOTOCORE_ERRORS) > 80


def test_no_error_carries_the_signature_of_the_request(server: PageServer) -> None:
    server.fail(1, lambda _: Answer(raw=b"", ending="reset"))
    with pytest.raises(TransportError) as caught:
        RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs().first()
    signature = server.headers[0].split("Signature=")[1][:64]
    assert signature not in f"{caught.value} {vars(caught.value)}"
    assert signature.encode() not in pickle.dumps(caught.value)


def test_a_date_with_an_offset_on_the_wire_is_in_utc(
    server: PageServer, client: RestoreJobsClient
) -> None:
    server.jobs = [
        wire_job(1) | {"CreationDate": date}
        for date in ("2026-01-01T05:30:00+05:30", "2026-01-01T00:00:00Z", 1767225600, -0.001)
    ]
    *dates, early = (job.creation_date for job in client.list_restore_jobs())
    for date in dates:
        assert date is not None
        assert date.isoformat() == "2026-01-01T00:00:00+00:00"
    assert early == datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


# Memory


def test_jobs_of_a_page_share_what_repeats(server: PageServer, client: RestoreJobsClient) -> None:
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


# The collector


def test_a_page_gives_the_cycle_collector_nothing_to_do(client: RestoreJobsClient) -> None:
    jobs = list(client.list_restore_jobs())
    assert len(jobs) == 300
    assert not any(gc.is_tracked(job) for job in jobs)
    assert gc.isenabled()


def test_a_job_of_the_wire_is_what_the_server_has(client: RestoreJobsClient) -> None:
    assert client.list_restore_jobs().first() == RestoreJob.from_dict(wire_job(0))
