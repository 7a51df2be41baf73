"""`RestoreJobsClient`: its arguments, its configuration, requests, and pickling."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import NoCredentialsError, NoRegionError
from support.raw_server import Answer, PageServer, wire_job

from restorejobs_client import (
    ConfigurationError,
    CredentialsError,
    InvalidRequestError,
    ListRestoreJobsRequest,
    RestoreJobsClient,
    RestoreJobsError,
    gather,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "eu-west-1"


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture
def config_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the AWS configuration file of this test."""
    path = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    return path


def settings_of(client: RestoreJobsClient) -> Any:
    """Return the botocore configuration of a client, which is not public."""
    return client._wire.client.meta.config  # noqa: SLF001  # see above


# Arguments


@pytest.mark.usefixtures("_credentials")
def test_client_uses_its_region_and_endpoint(server: PageServer) -> None:
    """The client signs for the region and calls the endpoint; its repr shows both."""
    client = RestoreJobsClient(region_name="ap-south-1", endpoint_url=server.endpoint_url)
    assert repr(client) == (
        f"RestoreJobsClient(region_name='ap-south-1', endpoint_url='{server.endpoint_url}')"
    )
    assert client.region_name == "ap-south-1"
    assert len(list(client.list_restore_jobs())) == 300
    assert "/ap-south-1/backup/aws4_request" in server.headers[0]


def test_client_uses_its_session(server: PageServer) -> None:
    """A session provides the credentials, and the region unless `region_name` is given."""
    session = boto3.Session("testing", "testing", region_name="eu-north-1")
    client = RestoreJobsClient(session=session, endpoint_url=server.endpoint_url)
    assert client.list_restore_jobs().first()
    assert "/eu-north-1/" in server.headers[0]
    other = RestoreJobsClient(session=session, region_name="eu-south-1")
    assert other.region_name == "eu-south-1"


def test_client_uses_its_profile(server: PageServer, config_file: Path) -> None:
    """A profile provides credentials, region and retries; an unknown profile is refused."""
    config_file.write_text(
        "[profile auditor]\nregion = sa-east-1\nmax_attempts = 3\n"
        "aws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    client = RestoreJobsClient(profile_name="auditor", endpoint_url=server.endpoint_url)
    assert client.list_restore_jobs().first()
    assert "/sa-east-1/" in server.headers[0]
    assert settings_of(client).retries["total_max_attempts"] == 3
    with pytest.raises(CredentialsError, match="nobody"):
        RestoreJobsClient(profile_name="nobody")


def test_threads_may_share_a_session() -> None:
    """Several threads can make clients from one session at the same time."""
    session = boto3.Session(region_name=REGION)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: RestoreJobsClient(session=session), range(8)))


def test_conflicting_arguments_are_refused(server: PageServer) -> None:
    """`client` excludes all other arguments; `session` excludes `profile_name`."""
    session, boto3_client = boto3.Session(region_name=REGION), server.client()
    others: dict[str, Any] = {
        "session": session,
        "region_name": REGION,
        "profile_name": "auditor",
        "endpoint_url": server.endpoint_url,
        "config": Config(),
    }
    for name, value in others.items():
        with pytest.raises(InvalidRequestError, match=rf"{name} .* together with client"):
            RestoreJobsClient(client=boto3_client, **{name: value})
    with pytest.raises(InvalidRequestError, match=r"profile_name .* together with session"):
        RestoreJobsClient(session=session, profile_name="auditor")


@pytest.mark.parametrize("name", ["region", "profile"])
def test_misspelt_arguments_are_refused(name: str) -> None:
    """`region` and `profile` are answered with the names that were meant."""
    misspelt: dict[str, Any] = {name: "eu-west-1"}
    with pytest.raises(InvalidRequestError, match=f"{name} .* did you mean {name}_name"):
        RestoreJobsClient(**misspelt)


@pytest.mark.parametrize(
    ("name", "ours"),
    [("MaxItems", "limit"), ("page_size", "max_results"), ("StartingToken", "resume_from")],
)
def test_names_of_boto3s_paginators_are_answered_with_ours(
    client: RestoreJobsClient, name: str, ours: str
) -> None:
    """`MaxItems` looks like `max_results`, but is `limit`."""
    unknown: dict[str, Any] = {name: 5}
    with pytest.raises(InvalidRequestError, match=f"did you mean {ours}"):
        client.list_restore_jobs(**unknown)


def test_client_of_another_service_is_refused() -> None:
    """`client` must be a boto3 "backup" client."""
    for other in (boto3.client("s3", region_name=REGION), "backup"):
        with pytest.raises(InvalidRequestError, match='"backup" client'):
            RestoreJobsClient(client=other)  # type: ignore[arg-type]  # intentional


def test_object_like_a_client_is_refused(server: PageServer) -> None:
    """A mock is no boto3 client, and neither is a client whose methods are coroutines."""
    mock = MagicMock()
    mock.meta.service_model.service_name = "backup"

    async def list_restore_jobs(**_: object) -> None: ...

    asynchronous: Any = server.client()
    asynchronous.list_restore_jobs = list_restore_jobs
    for other in (mock, asynchronous):
        with pytest.raises(InvalidRequestError, match='"backup" client'):
            RestoreJobsClient(client=other)


# Configuration


def test_missing_region_is_a_configuration_error() -> None:
    """The error says what to do; botocore's own error is its cause."""
    with pytest.raises(ConfigurationError, match="pass region_name") as caught:
        RestoreJobsClient()
    assert isinstance(caught.value.__cause__, NoRegionError)


def test_missing_credentials_raise_when_iterating(server: PageServer) -> None:
    """The error says what to do and has a checkpoint; nothing is sent."""
    client = RestoreJobsClient(region_name=REGION, endpoint_url=server.endpoint_url)
    with pytest.raises(CredentialsError, match="aws configure") as caught:
        client.list_restore_jobs().first()
    assert isinstance(caught.value.__cause__, NoCredentialsError)
    assert caught.value.checkpoint is not None
    assert server.requests == []


def test_incomplete_credentials_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An access key without its secret is a `CredentialsError`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    with pytest.raises(CredentialsError):
        RestoreJobsClient(region_name=REGION).list_restore_jobs().first()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("credential_process = /no/such/tool", "/no/such/tool"),
        ("credential_process = echo no", "JSONDecodeError"),
        ("credential_process = echo []", "AttributeError"),
        ("credential_process = false", "custom-process"),
        (
            "role_arn = arn:aws:iam::1:role/x\nweb_identity_token_file = /no/such/file",
            "/no/such/file",
        ),
        ("role_arn = arn:aws:iam::1:role/x\nsource_profile = nobody", "nobody"),
        ("sso_session = none\nsso_account_id = 1\nsso_role_name = x", "sso"),
    ],
)
def test_broken_source_of_credentials_is_blamed(
    config_file: Path, setting: str, message: str
) -> None:
    """A profile whose credentials cannot be loaded raises `CredentialsError`, which says why."""
    config_file.write_text(f"[default]\n{setting}\n")
    with pytest.raises(CredentialsError, match=message) as caught:
        RestoreJobsClient(
            region_name=REGION, endpoint_url="http://127.0.0.1:9"
        ).list_restore_jobs().first()
    assert "endpoint" not in str(caught.value)


def test_denied_role_is_an_error_of_the_credentials(
    server: PageServer, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If STS refuses the role of the profile, AWS Backup's permission is not what is missing."""
    config_file.write_text(
        "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.endpoint_url)
    denied = b"<E><Error><Code>AccessDenied</Code><Message>no role</Message></Error></E>"
    server.fail_next(lambda _: Answer(status=403, body=denied))
    with pytest.raises(CredentialsError, match="no role") as caught:
        RestoreJobsClient(region_name=REGION).list_restore_jobs().first()
    assert "backup:ListRestoreJobs" not in str(caught.value)


@pytest.mark.parametrize(
    ("region_name", "environment", "message"),
    [
        ("eu west", {}, "eu west"),
        (REGION, {"AWS_MAX_ATTEMPTS": "abc"}, "abc"),
        (REGION, {"AWS_ENDPOINT_URL": "garbage"}, "garbage"),
    ],
)
def test_wrong_configuration_is_refused(
    monkeypatch: pytest.MonkeyPatch, region_name: str, environment: dict[str, str], message: str
) -> None:
    """A value that botocore refuses raises a `ConfigurationError` that shows the value."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message):
        RestoreJobsClient(region_name=region_name)


@pytest.mark.parametrize("how", ["argument", "environment", "file"])
def test_endpoint_that_is_not_of_aws_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    """However it was chosen, `repr` of client and listing and HTML show it, without a password."""
    url = "https://user:hidden-word@backup.example.com:8443"
    if how == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    elif how == "file":
        (tmp_path / "config").write_text(f"[default]\nendpoint_url = {url}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    endpoint_url = url if how == "argument" else None
    client = RestoreJobsClient(region_name=REGION, endpoint_url=endpoint_url)
    listing = client.list_restore_jobs()
    for shown in (repr(client), repr(listing), listing._repr_html_()):  # as notebooks do
        assert "backup.example.com:8443" in shown
        assert "hidden-word" not in shown


@pytest.mark.parametrize("region_name", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
def test_endpoint_of_aws_is_not_shown(region_name: str) -> None:
    """Where the endpoint is AWS's own, the region says enough."""
    assert "endpoint" not in repr(RestoreJobsClient(region_name=region_name))


def test_profile_of_a_session_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A listing names the profile of the session that its client was made from."""
    (tmp_path / "config").write_text("[profile auditor]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    client = RestoreJobsClient(session=boto3.Session(profile_name="auditor"))
    assert client.list_restore_jobs().profile_name == "auditor"
    assert client.list_restore_jobs().region_name == "eu-west-1"


def test_wrong_endpoint_is_refused() -> None:
    """An endpoint must be a URL."""
    with pytest.raises(InvalidRequestError, match="endpoint_url 'nowhere'"):
        RestoreJobsClient(region_name=REGION, endpoint_url="nowhere")


def test_default_retries_and_connections() -> None:
    """By default, a client makes 8 attempts in standard mode and has enough connections."""
    settings = settings_of(RestoreJobsClient(region_name=REGION))
    assert settings.retries == {"mode": "standard", "total_max_attempts": 8}
    assert settings.max_pool_connections >= 32


@pytest.mark.parametrize(
    ("environment", "retries", "expected"),
    [
        ({"AWS_MAX_ATTEMPTS": "2"}, {}, {"total_max_attempts": 2}),
        ({"AWS_RETRY_MODE": "adaptive"}, {}, {"mode": "adaptive"}),
        ({}, {"total_max_attempts": 5}, {"total_max_attempts": 5}),
        ({}, {"max_attempts": 5, "mode": "legacy"}, {"total_max_attempts": 6}),
        ({"AWS_MAX_ATTEMPTS": "2"}, {"total_max_attempts": 5}, {"total_max_attempts": 5}),
    ],
)
def test_configured_retries_are_kept(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    retries: Any,
    expected: dict[str, Any],
) -> None:
    """Retries from the environment or from `config` replace the default."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = Config(retries=retries) if retries else None
    actual = settings_of(RestoreJobsClient(region_name=REGION, config=config)).retries
    assert actual | expected == actual
    assert actual.get("total_max_attempts") != 8


def test_other_settings_of_config_are_kept() -> None:
    """Settings in `config` are combined with the default retries."""
    config = Config(max_pool_connections=3, read_timeout=7)
    settings = settings_of(RestoreJobsClient(region_name=REGION, config=config))
    assert (settings.max_pool_connections, settings.read_timeout) == (3, 7)
    assert settings.retries["total_max_attempts"] == 8


def test_default_config_of_the_session_is_kept() -> None:
    """Retries and timeouts of the session's default client config are kept."""
    session = boto3.Session(region_name=REGION)
    session._session.set_default_client_config(  # noqa: SLF001  # how botocore takes defaults
        Config(retries={"total_max_attempts": 4}, connect_timeout=9)
    )
    settings = settings_of(RestoreJobsClient(session=session))
    assert (settings.retries["total_max_attempts"], settings.connect_timeout) == (4, 9)


# Requests


def test_request_excludes_parameters_as_keywords(client: RestoreJobsClient) -> None:
    """A request cannot be combined with a parameter of AWS, but it can be with `limit`."""
    request = ListRestoreJobsRequest(by_status="FAILED", max_results=10)
    keywords: dict[str, Any] = {
        "by_account_id": "*",
        "by_created_after": datetime(2026, 1, 1, tzinfo=UTC),
        "by_status": "FAILED",
        "max_results": 5,
        "next_token": "t",
    }
    for name, value in keywords.items():
        with pytest.raises(InvalidRequestError, match=rf"{name} .* together with a request"):
            client.list_restore_jobs(request, **{name: value})
    assert len(list(client.list_restore_jobs(request, limit=25))) == 25


def test_unvalidated_request_is_validated(server: PageServer, client: RestoreJobsClient) -> None:
    """A request that pydantic did not validate is validated before anything is sent."""
    construct: Any = ListRestoreJobsRequest.model_construct
    with pytest.raises(InvalidRequestError, match="by_status='DONE'"):
        client.list_restore_jobs(construct(by_status="DONE"))
    assert server.requests == []


@pytest.mark.parametrize("value", ["FAILED", {"by_status": "FAILED"}, 5])
def test_other_objects_are_refused_as_request(client: RestoreJobsClient, value: Any) -> None:
    """The positional argument must be a `ListRestoreJobsRequest`."""
    with pytest.raises(InvalidRequestError, match="ListRestoreJobsRequest"):
        client.list_restore_jobs(value)


# Pickling


@pytest.mark.usefixtures("_credentials")
def test_clients_and_listings_pickle(server: PageServer) -> None:
    """An unpickled client has the same settings; another process can complete a listing."""
    client = RestoreJobsClient(
        region_name="eu-west-3",
        endpoint_url=server.endpoint_url,
        config=Config(retries={"total_max_attempts": 2}, read_timeout=7),
    )
    again, *windows = pickle.loads(  # noqa: S301  # our own
        pickle.dumps([client, *client.list_restore_jobs().split(3)])
    )
    assert repr(again) == repr(client)
    assert settings_of(again).read_timeout == 7
    assert sum(len(list(window)) for window in windows) == 300

    iterator = iter(client.list_restore_jobs(max_results=100))
    before = [next(iterator).restore_job_id for _ in range(150)]
    rest = client.list_restore_jobs(limit=200, resume_from=iterator.checkpoint)
    code = "import pickle, sys\nfor job in pickle.load(sys.stdin.buffer): print(job.restore_job_id)"
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], input=pickle.dumps(rest), capture_output=True, check=True
    )
    assert before + done.stdout.decode().split() == [job["RestoreJobId"] for job in server.jobs]


def test_clients_with_credentials_do_not_pickle(server: PageServer) -> None:
    """A client with credentials, or a config that does not pickle, says why it does not."""
    with_password = "http://user:testing@127.0.0.1:3128"
    proxies = Config(proxies={"https": with_password})
    unsigned = Config(signature_version=UNSIGNED)
    session = boto3.Session(region_name=REGION)
    clients = [
        ("made from a session or a client", RestoreJobsClient(client=server.client())),
        ("made from a session or a client", RestoreJobsClient(session=session)),
        ("a password", RestoreJobsClient(region_name=REGION, config=proxies)),
        ("config of this", RestoreJobsClient(region_name=REGION, config=unsigned)),
        ("a password", RestoreJobsClient(region_name=REGION, endpoint_url=with_password)),
    ]
    for reason, client in clients:
        for value in (client, client.list_restore_jobs(), client.list_restore_jobs().split(2)):
            with pytest.raises(InvalidRequestError, match=reason):
                pickle.dumps(value)


def test_default_session_of_boto3_pickles_as_what_it_is(
    server: PageServer, config_file: Path
) -> None:
    """Its profile and region are found again elsewhere; credentials given to it refuse."""
    keys = "aws_access_key_id=testing\naws_secret_access_key=testing\n"
    config_file.write_text(f"[profile audit]\nregion=eu-west-3\n{keys}")
    boto3.setup_default_session(profile_name="audit")
    pickled = pickle.dumps(RestoreJobsClient(endpoint_url=server.endpoint_url))
    boto3.setup_default_session(region_name="us-east-1")
    again = pickle.loads(pickled)  # noqa: S301  # our own
    assert again.region_name == "eu-west-3"
    assert again.list_restore_jobs().profile_name == "audit"
    boto3.setup_default_session(aws_access_key_id="testing", aws_secret_access_key="testing")
    with pytest.raises(InvalidRequestError, match="setup_default_session"):
        pickle.dumps(RestoreJobsClient(region_name=REGION))
    session: Any = boto3.DEFAULT_SESSION
    session._session._credentials.method = None  # noqa: SLF001  # of refreshable ones, for example
    with pytest.raises(InvalidRequestError, match="setup_default_session"):
        pickle.dumps(RestoreJobsClient(region_name=REGION))


def test_proxies_that_are_one_url_are_our_error() -> None:
    """A wrong type of `proxies` is an error of ours, when it is listed and when it is pickled."""
    wrong: Any = "http://127.0.0.1:9"
    client = RestoreJobsClient(region_name=REGION, config=Config(proxies=wrong))
    with pytest.raises(RestoreJobsError):
        client.list_restore_jobs().first()
    assert pickle.dumps(client)


# Connections


@pytest.fixture
def own_server() -> Iterator[PageServer]:
    """Return a server that only the test uses."""
    with PageServer([wire_job(number) for number in range(30)]) as server:
        yield server


def open_connections(server: PageServer) -> int:
    """Return how many connections the server has."""
    return sum(one.fileno() != -1 for one in list(server._connections))  # noqa: SLF001  # our own


def no_connection_stays(server: PageServer) -> bool:
    """Return whether all connections end within five seconds."""
    deadline = time.monotonic() + 5
    while open_connections(server) and time.monotonic() < deadline:
        time.sleep(0.01)
    return open_connections(server) == 0


def test_closed_client_has_no_connection_and_can_be_used_again(own_server: PageServer) -> None:
    """Leaving the `with` block closes the connections; a later listing opens new ones."""
    with RestoreJobsClient(client=own_server.client()) as client:
        assert len(list(client.list_restore_jobs(max_results=10))) == 30
        assert open_connections(own_server) == 1
    assert no_connection_stays(own_server)
    assert len(list(client.list_restore_jobs())) == 30
    client.close()
    client.close()
    assert no_connection_stays(own_server)


def test_gather_closes_the_clients_whose_listings_have_ended(own_server: PageServer) -> None:
    """Each client has a connection only until its last listing has ended."""
    clients = [RestoreJobsClient(client=own_server.client()) for _ in range(8)]
    listings = [client.list_restore_jobs(max_results=3) for client in clients for _ in range(2)]
    counts = [open_connections(own_server) for _ in gather(*listings, max_workers=1)]
    assert len(counts) == 30 * 16
    assert max(counts) <= 2  # the server may be late to notice that one has ended
    assert no_connection_stays(own_server)
