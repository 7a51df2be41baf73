"""Unusual values: what boto3 can read is read in the same way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.raw_server import Answer, wire_job

from restorejobs_client import InvalidParameterValueException, RestoreJob

if TYPE_CHECKING:
    from support.raw_server import PageServer

    from restorejobs_client import RestoreJobsClient

ODD_JOBS: dict[str, bytes] = {
    "a lone surrogate in a message": rb'{"StatusMessage": "before \ud800 after"}',
    "a lone surrogate in an id": rb'{"RestoreJobId": "\udc00"}',
    "a lone surrogate in a status": rb'{"Status": "\ud83d"}',
    "a lone surrogate in an unknown member": rb'{"New\ud800": "\ud800"}',
    "a surrogate pair": rb'{"StatusMessage": "\ud83d\ude00"}',
    "every escape": rb'{"StatusMessage": "\"\\\/\b\f\n\r\t\u0000\u00e9"}',
    "an escaped name": rb'{"\u0053tatusMessage": "x"}',
    "a name twice in a job": b'{"StatusMessage": "first", "StatusMessage": "last"}',
    "text beyond the basic plane": '{"StatusMessage": "復元 😀"}'.encode(),
    "brackets in a message": b'{"StatusMessage": "[Errno 5] ]}[{"}',
    "NaN in an unknown member": b'{"New": NaN, "Newer": [Infinity, -Infinity]}',
    "an unknown member of any depth": b'{"New": ' + b"[" * 100 + b"]" * 100 + b"}",
    "an unknown RestoreJobs inside of a job": b'{"RestoreJobs": [1], "NextToken": "x"}',
    "a size beyond 64 bits": b'{"BackupSizeInBytes": 99999999999999999999999}',
    "a date with many digits": b'{"CreationDate": 1700000000.1234567890123}',
    "a date with an exponent": b'{"CreationDate": 1.7E9}',
    "a date before the epoch": b'{"CreationDate": -1.5}',
    "empty texts": b'{"RestoreJobId": "", "Status": "", "PercentDone": ""}',
    "the text null in members of text": b'{"RestoreJobId": "null", "AccountId": "NULL"}',
    "the text null as a status": b'{"Status": "null", "ValidationStatus": "NULL"}',
    "an empty job": b"{}",
    "white space": b' {\r\n\t"StatusMessage" : "x" , "IsParent"\t:\ttrue }\n ',
}


@pytest.mark.parametrize("odd", ODD_JOBS.values(), ids=ODD_JOBS)
@pytest.mark.parametrize("others", [0, 3])
def test_odd_job_is_listed_as_by_boto3(
    server: PageServer, client: RestoreJobsClient, odd: bytes, others: int
) -> None:
    """An odd job and the jobs around it equal boto3's, and a checkpoint continues after it."""
    around = [json.dumps(wire_job(number)).encode() for number in range(others)]
    body = b'{"RestoreJobs": [%b]}' % b",".join([*around, odd, *around])
    server.fail(1, lambda _: Answer(body=body))
    boto3_client: Any = server.client()
    theirs = boto3_client.list_restore_jobs()["RestoreJobs"]
    iterator = iter(client.list_restore_jobs())
    ours = [next(iterator) for _ in range(others + 1)]
    rest = list(client.list_restore_jobs(resume_from=iterator.checkpoint))
    assert ours + rest == [RestoreJob.from_dict({"RestoreJobId": None, **job}) for job in theirs]
    assert len(ours + rest) == 2 * others + 1


@pytest.mark.parametrize(
    "members",
    [
        {"New": "x"},
        {"New": ["[", "]", [[]]]},
        {"RestoreJobsCount": 3},
        {"restoreJobs": []},
        {"New": {"RestoreJobs": [1], "NextToken": "x"}},
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_unknown_members_are_ignored_before_and_after_the_jobs(
    server: PageServer, client: RestoreJobsClient, members: dict[str, Any], *, is_first: bool
) -> None:
    """Members that AWS may add to a page are ignored, before and after the jobs."""
    page = {"RestoreJobs": [wire_job(1), wire_job(2)]}
    body = json.dumps(members | page if is_first else page | members).encode()
    server.fail(1, lambda _: Answer(body=body))
    assert len(list(client.list_restore_jobs())) == 2


@pytest.mark.parametrize("token", ["null", "NULL", "None", "false", "0"])
def test_any_text_can_be_a_token(server: PageServer, client: RestoreJobsClient, token: str) -> None:
    """A listing continues with any text as a token, such as one that looks like another value."""
    first = {"RestoreJobs": [wire_job(1)], "NextToken": token}
    server.fail_next(lambda _: Answer(body=json.dumps(first).encode()))
    iterator = iter(client.list_restore_jobs())
    assert next(iterator).restore_job_id == wire_job(1)["RestoreJobId"]
    with pytest.raises(InvalidParameterValueException):  # the server's answer to an unknown token
        next(iterator)
    assert server.requests[1]["nextToken"] == token
