"""Logging: priorities for the journal, plain text elsewhere, no secrets anywhere."""

import io
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.declarations.types import ConfigFile, Key, KeyType
from chargectl.system.journal import Redactor, secret_names, setup


@pytest.fixture(autouse=True)
def keep_root():
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def journal(tmp_path):
    """A file that poses as the journal's stream, with the environment that says so."""
    with (tmp_path / "journal").open("w+") as stream:
        status = os.fstat(stream.fileno())
        yield stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def written(stream):
    stream.flush()
    stream.seek(0)
    return stream.read()


def test_the_journal_gets_the_priority_of_each_line(journal):
    stream, environ = journal
    setup(logging.DEBUG, stream=stream, environ=environ)
    log = logging.getLogger("portd")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log.log(level, "two\nlines")
    try:
        raise ValueError("cause")
    except ValueError:
        log.exception("failed")
    log.info("")
    lines = written(stream).splitlines()
    assert lines[:4] == ["<7>portd: two", "<7>lines", "<6>portd: two", "<6>lines"]
    assert [line[:3] for line in lines[4:10]] == ["<4>", "<4>", "<3>", "<3>", "<2>", "<2>"]
    assert all(line.startswith("<3>") for line in lines[10:-1])
    assert lines[-2] == "<3>ValueError: cause"
    assert lines[-1] == "<6>portd: "


@pytest.mark.parametrize("environ", [{}, {"JOURNAL_STREAM": "1:2"}, {"JOURNAL_STREAM": "nonsense"}])
def test_elsewhere_lines_are_plain(journal, environ):
    stream, _ = journal
    setup("INFO", stream=stream, environ=environ)
    logging.getLogger("portd").warning("text")
    logging.getLogger("portd").debug("not shown")
    assert written(stream).endswith(" WARNING portd: text\n")
    assert "not shown" not in written(stream)


def test_a_stream_without_a_file_is_plain():
    stream = io.StringIO()
    setup(stream=stream, environ={"JOURNAL_STREAM": "1:2"})
    logging.getLogger("portd").info("text")
    assert stream.getvalue().endswith(" INFO    portd: text\n")


def test_setting_up_again_replaces_the_former():
    first, second = io.StringIO(), io.StringIO()
    setup(stream=first, environ={})
    setup(stream=second, environ={})
    logging.getLogger().error("text")
    assert first.getvalue() == ""
    assert second.getvalue().count("text") == 1


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="LOUD"):
        setup("LOUD", stream=io.StringIO())


def test_secrets_are_masked_in_messages_arguments_and_tracebacks(journal):
    stream, environ = journal
    redact = Redactor(["authorizationKey"])
    setup(stream=stream, environ=environ, redact=redact)
    redact.add("hunter22")
    log = logging.getLogger("ocppd")
    log.info("connect to %s", "wss://box:pa@ss@cs.example.com/ocpp")
    log.info("config %s", '{"authorizationKey": "topsecret", "enable": true}')
    try:
        raise RuntimeError("login hunter22 refused")
    except RuntimeError:
        log.exception("no login")
    text = written(stream)
    assert "wss://***@cs.example.com/ocpp" in text
    assert '{"authorizationKey": ***, "enable": true}' in text
    assert "login *** refused" in text
    for secret in ("box", "pa@ss", "topsecret", "hunter22"):
        assert secret not in text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ftp://u:p@host/x", "ftp://***@host/x"),
        ("ftp://u@host", "ftp://***@host"),
        ("see http://host/a@b", "see http://host/a@b"),
        ("mail a@b.example", "mail a@b.example"),
        ("mqtt://h:1883 and wss://u:p@h", "mqtt://h:1883 and wss://***@h"),
        ("apn_password=abc, apn_name=x", "apn_password=***, apn_name=x"),
        ("uplink/apn_password: 'a b'", "uplink/apn_password: ***"),
        ('"apn_password":"a\\"b" rest', '"apn_password":*** rest'),
        ("APN_PASSWORD = abc;", "APN_PASSWORD = ***;"),
        ("apn_password was read", "apn_password was read"),
        ("key: abc", "key: ***"),
        ("monkey: abc", "monkey: abc"),
    ],
)
def test_masks(text, masked):
    assert Redactor(["apn_password", "key"])(text) == masked


def test_known_values_longest_first_and_short_ones_never():
    redact = Redactor()
    redact.add("secret")
    redact.add("secretlonger")
    redact.add("123")
    redact.add("secret")
    assert redact("secretlonger, secret, 123") == "***, ***, 123"


@given(st.text(min_size=4, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_known_value_is_in_no_text(value, before, after):
    redact = Redactor()
    redact.add(value)
    if value not in before + "***" + after and "*" not in value:
        assert value not in redact(before + value + after).replace("***", "\0")


def test_names_of_declared_secrets():
    keys = [
        Key(ConfigFile.CUSTOMER, path, KeyType.STRING, "", "", "", secret=secret)
        for path, secret in (("ocpp/authorization_key", True), ("uplink/apn_name", False), ("pin", True))
    ]
    assert secret_names(keys) == ["authorization_key", "pin"]
