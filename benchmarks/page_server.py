"""A very fast ListRestoreJobs server in its own process: `python page_server.py`.

It prints its port, and answers on loopback until its standard input is closed. The path of the
endpoint says what it lists: `/DISTRIBUTION/COUNT/LATENCY_MS`, then AWS's `/restore-jobs/`. A
distribution is one of creation dates (`uniform`, `skewed`, `nightly`), or `uniform` with jobs of
another kind: `emoji` in each message, or `mixed` with pending jobs.
"""

from __future__ import annotations

import asyncio
import bisect
import functools
import json
import random
import sys
import uuid
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import parse_qsl, urlsplit

UNTIL = datetime(2026, 1, 31, tzinfo=UTC).timestamp()
DAYS = 30
Job = dict[str, object]
HEAD = (
    "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\n"
    "x-amzn-RequestId: {id}\r\nContent-Length: {length}\r\n\r\n"
)


def moments(distribution: str, count: int) -> list[float]:
    """Return creation dates, newest first, in epoch seconds of whole milliseconds."""
    chance = random.Random(7)  # noqa: S311  # nothing secret
    span = DAYS * 86400
    dates: list[float] = []
    for _ in range(count):
        place = chance.random()
        if distribution == "skewed" and chance.random() < 0.95:  # noqa: PLR2004  # the case
            place = 0.62 + 0.05 * place
        if distribution == "nightly" and chance.random() < 0.85:  # noqa: PLR2004  # the case
            night = chance.randrange(DAYS)
            place = (night + min(0.9, (2 + chance.expovariate(3)) / 24)) / DAYS
        dates.append(round(UNTIL - span * (1 - place), 3))
    return sorted(dates, reverse=True)


@functools.cache
def jobs(distribution: str, count: int) -> tuple[list[float], list[bytes]]:
    """Return the creation dates, negated so that they ascend, and the JSON of each job."""
    chance = random.Random(8)  # noqa: S311  # nothing secret
    dates = moments(distribution, count)
    make = KINDS.get(distribution, job)
    return [-date for date in dates], [as_json(make(chance, date)) for date in dates]


def as_json(members: Job) -> bytes:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def job(chance: random.Random, created: float) -> Job:
    """Return one finished restore test with nearly all of its members."""
    account, region = "123456789012", "eu-central-1"
    number = f"{chance.getrandbits(128):032x}"
    parts = (number[:8], number[8:12], number[12:16], number[16:20], number[20:])
    return {
        "AccountId": account,
        "RestoreJobId": "-".join(parts),
        "RecoveryPointArn": f"arn:aws:ec2:{region}::snapshot/snap-{chance.getrandbits(68):017x}",
        "SourceResourceArn": f"arn:aws:ec2:{region}:{account}:volume/vol-{number[:17]}",
        "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:Default",
        "CreationDate": created,
        "CompletionDate": round(created + chance.uniform(60, 7200), 3),
        "Status": "COMPLETED",
        "PercentDone": "100.00%",
        "BackupSizeInBytes": chance.randrange(10**12),
        "IamRoleArn": f"arn:aws:iam::{account}:role/service-role/AWSBackupDefaultServiceRole",
        "ExpectedCompletionTimeMinutes": chance.randrange(120),
        "CreatedResourceArn": f"arn:aws:ec2:{region}:{account}:volume/vol-{number[5:22]}",
        "ResourceType": "EBS",
        "RecoveryPointCreationDate": round(created - chance.uniform(3600, 86400), 3),
        "IsParent": False,
        "CreatedBy": {
            "RestoreTestingPlanArn": f"arn:aws:backup:{region}:{account}"
            ":restore-testing-plan:nightly-0123456789abcdef"
        },
        "ValidationStatus": "SUCCESSFUL",
        "DeletionStatus": "SUCCESSFUL",
    }


def emoji_job(chance: random.Random, created: float) -> Job:
    """Return a finished test whose message is not ASCII."""
    return {**job(chance, created), "StatusMessage": "Restore test passed \N{PARTY POPPER}"}


def mixed_job(chance: random.Random, created: float) -> Job:
    """Return a finished test, or, one time in five, a pending job with few members."""
    if chance.random() < 0.8:  # noqa: PLR2004  # the case
        return job(chance, created)
    return {
        "AccountId": "123456789012",
        "RestoreJobId": f"{chance.getrandbits(128):032x}",
        "CreationDate": created,
        "Status": "PENDING",
        "PercentDone": "0.00%",
    }


KINDS = {"emoji": emoji_job, "mixed": mixed_job}


def page(target: str) -> tuple[float, bytes]:
    """Return the latency in seconds and the page that a request asks for."""
    url = urlsplit(target)
    distribution, count, latency = url.path.strip("/").split("/")[:3]
    query = dict(parse_qsl(url.query))
    created, wire = jobs(distribution, int(count))
    if "nextToken" in query:
        start, stop = (int(part) for part in query["nextToken"].split("-"))
    else:
        start, stop = 0, len(wire)
        if "createdBefore" in query:
            moment = datetime.fromisoformat(query["createdBefore"]).timestamp()
            start = bisect.bisect_right(created, -moment)
        if "createdAfter" in query:
            moment = datetime.fromisoformat(query["createdAfter"]).timestamp()
            stop = bisect.bisect_right(created, -moment)
    end = min(start + int(query.get("maxResults", "1000")), stop)
    token = f'"{end}-{stop}"' if end < stop else "null"
    body = b'{"RestoreJobs":[%b],"NextToken":%b}' % (b",".join(wire[start:end]), token.encode())
    return int(latency) / 1000, body


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            latency, body = page(head.split(b" ", 2)[1].decode())
            if latency:
                await asyncio.sleep(latency)
            answer = HEAD.format(date=formatdate(usegmt=True), id=uuid.uuid4(), length=len(body))
            writer.write(answer.encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve until standard input ends."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    print(server.sockets[0].getsockname()[1], flush=True)  # run.py reads it
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
