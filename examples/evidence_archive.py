"""Keep evidence of restores in a DuckDB file: a nightly job for several accounts and regions.

python examples/evidence_archive.py                                       six nights, sample jobs
python examples/evidence_archive.py --live PROFILE … --regions REGION …   one night of AWS
python examples/evidence_archive.py --report                              what the archive contains

A run asks AWS which account each profile has. It lists only jobs that can have changed since the
last run, and saves each region in its own transaction, so you can kill it at any time and start it
again. A region that was not listed is a gap. Every run and report names the gaps and exits with 1,
until later runs have filled them.

A run covers creation dates until one hour before AWS answered, by the clock of AWS, because AWS may
list a job late. It covers nothing if the clock of this machine differs by more than five minutes,
and nothing older than 30 days, because AWS does not say for how long it lists a job. If you stop
listing a region, delete its row from the table `places`, or it stays a gap. The archive never
deletes a job. It counts parent jobs and their children. All times are in UTC.

It needs DuckDB, pytz and the extra `arrow`. Only its owner can read the archive, evidence.duckdb.
The archive of the six nights is temporary, unless you pass --database.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import duckdb
import pyarrow as pa
from botocore.config import Config
from duckdb import DuckDBPyConnection as Archive

from restorejobs_client import RestoreJobsClient, RestoreJobsError, __version__, to_arrow


class Source(NamedTuple):
    """A client, or why there is none, and whom it lists."""

    client: RestoreJobsClient | RestoreJobsError
    account: str | None = None  # the default is the account of the jobs
    endpoint: str | None = None
    is_aws: bool = False
    time: datetime | None = None  # of a simulated service


Row = dict[str, Any]
Places = Mapping[tuple[str, str], Callable[[], RestoreJobsClient | Source]]
"""How to make the client of each profile in each region."""

IGNORE: Row = {"ignore_configured_endpoint_urls": True}  # botocore's stubs do not know it
LATE, CLOCKS, LISTABLE = timedelta(hours=1), timedelta(minutes=5), timedelta(days=30)

TABLES = """
set timezone = 'UTC';
create table if not exists runs (run bigint primary key, began timestamptz, until timestamptz);
create table if not exists places (
    account varchar, region varchar, since timestamptz, primary key (account, region));
-- A listing without an error covers the creation dates from covered_from to covered_to.
create table if not exists listings (
    run bigint, profile varchar, account varchar, region varchar, asked_after timestamptz,
    covered_from timestamptz, covered_to timestamptz, jobs bigint, new bigint, changed bigint,
    endpoint varchar, is_aws boolean, answered_at timestamptz[], request_ids varchar[],
    versions varchar, error varchar);
-- Each job as it was listed last. `save` adds columns for the other members.
create table if not exists jobs (
    account varchar, region varchar, restore_job_id varchar, account_id varchar, status varchar,
    creation_date timestamptz, resource_type varchar, created_by_restore_testing_plan_arn varchar,
    validation_status varchar, deletion_status varchar, duration_seconds double,
    run bigint, primary key (account, region, restore_job_id));
"""

RUN_VIEWS = r"""
-- Text without control characters, and text that a spreadsheet does not read as a formula.
create or replace macro shown(t) as array_to_string([if(regexp_matches(c, '[\pC\p{Zl}\p{Zp}]'),
    printf('\u%04x', unicode(c)), c) for c in string_split(t, '')], '');
create or replace macro cell(t) as if(regexp_matches(t, '^[^\pL\pN]'), '''', '') || t;

create or replace view periods as
select account, region, since, (select arg_max(until, run) from runs) as until from places;

-- A gap is between the end of what is covered so far and the start of the next listing. The ends
-- of the period count as empty listings, so that there can be a gap next to them.
create or replace view gaps as
with covered as (
    select account, region, covered_from, covered_to from listings where error is null
    union all select account, region, since, since from periods
    union all select account, region, until, until from periods
), stretches as (
    select account, region, max(covered_to) over (
        partition by account, region order by covered_from, covered_to
        rows between unbounded preceding and 1 preceding) as gap_from, covered_from as gap_to
    from covered
)
select *, coalesce((select arg_max(error, run) from listings join runs using (run)
    where account = s.account and region = s.region and until > gap_from), 'no run has listed it')
    as reason
from stretches as s where gap_from < gap_to;

-- The gaps, and the failures of the last run that left no gap.
create or replace view problems as
select shown(account) || ' ' || region as place,
    left(gap_from::varchar, 16) || ' to ' || left(gap_to::varchar, 16) || ': ' || shown(reason)
from gaps union select shown(account) || ' ' || region as place, shown(error) from listings
where run = (select max(run) from runs) and error is not null
    and place not in (select shown(account) || ' ' || region from gaps);

-- Jobs that AWS can still change. It may validate a restore test for 7 days after the restore, and
-- then delete what was restored.
create or replace view open_jobs as
from jobs where (status in ('COMPLETED', 'ABORTED', 'FAILED')) is not true
    or validation_status = 'VALIDATING' or deletion_status = 'DELETING'
    or (status = 'COMPLETED' and created_by_restore_testing_plan_arn is not null
        and deletion_status is null
        and creation_date > (select arg_max(until, run) from runs) - interval 9 days);
"""

REPORT_VIEWS = """
-- The months of each period, and those of the jobs, which may be older.
create or replace view months as
select account, region,
    unnest(generate_series(date_trunc('month', since), until, interval 1 month)) as month
from periods union select account, region, date_trunc('month', creation_date) from jobs;

create or replace view coverage as
with uncovered as (
    select account, region, gap_from, gap_to from gaps
    union all select account, region, timestamptz '-infinity', since from periods
    union all select account, region, until, timestamptz 'infinity' from periods
), parts as (  -- of months
    select account, region, month, month + interval 1 month as next_month,
        greatest(gap_from, month) as part_from, least(gap_to, next_month) as part_to
    from months join uncovered using (account, region)
    where gap_from < next_month and gap_to > month
)
select account, region, month,
    string_agg(left(part_from::varchar, 16) || ' to ' || left(part_to::varchar, 16), '; '
        order by part_from) as not_covered,
    if(sum(epoch(part_to) - epoch(part_from)) < epoch(next_month) - epoch(month),
        'partly', 'not') as covered
from parts group by account, region, month, next_month;

create or replace view figures as
select account, region, date_trunc('month', creation_date) as month, resource_type,
    created_by_restore_testing_plan_arn as plan, count(*) as restores,
    count(*) filter (status in ('COMPLETED', 'ABORTED', 'FAILED')) as ended,
    count(*) filter (status = 'COMPLETED') / nullif(ended, 0) as success_rate,
    median(seconds) as median_seconds, quantile_disc(seconds, 0.95) as p95_seconds,
    count(*) filter (validation_status = 'SUCCESSFUL') as tests_validated
from (from jobs select *,
    if(status = 'COMPLETED' and duration_seconds >= 0, duration_seconds, null) as seconds)
group by all;

create or replace view report as
select coalesce(strftime(month, '%Y-%m'), 'no date') as month,
    shown(m.account) as account, m.region, shown(resource_type) as resource_type,
    shown(plan) as plan,
    coalesce(restores::varchar, if(covered = 'not', 'not covered', '0')) as restores,
    ended, success_rate, median_seconds, p95_seconds, tests_validated,
    if(covered is null, 'covered', covered || ' covered') as coverage, not_covered,
    left(since::varchar, 16) as period_from, left(until::varchar, 16) as period_to,
    (select string_agg(distinct shown(endpoint), ' ') from listings
        where account = m.account and region = m.region and not is_aws) as not_aws
from months m join periods using (account, region) left join coverage using (account, region, month)
left join figures f on (m.account, m.region) = (f.account, f.region)
    and m.month is not distinct from f.month
order by m.month, m.account, m.region, resource_type, plan;
"""

ADD_PLACE = "insert or ignore into places values (?, ?, ?)"
DROP_PLACE = "delete from places where (account, region) = (?, ?)"
SCHEMA = TABLES + RUN_VIEWS + REPORT_VIEWS


def run(archive: Archive, places: Places, now: datetime, since: datetime) -> None:
    """List the jobs of each place that can have changed, and save them, or why that failed."""
    until, ahead = now - LATE - CLOCKS, now - datetime.now(UTC)
    since = min(since, until)
    sources: list[tuple[Row, Source]] = []
    archive.begin()  # if this run is killed, places that it has not reached are gaps
    archive.execute("insert into runs select count(*) + 1, ?, ? from runs", [now, until])
    for (profile, region), make in places.items():
        source = made if isinstance(made := make(), Source) else Source(made)
        row = {"profile": profile, "account": source.account or profile, "region": region}
        archive.execute(ADD_PLACE, [row["account"], region, since])
        sources.append((row, source))
    archive.commit()
    with ThreadPoolExecutor(8) as threads:
        listings = [
            (row, threads.submit(fetch, source, bounds_of(archive, row, now), ahead))
            for row, source in sources
        ]
        for row, listing in listings:
            archive.begin()
            try:
                facts, jobs = listing.result()
                found = row | facts
                if found["account"] != row["profile"]:  # which may have had the account's place
                    archive.execute(DROP_PLACE, [row["profile"], row["region"]])
                    archive.execute(ADD_PLACE, [found["account"], row["region"], since])
                row.update(found | save(archive, found, jobs))
            except (RestoreJobsError, duckdb.ConstraintException) as error:
                archive.rollback().begin()
                row["error"] = f"{type(error).__name__}: {error}"
            names, values = ", ".join(row), ", ".join(f"${name}" for name in row)
            insert = f"insert into listings (run, {names}) select max(run), {values} from runs"  # noqa: S608
            archive.execute(insert, row)
            archive.commit()


def bounds_of(archive: Archive, row: Row, now: datetime) -> Row:
    """Return the creation date to list from, and the date from which that covers the place."""
    ((gap_from, oldest_open),) = archive.execute(
        """
        select (select min(gap_from) from gaps where (account, region) = ($account, $region)
                and gap_to > $listable),
            (select min(creation_date) from open_jobs where (account, region) = ($account, $region))
        """,
        {"account": row["account"], "region": row["region"], "listable": now - LISTABLE},
    ).fetchall()
    covered_from = max(gap_from, now - LISTABLE) if gap_from else now - LATE - CLOCKS
    # AWS does not say whether it includes jobs that were created at the bound itself.
    after = min(covered_from, oldest_open or covered_from) - timedelta(seconds=1)
    return {"asked_after": after, "covered_from": covered_from}


def fetch(source: Source, bounds: Row, ahead: timedelta) -> tuple[Row, pa.Table]:
    """Return the facts of a listing, and its jobs. The local clock may be `ahead`, or simulated."""
    if isinstance(source.client, RestoreJobsError):
        raise source.client
    with source.client as client:
        pages = list(client.list_restore_jobs(by_created_after=bounds["asked_after"]).pages())
    here = datetime.now(UTC) + ahead
    # If the pages move meanwhile, a job may come twice: the later one counts.
    jobs = {job.restore_job_id: job for page in pages for job in page}
    accounts = {source.account, *(job.account_id for page in pages for job in page)} - {None}
    if len(accounts) != 1:
        listed = " and ".join(sorted(map(str, accounts))) or "an unknown account"
        raise RestoreJobsError(f"it lists {listed}, but a place has one account")
    times = [time for page in pages if (time := source.time or page.answered_at)]
    there = f"{times[-1]:%F %T}" if times else "an unknown time"
    agree = len(times) == len(pages) and abs(times[-1] - here) <= CLOCKS
    facts = bounds | {
        "account": accounts.pop(),
        "covered_to": min([*times, here]) - LATE,
        "endpoint": source.endpoint or "unknown",
        "is_aws": source.is_aws,
        "answered_at": times,
        "request_ids": [page.request_id for page in pages],
        "versions": f"restorejobs-client {__version__}, boto3 {boto3.__version__}",
        "error": None if agree else f"it is {here:%F %T} here, and {there} at AWS",
    }
    return facts, to_arrow(jobs.values())


def save(archive: Archive, row: Row, arrived: pa.Table) -> Row:
    """Save new and changed jobs; return how many were listed, are new, and have changed."""
    archive.register("arrived", arrived)
    for name, kind, *_ in archive.execute("describe arrived").fetchall():
        column = "varchar" if kind.startswith("ENUM") else kind
        archive.execute(f"alter table jobs add column if not exists {name} {column}")
    names = ", ".join(arrived.column_names)
    archive.execute(
        f"""
        create or replace temp table changes as
        select $account as account, (select max(run) from runs) as run, * from (
            select {names} from (select * replace ($region as region) from arrived)
            except
            select {names} from jobs where (account, region) = ($account, $region))
        """,  # noqa: S608  # the names are columns of our tables
        {"account": row["account"], "region": row["region"]},
    )
    ((changes, changed),) = archive.execute(
        "select count(*), count(jobs.run) "
        "from changes left join jobs using (account, region, restore_job_id)"
    ).fetchall()
    archive.execute("insert or replace into jobs by name from changes")
    return {"jobs": arrived.num_rows, "new": changes - changed, "changed": changed}


def print_status(archive: Archive) -> bool:
    """Print what the last run did, and the gaps; return whether it failed or there is a gap."""
    for began, *counts in archive.execute(
        "select began, count(*) - count(error), ifnull(sum(columns(['jobs', 'new', 'changed'])), 0)"
        " from listings join runs using (run) group by run, began order by run desc limit 1"
    ).fetchall():
        print(f"{began:%F %H:%M}", "{} places listed; {} jobs, {} new, {} changed".format(*counts))
    problems = archive.execute("from problems order by all").fetchall()
    for place, problem in problems:
        print(f"NOT COVERED: {place} {problem}")
    return bool(problems) or not archive.execute("from runs").fetchall()


def print_report(archive: Archive, csv: Path) -> None:
    """Print the figures of each month and the period of each place; write them to a CSV file."""
    report = archive.table("report")
    report.project("cell(columns(*)::varchar) as '\\0'").write_csv(str(csv))
    csv.chmod(0o600)
    report.project(
        """
        month, account, region, resource_type as type,
        regexp_extract(plan, '[^:]*$') as plan, restores,
        printf('%.1f %%', 100 * success_rate) as success,
        printf('%.1f min', median_seconds / 60) as median,
        printf('%.1f min', p95_seconds / 60) as "95 %", tests_validated as validated, coverage
        """
    ).show(max_rows=1_000_000, max_width=1_000)
    print("The archive covers the jobs created in these periods, except what is NOT COVERED above:")
    periods = report.project("account, region, period_from, period_to, not_aws")
    periods.distinct().order("all").show(max_width=1_000)


def live(session_of: Callable[..., Any], profile: str, region: str) -> Source:
    """Return a client for a profile, its account and its endpoint, and whether that is AWS's."""
    try:
        session = session_of(profile_name=profile)
        account = session.client("sts", region_name=region).get_caller_identity()["Account"]
        client = RestoreJobsClient(session=session, region_name=region)
        used, of_aws = (
            session.client("backup", region_name=region, config=config).meta.endpoint_url
            for config in (None, Config(**IGNORE))
        )
        return Source(client, account, used.rpartition("@")[2], used == of_aws)
    except Exception as error:  # noqa: BLE001  # botocore raises many kinds
        # Not the text of the error, which may contain credentials.
        reason = f"it is unknown which account this profile has: {type(error).__name__}"
        return Source(RestoreJobsError(reason))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--live", nargs="+", default=[], metavar="PROFILE", help="list AWS for these profiles")
    add("--regions", nargs="+", default=[], metavar="REGION", help="list these AWS regions")
    add("--start", type=datetime.fromisoformat, help="start of a new archive, such as 2026-01-31")
    add("--report", action="store_true", help="print the report and write its CSV")
    add("--database", type=Path, help="the archive; default: evidence.duckdb")
    add("--csv", type=Path, help="the report; default: next to the archive")
    given = parser.parse_args()
    if bool(given.live) != bool(given.regions):
        parser.error("--live and --regions need each other")
    os.umask(0o077)  # only the owner can read what this program writes
    is_simulation = not given.live and not given.report
    with tempfile.TemporaryDirectory() as temporary:
        folder = temporary if is_simulation else ""
        database: Path = given.database or Path(folder, "evidence.duckdb")
        if given.report and not given.live and not database.exists():
            parser.error(f"there is no {database}: create it with --live, or pass --database")
        with duckdb.connect(database) as archive:
            database.chmod(0o600)
            archive.execute(SCHEMA)
            if is_simulation:
                from evidence_simulation import simulate  # noqa: PLC0415  # it needs this module

                simulate(archive)
            if given.live:
                client_of = partial(live, cache(boto3.Session))
                pairs = product(given.live, given.regions)
                places = {place: partial(client_of, *place) for place in pairs}
                now = datetime.now(UTC)
                start: datetime = given.start or now - LISTABLE
                run(archive, places, now, start.replace(tzinfo=start.tzinfo or UTC))
            has_gaps = print_status(archive)
            if is_simulation or given.report:
                csv: Path = given.csv or database.with_suffix(".csv")
                print_report(archive, csv)
                if not csv.is_relative_to(temporary):
                    print(f"The report of each month, with what is not covered, is in {csv}")
    return int(has_gaps)


if __name__ == "__main__":
    sys.exit(main())
