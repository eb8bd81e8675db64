"""A backup is one whole at every moment, holds no key, and comes back byte for byte or not at all."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence_server.backup import BackupError, Taken, back_up, back_up_keys, read_keys, restore
from evidence_server.check import check_folder
from evidence_server.data_folder import DataFolder
from evidence_server.keyring import KeyRing
from evidence_server.local_store import LocalStore
from evidence_server.seen import picture_name
from pairing.errors import PairingError
from tests.durability.folders import Furnished, furnished

NOW_MS = 1_800_000_000_000


class Cut(Exception):  # noqa: N818  not an error: the machine went down
    """The process ends here."""


class Places:
    """The folders of one test."""

    def __init__(self, folder: Path) -> None:
        self.data, self.to, self.keys = folder / "data", folder / "backup", folder / "keys.json"
        self.new = folder / "new"

    async def back_up(
        self, media: bool = True, progress: Callable[[int, int], None] = lambda *_: None
    ) -> Taken:
        taken = await back_up(self.data, self.to, media=media, now_ms=NOW_MS, progress=progress)
        back_up_keys(self.data, self.keys)
        return taken

    async def restore(self) -> dict[str, object]:
        return await restore(self.to, self.keys, self.new, lambda *_: None)

    def objects(self) -> set[str]:
        """What media the backup holds."""
        return {f"{path.parent.name}/{path.name}" for path in self.to.glob("objects/*/*")}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


async def deliver(made: Furnished) -> None:
    """The phone goes on after the backup."""
    await made.exam.phone.upload()


async def test_what_is_restored_is_what_was_there_at_that_moment(places: Places) -> None:
    async with furnished(places.data) as made:
        taken = await places.back_up()
        await deliver(made)
    assert (taken.sittings, taken.objects, taken.copied, taken.missing) == (1, 2, 2, [])
    assert places.objects() == set(made.names[:2])

    report = await places.restore()
    assert (report["fine"], report["sittings"], report["segments"]) == (True, 1, 2)
    for name in made.names[:2]:
        assert DataFolder(places.new).object(name).read_bytes() == made.folder.object(name).read_bytes()
    for key in (path for path in made.folder.keys.rglob("*") if path.is_file()):
        restored = places.new / "keys" / key.relative_to(made.folder.keys)
        assert restored.read_bytes() == key.read_bytes()
        assert stat.S_IMODE(restored.stat().st_mode) == 0o600
    assert (await check_folder(places.data))["segments"] == 4


async def test_what_was_seen_comes_back_with_its_pictures(places: Places) -> None:
    async with furnished(places.data) as made:
        picture = picture_name(b"a picture")
        await made.service.store.put(made.exam.sitting, picture, b"a picture")
        await made.exam.journal(
            "placement", generation=1, note="n", run=1, skipped=[], result={"ok": True, "missing": []},
            picture=picture,
        )
        assert (await places.back_up()).objects == 3
    report = await places.restore()
    assert (report["fine"], report["missing"], report["orphans"]) == (True, [], [])
    store = LocalStore(DataFolder(places.new).objects, KeyRing(DataFolder(places.new).keys))
    try:
        assert await store.read(made.exam.sitting, picture) == b"a picture"
    finally:
        await store.close()


async def test_the_keys_are_in_their_own_file_and_nowhere_else(places: Places) -> None:
    async with furnished(places.data) as made:
        await places.back_up()
    secrets = read_keys(places.keys)
    assert stat.S_IMODE(places.keys.stat().st_mode) == 0o600
    assert set(secrets) == {
        "api.key", "master.key", "signing.jwk", "tickets.key", f"sittings/{made.exam.sitting}.key",
    }
    backed_up = b"".join(path.read_bytes() for path in places.to.rglob("*") if path.is_file())
    assert [name for name, secret in secrets.items() if secret in backed_up] == []


async def test_a_second_backup_copies_what_is_new_and_drops_what_is_gone(places: Places) -> None:
    async with furnished(places.data) as made:
        await places.back_up()
        (places.to / "objects" / "s_erased").mkdir()
        (places.to / "objects" / "s_erased" / "media").write_bytes(b"of a sitting that was erased since")
        await deliver(made)
        taken = await places.back_up()
    assert (taken.objects, taken.copied) == (4, 2)
    assert places.objects() == set(made.names)
    assert len(list(places.to.glob("journal-*"))) == 1
    assert (await places.restore())["segments"] == 4


async def test_the_journal_alone_is_a_backup_without_media(places: Places) -> None:
    async with furnished(places.data) as made:
        taken = await places.back_up(media=False)
    assert (taken.objects, places.objects()) == (0, set())
    report = await places.restore()
    assert (report["fine"], report["missing"]) == (False, made.names[:2])


async def test_a_journal_without_media_keeps_the_media_of_before(places: Places) -> None:
    async with furnished(places.data) as made:
        await places.back_up()
        await places.back_up(media=False)
        assert places.objects() == set(made.names[:2])
        assert (await places.back_up()).copied == 0
    assert (await places.restore())["fine"]


async def test_a_backup_that_breaks_off_leaves_the_one_before(places: Places) -> None:
    def die(done: int, _whole: int) -> None:
        if done == 3:
            raise Cut

    async with furnished(places.data) as made:
        await places.back_up()
        await deliver(made)
        with pytest.raises(Cut):
            await places.back_up(progress=die)
        report = await places.restore()
        assert (report["fine"], report["segments"]) == (True, 2)
        assert (await places.back_up()).copied == 2
    assert not list(places.to.rglob("*draft*"))


async def test_an_object_that_is_missing_already_is_named(places: Places) -> None:
    async with furnished(places.data) as made:
        made.folder.object(made.names[0]).unlink()
        assert (await places.back_up()).missing == [made.names[0]]
    assert (await places.restore())["missing"] == [made.names[0]]


@pytest.mark.parametrize("pattern", ["journal-*.sqlite", "objects/*/*"])
@pytest.mark.parametrize("damage", ["altered", "gone"])
async def test_a_backup_that_is_not_as_it_was_made_is_not_restored(
    places: Places, pattern: str, damage: str
) -> None:
    async with furnished(places.data):
        await places.back_up()
    path = sorted(places.to.glob(pattern))[0]
    if damage == "altered":
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    else:
        path.unlink()
    with pytest.raises(BackupError, match="altered"):
        await places.restore()
    assert not (places.new / "journal.sqlite").exists()


async def test_only_an_empty_folder_is_restored_into(places: Places) -> None:
    async with furnished(places.data):
        await places.back_up()
    places.new.mkdir()
    (places.new / "something").write_bytes(b"of somebody")
    with pytest.raises(BackupError, match="not_empty"):
        await places.restore()
    assert {path.name for path in places.new.iterdir()} == {"something", "lock"}


async def test_the_keys_of_another_server_open_nothing(places: Places, tmp_path: Path) -> None:
    async with furnished(places.data) as made:
        await places.back_up()
    async with furnished(tmp_path / "another"):
        back_up_keys(tmp_path / "another", places.keys)
    report = await places.restore()
    assert (report["fine"], report["altered"]) == (False, made.names[:2])


@pytest.mark.parametrize("text", [
    "", "[]", '{"format": "evidence-keys 1"}', '{"format": "evidence-keys 2", "files": {}}',
    '{"format": "evidence-keys 1", "files": {"../x": {"bytes": "", "sha256": "'
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}}',
    '{"format": "evidence-keys 1", "files": {"api.key": {"bytes": "AA==", "sha256": "0"}}}',
])  # fmt: skip
def test_other_files_are_no_keys(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(BackupError, match="keys_invalid"):
        read_keys(tmp_path / "keys.json")


@pytest.mark.parametrize("text", [
    "", "[]", '{"format": "evidence-backup 1"}',
    '{"format": "evidence-backup 1", "taken_ms": 1, "journal": {"name": "j", "bytes": 1, "sha256": ""},'
    ' "objects": {"../../x": {"bytes": 1, "sha256": ""}}}',
])  # fmt: skip
async def test_other_folders_are_no_backup(places: Places, text: str) -> None:
    async with furnished(places.data):
        await places.back_up()
    (places.to / "backup.json").write_text(text)
    with pytest.raises(BackupError, match="no_backup"):
        await places.restore()


async def test_what_is_no_data_folder_is_not_backed_up(places: Places) -> None:
    with pytest.raises(BackupError, match="no_journal"):
        await back_up(places.data, places.to, media=True, now_ms=NOW_MS, progress=lambda *_: None)
    assert not places.data.exists()


async def test_two_backups_into_one_folder_take_turns(places: Places) -> None:
    async with furnished(places.data):
        with DataFolder(places.to).locked(), pytest.raises(PairingError, match="folder_in_use"):
            await places.back_up()
        assert (await places.back_up()).copied == 2
