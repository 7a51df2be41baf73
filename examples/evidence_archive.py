"""Keep evidence of restores in a DuckDB file: a nightly job for several accounts and regions.

python examples/evidence_archive.py                                       six nights, sample jobs
python examples/evidence_archive.py --live PROFILE … --regions REGION …   one night of AWS
python examples/evidence_archive.py --report                              what the archive contains

Each profile stands for one account, and each pair of account and region is one place. A run lists
only jobs that can have changed since the last run: those created since then, and those that had not
ended. It saves each place in its own transaction, so you can kill it at any time and start it
again. A place that could not be listed is a gap in the archive. Every run and report names the gaps
and exits with 1, until later runs have filled them.

A run covers creation dates until one hour before its start, because AWS may list a job late, and
from 30 days before its start, because AWS does not say for how long it lists a job. An older gap
stays a gap, and so does the gap of a place that you no longer list. If you mistyped a profile or a
region, delete its row from the table `places`. The archive never deletes a job. It counts parent
jobs and their children. All times are in UTC.

It needs DuckDB, pytz and the extra `arrow`. The archive is the file evidence.duckdb. The archive of
the six nights is temporary, unless you pass --database.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import product
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection as Archive

from restorejobs_client import RestoreJob, RestoreJobsClient, RestoreJobsError, RestoreJobStatus
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

Place = tuple[str, str]
"""An account, by the name of its profile, and a region."""

LATE, LISTABLE = timedelta(hours=1), timedelta(days=30)

TABLES = """
set timezone = 'UTC';
create table if not exists runs (run bigint primary key, began timestamptz, until timestamptz);
create table if not exists places (
    account varchar, region varchar, since timestamptz, primary key (account, region));
-- A listing without an error covers the creation dates from covered_from to covered_to.
create table if not exists listings (
    run bigint, account varchar, region varchar, asked_after timestamptz, covered_from timestamptz,
    covered_to timestamptz, jobs bigint, new bigint, changed bigint, error varchar);
-- Each job as it was listed last. `save` adds columns for the other members.
create table if not exists jobs (
    account varchar, region varchar, restore_job_id varchar, account_id varchar, status varchar,
    creation_date timestamptz, resource_type varchar, created_by_restore_testing_plan_arn varchar,
    validation_status varchar, deletion_status varchar, duration_seconds double,
    run bigint, primary key (account, region, restore_job_id));
"""

RUN_VIEWS = """
create or replace view periods as
select account, region, since, (select max(until) from runs) as until from places;

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
select *, coalesce((select arg_max(error, run) from listings where covered_to > gap_from
    and account = s.account and region = s.region), 'no run has listed it') as reason
from stretches as s where gap_from < gap_to;

-- Jobs that AWS can still change. It may validate a restore test for 7 days after the restore, and
-- then delete what was restored.
create or replace view open_jobs as
from jobs where (status in ('COMPLETED', 'ABORTED', 'FAILED')) is not true
    or validation_status = 'VALIDATING' or deletion_status = 'DELETING'
    or (status = 'COMPLETED' and created_by_restore_testing_plan_arn is not null
        and deletion_status is null
        and creation_date > (select max(until) from runs) - interval 9 days);
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
select coalesce(strftime(month, '%Y-%m'), 'no date') as month, m.account,
    (select max(account_id) from jobs where account = m.account) as account_id, m.region,
    resource_type, plan,
    coalesce(restores::varchar, if(covered = 'not', 'not covered', '0')) as restores,
    ended, success_rate, median_seconds, p95_seconds, tests_validated,
    if(covered is null, 'covered', covered || ' covered') as coverage, not_covered,
    left(since::varchar, 16) as period_from, left(until::varchar, 16) as period_to
from months m join periods using (account, region) left join coverage using (account, region, month)
left join figures f on (m.account, m.region) = (f.account, f.region)
    and m.month is not distinct from f.month
order by m.month, m.account, m.region, resource_type, plan;
"""

SCHEMA = TABLES + RUN_VIEWS + REPORT_VIEWS


def run(
    archive: Archive,
    places: Mapping[Place, Callable[[], RestoreJobsClient]],
    now: datetime,
    since: datetime,
) -> None:
    """List the jobs of each place that can have changed, and save them, or why that failed."""
    until = now - LATE
    archive.begin()  # if this run is killed, places that it has not reached are gaps
    archive.execute("insert into runs select count(*) + 1, ?, ? from runs", [now, until])
    for place in places:
        start = min(since, until)
        archive.execute("insert or ignore into places values (?, ?, ?)", [*place, start])
    archive.commit()
    with ThreadPoolExecutor(8) as threads:
        bounds = {place: bounds_of(archive, place, until, now - LISTABLE) for place in places}
        tables = {
            place: threads.submit(fetch, make_client, bounds[place][0])
            for place, make_client in places.items()
        }
        for place, table in tables.items():
            counts, failure = (0, 0, 0), None
            archive.begin()
            try:
                counts = save(archive, place, table.result())
            except (RestoreJobsError, duckdb.ConstraintException) as error:
                archive.rollback().begin()
                failure = f"{type(error).__name__}: {error}"
            archive.execute(
                "insert into listings select max(run), ?, ?, ?, ?, ?, ?, ?, ?, ? from runs",
                [*place, *bounds[place], until, *counts, failure],
            )
            archive.commit()


def bounds_of(
    archive: Archive, place: Place, until: datetime, listable: datetime
) -> tuple[datetime, datetime]:
    """Return the creation date to list from, and the date from which that covers the place."""
    ((gap_from, oldest_open),) = archive.execute(
        """
        select (select min(gap_from) from gaps where (account, region) = ($account, $region)
                and gap_to > $listable),
            (select min(creation_date) from open_jobs where (account, region) = ($account, $region))
        """,
        {"account": place[0], "region": place[1], "listable": listable},
    ).fetchall()
    covered_from = max(gap_from, listable) if gap_from else until
    # AWS does not say whether it includes jobs that were created at the bound itself.
    return min(covered_from, oldest_open or covered_from) - timedelta(seconds=1), covered_from


def fetch(make_client: Callable[[], RestoreJobsClient], after: datetime) -> pa.Table:
    return make_client().list_restore_jobs(by_created_after=after).to_arrow()


def save(archive: Archive, place: Place, arrived: pa.Table) -> tuple[int, int, int]:
    """Save new and changed jobs; return how many were listed, are new, and have changed."""
    parameters = dict(zip(("account", "region"), place, strict=True))
    archive.register("arrived", arrived)
    for found, account, account_id in archive.execute(
        """
        with ids as (select distinct account_id from arrived),
        known as (select account, account_id from jobs union select $account, account_id from ids)
        select ids.account_id, known.account, known.account_id from ids, known
        where (known.account = $account) <> (known.account_id = ids.account_id)
        """,
        {"account": place[0]},
    ).fetchall():
        raise RestoreJobsError(f"it lists account {found}, but {account} is {account_id}")
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
        parameters,
    )
    ((changes, changed),) = archive.execute(
        "select count(*), count(jobs.run) "
        "from changes left join jobs using (account, region, restore_job_id)"
    ).fetchall()
    archive.execute("insert or replace into jobs by name from changes")
    return arrived.num_rows, changes - changed, changed


def print_status(archive: Archive) -> bool:
    """Print what the last run did, and the gaps; return whether there is a gap, or no run yet."""
    for began, *counts in archive.execute(
        "select began, count(*) - count(error), sum(jobs), sum(new), sum(changed) "
        "from listings join runs using (run) group by run, began order by run desc limit 1"
    ).fetchall():
        print(f"{began:%F %H:%M}", "{} places listed; {} jobs, {} new, {} changed".format(*counts))
    gaps = archive.execute("select * from gaps order by all").fetchall()
    for account, region, start, end, reason in gaps:
        print(f"NOT COVERED: {account} {region} {start:%F %H:%M} to {end:%F %H:%M}: {reason}")
    return bool(gaps) or not archive.execute("from runs").fetchall()


def print_report(archive: Archive, csv: Path) -> None:
    """Print the figures of each month and the period of each place; write them to a CSV file."""
    report = archive.table("report")
    report.write_csv(str(csv))
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
    periods = "account, account_id, region, period_from, period_to"
    report.project(periods).distinct().order("all").show()


def simulate(archive: Archive) -> None:
    """Run six nights with sample jobs. On the fourth night, access to one place is denied."""
    since, last_night = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 3, 3, tzinfo=UTC)
    nights = [last_night - timedelta(days=days) for days in (5, 4, 3, 2, 1, 0)]
    backups: dict[Place, FakeBackup] = {}
    samples: dict[Place, list[RestoreJob]] = {}
    with ExitStack() as stack:
        for account, number in ("production", "111111111111"), ("staging", "222222222222"):
            for region, count in ("eu-central-1", 150), ("us-east-1", 40):
                jobs = sample_jobs(
                    0 if (account, region) == ("staging", "us-east-1") else count,
                    seed=len(samples),
                    created_after=since,
                    created_before=last_night,
                    region_name=region,
                    account_id=number,
                )
                samples[account, region] = [job for job in jobs if has_settled(job)]
                backups[account, region] = stack.enter_context(
                    fake_backup(region_name=region, account_id=number)
                )
        clients = {place: cache(backup.client) for place, backup in backups.items()}
        for night in nights:
            for place, jobs in samples.items():
                created = [job for job in jobs if job.creation_date and job.creation_date < night]
                backups[place].seed(as_listed(job, night) for job in created)
            if night == nights[3]:
                backups["staging", "eu-central-1"].fail_next("access_denied")
            print_status(archive)
            run(archive, clients, night, since)


def has_settled(job: RestoreJob) -> bool:
    states = {job.validation_status, job.deletion_status}
    return job.is_terminal and states.isdisjoint({"VALIDATING", "DELETING"})


def as_listed(job: RestoreJob, now: datetime) -> RestoreJob:
    """Return a job as AWS lists it at a time: it is RUNNING until its completion date."""
    if job.completion_date is None or job.completion_date <= now:
        return job
    running = replace(job, status=RestoreJobStatus.RUNNING, completion_date=None)
    return replace(running, validation_status=None, deletion_status=None)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--live", nargs="+", metavar="PROFILE", help="list AWS for these profiles")
    parser.add_argument("--regions", nargs="+", metavar="REGION", help="list these AWS regions")
    parser.add_argument(
        "--start",
        type=datetime.fromisoformat,
        metavar="DATE",
        help="where a new archive begins, such as 2026-01-31, in UTC; default: 30 days ago",
    )
    parser.add_argument("--report", action="store_true", help="print the report and write its CSV")
    parser.add_argument("--database", type=Path, help="the archive; default: evidence.duckdb")
    parser.add_argument("--csv", type=Path, help="the report; default: next to the archive")
    given = parser.parse_args()
    if bool(given.live) != bool(given.regions):
        parser.error("--live and --regions need each other")
    is_simulation = not given.live and not given.report
    with tempfile.TemporaryDirectory() as temporary:
        folder = temporary if is_simulation else ""
        database: Path = given.database or Path(folder, "evidence.duckdb")
        if given.report and not given.live and not database.exists():
            parser.error(f"there is no {database}: create it with --live, or pass --database")
        with duckdb.connect(database) as archive:
            archive.execute(SCHEMA)
            if is_simulation:
                simulate(archive)
            if given.live:
                places = {
                    (profile, region): partial(
                        RestoreJobsClient, profile_name=profile, region_name=region
                    )
                    for profile, region in product(given.live, given.regions)
                }
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
