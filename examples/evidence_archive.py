"""A nightly job that keeps evidence of restores in DuckDB, for as long as you want.

python examples/evidence_archive.py                                       six nights, embedded
python examples/evidence_archive.py --live PROFILE … --regions REGION …   one night of AWS
python examples/evidence_archive.py --report                              what the archive says

Each profile stands for one account. A run lists only what can have changed since the last one:
jobs created since then, and those that were still going on. Each listing is one transaction, so
you may kill a run at any moment and start it again. A listing that fails leaves a gap; every run
and every report names the gaps, and the exit code is 1, until later runs have filled them all.

A run covers creation dates up to an hour before its start, because AWS lists a job a little late,
and from 30 days before it, because AWS does not say for how long it lists a job: an older gap
stays. So does that of a profile or region which you no longer ask for. The archive never deletes a
job. All moments are in UTC. Parent jobs and their children all count. It needs DuckDB, pytz and
the extra `arrow`. The archive is evidence.duckdb; the nights above go to a temporary one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection as Archive

from restorejobs_client import RestoreJob, RestoreJobsClient, RestoreJobsError, RestoreJobStatus

Places = Mapping[tuple[str, str], Callable[[], RestoreJobsClient]]
"""For each account (the name of its profile) and region, what makes a client of it."""

LATE, LISTABLE = timedelta(hours=1), timedelta(days=30)

SCHEMA = """
set timezone = 'UTC';
create table if not exists runs (run bigint primary key, began timestamptz, until timestamptz);
create table if not exists places (
    account varchar, region varchar, since timestamptz, primary key (account, region));
create table if not exists listings (  -- one without an error covers its dates
    run bigint, account varchar, region varchar, asked_after timestamptz, covered_from timestamptz,
    covered_to timestamptz, jobs bigint, new bigint, changed bigint, error varchar);
create table if not exists jobs (  -- as the run saw them last; a listing adds the other members
    account varchar, region varchar, restore_job_id varchar, account_id varchar, status varchar,
    creation_date timestamptz, resource_type varchar, created_by_restore_testing_plan_arn varchar,
    validation_status varchar, deletion_status varchar, duration_seconds double,
    run bigint, primary key (account, region, restore_job_id));
create or replace view gaps as
with edges as (
    select account, region, covered_from, covered_to from listings where error is null
    union all select account, region, since, since from places
    union all select account, region, u, u from places, (select max(until) as u from runs)
), stretches as (
    select account, region, max(covered_to) over (
        partition by account, region order by covered_from, covered_to
        rows between unbounded preceding and 1 preceding) as gap_from, covered_from as gap_to
    from edges
)
select *, coalesce((select arg_max(error, run) from listings where covered_to > gap_from
    and account = g.account and region = g.region), 'no run has listed it') as reason
from stretches as g where gap_from < gap_to
"""

# From the first gap, or the oldest job that may change: AWS may validate a test for 7 days after
# its end, and delete what it restored after that. AWS may exclude the bound itself.
BOUNDS = """
select covered_from, least(covered_from, oldest) - interval 1 second from (select coalesce(
    (select greatest(min(gap_from), $listable) from gaps
        where account = $account and region = $region and gap_to > $listable), $until
) as covered_from, (
    select min(creation_date) from jobs where account = $account and region = $region and (
        (status in ('COMPLETED', 'ABORTED', 'FAILED')) is not true
        or validation_status = 'VALIDATING' or deletion_status = 'DELETING'
        or (status = 'COMPLETED' and created_by_restore_testing_plan_arn is not null
            and deletion_status is null and creation_date > $until - interval 9 days))
) as oldest)
"""

OTHER_ACCOUNTS = """
with arriving as (select distinct $account as account, account_id from arrived),
known as (select distinct account, account_id from jobs union from arriving)
select arriving.account_id, known.account, known.account_id from arriving, known
where (arriving.account = known.account) <> (arriving.account_id = known.account_id)
"""

CHANGES = """
create or replace temp table changes as
select $account as account, (select max(run) from runs) as run, * from (
    select {names} from (select * replace ($region as region) from arrived)
    except select {names} from jobs where account = $account and region = $region)
"""

REPORT = """
with periods as (select *, (select max(until) from runs) as until from places),
months as (
    select account, region, unnest(
        generate_series(date_trunc('month', since), until, interval 1 month)) as month from periods
    union select account, region, date_trunc('month', creation_date) from jobs
), uncovered as (
    select account, region, gap_from, gap_to from gaps
    union all select account, region, timestamptz '-infinity', since from periods
    union all select account, region, until, timestamptz 'infinity' from periods
), missing as (
    select account, region, month, month + interval 1 month as next,
        greatest(gap_from, month) as a, least(gap_to, next) as b
    from months join uncovered using (account, region) where gap_from < next and gap_to > month
), coverage as (
    select account, region, month,
        string_agg(left(a::varchar, 16) || ' to ' || left(b::varchar, 16), '; ' order by a)
            as not_covered,
        if(sum(epoch(b) - epoch(a)) < epoch(next) - epoch(month), 'partly', 'not') as covered
    from missing group by account, region, month, next
), figures as (
    select account, region, date_trunc('month', creation_date) as month, resource_type,
        created_by_restore_testing_plan_arn as plan, count(*) as restores,
        count(*) filter (status in ('COMPLETED', 'ABORTED', 'FAILED')) as ended,
        count(*) filter (status = 'COMPLETED') / nullif(ended, 0) as success_rate,
        median(took) as median_seconds, quantile_disc(took, 0.95) as p95_seconds,
        count(*) filter (validation_status = 'SUCCESSFUL') as tests_validated
    from (from jobs select *, if(status = 'COMPLETED' and duration_seconds >= 0,
        duration_seconds, null) as took) group by all
)
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
order by m.month, m.account, m.region, resource_type, plan
"""

PAGE = """
month, account, region, resource_type as type, regexp_extract(plan, '[^:]*$') as plan, restores,
printf('%.1f %%', 100 * success_rate) as success, printf('%.1f min', median_seconds / 60) as median,
printf('%.1f min', p95_seconds / 60) as "95 %", tests_validated as validated, coverage
"""


def run(archive: Archive, places: Places, now: datetime, since: datetime) -> None:
    """List in each place what can have changed, and commit that, or why it failed."""
    until, oldest = now - LATE, now - LISTABLE
    archive.begin()  # the run comes first: what it does not reach is a gap, even if it is killed
    archive.execute("insert into runs select count(*) + 1, ?, ? from runs", [now, until])
    for at in places:
        archive.execute("insert or ignore into places values (?, ?, ?)", [*at, min(since, until)])
    archive.commit()
    pending: list[tuple[str, str, datetime, datetime, Future[pa.Table]]] = []
    with ThreadPoolExecutor(8) as pool:
        for (account, region), client in places.items():
            asked = {"account": account, "region": region, "until": until, "listable": oldest}
            ((covered_from, after),) = archive.execute(BOUNDS, asked).fetchall()
            table = pool.submit(listed, client, after)
            pending.append((account, region, after, covered_from, table))
        for account, region, after, covered_from, table in pending:
            counts, failure = (0, 0, 0), None
            archive.begin()
            try:
                counts = save(archive, account, region, table.result())
            except (RestoreJobsError, duckdb.ConstraintException) as error:
                archive.rollback().begin()
                failure = f"{type(error).__name__}: {error}"
            archive.execute(
                "insert into listings select max(run), ?, ?, ?, ?, ?, ?, ?, ?, ? from runs",
                [account, region, after, covered_from, until, *counts, failure],
            ).commit()


def listed(client: Callable[[], RestoreJobsClient], after: datetime) -> pa.Table:
    return client().list_restore_jobs(by_created_after=after).to_arrow()


def save(archive: Archive, account: str, region: str, arrived: pa.Table) -> tuple[int, int, int]:
    """Insert or update what is new or has changed; return how many jobs came, and both counts."""
    archive.register("arrived", arrived)
    for others in archive.execute(OTHER_ACCOUNTS, {"account": account}).fetchall():
        raise RestoreJobsError("it lists account {}, but {} is {}".format(*others))
    for name, kind, *_ in archive.execute("describe arrived").fetchall():  # a release may add some
        kept = "varchar" if kind.startswith("ENUM") else kind
        archive.execute(f"alter table jobs add column if not exists {name} {kept}")
    names = ", ".join(arrived.column_names)
    place = {"account": account, "region": region}
    archive.execute(CHANGES.format(names=names), place)
    ((new, changed),) = archive.execute(
        "select count(*) - count(jobs.run), count(jobs.run) from changes "
        "left join jobs using (account, region, restore_job_id)"
    ).fetchall()
    archive.execute("insert or replace into jobs by name from changes")
    return arrived.num_rows, new, changed


def tell(archive: Archive) -> bool:
    """Print what the last run did, and every gap; return whether there is any, or no run yet."""
    for began, *counts in archive.execute(
        "select began, count(*) - count(error), sum(jobs), sum(new), sum(changed) "
        "from listings join runs using (run) group by run, began order by run desc limit 1"
    ).fetchall():
        print(f"{began:%F %H:%M}", "{} places listed; {} jobs, {} new, {} changed".format(*counts))
    gaps = archive.execute("select * from gaps order by all").fetchall()
    for account, region, start, end, reason in gaps:
        print(f"NOT COVERED: {account} {region} {start:%F %H:%M} to {end:%F %H:%M}: {reason}")
    return bool(gaps) or not archive.execute("from runs").fetchall()


def report(archive: Archive, csv: Path) -> None:
    """Print the figures by month and the period of each place, and write them to a file."""
    figures = archive.sql(REPORT)
    figures.write_csv(str(csv))
    figures.project(PAGE).show(max_rows=1_000_000, max_width=1_000)
    print("Covered, except what is NOT COVERED above, are the jobs created in these periods:")
    periods = "account, account_id, region, period_from, period_to"
    figures.project(periods).distinct().order("all").show()
    print(f"The same, with what is not covered of each month: {csv}")


def has_settled(job: RestoreJob) -> bool:
    states = {job.validation_status, job.deletion_status}
    return job.is_terminal and states.isdisjoint({"VALIDATING", "DELETING"})


def as_listed(job: RestoreJob, night: datetime) -> RestoreJob:
    """Return a sample job as AWS would list it that night."""
    if job.completion_date is None or job.completion_date <= night:
        return job
    running = replace(job, status=RestoreJobStatus.RUNNING, completion_date=None)
    return replace(running, validation_status=None, deletion_status=None)


def simulate(archive: Archive) -> None:
    """Run six nights of an embedded AWS Backup, which denies one place on the fourth."""
    from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs  # noqa: PLC0415

    since, last = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 3, 3, tzinfo=UTC)
    sample = partial(sample_jobs, created_after=since, created_before=last)
    fakes: dict[tuple[str, str], tuple[FakeBackup, list[RestoreJob]]] = {}
    with ExitStack() as stack:
        for account, number in ("production", "1" * 12), ("staging", "2" * 12):
            for region, count in ("eu-central-1", 150), ("us-east-1", 40 if number < "2" else 0):
                backup = stack.enter_context(fake_backup(region_name=region, account_id=number))
                made = sample(count, seed=len(fakes), region_name=region, account_id=number)
                fakes[account, region] = backup, list(filter(has_settled, made))
        for night in (last - timedelta(days=days) for days in reversed(range(6))):
            for backup, jobs in fakes.values():
                there = [job for job in jobs if job.creation_date and job.creation_date < night]
                backup.seed(as_listed(job, night) for job in there)
            if night == last - timedelta(days=2):
                fakes["staging", "eu-central-1"][0].fail_next("access_denied")
            tell(archive)
            run(archive, {place: fakes[place][0].client for place in fakes}, night, since)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--live", nargs="+", metavar="PROFILE", help="list AWS, once")
    parser.add_argument("--regions", nargs="+", metavar="REGION", help="of each profile")
    parser.add_argument("--start", type=datetime.fromisoformat, help="of a first run, in UTC")
    parser.add_argument("--report", action="store_true", help="print and write what is there")
    parser.add_argument("--database", type=Path, help="default: evidence.duckdb, or temporary")
    parser.add_argument("--csv", type=Path, help="default: beside the database")
    given = parser.parse_args()
    if bool(given.live) != bool(given.regions):
        parser.error("--live and --regions need each other")
    embedded = not given.live and not given.report
    with tempfile.TemporaryDirectory() as folder:
        database: Path = given.database or Path(folder if embedded else "", "evidence.duckdb")
        if not (embedded or given.live or database.exists()):
            parser.error(f"there is no {database}")
        with duckdb.connect(database) as archive:
            archive.execute(SCHEMA)
            if embedded:
                simulate(archive)
            if given.live:
                places = {
                    (name, here): partial(RestoreJobsClient, profile_name=name, region_name=here)
                    for name, here in product(given.live, given.regions)
                }
                now = datetime.now(UTC)
                start: datetime = given.start or now - LISTABLE
                run(archive, places, now, start.replace(tzinfo=start.tzinfo or UTC))
            has_gaps = tell(archive)
            if embedded or given.report:
                report(archive, given.csv or database.with_suffix(".csv"))
    return int(has_gaps)


if __name__ == "__main__":
    sys.exit(main())
