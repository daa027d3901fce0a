import zipfile
from pathlib import Path

import pytest
from bundle_projects import Installed, write_wheel

from penstock.deploy.bundle.libraries import Wheels, closure, installed_files, is_useful, unpack
from penstock.deploy.bundle.target import Target
from penstock.errors import LoadError, UsageError

ARM = Target(runtime="python3.13", architecture="arm64")


class TestTarget:
    def test_the_platforms_of_a_runtime_are_those_that_its_c_library_can_load(self) -> None:
        # Amazon Linux 2023 has glibc 2.34, Amazon Linux 2 has 2.26; PEP 600 says which old tags mean which version.
        new = ARM.platforms()
        assert new[0] == "manylinux_2_34_aarch64"
        assert {"manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"} <= set(new)
        old = Target(runtime="python3.11", architecture="x86_64").platforms()
        assert old[0] == "manylinux_2_26_x86_64"
        assert "manylinux_2_28_x86_64" not in old

    def test_what_lambda_does_not_have_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"python2\.7"):
            Target(runtime="python2.7")
        with pytest.raises(UsageError, match="sparc"):
            Target(architecture="sparc")  # type: ignore[arg-type]


class TestClosure:
    def test_requirements_are_followed_as_the_target_judges_them(self, installed: Installed) -> None:
        requires = ("Two_Words", 'only-old; python_version < "3.12"', 'only-intel; platform_machine == "x86_64"',
                    'extra-thing; extra == "more"', 'not-here; sys_platform == "win32"')  # fmt: skip
        installed.add("one", {"one.py": ""}, requires=requires)
        for name in ("two-words", "only-old", "only-intel", "extra-thing"):
            installed.add(name, {f"{name.replace('-', '_')}.py": ""})
        assert closure(["one"], ARM) == {"one", "two-words"}
        old_intel = Target(runtime="python3.11", architecture="x86_64")
        assert closure(["one"], old_intel) == {"one", "two-words", "only-old", "only-intel"}

    def test_an_extra_that_is_asked_for_is_followed(self, installed: Installed) -> None:
        installed.add("one", {"one.py": ""}, requires=("two[more]",))
        installed.add("two", {"two.py": ""}, requires=('three; extra == "more"', "one"))
        installed.add("three", {"three.py": ""})
        assert closure(["one"], ARM) == {"one", "two", "three"}

    def test_what_lambda_has_is_left_out_with_what_only_that_requires(self, installed: Installed) -> None:
        installed.add("one", {"one.py": ""}, requires=("boto3",))
        assert closure(["one"], ARM) == {"one"}

    def test_a_requirement_that_is_not_installed_is_named(self, installed: Installed) -> None:
        installed.add("one", {"one.py": ""}, requires=("never-installed",))
        with pytest.raises(LoadError, match="'never-installed', which one requires on the target, is not installed"):
            closure(["one"], ARM)


@pytest.mark.parametrize(
    ("path", "useful"),
    [
        ("one/__init__.py", True),
        ("one/data/words.txt", True),
        ("one.libs/libz-1234.so", True),
        ("one/_fast.abi3.so", True),
        ("one/testing.py", True),
        ("one-1.0.dist-info/METADATA", True),
        ("one-1.0.dist-info/entry_points.txt", True),
        ("one-1.0.dist-info/licenses/LICENSE", True),
        ("one-1.0.dist-info/LICENSE.txt", True),
        ("one-1.0.dist-info/RECORD", False),
        ("one-1.0.dist-info/INSTALLER", False),
        ("one-1.0.dist-info/direct_url.json", False),
        ("one/__pycache__/a.cpython-311.pyc", False),
        ("one/tests/test_a.py", False),
        ("one/_fast.pyi", False),
        ("one/_fast.c", False),
        ("docs/index.md", False),
        ("../../bin/one", False),
        ("/etc/passwd", False),
    ],
)
def test_what_is_of_use_at_run_time(path: str, useful: bool) -> None:
    assert is_useful(path) is useful


def test_installed_files_are_those_of_the_list(installed: Installed) -> None:
    installed.add("one", {"one/__init__.py": "X = 1", "one/tests/test_x.py": ""})
    (installed.folder / "one" / "stray.py").write_text("")
    assert set(installed_files("one")) == {"one/__init__.py", "one-1.0.dist-info/METADATA"}


class TestWheels:
    @pytest.fixture(autouse=True)
    def no_network(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    def test_the_wheel_of_the_target_in_the_installed_version(self, installed: Installed, tmp_path: Path) -> None:
        installed.add("one", {"one.py": ""})
        index = tmp_path / "index"
        write_wheel(index, "one", "cp313-cp313-manylinux_2_17_x86_64", {"one.py": "intel"})
        write_wheel(index, "one", "cp311-cp311-manylinux_2_17_aarch64", {"one.py": "old"})
        write_wheel(index, "one", "cp313-cp313-manylinux_2_40_aarch64", {"one.py": "needs a newer C library"})
        write_wheel(index, "one", "cp313-cp313-manylinux_2_34_aarch64", {"one.py": "newer"}, version="1.1")
        right = write_wheel(index, "one", "cp313-cp313-manylinux_2_28_aarch64", {"one.py": "right"})
        found = Wheels(tmp_path / "cache", ARM).fetch({"one"})
        assert found["one"].name == right.name

    def test_a_wheel_for_every_python_serves(self, installed: Installed, tmp_path: Path) -> None:
        installed.add("two-words", {"two_words.py": ""}, version="2026.10")
        write_wheel(tmp_path / "index", "two-words", "py3-none-any", {"two_words.py": ""}, version="2026.10")
        assert Wheels(tmp_path / "cache", ARM).fetch({"two-words"})["two-words"].is_file()

    def test_what_is_kept_needs_no_index(self, installed: Installed, tmp_path: Path) -> None:
        installed.add("one", {"one.py": ""})
        wheel = write_wheel(tmp_path / "index", "one", "cp313-abi3-manylinux2014_aarch64", {"one.py": ""})
        wheels = Wheels(tmp_path / "cache", ARM)
        first = wheels.fetch({"one"})
        wheel.unlink()
        assert wheels.fetch({"one"}) == first

    def test_no_wheel_is_an_error_that_names_version_and_target(self, installed: Installed, tmp_path: Path) -> None:
        installed.add("one", {"one.py": ""})
        with pytest.raises(LoadError, match=r"cannot get wheels for python3\.13 on arm64 of one 1\.0: ") as raised:
            Wheels(tmp_path / "cache", ARM).fetch({"one"})
        assert raised.value.hint
        assert not list((tmp_path / "cache").rglob("*.whl"))

    @pytest.mark.parametrize(
        ("said", "hint"),
        [
            ("/usr/bin/python: No module named pip", "ensurepip"),
            ("WARNING: Retrying after NewConnectionError\nERROR: No matching distribution", "network is needed once"),
        ],
    )
    def test_a_pip_that_cannot_work_is_explained(
        self, installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, hint: str
    ) -> None:
        script = tmp_path / "python"
        script.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit 1\n")
        script.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(script))
        installed.add("one", {"one.py": ""})
        with pytest.raises(LoadError) as raised:
            Wheels(tmp_path / "cache", ARM).fetch({"one"})
        assert hint in raised.value.hint

    def test_a_damaged_wheel_is_named(self, tmp_path: Path) -> None:
        damaged = tmp_path / "one-1.0-py3-none-any.whl"
        damaged.write_bytes(b"PK\x03\x04 cut off")
        with pytest.raises(LoadError, match=r"one-1\.0-py3-none-any\.whl is damaged"):
            unpack(damaged, tmp_path / "out")

    def test_a_wheel_is_unpacked_as_an_installer_would(self, tmp_path: Path) -> None:
        texts = {"one/__init__.py": "", "one-1.0.data/purelib/extra.py": "", "one-1.0.data/scripts/one": "#!python"}
        wheel = write_wheel(tmp_path, "one", "py3-none-any", texts)
        assert set(unpack(wheel, tmp_path / "out")) == {"one/__init__.py", "extra.py", "one-1.0.dist-info/METADATA"}

    def test_a_wheel_writes_nothing_outside(self, tmp_path: Path) -> None:
        wheel = tmp_path / "one-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("../escaped.py", "")
            archive.writestr("one-1.0.data/purelib/../../escaped.py", "")
            archive.writestr("one.py", "")
        assert set(unpack(wheel, tmp_path / "a" / "b")) == {"one.py"}
        assert not list(tmp_path.rglob("escaped.py"))
