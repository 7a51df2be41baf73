"""`ListRestoreJobsRequest`: accepted and refused values, and what is sent."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.alias_generators import to_pascal

from restorejobs_client import (
    InvalidRequestError,
    ListRestoreJobsRequest,
    ResourceType,
    RestoreJobsClient,
    RestoreJobStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.raw_server import PageServer

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = "arn:aws:backup:eu-west-1:123456789012:restore-testing-plan:nightly-1a2b"


class Constants(str, Enum):  # noqa: UP042  # `str()` of a member is not its value
    """Values that a program keeps in its own enum."""

    ACCOUNT = "123456789012"
    TYPE = "EBS"
    NEW_TYPE = "New"
    PLAN = PLAN
    STATUS = "FAILED"


ACCEPTED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"by_account_id": "012345678901"}, {"accountId": "012345678901"}),
    ({"by_account_id": "*"}, {"accountId": "*"}),
    ({"by_resource_type": "EBS"}, {"resourceType": "EBS"}),
    ({"by_resource_type": "Storage Gateway"}, {"resourceType": "Storage Gateway"}),
    ({"by_resource_type": "SAP HANA on Amazon EC2"}, {"resourceType": "SAP HANA on Amazon EC2"}),
    ({"by_resource_type": ResourceType.VIRTUALMACHINE}, {"resourceType": "VirtualMachine"}),
    ({"by_resource_type": "dynamodb"}, {"resourceType": "DynamoDB"}),
    ({"by_resource_type": "Added-Later_1.0"}, {"resourceType": "Added-Later_1.0"}),
    ({"by_created_before": NEW_YEAR}, {"createdBefore": "2026-01-01T00:00:00Z"}),
    (
        {"by_created_after": NEW_YEAR.astimezone(timezone(timedelta(hours=5, minutes=30)))},
        {"createdAfter": "2026-01-01T00:00:00Z"},
    ),
    (
        {"by_complete_before": NEW_YEAR + timedelta(milliseconds=87)},
        {"completeBefore": "2026-01-01T00:00:00.087000Z"},
    ),
    ({"by_complete_after": "2025-12-31T19:00:00-05:00"}, {"completeAfter": "2026-01-01T00:00:00Z"}),
    (
        {"by_created_after": datetime(1000, 1, 1, tzinfo=UTC)},
        {"createdAfter": "1000-01-01T00:00:00Z"},
    ),
    (
        {"by_created_before": datetime.max.replace(tzinfo=UTC)},
        {"createdBefore": "9999-12-31T23:59:59.999999Z"},
    ),
    ({"by_status": "FAILED"}, {"status": "FAILED"}),
    ({"by_status": RestoreJobStatus.RUNNING}, {"status": "RUNNING"}),
    ({"by_status": "completed"}, {"status": "COMPLETED"}),
    ({"by_restore_testing_plan_arn": PLAN}, {"restoreTestingPlanArn": PLAN}),
    (
        {"by_restore_testing_plan_arn": PLAN.replace("aws:", "aws-us-gov:", 1)},
        {"restoreTestingPlanArn": PLAN.replace("aws:", "aws-us-gov:", 1)},
    ),
    ({"by_parent_job_id": "A b/ü?&=+%"}, {"parentJobId": "A b/ü?&=+%"}),
    (
        {
            "by_account_id": Constants.ACCOUNT,
            "by_resource_type": Constants.TYPE,
            "by_restore_testing_plan_arn": Constants.PLAN,
            "by_status": Constants.STATUS,
            "by_parent_job_id": Constants.NEW_TYPE,
        },
        {
            "accountId": "123456789012",
            "resourceType": "EBS",
            "restoreTestingPlanArn": PLAN,
            "status": "FAILED",
            "parentJobId": "New",
        },
    ),
    ({"by_resource_type": Constants.NEW_TYPE}, {"resourceType": "New"}),
    ({"max_results": 1}, {"maxResults": "1"}),
    ({"max_results": 1000}, {"maxResults": "1000"}),
    ({"next_token": "token-7"}, {"nextToken": "token-7"}),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    *(
        ({"by_account_id": value}, "12 digits")
        for value in ("", "1", "12345678901a", "1234567890123", "١٢٣٤٥٦٧٨٩٠١٢", 123456789012, "**")
    ),
    ({"by_account_id": "123456789012\n"}, "12 digits"),
    *(
        ({"by_resource_type": value}, "resource type")
        for value in ("", " ", "EBS ", "é", "x" * 51, 5)
    ),
    *(
        ({name: value}, "datetime with a time zone")
        for name in (
            "by_created_before",
            "by_created_after",
            "by_complete_before",
            "by_complete_after",
        )
        for value in (
            datetime(2026, 1, 1),  # noqa: DTZ001  # intentional
            date(2026, 1, 1),
            "2026-01-01",
            "2026",
            "yesterday",
            "",
            1767225600,
            1767225600.0,
            True,
            datetime(999, 1, 1, tzinfo=UTC),
            datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        )
    ),
    *(({"by_status": value}, "PENDING, RUNNING") for value in ("", "DONE", "PAUSED", 5, b"FAILED")),
    *(
        ({"by_restore_testing_plan_arn": value}, "restore-testing-plan")
        for value in (
            "",
            "nightly",
            "arn:aws:s3:::bucket",
            PLAN.replace(":backup:", ":ec2:"),
            PLAN.replace("restore-testing-plan", "backup-vault"),
            PLAN.replace("123456789012", "1"),
            f" {PLAN}",
            f"{PLAN}\n",
            f"{PLAN}\ud800",
            5,
        )
    ),
    *(({"by_parent_job_id": value}, "not empty") for value in ("", "  ", 5, b"a", "\ud800")),
    *(({"next_token": value}, "not empty") for value in ("", "\n", 5, "token-\udfff")),
    *(
        ({"max_results": value}, "int from 1 to 1000")
        for value in (0, 1001, -1, True, False, "5", 5.0, None, 10**30)
    ),
]


def ways_to_make(parameters: dict[str, Any]) -> list[Callable[[], ListRestoreJobsRequest]]:
    """Return functions that make a request of these parameters in different ways."""
    in_pascal_case = {to_pascal(name): value for name, value in parameters.items()}
    return [
        lambda: ListRestoreJobsRequest(**parameters),
        lambda: ListRestoreJobsRequest.model_validate(parameters),
        lambda: ListRestoreJobsRequest.model_validate(in_pascal_case),
        lambda: ListRestoreJobsRequest().model_copy(update=parameters),
    ]


@pytest.mark.parametrize(("parameters", "query"), ACCEPTED)
def test_accepted_parameters_are_sent(
    server: PageServer, client: RestoreJobsClient, parameters: dict[str, Any], query: dict[str, str]
) -> None:
    """Keywords and every kind of request send the same query."""
    next(client.list_restore_jobs(**parameters).pages())
    for way in ways_to_make(parameters):
        next(client.list_restore_jobs(way()).pages())
    assert server.requests == [{"maxResults": "1000"} | query] * 5


@pytest.mark.parametrize(("parameters", "allowed"), REFUSED)
def test_wrong_parameters_are_refused_before_sending(
    server: PageServer, client: RestoreJobsClient, parameters: dict[str, Any], allowed: str
) -> None:
    """The error names the parameter, the value and what is allowed; nothing is sent."""
    ((name, value),) = parameters.items()
    calls: list[Callable[[], object]] = [
        *ways_to_make(parameters),
        lambda: client.list_restore_jobs(**parameters),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError) as caught:
            call()
        message = str(caught.value)
        assert message.startswith(f"{name}=")
        assert repr(value)[:60] in message
        assert allowed in message
    assert server.requests == []


@pytest.mark.parametrize("kind", ["created", "complete"])
@pytest.mark.parametrize("later", [timedelta(0), timedelta(microseconds=1), timedelta(days=1)])
def test_empty_date_ranges_are_refused(kind: str, later: timedelta) -> None:
    """The lower bound must be earlier than the upper one."""
    after, before = f"by_{kind}_after", f"by_{kind}_before"
    for way in ways_to_make({after: NEW_YEAR + later, before: NEW_YEAR}):
        with pytest.raises(InvalidRequestError, match=f"{after}=.*{before}="):
            way()
    for way in ways_to_make({after: NEW_YEAR, before: NEW_YEAR + timedelta(microseconds=1)}):
        way()


def test_all_wrong_parameters_are_named() -> None:
    """One error names every wrong parameter, and an empty range of dates."""
    empty = {"by_created_after": NEW_YEAR, "by_created_before": NEW_YEAR}
    wrong: dict[str, Any] = {"by_account_id": "1", "max_results": 0, **empty}
    with pytest.raises(InvalidRequestError, match=r"id=.*; max_results=.*; by_created_after="):
        ListRestoreJobsRequest(**wrong)


def test_long_values_are_shortened() -> None:
    """The error shows only the beginning of a long value."""
    with pytest.raises(InvalidRequestError, match="by_account_id='111") as caught:
        ListRestoreJobsRequest(by_account_id="1" * 10_000)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("by_stats", "did you mean by_status?"),
        ("ByStats", "did you mean ByStatus?"),
        ("created_after", "did you mean by_created_after?"),
        ("qwxyz", "the parameters are by_account_id, "),
        ("limit", "the parameters are by_account_id, "),
    ],
)
def test_unknown_parameters_are_refused(name: str, advice: str) -> None:
    """The error suggests the nearest name, or lists all names."""
    unknown: dict[str, Any] = {name: "x"}
    with pytest.raises(InvalidRequestError) as caught:
        ListRestoreJobsRequest(**unknown)
    assert str(caught.value).startswith(f"{name} is not a parameter here: {advice}")


class Other(BaseModel):
    size: int = 1


@pytest.mark.parametrize("value", [5, None, [], "x", {5: 1}, Other()])
def test_model_validate_refuses_other_objects(value: object) -> None:
    """`model_validate` refuses anything that is not a mapping or model with our names."""
    with pytest.raises(InvalidRequestError):
        ListRestoreJobsRequest.model_validate(value)


@pytest.mark.parametrize("text", [None, 5, b"\xff", "[", "5"])
def test_model_validate_json_refuses_what_is_no_json_object(text: Any) -> None:
    """Whatever is passed instead of JSON is refused with our error."""
    with pytest.raises(InvalidRequestError, match="is not a request"):
        ListRestoreJobsRequest.model_validate_json(text)


def test_parameter_in_two_spellings_is_refused() -> None:
    """A filter that is given twice is not dropped in favour of the other one."""
    for other in (None, "COMPLETED"):
        with pytest.raises(InvalidRequestError, match=r"by_status.*ByStatus.* twice"):
            ListRestoreJobsRequest.model_validate({"by_status": "FAILED", "ByStatus": other})


def test_subclass_with_other_members_is_accepted(client: RestoreJobsClient) -> None:
    """A program may add members of its own, which are not sent."""

    class Mine(ListRestoreJobsRequest):
        verbose: bool = False

    request = Mine(by_status="FAILED")
    assert request.parameters() == {"ByStatus": "FAILED", "MaxResults": 1000}
    assert "by_status='FAILED'" in repr(client.list_restore_jobs(request))


def test_frameworks_and_model_validate_accept_a_request() -> None:
    """Another request is accepted as it is, also by a pydantic type adapter."""
    request = ListRestoreJobsRequest(by_status="FAILED", max_results=7)
    adapter = TypeAdapter(ListRestoreJobsRequest)
    assert ListRestoreJobsRequest.model_validate(request) == request
    assert adapter.validate_python(request) == request
    with pytest.raises(ValidationError, match="5 is not a request"):
        adapter.validate_python(5)


def test_model_validate_json_accepts_both_spellings() -> None:
    """JSON may have AWS's names or ours; wrong JSON is refused."""
    request = ListRestoreJobsRequest(by_status="FAILED", by_created_after=NEW_YEAR)
    for text in (
        '{"ByStatus": "FAILED", "ByCreatedAfter": "2026-01-01T00:00:00Z"}',
        '{"by_status": "FAILED", "by_created_after": "2026-01-01T05:30:00+05:30"}',
        request.model_dump_json(),
    ):
        assert ListRestoreJobsRequest.model_validate_json(text) == request
    for text in ("{", '{"ByStatus": "DONE"}', "[]", '{"max_results": "10"}'):
        with pytest.raises(InvalidRequestError):
            ListRestoreJobsRequest.model_validate_json(text)


def test_requests_are_immutable_values() -> None:
    """A request is frozen and hashable, and it pickles."""
    request = ListRestoreJobsRequest(by_status="FAILED", by_created_after=NEW_YEAR)
    assert pickle.loads(pickle.dumps(request)) == request  # noqa: S301  # our own
    assert hash(request) == hash(ListRestoreJobsRequest(**dict(request)))
    with pytest.raises(ValidationError):
        request.by_status = None  # type: ignore[misc]  # intentional


def test_model_copy_changes_what_is_given() -> None:
    """A copy has the changed parameters and keeps the others."""
    request = ListRestoreJobsRequest(by_status="FAILED", max_results=5, next_token="t")
    assert request.model_copy() == request
    copy = request.model_copy(update={"max_results": 7})
    assert copy == ListRestoreJobsRequest(by_status="FAILED", max_results=7, next_token="t")


def test_parameters_and_filters() -> None:
    """`parameters` is what boto3 accepts; `filters` has the filters that are set, as text."""
    request = ListRestoreJobsRequest(by_status="FAILED", by_created_after=NEW_YEAR, max_results=5)
    assert request.parameters() == {
        "ByStatus": "FAILED",
        "ByCreatedAfter": NEW_YEAR,
        "MaxResults": 5,
    }
    assert request.filters() == {
        "by_status": "FAILED",
        "by_created_after": "2026-01-01T00:00:00+00:00",
    }
