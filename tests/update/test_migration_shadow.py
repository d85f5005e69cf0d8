"""Passwords across an update: fields of known accounts, never the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.migration_shadow import merge_passwords

NEW = """\
root:$6$factory$hash:0:0:99999:7:::
daemon:*:19000:0:99999:7:::
chargectl-portd:!*:20000::::::
operator:$6$new$image:19500:0:90:7:::
"""


def line(text: str, name: str) -> str:
    return next(entry for entry in text.splitlines() if entry.startswith(f"{name}:"))


@pytest.mark.spec(263)
def test_a_changed_password_survives_and_nothing_else_does() -> None:
    old = "root:$6$owner$secret:20400:5:60:3:::\nold-user:$6$a$b:1:0:9:7:::\noperator:$6$mine$x:20300::::::\n"

    merged, accounts = merge_passwords(old, NEW)

    assert line(merged, "root") == "root:$6$owner$secret:20400:0:99999:7:::"
    assert line(merged, "operator") == "operator:$6$mine$x:20300:0:90:7:::"
    assert "old-user" not in merged
    assert accounts == ("root", "operator")
    assert merged.splitlines()[1:3] == NEW.splitlines()[1:3]


@pytest.mark.parametrize(
    "kept_out",
    [
        "root:$6$factory2$other:0:0:99999:7:::",  # must still be changed: the factory's password
        "root::20400:0:99999:7:::",  # no password at all
        "root:*:20400:0:99999:7:::",
        "operator:!:20400:0:99999:7:::",
        "root:$6$x$y::0:99999:7:::",
        "root:plain:20400:0:99999:7:::",
        "root",
    ],
)
def test_what_is_no_password_set_by_the_owner_stays_behind(kept_out: str) -> None:
    assert merge_passwords(kept_out + "\n", NEW) == (NEW, ())


def test_a_locked_account_stays_locked() -> None:
    merged, _ = merge_passwords("root:!$6$owner$secret:20400:0:99999:7:::\n", NEW)

    assert line(merged, "root").startswith("root:!$6$owner$secret:20400:")


@pytest.mark.parametrize("closed", ["!", "!!", "!*"])
def test_root_without_a_password_stays_so(closed: str) -> None:
    """Else the new system's first start would give root the printed one."""
    merged, accounts = merge_passwords(f"root:{closed}:20400:0:99999:7:::\n", NEW)

    assert line(merged, "root") == f"root:{closed}:20400:0:99999:7:::"
    assert accounts == ("root",)
    assert merge_passwords(merged, merged) == (merged, ())


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["root", "daemon", "operator", "ghost"]),
        st.sampled_from(["$6$a$b", "!$6$a$b", "*", "", "!", "x"]),
        st.sampled_from(["0", "", "20400"]),
    ),
    max_size=4,
)


@given(ENTRIES)
def test_accounts_and_other_fields_are_always_the_new_images(entries: list[tuple[str, str, str]]) -> None:
    old = "".join(f"{name}:{secret}:{day}:0:1:2:::\n" for name, secret, day in entries)

    merged, _ = merge_passwords(old, NEW)

    for before, after in zip(NEW.splitlines(), merged.splitlines(), strict=True):
        assert before.split(":")[0] == after.split(":")[0]
        assert before.split(":")[3:] == after.split(":")[3:]
        assert after.split(":")[1] != ""
