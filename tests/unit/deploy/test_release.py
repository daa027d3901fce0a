"""Releases: what synth writes, and what it never touches."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from penstock.deploy.bundle.target import Target
from penstock.deploy.release import RECORD, Built, Release, release
from penstock.errors import DefinitionError, LoadError, UsageError
from penstock.runtime.machine.loader import Catalog

PLAIN = """
import msgspec
from penstock import Pipeline, hours, minutes

class Reading(msgspec.Struct):
    value: float

pipeline = Pipeline("{name}")

@pipeline.task(memory={memory})
def collect(event, context):
    return 1

pipeline.every(hours(1), collect)
"""
WITH_LAKE = """
raw = pipeline.lake("readings", Reading)
"""
BROKEN = """
@pipeline.task
def tell(event, context):
    import nowhere_to_be_found

pipeline.every(hours(2), tell, name="other")
"""
Make = Callable[..., Release]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Returns what writes a pipeline into a file, and its release into a folder."""
    source = tmp_path / "source"
    source.mkdir()
    number = 0

    def synth(
        folder: Path = tmp_path / "out", *, more: str = "", name: str = "rooms", memory: int = 128, **options: bool
    ) -> Release:
        nonlocal number
        number += 1
        path = source / f"flow_{number}.py"
        path.write_text(PLAIN.format(name=name, memory=memory) + more)
        definition = Catalog([path]).load(name)
        return release(definition, str(path), folder, target=Target.here(), measured=False, **options)

    yield synth
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
    sys.path[:] = [one for one in sys.path if not one.startswith(str(tmp_path))]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def record(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / RECORD).read_text())
    return found


def test_a_release_is_whole_and_the_next_is_the_same(make: Make, out: Path) -> None:
    made = make()
    written = contents(out)
    assert {"main.tf", "compute.tf", "terraform.tfvars", "workflows/rooms.asl.json", ".gitignore", RECORD} <= {*written}
    assert "artifacts/collect.zip" in written
    assert set(made.outcomes.values()) == {"new"}
    assert record(out)["files"] == {path: hashlib.sha256(written[path]).hexdigest() for path in made.outcomes}
    again = make()
    assert set(again.outcomes.values()) == {"same"}
    # The source file has another name, which is in the zip.
    assert {path for path, data in contents(out).items() if data != written[path]} <= {"artifacts/collect.zip"}


def test_artifacts_that_are_built_already_are_taken(make: Make, tmp_path: Path, out: Path) -> None:
    made = make(tmp_path / "first")
    path = tmp_path / "source" / "flow_1.py"
    built = Built(tmp_path / "first", made.bundle)
    release(Catalog([path]).load("rooms"), str(path), out, target=Target.here(), built=built)
    assert contents(out) == contents(tmp_path / "first")


def test_the_state_is_not_for_the_repository(make: Make, out: Path) -> None:
    make()
    assert {".terraform/", "*.tfstate*", "*.tfplan"} <= set((out / ".gitignore").read_text().splitlines())
    (out / ".gitignore").write_text("mine")
    make()
    assert (out / ".gitignore").read_text() == "mine"


def test_what_changes_and_what_goes_is_told(make: Make, out: Path) -> None:
    make(more=WITH_LAKE)
    assert (out / "storage.tf").exists()
    outcomes = make(memory=256).outcomes
    assert (outcomes["compute.tf"], outcomes["catalog.tf"]) == ("changed", "removed")
    assert not (out / "catalog.tf").exists()
    assert "catalog.tf" not in make(memory=256).outcomes


def test_an_edited_file_is_refused_and_nothing_is_written(make: Make, out: Path) -> None:
    make()
    (out / "compute.tf").write_text("# mine\n" + (out / "compute.tf").read_text())
    before = contents(out)
    with pytest.raises(UsageError, match=r"compute\.tf in .* was edited") as caught:
        make(memory=256)
    assert "override.tf" in caught.value.hint
    assert "--force" in caught.value.hint
    assert contents(out) == before
    make(memory=256, force=True)
    assert b"# mine" not in (out / "compute.tf").read_bytes()


def test_an_edited_file_that_synth_no_longer_writes_is_refused_too(make: Make, out: Path) -> None:
    make(more=WITH_LAKE)
    (out / "catalog.tf").write_text("# mine")
    with pytest.raises(UsageError, match=r"catalog\.tf"):
        make()
    assert (out / "catalog.tf").read_text() == "# mine"


def test_a_users_file_of_a_name_that_synth_comes_to_want_is_refused(make: Make, out: Path) -> None:
    make()
    (out / "catalog.tf").write_text("# mine")
    with pytest.raises(UsageError, match=r"catalog\.tf"):
        make(more=WITH_LAKE)
    assert (out / "catalog.tf").read_text() == "# mine"


def test_what_is_the_users_by_design_stays(make: Make, out: Path) -> None:
    own = {
        "override.tf": "# a", "backend.tf": "# b", "more_override.tf": "# c", "extra.tf": "# d",
        "terraform.tfstate": "{}", "artifacts/mine.zip": "zip", "layers/mine.zip": "zip", "notes/why.md": "because",
    }  # fmt: skip
    make(more=WITH_LAKE)
    for path, text in own.items():
        (out / path).parent.mkdir(exist_ok=True)
        (out / path).write_text(text)
    make(memory=256)
    make(memory=512, force=True)
    assert {path: (out / path).read_text() for path in own} == own


def test_choices_are_written_once(make: Make, out: Path) -> None:
    make()
    (out / "terraform.tfvars").write_text('region = "eu-west-1"\n')
    assert make().outcomes["terraform.tfvars"] == "kept"
    assert make(force=True).outcomes["terraform.tfvars"] == "kept"
    assert (out / "terraform.tfvars").read_text() == 'region = "eu-west-1"\n'
    (out / "terraform.tfvars").unlink()
    assert make().outcomes["terraform.tfvars"] == "new"


def test_a_file_that_was_deleted_comes_back(make: Make, out: Path) -> None:
    make()
    (out / "main.tf").unlink()
    assert make().outcomes["main.tf"] == "new"


def test_old_archives_go(make: Make, out: Path) -> None:
    second = "\n@pipeline.task\ndef tell(event, context):\n    return 2\npipeline.every(hours(2), tell, name='b')\n"
    make(more=second)
    assert (out / "artifacts" / "tell.zip").exists()
    make()
    assert not (out / "artifacts" / "tell.zip").exists()
    assert (out / "artifacts" / "collect.zip").exists()


def test_the_folder_of_another_pipeline_is_refused(make: Make, out: Path) -> None:
    make()
    before = contents(out)
    for force in (False, True):
        with pytest.raises(UsageError, match="is of pipeline 'rooms'"):
            make(name="cellars", force=force)
    assert contents(out) == before


@pytest.mark.parametrize("name", ["main.tf", "network.tf.json", "network.tf"])
def test_somebody_elses_terraform_is_refused(make: Make, out: Path, name: str) -> None:
    out.mkdir()
    (out / name).write_text("{}")
    for force in (False, True):
        with pytest.raises(UsageError, match="Terraform that synth did not write") as caught:
            make(force=force)
        assert name in caught.value.message
    assert contents(out) == {name: b"{}"}


def test_a_back_end_may_be_there_first(make: Make, out: Path) -> None:
    out.mkdir()
    (out / "backend.tf").write_text("# mine")
    make()
    assert (out / "backend.tf").read_text() == "# mine"


HOSTILE = [
    "{", "[]", "null", "{}", "\x00", '{"pipeline": 1, "files": {}}', "[" * 100_000,
    '{"pipeline": "rooms", "files": {"../victim.tf": "x"}}',
    '{"pipeline": "rooms", "files": {"a/../../victim.tf": "x"}}',
    '{"pipeline": "rooms", "files": {"/etc/passwd": "x"}}',
    '{"pipeline": "rooms", "files": {"override.tf": "x"}}',
    '{"pipeline": "rooms", "files": {"terraform.tfstate": "x"}}',
    '{"pipeline": "rooms", "files": {".git/config": "x"}}',
    '{"pipeline": "rooms", "files": {"": "x"}}',
    '{"pipeline": "rooms", "files": {"a\\u0000b": "x"}}',
    '{"pipeline": "rooms", "files": {"outside/victim.tf": "x"}}',
    '{"pipeline": "rooms", "files": {}, "before": {"../victim.tf": "x"}}',
    '{"pipeline": "rooms", "files": {}, "archives": ["../victim.tf"]}',
    '{"pipeline": "rooms", "files": {}, "archives": ["override.tf"]}',
    '{"pipeline": "rooms", "files": {}, "archives": ["extra.tf"]}',
    '{"pipeline": "rooms", "files": {}, "archives": ["artifacts/../extra.tf"]}',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("force", [False, True])
def test_a_record_that_lies_removes_nothing(make: Make, tmp_path: Path, out: Path, text: str, force: bool) -> None:
    out.mkdir()
    victim = tmp_path / "victim.tf"
    own = [victim, out / "override.tf", out / "terraform.tfstate", out / "extra.tf"]
    for path in own:
        path.write_text("mine")
    (out / "outside").symlink_to(tmp_path)
    (out / RECORD).write_text(text)
    with pytest.raises(UsageError) as caught:
        make(force=force)
    assert RECORD in caught.value.message
    assert [path.read_text() for path in own] == ["mine"] * 4


def test_a_record_that_is_a_folder(make: Make, out: Path) -> None:
    (out / RECORD).mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot read"):
        make()


def test_a_folder_that_is_a_file(make: Make, out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(UsageError, match="is no folder"):
        make()
    assert out.read_text() == "mine"
    with pytest.raises(UsageError, match="cannot write"):
        make(out / "below")


def test_a_folder_in_the_place_of_a_file(make: Make, out: Path) -> None:
    make()
    (out / "main.tf").unlink()
    (out / "main.tf").mkdir()
    with pytest.raises(UsageError, match=r"main\.tf"):
        make()
    with pytest.raises(UsageError, match="cannot write"):
        make(force=True)


def test_a_link_is_replaced_and_not_followed(make: Make, tmp_path: Path, out: Path) -> None:
    make()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (out / "main.tf").unlink()
    (out / "main.tf").symlink_to(victim)
    with pytest.raises(UsageError, match=r"main\.tf"):
        make()
    make(force=True)
    assert victim.read_text() == "mine"
    assert not (out / "main.tf").is_symlink()


def test_a_link_that_leads_nowhere_is_an_edit(make: Make, out: Path) -> None:
    make()
    (out / "main.tf").unlink()
    (out / "main.tf").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"main\.tf"):
        make()


def test_what_cannot_be_built_leaves_the_release_as_it_was(make: Make, out: Path) -> None:
    make()
    before = contents(out)
    with pytest.raises(LoadError):
        make(more=BROKEN)
    assert contents(out) == before
    with pytest.raises(LoadError):
        make(out.parent / "another", more=BROKEN)
    assert not (out.parent / "another").exists()


def test_what_aws_refuses_is_refused_before_anything_is_built(make: Make, out: Path) -> None:
    with pytest.raises(DefinitionError, match="infrequent access before 30 days"):
        make(more='raw = pipeline.lake("readings", Reading, infrequent_after=hours(48))' + BROKEN)
    assert not out.exists()


def test_a_synth_that_broke_off_is_known_for_its_own(make: Make, out: Path) -> None:
    make()
    (out / "main.tf").unlink()
    (out / "main.tf").mkdir()
    before = (out / "compute.tf").read_bytes()
    with pytest.raises(UsageError, match="cannot write"):
        make(memory=256, more=WITH_LAKE, force=True)
    assert (out / "compute.tf").read_bytes() != before
    (out / "main.tf").rmdir()
    outcomes = make(memory=512).outcomes
    assert (outcomes["compute.tf"], outcomes["main.tf"], outcomes["catalog.tf"]) == ("changed", "new", "removed")
    assert not (out / "catalog.tf").exists()
    assert record(out)["before"] == {}


def test_what_is_edited_after_a_synth_broke_off_is_refused(make: Make, out: Path) -> None:
    make()
    (out / "main.tf").unlink()
    (out / "main.tf").mkdir()
    with pytest.raises(UsageError, match="cannot write"):
        make(memory=256, force=True)
    (out / "main.tf").rmdir()
    (out / "compute.tf").write_text("# mine")
    with pytest.raises(UsageError, match=r"compute\.tf"):
        make()


def test_nothing_of_the_work_is_left(make: Make, out: Path) -> None:
    make(more=WITH_LAKE)
    make()
    assert [path for path in contents(out) if ".penstock-" in path or path.startswith("..")] == []
    assert sorted(one.name for one in out.iterdir() if one.name.startswith(".")) == [".gitignore", RECORD]
