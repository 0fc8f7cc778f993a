import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from odd_pictures import files_below, jpeg, make_photos, make_tar, make_zip

from artem_vr.errors import InputError
from trainer.data import sources as data_sources
from trainer.data.crops import Photos, training_batch, validation_batch
from trainer.data.decode import UnusablePictureError
from trainer.data.sources import find_pictures


def names(path: Path) -> list[str]:
    return [picture.name for picture in find_pictures(path)]


def contents(path: Path) -> list[bytes]:
    found = []
    for picture in find_pictures(path):
        with picture.open() as file:
            found.append(file.read())
    return found


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tgz"])
def test_an_archive_gives_what_its_folder_gives(kind: str, tmp_path: Path) -> None:
    folder = make_photos(tmp_path / "photos")
    files = files_below(folder, "some/place/") | {"some/readme.txt": b"hello", "some/place/a/._001.jpg": b"mac"}
    path = tmp_path / f"photos.{kind}"
    if kind == "zip":
        make_zip(path, files)
    else:
        make_tar(path, files, "w:gz" if kind.endswith("gz") else "w")
    plain, packed = Photos.find(folder), Photos.find(path)
    assert ["some/place/" + one.name for one in plain.validation] == [one.name for one in packed.validation]
    for step in range(3):
        arguments = (32, 4, 0, step, 0.3)
        assert torch.equal(training_batch(packed, *arguments), training_batch(plain, *arguments))
    assert torch.equal(validation_batch(packed, 32, 0, 2), validation_batch(plain, 32, 0, 2))


def make_shards(folder: Path) -> Path:
    folder.mkdir()
    for shard in range(3):
        files = {}
        for number in range(10):
            key = f"{number:04d}"  # the same in every shard
            files |= {f"{key}.jpg": jpeg(10 * shard + number), f"{key}.cls": b"7", f"{key}.seg.png": b"labels"}
        make_tar(folder / f"shard-{shard:06d}.tar", files)
    return folder


@pytest.mark.parametrize("pattern", ["", "shard-{000000..000002}.tar", "shard-*.tar", "shard-00000[012].tar"])
def test_shards(pattern: str, tmp_path: Path) -> None:
    folder = make_shards(tmp_path / "[odd] {0..1}")  # a folder that is there is no pattern
    place = folder / pattern
    expected = [f"shard-{shard:06d}.tar/{number:04d}.jpg" for shard in range(3) for number in range(10)]
    assert names(place) == expected
    assert contents(place) == [jpeg(n) for n in range(30)]


def test_a_range_counts_what_it_says(tmp_path: Path) -> None:
    folder = make_shards(tmp_path / "shards")
    assert len(names(folder / "shard-{000001..000002}.tar")) == 20
    assert len(names(folder / "shard-00000{0..2}.tar")) == 30
    with pytest.raises(InputError, match=r"there is no shard .*shard-000003\.tar, which data\.photos names"):
        names(folder / "shard-{000000..000009}.tar")
    with pytest.raises(InputError, match="counts upwards, to 100,000 shards at most"):
        names(folder / "shard-{2..1}.tar")
    with pytest.raises(InputError, match="counts upwards, to 100,000 shards at most"):
        names(folder / "shard-{0..99999}{0..99999}.tar")
    with pytest.raises(InputError, match=r"no shard fits .*\*\.tgz: correct data\.photos"):
        names(folder / "*.tgz")


def test_a_folder_with_pictures_is_none_of_shards(tmp_path: Path) -> None:
    folder = make_photos(tmp_path / "photos", 3)
    make_tar(folder / "more.tar", {"x.jpg": jpeg(1)})
    assert names(folder) == ["a/001.jpg", "a/002.jpg", "b/000.jpg"]


def test_names_and_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(jpeg(1))
    path = make_tar(tmp_path / "in.tar", {"../../secret.jpg": jpeg(2), "/etc/absolute.jpg": jpeg(3)})
    with tarfile.open(path, "a") as tar:
        for kind, target in ((tarfile.SYMTYPE, "../secret.jpg"), (tarfile.LNKTYPE, "../../secret.jpg")):
            link = tarfile.TarInfo(f"link{kind.decode()}.jpg")
            link.type, link.linkname = kind, target
            tar.addfile(link)
        pipe = tarfile.TarInfo("pipe.jpg")
        pipe.type = tarfile.FIFOTYPE
        tar.addfile(pipe)
    before = sorted(tmp_path.rglob("*"))
    assert sorted(contents(path)) == sorted([jpeg(2), jpeg(3)])
    zipped = make_zip(tmp_path / "in.zip", {"../secret.jpg": jpeg(4)})
    with zipfile.ZipFile(zipped, "a") as archive:
        info = zipfile.ZipInfo("link.jpg")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "../secret.jpg")
    assert contents(zipped) == [jpeg(4)]
    assert sorted(tmp_path.rglob("*")) == sorted([*before, zipped])  # nothing was unpacked


def test_the_last_of_a_name_counts(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "in.tar", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    with tarfile.open(path, "a") as tar:
        (tmp_path / "new").write_bytes(jpeg(3))
        tar.add(tmp_path / "new", "a.jpg")
    assert contents(path) == [jpeg(3), jpeg(2)]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_a_damaged_archive_says_so(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"in.{kind}"
    files = {f"{number}.jpg": jpeg(number) for number in range(4)}
    whole = make_zip(path, files) if kind == "zip" else make_tar(path, files, "w:gz" if kind == "tar.gz" else "w")
    content = whole.read_bytes()
    for damaged in (b"", b"no archive at all", content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=rf"cannot read the archive .*in\.{kind}: .*; copy or pack it again") as it:
            names(path)
        assert "\n" not in str(it.value)


def test_garbage_between_the_members_of_a_tar_is_no_end(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "in.tar", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    with tarfile.open(path) as tar:
        second = tar.getmembers()[1].offset
    content = bytearray(path.read_bytes())
    content[second : second + 512] = b"x" * 512
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"damaged at byte {second}"):
        names(path)


def test_a_damaged_or_locked_member_is_only_itself(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "in.zip", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    content = bytearray(path.read_bytes())
    content[60:70] = b"0123456789"  # within the first member's data
    content[content.rindex(b"PK\1\2") + 8] |= 1  # the second is said to be encrypted
    path.write_bytes(content)
    reasons = []
    for picture in find_pictures(path):
        with pytest.raises(UnusablePictureError) as error:
            picture.open()
        reasons.append(error.value.reason)
    assert reasons == ["broken", "unreadable"]


def test_limits_of_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{number}.jpg": jpeg(number) for number in range(4)}
    monkeypatch.setattr(data_sources, "_LARGEST_MEMBER", 100)
    for path in (make_zip(tmp_path / "in.zip", files), make_tar(tmp_path / "in.tar", files)):
        with pytest.raises(UnusablePictureError, match="a file of 0 MB"):
            find_pictures(path)[0].open()
    monkeypatch.setattr(data_sources, "_MOST_IN_MEMORY", 2000)
    with pytest.raises(InputError, match=r"which gzip lets nobody reach .*: make it a \.tar or a \.zip"):
        find_pictures(make_tar(tmp_path / "in.tar.gz", files, "w:gz"))


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "photos.rar").write_bytes(b"Rar!")
    with pytest.raises(InputError, match=r"photos\.rar is neither a folder nor an archive of pictures \(\.zip, \.tar,"):
        find_pictures(tmp_path / "photos.rar")
