from pathlib import Path

import pytest
from bundle_projects import Installed, Project

from penstock.deploy.bundle.imports import Needs, find_needs
from penstock.deploy.bundle.places import find_reference
from penstock.errors import LoadError, UsageError

HEAD = 'from penstock import Pipeline\npipeline = Pipeline("flow")\n'
TASK = "@pipeline.task\ndef work(event, context):\n"


def needs_of(project: Project, reference: str = "flow:pipeline", include: tuple[str, ...] = ()) -> dict[str, Needs]:
    definition = project.load(reference.partition(":")[0])
    return find_needs(definition, find_reference(reference, definition.name), include)


def own(needs: Needs) -> set[str]:
    return {path for path in needs.files if not path.startswith("penstock/")}


class TestOwnModules:
    def test_only_what_is_imported(self, project: Project) -> None:
        project.write({
            "flow.py": f"import reading\n{HEAD}{TASK}    return reading.parse(event)\n",
            "reading.py": "from words import split\ndef parse(text):\n    return split(text)\n",
            "words.py": "def split(text):\n    return text.split()\n",
            "unrelated.py": "import not_there_at_all\n",
            ".env": "SECRET=1",
            "notes.txt": "x",
        })  # fmt: skip
        assert own(needs_of(project)["work"]) == {"flow.py", "reading.py", "words.py"}

    def test_a_package_comes_with_its_data_and_only_the_modules_that_are_imported(self, project: Project) -> None:
        project.write({
            "shop/__init__.py": "",
            "shop/flow.py": f"from .parts import prices\nfrom . import names as n\n{HEAD}{TASK}    return n.ALL\n",
            "shop/names.py": "ALL = []\n",
            "shop/parts/__init__.py": "",
            "shop/parts/prices.py": "",
            "shop/parts/unused.py": "",
            "shop/parts/prices.csv": "a,1\n",
            "shop/parts/sql/all.sql": "select 1",
            "shop/parts/.hidden": "x",
            "shop/parts/other/__init__.py": "",
            "shop/parts/other/large.csv": "x",
            "shop/parts/__pycache__/prices.cpython-311.pyc": "x",
        })  # fmt: skip
        assert own(needs_of(project, "shop.flow:pipeline")["work"]) == {
            "shop/__init__.py", "shop/flow.py", "shop/names.py", "shop/parts/__init__.py", "shop/parts/prices.py",
            "shop/parts/prices.csv", "shop/parts/sql/all.sql",
        }  # fmt: skip

    def test_a_namespace_package_has_no_file_of_its_own(self, project: Project) -> None:
        project.write({"flow.py": f"import spread.inner\n{HEAD}{TASK}    return 1\n", "spread/inner.py": ""})
        assert own(needs_of(project)["work"]) == {"flow.py", "spread/inner.py"}

    def test_modules_that_import_each_other(self, project: Project) -> None:
        project.write({
            "flow.py": f"import left\n{HEAD}{TASK}    return left.f()\n",
            "left.py": "import right\ndef f():\n    return right.g()\n",
            "right.py": "import left\ndef g():\n    import third\n",
            "third.py": "",
        })  # fmt: skip
        assert own(needs_of(project)["work"]) == {"flow.py", "left.py", "right.py", "third.py"}


TWO_TASKS = f"""
import functools
import tools
{HEAD}
@pipeline.task
def light(event, context):
    return tools.read(event)

@pipeline.task
def heavy(event, context):
    return tools.crunch(event)

def shared(kind, event, context):
    import big_library
    return kind

pipeline.task(name="bound")(functools.partial(shared, "x"))
pipeline.task(name="nameless")(lambda event, context: tools.crunch(event))
"""
TOOLS = """
def read(event):
    return event.crunchy

def crunch(event):
    return _deep(event)

def _deep(event):
    import big_library
    return big_library
"""


class TestMinimality:
    def test_a_task_has_what_its_own_handler_leads_to(self, project: Project, installed: Installed) -> None:
        installed.add("big-library", {"big_library.py": ""})
        project.write({"flow.py": TWO_TASKS, "tools.py": TOOLS})
        needs = needs_of(project)
        with_it = {task for task, need in needs.items() if "big-library" in need.distributions}
        assert with_it == {"heavy", "bound", "nameless"}

    def test_a_handler_made_by_a_function_is_followed(self, project: Project, installed: Installed) -> None:
        installed.add("big-library", {"big_library.py": ""})
        made = "def make():\n    def inside(event, context):\n        import big_library\n    return inside\n"
        project.write({"flow.py": f'{HEAD}{made}pipeline.task(name="inner")(make())\n'})
        assert "big-library" in needs_of(project)["inner"].distributions

    def test_what_a_decorator_or_a_call_at_the_top_imports_is_for_every_task(
        self, project: Project, installed: Installed
    ) -> None:
        installed.add("big-library", {"big_library.py": ""})
        project.write({
            "flow.py": f"from tools import setting\n{HEAD}VALUE = setting()\n{TASK}    return 1\n",
            "tools.py": "def setting():\n    import big_library\n    return 1\n",
        })  # fmt: skip
        assert "big-library" in needs_of(project)["work"].distributions

    def test_a_method_of_an_unknown_thing_is_followed(self, project: Project, installed: Installed) -> None:
        installed.add("big-library", {"big_library.py": ""})
        project.write({
            "flow.py": f"import tools\n{HEAD}{TASK}    return tools.get().load()\n",
            "tools.py": "STORE = {}\ndef get():\n    return STORE[0]\nclass Store:\n"
            "    def load(self):\n        import big_library\n",
        })  # fmt: skip
        assert "big-library" in needs_of(project)["work"].distributions

    def test_imports_for_a_type_checker_or_a_script_are_not_needed(self, project: Project) -> None:
        project.write({
            "flow.py": f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import not_there\n{HEAD}"
            f"{TASK}    return 1\nif __name__ == '__main__':\n    import not_there_either\n"
        })  # fmt: skip
        assert own(needs_of(project)["work"]) == {"flow.py"}

    def test_a_grant_brings_its_adapter_and_no_other(self, project: Project) -> None:
        project.write({
            "flow.py": f'{HEAD}table = pipeline.hot_table("things", key="id")\n'
            "@pipeline.task(may=[table.put])\ndef granted(event, context):\n    return 1\n"
            "@pipeline.task\ndef plain(event, context):\n    return 1\n"
        })  # fmt: skip
        needs = needs_of(project)
        assert "penstock/adapters/aws/hot.py" in needs["granted"].files
        assert "penstock/adapters/aws/objects.py" not in needs["granted"].files
        assert not [path for path in needs["plain"].files if path.startswith("penstock/adapters/")]
        assert needs["plain"].distributions == {"msgspec"}

    def test_nothing_of_the_machine_the_command_line_or_duckdb_is_brought(self, project: Project) -> None:
        need = needs_of(project)["work"]
        places = {"/".join(path.split("/")[:3]) for path in need.files}
        assert "penstock/cli" not in {"/".join(path.split("/")[:2]) for path in need.files}
        assert "penstock/runtime/machine" not in places
        assert "penstock/adapters/local" not in places
        assert not need.distributions & {"duckdb", "typer", "rich", "apprise", "python-jsonpath"}

    def test_the_metrics_pipelines_processor_does_not_read_a_host(self) -> None:
        from penstock.pipelines.metrics import pipeline

        needs = find_needs(pipeline.build(), find_reference("penstock.pipelines.metrics:pipeline", "metrics"))
        with_it = {task for task, need in needs.items() if "psutil" in need.distributions}
        assert with_it == {"collect_cpu", "collect_memory", "collect_disk", "collect_network"}
        assert not [task for task, need in needs.items() if "duckdb" in need.distributions]

    def test_a_pipeline_that_is_installed_brings_its_own_package_and_the_libraries_beside_it(
        self, project: Project, installed: Installed
    ) -> None:
        installed.add("plugin", {"plugin/__init__.py": f"import beside\n{HEAD}{TASK}    return 1\n"})
        installed.add("beside", {"beside.py": ""})
        needs = needs_of(project, "plugin:pipeline")["work"]
        assert own(needs) == {"plugin/__init__.py"}
        assert needs.distributions == {"beside", "msgspec"}

    def test_include_adds_what_only_a_string_names(self, project: Project) -> None:
        project.write({"plugin.py": ""})
        assert own(needs_of(project, include=("plugin",))["work"]) == {"flow.py", "plugin.py"}

    def test_a_constant_string_is_followed(self, project: Project) -> None:
        call = "    import importlib\n    return importlib.import_module('plugin')\n"
        project.write({"flow.py": f"{HEAD}{TASK}{call}", "plugin.py": ""})
        assert own(needs_of(project)["work"]) == {"flow.py", "plugin.py"}


class TestMissing:
    def test_an_import_that_is_missing_is_named_with_its_line(self, project: Project) -> None:
        project.write({"flow.py": f"{HEAD}{TASK}    import not_there\n"})
        with pytest.raises(LoadError) as raised:
            needs_of(project)
        line = f"{project.folder / 'flow.py'}:5"
        assert raised.value.message == f"task 'work' imports 'not_there', which is not installed ({line})"
        assert line in raised.value.hint

    @pytest.mark.parametrize(
        "text",
        [
            "try:\n    import not_there\nexcept ImportError:\n    not_there = None\n",
            "try:\n    import not_there\nexcept (ValueError, ModuleNotFoundError):\n    pass\n",
            "import contextlib\nwith contextlib.suppress(ImportError):\n    import not_there\n",
        ],
    )
    def test_an_import_that_the_code_can_do_without_may_be_missing(self, project: Project, text: str) -> None:
        project.write({"flow.py": f"{text}{HEAD}{TASK}    return 1\n"})
        assert own(needs_of(project)["work"]) == {"flow.py"}

    def test_a_missing_import_of_another_task_is_not_this_ones(self, project: Project) -> None:
        other = "@pipeline.task\ndef other(event, context):\n    import not_there\n"
        project.write({"flow.py": f"{HEAD}{TASK}    return 1\n{other}"})
        with pytest.raises(LoadError, match="task 'other' imports 'not_there'"):
            needs_of(project)

    def test_a_module_that_is_no_python_is_named(self, project: Project) -> None:
        project.write({"flow.py": f"{HEAD}{TASK}    import broken\n", "broken.py": "def :\n"})
        with pytest.raises(LoadError, match=r"broken\.py:1: "):
            needs_of(project)


class TestHostile:
    def test_a_link_out_of_the_project_is_refused(self, project: Project, tmp_path: Path) -> None:
        secret = tmp_path / "secret.py"
        secret.write_text("KEY = 1\n")
        (project.folder / "keys.py").symlink_to(secret)
        project.write({"flow.py": f"import keys\n{HEAD}{TASK}    return 1\n"})
        with pytest.raises(UsageError, match=r"keys\.py is a link to .*secret\.py, out of "):
            needs_of(project)

    def test_a_link_among_a_packages_data_is_refused(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "passwords").write_text("x")
        project.write({"flow.py": f"import parts\n{HEAD}{TASK}    return 1\n", "parts/__init__.py": ""})
        (project.folder / "parts" / "words.txt").symlink_to(tmp_path / "passwords")
        with pytest.raises(UsageError, match="out of"):
            needs_of(project)

    def test_a_link_within_the_project_is_followed(self, project: Project) -> None:
        project.write({"flow.py": f"import second\n{HEAD}{TASK}    return 1\n", "first.py": "X = 1\n"})
        (project.folder / "second.py").symlink_to(project.folder / "first.py")
        assert own(needs_of(project)["work"]) == {"flow.py", "second.py"}

    def test_a_relative_import_out_of_the_package_is_named(self, project: Project) -> None:
        project.write({"flow.py": f"{HEAD}{TASK}    from . import x\n"})
        with pytest.raises(LoadError, match=r"flow\.py:5: a relative import leads out of its package"):
            needs_of(project)

    def test_a_users_own_compiled_module_is_refused(self, project: Project) -> None:
        project.write({"flow.py": f"{HEAD}{TASK}    import fast\n", "fast.cpython-311-x86_64-linux-gnu.so": ""})
        with pytest.raises(UsageError, match="is compiled"):
            needs_of(project)

    @pytest.mark.parametrize("name", ["json.py", "penstock.py", "a.b.py", "__init__.py"])
    def test_a_file_that_a_function_could_not_import_is_refused(self, project: Project, name: str) -> None:
        project.write({name: ""})
        with pytest.raises(UsageError, match="cannot be imported by its name"):
            find_reference(str(project.folder / name), "flow")


class TestReference:
    def test_a_file_is_known_by_its_stem_and_the_pipelines_name(self, project: Project) -> None:
        project.load()
        found = find_reference(str(project.folder / "flow.py"), "flow")
        assert (found.module, found.attribute, found.folder) == ("flow", "pipeline", project.folder)

    def test_a_module_of_a_package_is_found_from_the_packages_parent(self, project: Project) -> None:
        project.write({"shop/__init__.py": "", "shop/flow.py": "from penstock import Pipeline\np = Pipeline('shop')\n"})
        found = find_reference("shop.flow:p", "shop")
        assert (found.module, found.attribute, found.folder) == ("shop.flow", "p", project.folder)

    def test_a_package_is_found_from_its_parent(self, project: Project) -> None:
        project.write({"shop/__init__.py": ""})
        assert find_reference("shop:p", "shop").folder == project.folder

    @pytest.mark.parametrize("reference", ["nowhere.py", "no_such_module", "no.such.module:p", "sys:x"])
    def test_what_is_not_there_is_named(self, project: Project, reference: str) -> None:
        with pytest.raises(LoadError, match=reference.partition(":")[0]):
            find_reference(reference, "flow")

    def test_a_pipeline_of_another_name_is_not_taken(self, project: Project) -> None:
        project.load()
        with pytest.raises(LoadError, match="has no pipeline 'other'"):
            find_reference("flow", "other")


COMPRESSED = f"""
import msgspec
{HEAD}
class Line(msgspec.Struct):
    text: str
packed = pipeline.lake("packed", Line, compress=True)
plain = pipeline.lake("plain", Line)
@pipeline.task(may=[packed.append, plain.append])
def pack(event, context):
    pass
@pipeline.task(may=[plain.append])
def write(event, context):
    pass
"""


def test_only_a_task_that_compresses_has_the_library_for_it(project: Project) -> None:
    project.write({"flow.py": COMPRESSED})
    needs = needs_of(project)
    assert {task for task, need in needs.items() if "zstandard" in need.distributions} == {"pack"}
    assert {task for task, need in needs.items() if "penstock/lake/zstd.py" in need.files} == {"pack"}
