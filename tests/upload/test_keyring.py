"""Keys: durable, wrapped, bound to their sitting, and gone when shredded."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from evidence_server.keyring import KeyRing, KeyUnreadableError


def test_a_key_survives_and_no_two_are_alike(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    one, two = ring.key("one"), ring.key("two")
    assert len(one) == len(two) == 32
    assert one != two
    again = KeyRing(tmp_path / "keys")
    assert (again.key("one", create=False), again.key("two")) == (one, two)


def test_a_sitting_may_be_called_master(tmp_path: Path) -> None:
    key = KeyRing(tmp_path / "keys").key("master")
    assert KeyRing(tmp_path / "keys").key("master") == key


def test_the_key_is_nowhere_in_the_clear(tmp_path: Path) -> None:
    key = KeyRing(tmp_path / "keys").key("one")
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert all(key not in path.read_bytes() for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_shredding_is_for_good_and_can_be_repeated(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    key = ring.key("one")
    ring.shred("one")
    ring.shred("one")
    with pytest.raises(KeyUnreadableError, match="no such key"):
        ring.key("one", create=False)
    assert ring.key("one") != key


def test_keys_that_change_places_are_noticed(tmp_path: Path) -> None:
    KeyRing(tmp_path / "keys").key("one")
    folder = tmp_path / "keys" / "sittings"
    (folder / "one.key").rename(folder / "two.key")
    with pytest.raises(KeyUnreadableError, match="master key"):
        KeyRing(tmp_path / "keys").key("two")


def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    KeyRing(tmp_path / "keys").key("one")
    (tmp_path / "keys" / "master.key").write_bytes(bytes(32))
    with pytest.raises(KeyUnreadableError, match="master key"):
        KeyRing(tmp_path / "keys").key("one")


@pytest.mark.parametrize("size", [0, 10, 63, 65])
def test_a_damaged_key_file_is_never_replaced(tmp_path: Path, size: int) -> None:
    KeyRing(tmp_path / "keys").key("one")
    path = tmp_path / "keys" / "sittings" / "one.key"
    path.write_bytes(bytes(size))
    with pytest.raises(KeyUnreadableError):
        KeyRing(tmp_path / "keys").key("one")
    assert path.stat().st_size == size


@pytest.mark.parametrize("name", ["", ".", "..", "../one", "a/b", "a.b", "ä", "a" * 65, "a\n"])
def test_what_is_no_sitting_id_is_no_path(tmp_path: Path, name: str) -> None:
    ring = KeyRing(tmp_path / "keys")
    for call in (ring.key, ring.shred):
        with pytest.raises(ValueError, match="not a sitting id"):
            call(name)
