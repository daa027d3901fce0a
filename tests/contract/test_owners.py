import subprocess
import sys
from pathlib import Path

from penstock.adapters.local.owners import Owner

HOLD = """
import sys
from pathlib import Path
from penstock.adapters.local.owners import Owner
owner = Owner(Path(sys.argv[1]), "other")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_lives_until_it_is_killed(tmp_path: Path) -> None:
    mine = Owner(tmp_path, "mine")
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert sorted(mine.living()) == ["mine", "other"]
        other.kill()
    assert mine.living() == ["mine"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    mine.close()
    mine.close()
    assert list(tmp_path.iterdir()) == []
