"""Run by path, as a script: makes the world of a Lambda function around one process, and starts it there.

Three processes: the outer one lives as long as its control pipe is open; the first of the new process namespace ends
with the function, and takes whatever the function left running with it; the function's own. Where the machine gives no
namespaces, the function is started all the same, and what does not hold is said.

It knows the standard library only: it runs before any package can be imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEW_NAMESPACES = 0x00020000 | 0x10000000 | 0x20000000 | 0x08000000  # mounts, users, processes, System V memory
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, ATTR_READ_ONLY = 442, -100, 0x8000, 1
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
# As in Lambda: no /dev/shm, so no locks or queues of multiprocessing either.
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = tuple(map(Path, ("/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/sys", "/usr")))

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str | Path, target: str | Path, kind: str = "none", flags: int = 0, data: str = "") -> None:
    result = libc.mount(str(source).encode(), str(target).encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    checked(result, f"mount {target}")


def set_read_only(target: Path, *, read_only: bool, recursive: bool) -> None:
    # struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attributes = (ctypes.c_uint64 * 4)(ATTR_READ_ONLY if read_only else 0, 0 if read_only else ATTR_READ_ONLY, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    number = ctypes.c_long(SYS_MOUNT_SETATTR)
    checked(libc.syscall(number, AT_FDCWD, bytes(target), flags, ctypes.byref(attributes), size), "mount_setattr")


def enter_namespaces(user: int, group: int) -> None:
    """Becomes the user and the group of a function, with nothing but the caller's own rights outside."""
    outer_user, outer_group = os.geteuid(), os.getegid()
    checked(libc.unshare(NEW_NAMESPACES), "unshare")
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"{user} {outer_user} 1")
    (own / "gid_map").write_text(f"{group} {outer_group} 1")


def build_root(stage: Path, binds: list[list[str]], ephemeral_bytes: int) -> None:
    """Makes a root folder of what a function sees, read-only but for its folder for temporary files, and enters it."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", stage, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    writable = stage / "tmp"
    writable.mkdir()
    mount("tmpfs", writable, "tmpfs", MS_NOSUID | MS_NODEV, f"size={ephemeral_bytes},mode=700")
    for path in SYSTEM:
        if path.is_symlink():
            below(stage, path).symlink_to(path.readlink())
        elif path.is_dir():
            bind(path, below(stage, path))
    for name in DEVICES:
        bind(Path("/dev", name), stage / "dev" / name)
    for source, target in binds:
        place = below(stage, Path(target))
        if not place.exists():
            bind(Path(source), place)
    mount_processes(stage / "proc")
    set_read_only(stage, read_only=True, recursive=True)
    set_read_only(writable, read_only=False, recursive=False)
    os.chroot(stage)
    os.chdir("/")


def mount_processes(place: Path) -> None:
    place.mkdir()
    try:
        mount("proc", place, "proc", MS_NOSUID | MS_NODEV)
    except OSError:
        # A container that hides parts of /proc cannot have a second one.
        mount("/proc", place, flags=MS_BIND | MS_REC)


def below(stage: Path, path: Path) -> Path:
    return stage / path.relative_to("/")


def bind(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(source, target, flags=MS_BIND | MS_REC)


def set_limit(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (least, least))


def start_function(plan: dict[str, Any], tell: Callable[..., None]) -> int:
    """Starts the function; returns its process id."""
    process = os.fork()
    if process:
        return process
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.setsid()
        os.dup2(plan["log_fd"], 1)
        os.dup2(plan["log_fd"], 2)
        os.close(plan["log_fd"])
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        set_limit(resource.RLIMIT_NOFILE, plan["files"])
        if plan["namespaces"]:
            # Elsewhere it would count all that the user runs.
            set_limit(resource.RLIMIT_NPROC, plan["processes"])
        os.chdir(plan["folder"])
        tell(began=time.monotonic())
        os.execve(plan["command"][0], plan["command"], plan["environment"])  # noqa: S606 - a shell would be in the way
    except BaseException as error:  # noqa: BLE001 - the border of a forked process
        tell(failed=f"{type(error).__name__}: {error}")
    os._exit(127)


def keep_function(plan: dict[str, Any], tell: Callable[..., None]) -> None:
    """Is the first process of the namespace: starts the function, buries whoever dies, ends with the function."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Without a namespace too, what the function leaves behind stays in its family, and can be killed.
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if plan["namespaces"]:
        try:
            build_root(Path(plan["stage"]), plan["binds"], plan["ephemeral_bytes"])
        except OSError as error:
            tell(refused=f"no file system of its own: {error}")
            return
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    process = start_function(plan, tell)
    os.close(plan["log_fd"])
    while True:
        try:
            ended, status = os.wait()
        except OSError as error:
            if error.errno == errno.EINTR:
                continue
            raise
        if ended == process:
            tell(ended=os.waitstatus_to_exitcode(status))
            if not plan["namespaces"]:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
            return


def main() -> None:
    """Reads the plan, makes the namespaces, waits for the end of the function or of the caller."""
    plan = json.loads(sys.stdin.read())
    # The function inherits its output and nothing else.
    fcntl.fcntl(plan["status_fd"], fcntl.F_SETFD, fcntl.FD_CLOEXEC)

    def tell(**message: Any) -> None:
        os.write(plan["status_fd"], json.dumps(message).encode() + b"\n")

    if plan["namespaces"]:
        try:
            enter_namespaces(plan["user"], plan["group"])
        except OSError as error:
            tell(refused=f"no namespaces: {error}")
            return
    keeper = os.fork()
    if keeper == 0:
        os.close(plan["control_fd"])
        try:
            keep_function(plan, tell)
        finally:
            os._exit(0)
    os.close(plan["log_fd"])
    ending = os.pidfd_open(keeper)
    ready, _, _ = select.select([plan["control_fd"], ending], [], [])
    if ending not in ready:
        os.kill(keeper, signal.SIGKILL)
    os.waitpid(keeper, 0)


if __name__ == "__main__":
    main()
