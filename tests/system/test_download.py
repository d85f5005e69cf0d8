"""Downloads over real connections to servers that are good, bad and changing."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chargectl.system.download import Download, DownloadError, StoppedError, Timing, discard
from tests.broker import wait_until
from tests.ftp_server import FtpServer
from tests.rauc_rig import make_ca, make_signer, run
from tests.web_server import Resource, WebServer

DATA = os.urandom(600_000)
QUICK = Timing(poll_s=0.02, pause_s=0.01, connect_s=2, stall_s=2)


class Client:
    """One folder of downloads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.progress: list[tuple[int, int | None]] = []
        self.download = Download(folder, timing=QUICK, reserve_bytes=4096)

    def fetch(self, url: str, identity: str = "") -> bytes:
        self.download = Download(self.folder, timing=QUICK, reserve_bytes=4096)
        return self.download.fetch(url, identity or url, self._note).read_bytes()

    def _note(self, done: int, length: int | None) -> None:
        self.progress.append((done, length))

    def fetch_until(self, size: int, url: str) -> None:
        """Stop when so much has arrived."""

        def stop() -> None:
            wait_until(lambda: self.size > size)
            self.download.stop()

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(StoppedError):
            self.fetch(url)
        stopper.join()

    @property
    def size(self) -> int:
        path = self.folder / "update.image"
        return path.stat().st_size if path.exists() else 0


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "download")


def test_a_file_arrives_and_its_progress_is_told(client: Client) -> None:
    with WebServer({"u": Resource(DATA)}) as server:
        assert client.fetch(server.url("u")) == DATA
    assert client.progress[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in client.progress] == sorted(done for done, _ in client.progress)
    assert oct((client.folder / "update.json").stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("url", ["web", "ftp"])
def test_a_link_that_breaks_is_gone_on_with_not_begun_anew(client: Client, url: str) -> None:
    with (
        WebServer({"u": Resource(DATA, cut_after=100_000)}) as web,
        FtpServer({"u": DATA}, cut_after=100_000) as ftp,
    ):
        assert client.fetch(web.url("u") if url == "web" else ftp.url("u")) == DATA
        if url == "web":
            sent = [request.sent for request in web.requests("u")]
            assert sum(sent) == len(DATA)
            assert [request.range for request in web.requests("u")] == [
                "",
                *(f"bytes={offset}-" for offset in range(100_000, 600_000, 100_000)),
            ]
        else:
            assert [line for line in ftp.seen if line.startswith("REST") and line != "REST 0"] == [
                f"REST {offset}" for offset in range(100_000, 600_000, 100_000)
            ]


def test_a_later_trial_and_a_later_program_go_on_with_what_is_there(client: Client) -> None:
    with WebServer({"u": Resource(DATA, cut_after=250_000, cuts=1)}) as server:
        url = server.url("u")
        server.files["u"].gate = threading.Event()
        client.fetch_until(10_000, url)
        server.files["u"].gate.set()
        there = client.size
        assert there > 10_000
        assert Client(client.folder).fetch(url) == DATA
        assert server.requests("u")[1].range == f"bytes={there}-"
        assert server.requests("u")[1].headers["if-range"] == server.files["u"].shown_etag


def test_a_complete_file_is_asked_for_once_more_but_not_sent_again(client: Client) -> None:
    with WebServer({"u": Resource(DATA)}) as server:
        client.fetch(server.url("u"))
        assert client.fetch(server.url("u")) == DATA
        assert server.requests("u")[1].sent == 1
        server.files["u"] = Resource(DATA[::-1])
        assert client.fetch(server.url("u")) == DATA[::-1]


@pytest.mark.parametrize(
    "resource",
    [
        Resource,
        lambda data: Resource(data, etag=""),
        lambda data: Resource(data, etag='W/"weak"'),
        lambda data: Resource(data, modified=""),
        lambda data: Resource(data, obeys_if_range=False),
        lambda data: Resource(data, ranges=False),
        lambda data: Resource(data, etag="", modified=""),
    ],
    ids=["both", "date", "weak etag", "etag", "no if-range", "no ranges", "length only"],
)
def test_a_file_that_was_replaced_on_the_server_is_never_spliced(
    client: Client, resource: Callable[[bytes], Resource]
) -> None:
    new = os.urandom(500_000)
    with WebServer({"u": resource(DATA)}) as server:
        gate = server.files["u"].gate = threading.Event()
        client.fetch_until(10_000, server.url("u"))
        gate.set()
        server.files["u"] = resource(new)
        if server.files["u"].modified:
            server.files["u"].modified = "Tue, 02 Jun 2026 12:00:00 GMT"
        assert client.fetch(server.url("u")) == new


def test_a_file_that_was_replaced_on_an_ftp_server_is_never_spliced(client: Client) -> None:
    with FtpServer({"u": DATA}, cut_after=400_000) as server:
        server.files["u"] = DATA
        with pytest.raises(DownloadError):
            Download(client.folder, timing=Timing(0.02, 0.01, 2, 2), reserve_bytes=10**18).fetch(
                server.url("u"), server.url("u"), lambda done, length: None
            )
        client.fetch(server.url("u"))
        server.files["u"] = DATA[::-1]
        server.modified = "20260602120000"
        assert client.fetch(server.url("u")) == DATA[::-1]


def test_one_that_changes_all_the_time_is_given_up(client: Client) -> None:
    with WebServer({"u": Resource(DATA, cut_after=100_000, ranges=False)}) as server:
        with pytest.raises(DownloadError, match="again and again"):
            client.fetch(server.url("u"))
        assert len(server.seen) < 12


def test_another_url_begins_with_an_empty_folder(client: Client) -> None:
    with WebServer({"u": Resource(DATA), "v": Resource(DATA[:70_000])}) as server:
        client.fetch(server.url("u"))
        (client.folder / "leftover").write_text("x")
        assert client.fetch(server.url("v")) == DATA[:70_000]
        assert server.requests("v")[0].range == ""
    assert sorted(os.listdir(client.folder)) == ["headers", "lock", "update.image", "update.json"]
    discard(client.folder)
    assert client.size == 0


def test_new_credentials_go_on_with_the_same_file(client: Client) -> None:
    with WebServer({"u": Resource(DATA, cut_after=100_000, credentials=("me", "p@:/ss"))}) as server:
        with pytest.raises(DownloadError, match="401"):
            client.fetch(server.url("u", "me:wrong"), server.url("u"))
        assert client.fetch(server.url("u", "me:p%40%3A%2Fss"), server.url("u")) == DATA


def test_credentials_stand_in_no_list_of_processes(client: Client) -> None:
    with WebServer({"u": Resource(DATA, credentials=("me", "hunter2hunter2"))}) as server:
        gate = server.files["u"].gate = threading.Event()
        found: list[bytes] = []

        def look() -> None:
            wait_until(lambda: client.size > 0)
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    found.append(entry.read_bytes())
                except OSError:
                    continue
            gate.set()

        watcher = threading.Thread(target=look)
        watcher.start()
        assert client.fetch(server.url("u", "me:hunter2hunter2"), server.url("u")) == DATA
        watcher.join()
    assert any(line.startswith(b"curl\0") for line in found)
    assert not any(b"hunter2hunter2" in line for line in found)
    assert not any(
        b"hunter2" in path.read_bytes() for path in client.folder.iterdir() if path.name != "update.image"
    )


def test_ftp_with_credentials(client: Client) -> None:
    with FtpServer({"dir/u": DATA}, user="a@b", password="p:/ w") as server:
        assert client.fetch(server.url("dir/u", "a%40b:p%3A%2F%20w")) == DATA
        with pytest.raises(DownloadError, match="denied"):
            client.fetch(server.url("dir/u", "a%40b:wrong"))
        with pytest.raises(DownloadError):
            client.fetch(server.url("dir/other", "a%40b:p%3A%2F%20w"))


def test_redirections_are_followed_but_not_to_files_of_this_machine(client: Client) -> None:
    with WebServer({"u": Resource(DATA)}) as server:
        server.files["r"] = Resource(b"", location=server.url("u"))
        server.files["loop"] = Resource(b"", location=server.url("loop"))
        server.files["evil"] = Resource(b"", location="file:///etc/passwd")
        assert client.fetch(server.url("r")) == DATA
        with pytest.raises(DownloadError, match="redirect"):
            client.fetch(server.url("loop"))
        with pytest.raises(DownloadError, match="rotocol"):
            client.fetch(server.url("evil"))


def test_https_is_verified(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_ca(tmp_path, "root")
    make_signer(tmp_path, "server", ca="root", names="IP:127.0.0.1")
    with WebServer(
        {"u": Resource(DATA)}, certificate=(tmp_path / "server.pem", tmp_path / "server.key")
    ) as server:
        with pytest.raises(DownloadError, match="certificate"):
            client.fetch(server.url("u"))
        with pytest.raises(DownloadError, match="certificate"):
            client.download.check(server.url("u"))
        monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "root.pem"))
        assert client.fetch(server.url("u")) == DATA
        client.download.check(server.url("u"))


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (Resource(DATA, status=404), "404"),
        (Resource(DATA, status=503), "503"),
        (Resource(b""), "empty"),
        (Resource(DATA, length=len(DATA) + 1000), "again and again|remaining"),
    ],
    ids=["missing", "busy", "empty", "length too great"],
)
def test_servers_that_do_not_deliver(client: Client, resource: Resource, reason: str) -> None:
    with WebServer({"u": resource}) as server, pytest.raises(DownloadError, match=reason):
        client.fetch(server.url("u"))


def test_a_length_too_small_cuts_the_file_and_no_length_is_no_fault(client: Client) -> None:
    with WebServer({"u": Resource(DATA, length=-1), "v": Resource(DATA, length=1000)}) as server:
        assert client.fetch(server.url("u")) == DATA
        assert client.progress[-1] == (len(DATA), None)
        assert client.fetch(server.url("v")) == DATA[:1000]


def test_servers_that_are_not_there(client: Client) -> None:
    for url in ("http://127.0.0.1:1/u", "http://nowhere.invalid/u", "ftp://127.0.0.1:1/u"):
        with pytest.raises(DownloadError, match="curl"):
            client.fetch(url)


def test_a_server_that_falls_silent_is_asked_again(client: Client) -> None:
    with WebServer({"u": Resource(DATA[:20_000], gate=threading.Event())}) as server:
        client.download = Download(client.folder, timing=Timing(0.02, 0.01, 1, 1), reserve_bytes=4096)
        path = client.download.fetch(server.url("u"), "u", lambda done, length: None)
        assert path.read_bytes() == DATA[:20_000]
        assert [request.range for request in server.seen] == ["", "bytes=16384-"]


def test_a_link_that_is_away_for_a_while_is_waited_for(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with WebServer({"u": Resource(DATA, cut_after=100_000, cuts=1)}) as server:

        def away_then_back(done: int, length: int | None) -> None:
            if done == 100_000 and len(server.seen) == 1:
                server.files["u"].status = 503
            if len(server.seen) == 4:
                server.files["u"].status = 0

        path = client.download.fetch(server.url("u"), "u", away_then_back)
        assert path.read_bytes() == DATA
    assert caplog.text.count("it goes on") == 4


def test_a_file_that_does_not_fit_is_refused_before_it_is_fetched(client: Client) -> None:
    with WebServer({"u": Resource(DATA)}) as server, FtpServer({"u": DATA}) as ftp:
        full = Download(client.folder, timing=QUICK, reserve_bytes=10**18)
        for url in (server.url("u"), ftp.url("u")):
            with pytest.raises(DownloadError, match=r"not enough room in .*download:"):
                full.fetch(url, url, lambda done, length: None)
        assert server.seen == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    path = tmp_path / "disk"
    path.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path)
    try:
        yield path
    finally:
        run("umount", path)


def test_a_disk_that_fills_up_ends_the_download_with_a_reason(small_disk: Path) -> None:
    download = Download(small_disk / "download", timing=QUICK, reserve_bytes=0)
    files = {"u": Resource(DATA * 4), "v": Resource(DATA * 4, length=-1), "w": Resource(DATA)}
    with WebServer(files) as server:
        with pytest.raises(
            DownloadError,
            match=r"not enough room in .*: [12]\.[0-9] MiB are missing, [01]\.[0-9] MiB are free",
        ):
            download.fetch(server.url("u"), "u", lambda done, length: None)
        assert list(small_disk.rglob("update.*")) == [], "the room is for others"
        with pytest.raises(DownloadError, match=r"not enough room in .*: 0\.0 MiB are free"):
            download.fetch(server.url("v"), "v", lambda done, length: None)
        assert download.fetch(server.url("w"), "w", lambda done, length: None).read_bytes() == DATA


def test_one_download_at_a_time(client: Client) -> None:
    with WebServer({"u": Resource(DATA, gate=threading.Event())}) as server:
        first = threading.Thread(target=client.fetch, args=(server.url("u"),))
        first.start()
        wait_until(lambda: client.size > 0)
        with pytest.raises(DownloadError, match="another download"):
            Client(client.folder).fetch(server.url("u"))
        gate = server.files["u"].gate
        assert gate is not None
        gate.set()
        first.join()


def test_hostile_leftovers_are_replaced(client: Client, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    client.folder.mkdir()
    with WebServer({"u": Resource(DATA)}) as server:
        for notes in (b"", b"{}", b"[" * 100_000, b'{"key": 1}', b"\xff"):
            (client.folder / "update.json").write_bytes(notes)
            (client.folder / "update.image").unlink(missing_ok=True)
            (client.folder / "update.image").symlink_to(precious)
            assert client.fetch(server.url("u")) == DATA
    assert precious.read_text() == "mine"


@pytest.mark.spec(257)
def test_the_access_test_is_a_head_request(client: Client) -> None:
    with WebServer(
        {"u": Resource(DATA, credentials=("me", "pw")), "no": Resource(DATA, head_status=405)}
    ) as server:
        client.download.check(server.url("u", "me:pw"))
        assert [request.method for request in server.seen] == ["HEAD"]
        for url, reason in ((server.url("u"), "401"), (server.url("no"), "405"), (server.url("gone"), "404")):
            with pytest.raises(DownloadError, match=reason):
                client.download.check(url)


def test_a_missing_program_and_a_folder_that_cannot_be_are_told(client: Client, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="no-curl cannot be started: No such file"):
        Download(client.folder, curl="no-curl", reserve_bytes=0).fetch("http://h/", "h", lambda a, b: None)
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="file/x: Not a directory"):
        Download(tmp_path / "file" / "x").fetch("http://h/", "h", lambda a, b: None)
