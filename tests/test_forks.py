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
        child = os.fork()
        if child == 0:
            try:
                list(stream)
            except InvalidRequestError as error:
                os._exit("in the process that has forked" not in str(error))
            os._exit(1)
        assert list(stream) == jobs[1:]
        check_child(child)
    """)


def test_child_requests_a_page_of_the_parent_again() -> None:
    """If a handler forks while an answer arrives, the answer belongs to the parent."""
    run("""
        from restorejobs_client.testing import fake_backup, sample_jobs
        from restorejobs_client import RestoreJobsClient
        import boto3
        with fake_backup(sample_jobs(30)) as backup:
            key = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
            client = boto3.client(
                "backup", region_name="us-east-1", endpoint_url=backup.endpoint_url, **key
            )
            children = []

            def fork(**_):
                if not children:
                    children.append(os.fork())

            client.meta.events.register("before-parse.backup.ListRestoreJobs", fork)
            count = len(list(RestoreJobsClient(client=client).list_restore_jobs()))
            if children == [0]:
                os._exit(count != 30)
            check_child(*children)
            assert count == 30
            assert len(backup.requests) == 2
    """)
