"""Steps from an older version's keys to this one's: idempotent, comments kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.config.document import Document
from chargectl.config.edit import EditError
from chargectl.config.migration import Action, Step, migrate, older
from chargectl.config.tree import plain
from chargectl.declarations.types import ConfigFile

CUSTOMER = ConfigFile.CUSTOMER

OLD = """\
// written by hand
{
  // the port
  "ports": [
    {
      // fuse of the house
      "max_current": 16, // do not change
      "meter": { "protocol": "old-name", "speed": 9600 }
    },
    { "max_current": 32 }
  ],
  /* gone */ "legacy": true,
  "network": { "dhcp": true }
}
"""

STEPS = (
    Step(Action.RENAME, CUSTOMER, "ports[]/max_current", "2.0", "clearer", to="ports[]/grid_current"),
    Step(
        Action.CHANGE, CUSTOMER, "ports[]/meter/protocol", "2.0", "new name", old="old-name", value="new-name"
    ),
    Step(Action.RENAME, CUSTOMER, "network/dhcp", "2.0", "by family", to="network/ipv4/dhcp"),
    Step(Action.REMOVE, CUSTOMER, "legacy", "2.0", "no longer read"),
    Step(Action.ADD, CUSTOMER, "ocpp/retries", "2.0", "the default became 3", value=1),
)


def values(document: Document) -> object:
    assert document.root is not None
    assert not document.broken
    return plain(document.root)


def run(text: str, *steps: Step, version: str = "1.0") -> Document:
    return migrate(Document(text, "customer.json"), CUSTOMER, steps or STEPS, version).document


@pytest.mark.spec(263)
def test_keys_are_renamed_removed_changed_and_added() -> None:
    migrated = migrate(Document(OLD, "customer.json"), CUSTOMER, STEPS, "1.0")

    assert values(migrated.document) == {
        "ports": [
            {"grid_current": 16, "meter": {"protocol": "new-name", "speed": 9600}},
            {"grid_current": 32},
        ],
        "network": {"ipv4": {"dhcp": True}},
        "ocpp": {"retries": 1},
    }
    assert [note.partition(":")[0] for note in migrated.notes] == [
        "ports[0]/max_current is now ports[0]/grid_current",
        "ports[1]/max_current is now ports[1]/grid_current",
        "ports[0]/meter/protocol changed",
        "network/dhcp is now network/ipv4/dhcp",
        "legacy removed",
        "ocpp/retries added",
    ]


def test_every_comment_stays_and_those_of_a_renamed_key_stay_with_it() -> None:
    text = run(OLD).text

    for comment in ("// written by hand", "// the port", "// fuse of the house", "/* gone */"):
        assert comment in text
    assert '// fuse of the house\n      "grid_current": 16, // do not change\n' in text


def test_once_more_changes_nothing() -> None:
    once = run(OLD)

    assert run(once.text).text == once.text
    assert run(once.text, version="2.0").text == once.text


def test_where_both_names_stand_the_new_one_wins() -> None:
    text = '{"network": {"dhcp": true, "ipv4": {"dhcp": false}}}'

    assert values(run(text, STEPS[2])) == {"network": {"ipv4": {"dhcp": False}}}


@pytest.mark.parametrize(
    ("version", "added"), [("", True), ("1.9.9", True), ("2.0", False), ("2.0.1", False)]
)
def test_a_key_is_added_only_to_files_of_versions_before_it(version: str, added: bool) -> None:
    expected = {"ocpp": {"retries": 1}} if added else {}

    assert values(run("{}", STEPS[4], version=version)) == expected


def test_a_value_given_on_purpose_is_not_added_over() -> None:
    assert values(run('{"ocpp": {"retries": 9}}', STEPS[4])) == {"ocpp": {"retries": 9}}


def test_a_value_is_changed_only_when_it_is_the_old_one() -> None:
    step = Step(Action.CHANGE, CUSTOMER, "a", "2.0", "r", old=1, value=2)

    assert values(run('{"a": true}', step)) == {"a": True}
    assert values(run('{"a": 1}', step)) == {"a": 2}


def test_steps_of_other_files_do_nothing() -> None:
    step = Step(Action.REMOVE, ConfigFile.LEDS, "legacy", "2.0", "r")

    assert run(OLD, step).text == OLD


def test_a_name_in_place_of_a_star_is_kept() -> None:
    step = Step(Action.RENAME, CUSTOMER, "vendors/*/soc", "2.0", "r", to="vendors/*/state_of_charge")

    assert values(run('{"vendors": {"A": {"soc": 1}, "B": {}}}', step)) == {
        "vendors": {"A": {"state_of_charge": 1}, "B": {}}
    }


def test_a_step_that_cannot_be_carried_out_says_so() -> None:
    with pytest.raises(EditError, match="ipv4"):
        run('{"network": {"dhcp": true, "ipv4": 5}}', STEPS[2])


@pytest.mark.parametrize(
    ("version", "other", "expected"),
    [
        ("1.9", "1.10", True),
        ("1.10", "1.9", False),
        ("2", "2.0", False),
        ("2.0", "2", False),
        ("", "0.1", True),
        ("unknown", "0", True),
        ("1.4-rc1", "1.4", False),
        ("1.4", "1.4.1", True),
        ("0", "0.0.1", True),
    ],
)
def test_versions_in_order(version: str, other: str, expected: bool) -> None:
    assert older(version, other) is expected


NAMES = st.sampled_from(["max_current", "grid_current", "legacy", "dhcp", "x"])
TREES = st.recursive(
    st.integers(0, 99) | st.booleans() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=8,
)


@given(TREES)
def test_whatever_the_file_holds_steps_refuse_or_are_idempotent(tree: object) -> None:
    import json

    text = json.dumps({"ports": tree, "network": tree, "legacy": tree})
    try:
        once = run(text)
    except EditError:
        return
    assert run(once.text).text == once.text
