import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from bundle_projects import PIPELINE, Installed, Project, write_wheel

from penstock.deploy.bundle import limits
from penstock.deploy.bundle.archive import Archive, write_archive
from penstock.deploy.bundle.build import Bundle, build
from penstock.deploy.bundle.target import Target
from penstock.deploy.terraform import synthesize
from penstock.errors import LoadError, UsageError

HERE = Target.here()
TWO_TASKS = f"""{PIPELINE}
@pipeline.task
def rest(event, context):
    import mine
    return mine
"""


def built(project: Project, out: Path, **options) -> Bundle:
    return build(project.load(), "flow:pipeline", out, **{"target": HERE, **options})


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.zip"))
    }


def test_the_zip_of_an_instance_holds_all_tasks_with_their_libraries(
    project: Project, installed: Installed, tmp_path: Path
) -> None:
    installed.add("mine", {"mine.py": "X = 1\n"})
    project.write({"flow.py": f'{TWO_TASKS}\npipeline.aws(compute="ec2")\n'})
    bundle = built(project, tmp_path / "out", measured=False)
    assert bundle.instance == "artifacts/instance.zip"
    names = {entry.filename for entry in entries(tmp_path / "out" / bundle.instance)}
    assert names >= {
        "penstock.json", "flow.py", "mine.py", "msgspec/__init__.py", "penstock/runtime/aws/instance_entry.py",
        "penstock/adapters/local/invoke.py",
    }  # fmt: skip
    assert bundle.archives[bundle.instance].digest == digests(tmp_path / "out")[bundle.instance]


def test_without_an_instance_there_is_no_such_zip(project: Project, tmp_path: Path) -> None:
    project.write({"flow.py": PIPELINE})
    bundle = built(project, tmp_path / "out", measured=False)
    assert bundle.instance is None
    assert "artifacts/instance.zip" not in digests(tmp_path / "out")


def entries(path: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(path) as archive:
        return archive.infolist()


class TestContents:
    def test_a_zip_holds_manifest_user_and_penstock_and_a_layer_the_shared_libraries(
        self, project: Project, installed: Installed, tmp_path: Path
    ) -> None:
        installed.add("mine", {"mine.py": "X = 1\n"})
        project.write({"flow.py": TWO_TASKS})
        bundle = built(project, tmp_path / "out")
        rest = {entry.filename for entry in entries(tmp_path / "out" / "artifacts" / "rest.zip")}
        work = {entry.filename for entry in entries(tmp_path / "out" / "artifacts" / "work.zip")}
        assert {"penstock.json", "flow.py", "penstock/runtime/aws/entry.py"} <= work
        assert rest - work == {"mine.py", "mine-1.0.dist-info/METADATA"}
        assert bundle.artifacts["work"].path == "artifacts/work.zip"
        assert bundle.artifacts["work"].layers == bundle.artifacts["rest"].layers == ("msgspec",)
        layer = {entry.filename for entry in entries(tmp_path / "out" / bundle.layers["msgspec"])}
        assert "python/msgspec/__init__.py" in layer
        assert all(name.startswith("python/") for name in layer)
        assert bundle.sizes["rest"].libraries == ("mine", "msgspec")

    def test_the_manifest_names_the_pipeline(self, project: Project, tmp_path: Path) -> None:
        built(project, tmp_path, measured=False)
        with zipfile.ZipFile(tmp_path / "artifacts" / "work.zip") as archive:
            assert json.loads(archive.read("penstock.json"))["pipeline"] == "flow:pipeline"

    def test_terraform_takes_it(self, project: Project, tmp_path: Path) -> None:
        project.write({"flow.py": TWO_TASKS, "mine.py": ""})
        definition = project.load()
        bundle = build(definition, "flow:pipeline", tmp_path, target=HERE, measured=False)
        text = synthesize(definition, bundle.artifacts, bundle.layers)["compute.tf"].decode()
        assert "artifacts/work.zip" in text
        assert "aws_lambda_layer_version.msgspec.arn" in text

    def test_sizes_are_those_of_the_files(self, project: Project, installed: Installed, tmp_path: Path) -> None:
        project.write({"flow.py": TWO_TASKS, "mine.py": ""})
        size = built(project, tmp_path, measured=False).sizes["work"]
        zips = [tmp_path / "artifacts" / "work.zip", tmp_path / "layers" / "msgspec.zip"]
        assert size.zipped_bytes == zips[0].stat().st_size
        assert size.unzipped_bytes == sum(entry.file_size for path in zips for entry in entries(path))
        assert size.digest == digests(tmp_path)["artifacts/work.zip"]

    def test_wheels_of_another_platform_are_taken_for_it(
        self, project: Project, installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from importlib.metadata import version

        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
        tag = "cp313-cp313-manylinux2014_aarch64"
        write_wheel(tmp_path / "index", "msgspec", tag, {"msgspec/_core.so": "arm"}, version=version("msgspec"))
        bundle = built(project, tmp_path / "out", target=None, cache=tmp_path / "cache")
        assert (bundle.target.runtime, bundle.target.architecture) == ("python3.13", "arm64")
        with zipfile.ZipFile(tmp_path / "out" / "artifacts" / "work.zip") as archive:
            assert archive.read("msgspec/_core.so") == b"arm"
        assert bundle.sizes["work"].measured is not None


INVOKE = """
import json, os, sys, types
task, layer = sys.argv[1:]
sys.path[:1] = [task, layer]
os.environ |= {"LAMBDA_TASK_ROOT": task, "PENSTOCK_TASK": "work"}
from penstock.runtime.aws.entry import handler
context = types.SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 3000)
print(json.dumps(handler({"n": 7}, context)))
"""


def test_what_was_built_answers_an_event_when_unpacked_as_lambda_does(project: Project, tmp_path: Path) -> None:
    project.write({"flow.py": TWO_TASKS, "mine.py": ""})
    bundle = built(project, tmp_path / "out", measured=False)
    for path, folder in ((bundle.artifacts["work"].path, "task"), (bundle.layers["msgspec"], "opt")):
        with zipfile.ZipFile(tmp_path / "out" / path) as archive:
            archive.extractall(tmp_path / folder)
    command = [sys.executable, "-I", "-S", "-c", INVOKE, tmp_path / "task", tmp_path / "opt" / "python"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1]) == {"n": 7}


class TestReproducibility:
    def test_two_builds_in_two_folders_give_the_same_bytes(self, project: Project, tmp_path: Path) -> None:
        project.write({"flow.py": TWO_TASKS, "mine.py": ""})
        first = built(project, tmp_path / "first", measured=False)
        for path in project.folder.rglob("*.py"):
            os.utime(path, (1, 1))
            path.chmod(0o600)
        second = built(project, tmp_path / "second" / "deeper", measured=False)
        assert digests(tmp_path / "first") == digests(tmp_path / "second" / "deeper")
        assert {path: one.digest for path, one in first.archives.items()} == digests(tmp_path / "first")
        assert first.archives == second.archives
        assert len(first.archives) == 3

    def test_another_process_in_another_zone_gives_the_same_bytes(self, project: Project, tmp_path: Path) -> None:
        built(project, tmp_path / "first", measured=False)
        script = (
            "import os, sys, flow; from pathlib import Path; os.umask(0o077)\n"
            "from penstock.deploy.bundle.build import build; from penstock.deploy.bundle.target import Target\n"
            "build(flow.pipeline.build(), 'flow', Path(sys.argv[1]), target=Target.here(), measured=False)"
        )
        environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "PYTHONPATH": str(project.folder)}
        subprocess.run([sys.executable, "-c", script, tmp_path / "second"], env=environment, check=True, cwd=tmp_path)
        assert digests(tmp_path / "first") == digests(tmp_path / "second")

    def test_entries_are_sorted_and_have_one_time_and_one_mode(self, project: Project, tmp_path: Path) -> None:
        built(project, tmp_path, measured=False)
        found = entries(tmp_path / "artifacts" / "work.zip")
        names = [entry.filename for entry in found]
        assert names == sorted(names)
        assert {entry.date_time for entry in found} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in found} == {0o100644}
        assert not [name for name in names if name.endswith(".pyc")]

    def test_a_changed_line_changes_only_the_zips_that_hold_it(self, project: Project, tmp_path: Path) -> None:
        project.write({"flow.py": TWO_TASKS, "mine.py": "X = 1\n"})
        built(project, tmp_path / "first", measured=False)
        project.write({"mine.py": "X = 2\n"})
        built(project, tmp_path / "second", measured=False)
        first, second = digests(tmp_path / "first"), digests(tmp_path / "second")
        assert {path for path in first if first[path] != second[path]} == {"artifacts/rest.zip"}

    def test_a_zip_that_fails_leaves_the_last_one_whole(self, tmp_path: Path) -> None:
        write_archive(tmp_path, "a.zip", {"x": b"1"})
        with pytest.raises(UsageError, match="gone"):
            write_archive(tmp_path, "a.zip", {"w": b"2", "x": tmp_path / "gone"})
        assert [entry.filename for entry in entries(tmp_path / "a.zip")] == ["x"]
        assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


class TestStart:
    def test_a_start_is_measured(self, project: Project, tmp_path: Path) -> None:
        project.write({"flow.py": f"BLOCK = bytearray(60 * 1024 * 1024)\nimport time\ntime.sleep(0.3)\n{PIPELINE}"})
        measured = built(project, tmp_path).sizes["work"].measured
        assert measured is not None
        assert measured.import_seconds > 0.3
        assert 60 < measured.peak_memory_mb < 128

    def test_a_start_that_takes_more_than_the_tasks_memory_is_refused(self, project: Project, tmp_path: Path) -> None:
        project.write({"flow.py": f"BLOCK = bytearray(140 * 1024 * 1024)\n{PIPELINE}"})
        with pytest.raises(UsageError, match=r"task 'work' takes 1\d\d MB to start, and has 128 MB") as raised:
            built(project, tmp_path)
        assert "memory=" in raised.value.hint

    def test_what_only_a_computed_string_names_is_found_out_by_the_start(
        self, project: Project, tmp_path: Path
    ) -> None:
        project.write({
            "flow.py": f"import importlib\nimportlib.import_module('plug' + 'in')\n{PIPELINE}",
            "plugin.py": "",
        })  # fmt: skip
        with pytest.raises(LoadError, match=r"task 'work' does not start .*No module named 'plugin'"):
            built(project, tmp_path / "first")
        built(project, tmp_path / "second", include=("plugin",))

    def test_nothing_else_of_this_machine_can_be_imported(self, project: Project, tmp_path: Path) -> None:
        # pytest is installed here, in no zip, and not in Lambda.
        project.write({"flow.py": f"__import__('py' + 'test')\n{PIPELINE}"})
        with pytest.raises(LoadError, match="No module named 'pytest'"):
            built(project, tmp_path)

    def test_lambdas_own_sdk_can_be_imported_and_is_not_bundled(self, project: Project, tmp_path: Path) -> None:
        pytest.importorskip("boto3")
        project.write({"flow.py": f"import boto3\n{PIPELINE}"})
        bundle = built(project, tmp_path)
        assert bundle.sizes["work"].libraries == ("msgspec",)
        names = [entry.filename for entry in entries(tmp_path / "artifacts" / "work.zip")]
        assert not [name for name in names if name.startswith(("boto", "s3transfer", "urllib3"))]


class TestLimits:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    def archive(self, zipped: int) -> Archive:
        return Archive(path="x.zip", zipped_bytes=zipped, unzipped_bytes=0, digest="")

    def test_a_zip_of_50_mb_can_be_uploaded_and_one_byte_more_cannot(self) -> None:
        limits.check_upload("task 'a'", self.archive(52_428_800))
        with pytest.raises(UsageError, match=r"task 'a' is a zip of 50\.0 MB; Lambda takes 50"):
            limits.check_upload("task 'a'", self.archive(52_428_801))

    def test_a_function_has_to_be_smaller_than_250_mb(self) -> None:
        parts = {"small": 1_048_576, "large": 200 * 1_048_576, "middle": 49 * 1_048_576}
        limits.check_unzipped("a", 262_143_999, parts)
        with pytest.raises(UsageError, match="largest: large 200 MB, middle 49 MB, small 1 MB"):
            limits.check_unzipped("a", 262_144_000, parts)

    def test_a_build_that_is_too_large_is_refused(self, project: Project, installed: Installed, tmp_path: Path) -> None:
        installed.add("huge", {"huge/__init__.py": "", "huge/data.bin": ""})
        with (installed.folder / "huge" / "data.bin").open("wb") as file:
            file.truncate(251 * 1024 * 1024)
        project.write({"flow.py": f"import huge\n{PIPELINE}"})
        with pytest.raises(UsageError, match=r"task 'work' is 25\d MB with its layers; .*huge 251 MB"):
            built(project, tmp_path, measured=False)
