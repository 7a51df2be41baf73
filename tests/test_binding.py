"""An answer belongs to its request: across forks, greenlets, threads, handlers and oddities."""

from __future__ import annotations

import copy
import datetime as dt
import ipaddress
import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.awsrequest import AWSHTTPConnectionPool
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.faults import DAMAGE
from support.raw_server import Answer, PageServer, wire_job
from typing_extensions import override

from restorejobs_client import (
    MalformedResponseError,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
)
from restorejobs_client._aws.connections import _own_connection
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER = Path(__file__).parent / "support" / "status_server.py"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@contextmanager
def status_server(*arguments: str) -> Iterator[str]:
    """Run the server in a process of its own, and yield its URL."""
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, SERVER, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def output_of(program: str, *arguments: str, **environment: str) -> str:
    """Run a program, and return what it prints."""
    variables = {name: one for name, one in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**variables, **CREDENTIALS, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate of 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


FORKS = """
    import os, sys, threading
    import boto3
    from restorejobs_client import RestoreJobsClient

    url, made, threads = sys.argv[1:]
    if made == "handed in":
        theirs = boto3.client("backup", endpoint_url=url)
        theirs.list_restore_jobs(ByStatus="RUNNING")  # it has an open connection already
        client = RestoreJobsClient(client=theirs)
    else:
        client = RestoreJobsClient(endpoint_url=url)

    def listed(status):
        return {job.status.value for job in client.list_restore_jobs(by_status=status)}

    over = threading.Event()
    def busy():
        while not over.is_set():
            assert listed("PENDING") == {"PENDING"}

    others = [threading.Thread(target=busy) for _ in range(int(threads))]
    for one in others:
        one.start()
    for number in range(15):
        assert listed("RUNNING") == {"RUNNING"}
        pipes = []
        for status in ("FAILED", "COMPLETED"):
            reader, writer = os.pipe()
            pipes.append((status, reader))
            if os.fork() == 0:
                try:
                    os.write(writer, ",".join(listed(status)).encode())
                except BaseException as error:
                    os.write(writer, repr(error).encode()[:200])
                os._exit(0)
            os.close(writer)
        assert listed("RUNNING") == {"RUNNING"}
        for status, reader in pipes:
            answer = os.read(reader, 300).decode()
            assert answer == status, (number, status, answer)
            os.close(reader)
            os.wait()
    over.set()
    for one in others:
        one.join()
    print("right")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("made", ["ours", "handed in"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("threads", [0, 3])
def test_children_of_a_fork_get_their_own_answers(
    certificate: Path, made: str, threads: int, *, is_tls: bool
) -> None:
    """A client that is used before a fork works in both children and in the parent."""
    with status_server(*[str(certificate)] * is_tls) as url:
        shown = output_of(FORKS, url, made, str(threads), AWS_CA_BUNDLE=str(certificate))
    assert shown == "right"


def test_greenlets_get_their_own_answers() -> None:
    """Greenlets share a client, although gevent has patched Python after the import."""
    pytest.importorskip("gevent")
    program = """
        import sys
        import restorejobs_client
        import gevent.monkey
        gevent.monkey.patch_all()
        import gevent

        client = restorejobs_client.RestoreJobsClient(endpoint_url=sys.argv[1])
        def listed(status):
            return [str(job.status) for job in client.list_restore_jobs(by_status=status)]
        for _ in range(10):
            jobs = {status: gevent.spawn(listed, status) for status in sys.argv[2:]}
            gevent.joinall(jobs.values(), raise_error=True)
            for status, greenlet in jobs.items():
                assert set(greenlet.value) == {status}, (status, greenlet.value)
        print("right")
    """
    with status_server() as url:
        assert output_of(program, url, "FAILED", "COMPLETED", "RUNNING", "PENDING") == "right"


@pytest.mark.parametrize("patched", ["before", "after"])
@pytest.mark.parametrize("method", ["parallel(3)", "watch(interval=0.1)", "pages()"])
def test_greenlets_share_one_iterator(patched: str, method: str) -> None:
    """Each item goes to one greenlet, whether gevent patches before or after our import."""
    pytest.importorskip("gevent")
    program = f"""
        import sys
        if {patched!r} == "before":
            import gevent.monkey
            gevent.monkey.patch_all()
        from restorejobs_client import RestoreJobsClient
        client = RestoreJobsClient(endpoint_url=sys.argv[1])
        list(client.list_restore_jobs(by_status="RUNNING").parallel())
        if {patched!r} == "after":
            import gevent.monkey
            gevent.monkey.patch_all()
        import gevent

        listing = client.list_restore_jobs(by_status="FAILED")
        iterator = listing.{method}
        expected = list(listing.{method})
        found = []
        def take():
            for item in iterator:
                found.append(item)
                gevent.sleep(0)
        gevent.joinall([gevent.spawn(take) for _ in range(5)], timeout=20, raise_error=True)
        assert len(found) == len(expected) and all(item in expected for item in found), found
        print("right")
    """
    with status_server() as url:
        assert output_of(program, url) == "right"


EVENTS = ["provide-client-params", "before-call", "before-send", "after-call"]


@pytest.mark.parametrize("is_ours", [False, True], ids=["boto3", "listing"])
@pytest.mark.parametrize("event", EVENTS)
def test_handler_may_call_the_same_client(event: str, *, is_ours: bool) -> None:
    """A handler that lists with the same client gets its jobs, and the listing gets its own."""
    jobs = sample_jobs(60)
    failed = [job for job in jobs if job.status == "FAILED"]
    with fake_backup(jobs) as backup:
        core: Any = backup.client()._wire.client  # noqa: SLF001  # the fake has no other boto3 client
        client = RestoreJobsClient(client=core)
        seen: list[list[str | None]] = []
        is_inside = False

        def handler(**_: object) -> None:
            nonlocal is_inside
            if is_inside:
                return
            is_inside = True
            if is_ours:
                inner = client.list_restore_jobs(by_status="FAILED", max_results=20)
                seen.append([job.restore_job_id for job in inner])
            else:
                answer = core.list_restore_jobs(ByStatus="FAILED")
                seen.append([job["RestoreJobId"] for job in answer["RestoreJobs"]])
            is_inside = False

        core.meta.events.register(f"{event}.backup.ListRestoreJobs", handler)
        assert list(client.list_restore_jobs(max_results=20)) == jobs
    assert seen == [[job.restore_job_id for job in failed]] * 3


@pytest.mark.parametrize("name", ["provide-client-params", "before-parameter-build"])
@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test_handler_may_copy_the_parameters(
    server: PageServer, name: str, make: Callable[[Any], Any]
) -> None:
    """A handler that keeps or passes on a copy of the parameters changes nothing."""
    core: Any = server.client(attempts=1)
    kept: list[Any] = []

    def handler(params: Any, context: Any, **_: object) -> Any:
        kept.append(make(context))
        return {key: make(value) for key, value in params.items()}

    core.meta.events.register(f"{name}.backup.ListRestoreJobs", handler)
    listing = RestoreJobsClient(client=core).list_restore_jobs(max_results=100)
    assert len(list(listing)) == 300
    assert len(kept) == 3
    server.fail_next(lambda _: Answer(body=b"<html>"))
    with pytest.raises(MalformedResponseError):
        list(listing)


def test_handler_may_pickle_the_parameters(server: PageServer) -> None:
    """A pickle of the parameters has plain values."""
    core: Any = server.client()
    kept: list[Any] = []

    def handler(params: Any, **_: object) -> None:
        kept.append(pickle.loads(pickle.dumps(params)))  # noqa: S301  # our own

    core.meta.events.register("provide-client-params.backup.ListRestoreJobs", handler)
    assert len(list(RestoreJobsClient(client=core).list_restore_jobs())) == 300
    assert kept == [{"MaxResults": 1000}]
    assert type(kept[0]["MaxResults"]) is int


@pytest.mark.parametrize("name", ["cut", "HTML", "names a token twice"])
def test_handler_that_calls_the_client_hides_no_damage(server: PageServer, name: str) -> None:
    """The page of the outer call is checked, although another call ran inside it."""
    damage = {
        "cut": lambda answer: Answer(body=answer.body[:-20]),
        "HTML": lambda _: Answer(body=b"<html>"),
        "names a token twice": lambda _: Answer(
            body=b'{"RestoreJobs":[],"NextToken":"t","NextToken":null}'
        ),
    }[name]
    core: Any = server.client(attempts=1)
    inside: list[int] = []

    def handler(**_: object) -> None:
        if not inside:
            inside.append(0)
            inside.append(len(core.list_restore_jobs()["RestoreJobs"]))

    core.meta.events.register("before-send.backup.ListRestoreJobs", handler)
    server.fail_next(lambda answer: answer, damage)
    with pytest.raises(MalformedResponseError):
        list(RestoreJobsClient(client=core).list_restore_jobs())
    assert inside == [0, 300]


@pytest.mark.parametrize("name", DAMAGE)
def test_call_on_another_thread_is_checked(server: PageServer, name: str) -> None:
    """A wrapper that runs the calls of a client on another thread hides no damage."""
    core: Any = server.client(attempts=1)
    real = core._make_api_call  # noqa: SLF001  # instrumentation wraps it
    with ThreadPoolExecutor() as pool:
        core._make_api_call = lambda *call: pool.submit(real, *call).result()  # noqa: SLF001
        listing = RestoreJobsClient(client=core).list_restore_jobs(max_results=100)
        assert len(list(listing)) == 300
        server.fail(2, DAMAGE[name])
        with pytest.raises(RestoreJobsError):
            list(listing)


def test_answer_whose_call_was_replaced_is_refused(server: PageServer) -> None:
    """Where a wrapper replaces the parameters, the answer cannot be checked, and is refused."""
    core: Any = server.client()
    real = core._make_api_call  # noqa: SLF001  # as above
    core._make_api_call = lambda name, given: real(name, {**given, "MaxResults": 100})  # noqa: SLF001
    with pytest.raises(MalformedResponseError, match="not checked"):
        list(RestoreJobsClient(client=core).list_restore_jobs())


def test_parts_of_an_answer_are_refused(server: PageServer) -> None:
    """Where a wrapper returns only the members that it knows, the answer was not checked."""
    core: Any = server.client()
    real = core._make_api_call  # noqa: SLF001  # as above
    known = ("RestoreJobs", "NextToken")

    def wrapped(*call: object) -> dict[str, Any]:
        return {name: value for name, value in real(*call).items() if name in known}

    core._make_api_call = wrapped  # noqa: SLF001  # as above
    with pytest.raises(MalformedResponseError, match="not checked"):
        list(RestoreJobsClient(client=core).list_restore_jobs())


def test_answer_after_an_informational_one_is_not_taken_for_the_next() -> None:
    """After a 103, the same page is requested again, on another connection."""
    with PageServer([wire_job(number) for number in range(30)]) as server:
        client = RestoreJobsClient(client=server.client())
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        server.fail(1, lambda answer: Answer(raw=hints + answer.head() + answer.body), times=1)
        assert len(list(client.list_restore_jobs(max_results=10))) == 30
        assert len(list(client.list_restore_jobs(max_results=7))) == 30


def test_bytes_after_a_damaged_page_are_not_taken_for_the_next() -> None:
    """What follows a damaged page on its connection, even later, belongs to no other request."""
    forged = Answer(body=b'{"RestoreJobs":[{"RestoreJobId":"forged"}]}')
    damaged = Answer(body=b"<html>")
    both = b"".join(part for one in (damaged, forged) for part in (one.head(), one.body))
    with PageServer([wire_job(number) for number in range(30)]) as server:
        client = RestoreJobsClient(client=server.client())
        expected = [job["RestoreJobId"] for job in server.jobs]
        for _ in range(20):
            server.fail_next(lambda _: Answer(raw=both))
            jobs = list(client.list_restore_jobs(max_results=10))
            assert [job.restore_job_id for job in jobs] == expected


def test_whole_pages_share_one_connection(server: PageServer) -> None:
    """A connection whose pages are whole is used for the next page."""
    client = RestoreJobsClient(client=server.client())
    before = len(server._connections)  # noqa: SLF001  # our own
    assert len(list(client.list_restore_jobs(max_results=10))) == 300
    assert len(server._connections) == before + 1  # noqa: SLF001  # our own


def test_answer_that_a_tls_socket_keeps_is_not_taken_for_the_next(certificate: Path) -> None:
    """A second answer in the same TLS record, which no poll of the socket sees, is dropped."""
    program = """
        import sys
        from restorejobs_client import RestoreJobsClient

        client = RestoreJobsClient(endpoint_url=sys.argv[1])
        for status in ("FAILED", "RUNNING", "COMPLETED", "PENDING"):
            assert {job.status for job in client.list_restore_jobs(by_status=status)} == {status}
        print("right")
    """
    with status_server(str(certificate), "twice") as url:
        assert output_of(program, url, AWS_CA_BUNDLE=str(certificate)) == "right"


def test_connection_that_was_opening_at_a_fork_is_closed(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process is another one when a connection is open, it belongs to the parent."""
    port = int(server.endpoint_url.rpartition(":")[2])
    connection: Any = _own_connection(urllib3.connection.HTTPConnection)("127.0.0.1", port)
    monkeypatch.setattr(os, "getpid", iter((1, 2)).__next__)
    with pytest.raises(ConnectionResetError):
        connection.connect()
    assert connection.sock is None


def test_recorder_of_http_may_replace_connections(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorder such as vcrpy replaces the class of connections later, and has no socket."""
    made: list[object] = []

    class Recorder(urllib3.connection.HTTPConnection):
        live: Any = None

        @override
        def connect(self) -> None:
            made.append(self)
            super().connect()
            self.live, self.sock = self.sock, None

        @override
        def send(self, data: Any) -> None:
            if self.live is None:
                self.connect()
            self.sock = self.live
            super().send(data)

    client = RestoreJobsClient(client=server.client())
    monkeypatch.setattr(AWSHTTPConnectionPool, "ConnectionCls", Recorder)
    assert len(list(client.list_restore_jobs())) == 300
    assert made


@pytest.mark.parametrize("status", [304, 429, 503])
def test_connection_of_an_error_is_not_used_again(server: PageServer, status: int) -> None:
    """Bytes may follow an answer that is no success, such as the body of a 304."""
    client = RestoreJobsClient(client=server.client(attempts=1))
    assert len(list(client.list_restore_jobs())) == 300
    before = len(server._connections)  # noqa: SLF001  # our own
    server.fail_next(lambda _: Answer(status=status, body=b""))
    with pytest.raises(RestoreJobsError):
        list(client.list_restore_jobs())
    assert len(list(client.list_restore_jobs())) == 300
    assert len(server._connections) == before + 1  # noqa: SLF001  # our own


@pytest.mark.parametrize("attempts", [1, 3])
def test_empty_object_needs_the_request_id_of_aws(server: PageServer, attempts: int) -> None:
    """`{}` is an empty listing only with the header that AWS sends with every answer."""
    client = RestoreJobsClient(client=server.client(attempts=attempts))
    server.fail(1, lambda _: Answer(body=b"{}"))
    assert list(client.list_restore_jobs()) == []
    server.heal()
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    server.fail(1, lambda _: Answer(raw=plain))
    with pytest.raises(MalformedResponseError):
        list(client.list_restore_jobs())


@pytest.mark.parametrize(
    "body",
    [
        b'{"NextToken":"a[b","Items":"x","note":"]"}',
        b'{"note":"[","RestoreJobs":[{"RestoreJobId":"a"}],"Next_Token":"t","end":"]"}',
        b'{"\\"RestoreJobs":[],"NextToken":"t"}',
        b'{"Other":{"RestoreJobs":[1]},"RestoreJobs":[],"next-token":"t"}',
        b'{"RestoreJobs":[],"next_token":"t","end":[]}',
        b'{"RestoreJobs":[{"StatusMessage":"[x]"}],"nextToken":"t","end":"]"}',
    ],
)
def test_brackets_hide_no_member(
    client: RestoreJobsClient, server: PageServer, body: bytes
) -> None:
    """Members next to the list of jobs are checked, wherever there are brackets."""
    server.fail(1, lambda _: Answer(body=body))
    with pytest.raises(MalformedResponseError):
        list(client.list_restore_jobs())


def test_brackets_in_texts_are_no_damage(client: RestoreJobsClient, server: PageServer) -> None:
    """Brackets in a token and in messages are text."""
    body = b'{"NextToken":"a[b]","RestoreJobs":[{"StatusMessage":"[x]"}]}'
    server.fail(1, lambda _: Answer(body=body), times=1)
    page = next(client.list_restore_jobs().pages())
    assert (page.next_token, page.restore_jobs) == ("a[b]", (RestoreJob(status_message="[x]"),))
