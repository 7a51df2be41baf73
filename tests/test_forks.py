"""Forks: parent and child do not share an answer, a lock or a thread."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

BEGIN = """
    import os, signal, sys, threading, time
    sys.path.insert(0, "tests")
    from support.memory_service import Service, job

    jobs = [job(number) for number in range(50)]
    service = Service(jobs, order="given")

    os.register_at_fork(after_in_child=lambda: signal.alarm(20))  # ends a child that hangs

    has_forked = threading.Event()

    def start_reading(work):
        # The thread waits for a page until `has_forked` is set.
        service.before_answer = lambda _: has_forked.wait(20)
        thread = threading.Thread(target=work)
        thread.start()
        while not service.asked:
            time.sleep(0.001)
        return thread

    def check_child(child):
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child failed"
"""


def run(program: str) -> None:
    """Run a program in a new process, which may have threads when it forks."""
    program = textwrap.dedent(BEGIN) + textwrap.dedent(program)
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_parent_and_child_each_continue_an_iterator() -> None:
    """Both get the rest of a listing, even if another thread waits for a page at the fork."""
    run("""
        iterator = iter(service.listing(max_results=7))
        assert [next(iterator) for _ in range(7)] == jobs[:7]
        has_forked, rest = threading.Event(), []
        service.before_answer = lambda _: has_forked.wait(20)
        thread = threading.Thread(target=lambda: rest.extend(iterator))
        thread.start()
        while len(service.asked) < 2:
            time.sleep(0.001)
        child = os.fork()
        if child == 0:
            service.before_answer = lambda _: None
            os._exit(list(iterator) != jobs[7:])
        has_forked.set()
        thread.join()
        assert rest == jobs[7:]
        check_child(child)
    """)


def test_stream_in_a_child_raises_an_error() -> None:
    """A child has no workers, so its stream raises our error; that of the parent is complete."""
    run("""
        from restorejobs_client import InvalidRequestError, gather
        stream = gather(service.listing(max_results=7))
        assert next(stream) == jobs[0]
        while len(service.asked) < 4:  # the child finds jobs that have arrived
            time.sleep(0.01)
        child = os.fork()
        if child == 0:
            for part in [jobs[1:7], [], []]:  # it raises the error again and again
                found = []
                try:
                    found.extend(stream)
                except InvalidRequestError as error:
                    assert "in the process that has forked" in str(error)
                    assert found == part
                else:
                    os._exit(1)
            os._exit(0)
        assert list(stream) == jobs[1:]
        check_child(child)
    """)


@pytest.mark.parametrize(
    "event", ["before-call", "request-created", "before-send", "before-parse", "after-call"]
)
def test_fork_inside_a_call_shares_no_connection(event: str) -> None:
    """If a handler forks in any step of a call, parent and child both get their own answers."""
    run(f"""
        from restorejobs_client.testing import fake_backup, sample_jobs
        jobs = sample_jobs(300, seed=3)
        expected = {{
            status: [job for job in jobs if job.status == status]
            for status in ("FAILED", "RUNNING", "COMPLETED")
        }}

        def ids(status):
            return list(client.list_restore_jobs(by_status=status)) == expected[status]

        with fake_backup(jobs) as backup:
            for _ in range(5):
                client = backup.client()
                assert ids("RUNNING")  # leaves a connection
                children = []

                def fork(**_):
                    if not children:
                        children.append(os.fork())

                client._wire.client.meta.events.register("{event}.backup.ListRestoreJobs", fork)
                own_answer = ids("FAILED")
                if children == [0]:
                    os._exit(not (own_answer and ids("COMPLETED") and ids("RUNNING")))
                assert own_answer and ids("RUNNING") and ids("COMPLETED")
                check_child(*children)
    """)


def test_fork_while_a_connection_opens_shares_no_connection() -> None:
    """A socket that was connected at the fork, but not known yet, stays with the parent."""
    run("""
        import urllib3.util.connection as opening
        from restorejobs_client.testing import fake_backup, sample_jobs
        jobs = sample_jobs(60, seed=3)
        lower = os.open(os.devnull, os.O_RDONLY)  # so that a number below that of a socket is free
        children = []

        def opens(*arguments, **options):
            made = create(*arguments, **options)
            if not children:
                children.append(os.fork())
            return made

        with fake_backup(jobs) as backup:
            for is_idle in (True, False):
                client = backup.client()
                if is_idle:
                    client.list_restore_jobs().first()
                    os.close(lower)
                    children = [os.fork()]
                else:
                    create, opening.create_connection = opening.create_connection, opens
                    children = []
                found = list(client.list_restore_jobs())
                if children == [0]:
                    os._exit(found != jobs)
                assert found == jobs
                check_child(*children)
    """)


def test_second_fork_touches_no_file_of_the_first_child() -> None:
    """A child that closes all files and opens its own keeps them when it forks."""
    run("""
        import tempfile
        from restorejobs_client.testing import fake_backup, sample_jobs
        with fake_backup(sample_jobs(5)) as backup, tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            client = backup.client()
            assert len(list(client.list_restore_jobs())) == 5
            child = os.fork()
            if child == 0:
                os.closerange(3, 256)
                files = [os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY) for _ in range(40)]
                grandchild = os.fork()
                if grandchild == 0:
                    for one in files:
                        os.write(one, b"x")
                    os._exit(0)
                check_child(grandchild)
                os._exit(0)
            check_child(child)
            with open(path) as file:
                assert len(file.read()) == 40
    """)


def test_request_of_a_killed_child_is_not_answered_to_its_parent() -> None:
    """A child that is killed after a fork inside a call leaves the parent no answer of its own."""
    run("""
        from restorejobs_client.testing import fake_backup, sample_jobs
        jobs = sample_jobs(300, seed=3)
        with fake_backup(jobs) as backup:
            for _ in range(5):
                client = backup.client()
                client.list_restore_jobs().first()
                children = []

                def fork(**_):
                    if not children:
                        children.append(os.fork())
                        if children == [0]:
                            signal.setitimer(signal.ITIMER_REAL, 0.02)

                client._wire.client.meta.events.register("before-send.backup.ListRestoreJobs", fork)
                for status in ("FAILED", "RUNNING"):
                    found = list(client.list_restore_jobs(by_status=status))
                    assert found == [job for job in jobs if job.status == status]
                os.waitpid(*children, 0)
    """)


@pytest.mark.parametrize("makes", ["parallel(2)", "watch(timeout=3_600)"])
def test_child_of_a_handler_does_not_wait_for_threads(makes: str) -> None:
    """A fork by a signal handler while `next` waits: our error in the child, all in the parent."""
    run(f"""
        from restorejobs_client import RestoreJobsError
        may_answer = threading.Event()
        service.before_answer = lambda _: may_answer.wait(20)
        iterator = iter(service.listing(max_results=7).{makes})
        children = []

        def fork(*_):
            children.append(os.fork())
            may_answer.set()

        signal.signal(signal.SIGUSR1, fork)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        try:
            found = [next(iterator) for _ in jobs]
        except RestoreJobsError as error:
            os._exit(children != [0] or "fork" not in str(error))
        assert children != [0]
        assert found == jobs
        check_child(*children)
    """)


def test_child_starts_a_stream_that_was_made_before_the_fork() -> None:
    """If all its requests are throttled, it raises in the child, as it would in the parent."""
    run("""
        from restorejobs_client import RestoreJobsErrorGroup, ThrottlingException

        def fail(_):
            raise ThrottlingException("slow", response={}, operation_name="ListRestoreJobs")

        service.before_answer = fail
        stream = service.listing(max_results=7).parallel(4)
        child = os.fork()
        try:
            next(stream)
        except RestoreJobsErrorGroup:
            if child == 0:
                os._exit(0)
        check_child(child)
    """)


def test_child_waits_for_a_stream_that_was_made_before_the_fork() -> None:
    """A child that starts such a stream gets its jobs, and waits for them without using the CPU."""
    run("""
        service.delay = 1.0
        stream = service.listing(max_results=50).parallel(1)
        child = os.fork()
        if child == 0:
            began = time.process_time()
            os._exit(list(stream) != jobs or time.process_time() - began > 0.1)
        check_child(child)
    """)


def test_child_makes_a_client_while_a_thread_of_its_parent_makes_one() -> None:
    """The child does not wait for a client that a thread of its parent is making."""
    run("""
        import boto3
        from restorejobs_client import RestoreJobsClient

        begun, has_forked, make = threading.Event(), threading.Event(), boto3.Session.client

        def make_slowly(*arguments, **options):
            begun.set()
            has_forked.wait(20)
            return make(*arguments, **options)

        boto3.Session.client = make_slowly
        region = {"region_name": "eu-west-1"}
        thread = threading.Thread(target=RestoreJobsClient, kwargs=region)
        thread.start()
        begun.wait(20)
        child = os.fork()
        if child == 0:
            boto3.Session.client = make
            os._exit(RestoreJobsClient(**region).region_name != "eu-west-1")
        has_forked.set()
        thread.join()
        check_child(child)
    """)


def test_task_in_a_child_does_not_wait_for_the_parents_thread() -> None:
    """In a child, `async for` does not wait for a thread of the parent."""
    run("""
        import asyncio
        may_answer = threading.Event()
        service.before_answer = lambda _: may_answer.wait(20)
        iterator = aiter(service.listing(max_results=7))

        async def wait_for_next(seconds):
            return await asyncio.wait_for(anext(iterator), seconds)

        async def rest():
            return [job async for job in iterator]

        try:
            asyncio.run(wait_for_next(0.2))
        except TimeoutError:
            pass
        child = os.fork()
        may_answer.set()
        found = asyncio.run(rest())
        if child == 0:
            os._exit(found != jobs)
        assert found == jobs
        check_child(child)
    """)


def test_child_may_read_a_watch_that_a_thread_of_its_parent_was_reading() -> None:
    """A thread of the child that happens to have the id of that thread is not refused."""
    run("""
        watch = service.listing().watch(until=lambda _: True)
        reading = start_reading(lambda: next(watch))
        child = os.fork()
        if child == 0:
            service.before_answer = lambda _: None
            read, have_read = [], threading.Event()

            def read_with_the_same_id():
                if threading.get_ident() == reading.ident:
                    read.append(next(watch))
                    have_read.set()
                have_read.wait(10)

            threads = [threading.Thread(target=read_with_the_same_id) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            os._exit(not read)
        has_forked.set()
        reading.join()
        check_child(child)
    """)


def test_child_reads_a_table_that_a_thread_of_its_parent_was_reading() -> None:
    """A reader that another thread of the parent reads at the fork goes on in the child."""
    run("""
        import pyarrow as pa
        from restorejobs_client import to_arrow

        to_arrow([])  # imports what tables need
        reader = pa.RecordBatchReader.from_stream(service.listing(max_results=7))
        reading = start_reading(reader.read_next_batch)
        child = os.fork()
        if child == 0:
            service.before_answer = lambda _: None
            os._exit(reader.read_all().num_rows != len(jobs))
        has_forked.set()
        reading.join()
        assert reader.read_all().num_rows == len(jobs) - 7
        check_child(child)
    """)


def test_child_draws_bars() -> None:
    """A child has no lock that another thread of its parent held while it drew a bar."""
    run("""
        from contextlib import redirect_stderr
        from support.terminal import Terminal

        def draw():
            own = Service(jobs[:2])  # it has a lock
            with redirect_stderr(Terminal()):
                return len(list(own.listing(max_results=1, progress=True)))

        draw()
        sys.setswitchinterval(1e-5)
        threading.Thread(target=lambda: [draw() for _ in iter(int, 1)], daemon=True).start()
        for _ in range(200):
            child = os.fork()
            if child == 0:
                os._exit(draw() != 2)
            check_child(child)
    """)
