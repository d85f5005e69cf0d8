"""Requests: URLs with credentials, and numbers of any kind."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.request import LARGEST_NUMBER, RequestError, make_request

PLAIN = "http://example.com/update.image"


@pytest.mark.spec(248)
@pytest.mark.parametrize(
    ("text", "trials", "interval"),
    [
        ("", 1, 0),
        ("0", 1, 0),
        ("-5", 1, 0),
        ("1", 1, 1),
        (" 3\n", 3, 3),
        ("abc", 1, 0),
        ("2.5", 1, 0),
        ("+7", 1, 0),
        ("٣", 1, 0),
        ("1e3", 1, 0),
        ("2147483647", 2147483647, 2147483647),
        ("99999999999", LARGEST_NUMBER, LARGEST_NUMBER),
        ("9" * 1000, LARGEST_NUMBER, LARGEST_NUMBER),
    ],
)
def test_bad_numbers_are_silently_replaced(text: str, trials: int, interval: int) -> None:
    request = make_request(PLAIN, text, text)
    assert (request.max_trials, request.interval_s) == (trials, interval)


def test_unset_numbers() -> None:
    request = make_request(PLAIN)
    assert (request.max_trials, request.interval_s) == (1, 0)


@pytest.mark.spec(256)
@pytest.mark.parametrize(
    ("url", "delta", "checked"),
    [
        ("http://h/u.raucb", True, True),
        ("https://h/a/u.raucb", True, True),
        ("ftp://h/u.raucb", True, False),
        ("ftps://h/u.raucb", True, False),
        ("http://h/u.raucb?token=1", True, True),
        ("http://h/u.image", False, False),
        ("http://h/u.raucb.image", False, False),
        ("http://h/u.RAUCB", False, False),
        ("http://h/?file=u.raucb", False, False),
        ("http://h/", False, False),
    ],
)
def test_the_ending_decides_who_fetches(url: str, delta: bool, checked: bool) -> None:
    request = make_request(url)
    assert (request.delta, request.checked_first) == (delta, checked)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/shadow", "allowed are http, https, ftp, ftps"),
        ("/srv/update.image", "allowed are"),
        ("scp://h/u", "allowed are"),
        ("http:///u.image", "no host"),
        ("http://user@/u.image", "no host"),
        ("http://h:99999/u", "cannot be read"),
        ("http://h:0/u", "port"),
        ("http://h:x/u", "cannot be read"),
        ("http://[::1/u", "cannot be read"),
        ("http://h/a b", "%20"),
        ("http://h/a\nb", "%20"),
        ("http://h/\x00", "%20"),
    ],
)
def test_unusable_urls_are_refused_with_a_reason(url: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        make_request(url)


@pytest.mark.parametrize(
    "url",
    [
        "scp://me:hunter2@h/u",
        "http://me:hunter2@h:99999/u",
        "http://me:hunter2@h:hunter2/u",
        "http://me:hunter2/u",
        "http://me:hunter2@/",
        "http://me:hunter2@h/ x",
        "http://me:hunter2\u2100@h/x",
    ],
)
def test_a_refusal_does_not_repeat_the_password(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        make_request(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "credentials", "clean"),
    [
        ("http://h/u", None, "http://h/u"),
        ("HTTP://h/u", None, "http://h/u"),
        (" http://h/u ", None, "http://h/u"),
        ("http://me@h/u", ("me", ""), "http://me:@h/u"),
        ("http://me:pw@h:81/u?q=1#f", ("me", "pw"), "http://me:pw@h:81/u?q=1"),
        ("ftp://a%40b:p%3A%2F@h/u", ("a@b", "p:/"), "ftp://a%40b:p%3A%2F@h/u"),
        ("http://me:p@ss@h/u", ("me", "p@ss"), "http://me:p%40ss@h/u"),
        ("http://me:a:b@h/u", ("me", "a:b"), "http://me:a%3Ab@h/u"),
        ("http://me:\N{SNOWMAN}@h/u", ("me", "\N{SNOWMAN}"), "http://me:%E2%98%83@h/u"),
    ],
)
def test_credentials_are_found_and_written_so_that_all_agree(
    url: str, credentials: tuple[str, str] | None, clean: str
) -> None:
    request = make_request(url)
    assert request.credentials == credentials
    assert request.url == clean


SECRET = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=6, max_size=20).map(
    lambda s: "Q" + s
)


@given(SECRET)
def test_what_is_shown_or_kept_holds_no_secret(secret: str) -> None:
    from urllib.parse import quote

    encoded = quote(secret, safe="")
    request = make_request(f"https://user:{encoded}@example.com:444/dir/u.image?token={encoded}")
    assert request.credentials == ("user", secret)
    for text in (request.shown_url, request.without_secrets().url):
        assert text == "https://example.com:444/dir/u.image"
    assert request.bare_url == f"https://example.com:444/dir/u.image?token={encoded}"


@given(st.text(max_size=60), st.text(max_size=25), st.text(max_size=25))
def test_any_text_is_a_request_or_refused(url: str, trials: str, interval: str) -> None:
    for text in (url, "http://" + url, "ftp://a:" + url):
        try:
            request = make_request(text, trials, interval)
        except RequestError:
            continue
        assert urlsplit(request.url).hostname
        assert 1 <= request.max_trials <= LARGEST_NUMBER
        assert 0 <= request.interval_s <= LARGEST_NUMBER
        assert make_request(request.url, trials, interval) == request
