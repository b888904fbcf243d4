"""Run somebody's script in this process as `__main__`, as `python` itself would, with a recording around it.

Decides what the script finds: `sys.argv`, `sys.path`, `__file__` and its own module as `sys.modules["__main__"]`, which
stays there for its threads and its exit handlers. Decides how a recorded script ends: exit status, exceptions, Ctrl-C
and output are the script's own; threads that go on training behind its last line are recorded to their end. torch is
not loaded before the script does it: a script may set thread counts and devices first, and they change the numbers. Nor
is a look for torch, as `importlib.util.find_spec` does it long before an import or without one, taken for its load.
"""

from __future__ import annotations

import atexit
import builtins
import importlib.util
import io
import os
import re
import runpy
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from pkgutil import get_importer
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, cast

from recorders.errors import SedscopeError, UsageError
from recorders.format import END_EXCEPTION, END_FINISHED, END_INTERRUPTED
from recorders.recording_options import RecordingOptions
from recorders.speech import say
from recorders.store.run_folder import ReservedFolder

if TYPE_CHECKING:
    from recorders.recording_session import RecordingSession
_OURS = str(Path(__file__).parents[1])
_STATUS_OF_EXCEPTION = 1  # as Python's own
_STATUS_OF_INTERRUPT = 130  # as a shell says it: 128 + SIGINT


@contextmanager
def when_imported(name: str, callback: Callable[[], None]) -> Iterator[None]:
    """Call back once, as soon as the module is there: now, or inside the block right after its import."""
    if name in sys.modules:
        callback()
        yield
        return
    finder = _ArrivalFinder(name, callback)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.remove()


class _ArrivalFinder:
    """A finder of one module, through the other finders, and its loader, which loads as its own does and calls back."""

    def __init__(self, name: str, callback: Callable[[], None]) -> None:
        self._name = name
        self._callback = callback
        self._looking = False
        self._loader: Any = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name or self._looking:
            return None
        self._looking = True  # the other finders are asked through the same door
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            self._loader, loader = spec.loader, cast(Any, self)
            spec.loader = loader
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        if self in sys.meta_path:  # a second load, or one after the block, is none of ours
            self.remove()
            self._callback()

    def remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def become_main(arguments: Sequence[str], *, module: bool) -> None:
    """Set `sys.argv` and `sys.path` as Python sets them for a script, or for `-m`.

    Raises:
        UsageError: there is no such script or module.
    """
    name = arguments[0]
    sys.argv[:] = arguments
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd()) if module else str(Path(name).resolve().parent)
    if module and _is_missing(name):
        raise UsageError(f"module: {name} must be importable, found no such module")
    if not module and not Path(name).exists():
        raise UsageError(f"script: {name} must be a file, found none")


def run_as_main(name: str, *, module: bool) -> None:
    """Run a script, a folder or archive with a `__main__.py`, or with `module` a module; raises what it raises."""
    if module:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif get_importer(name) is not None or name.endswith(".pyc"):
        runpy.run_path(name, run_name="__main__")
    else:
        # Absolute and otherwise as typed, like Python's own; `sys.argv[0]` stays what was typed.
        _run_source(name if Path(name).is_absolute() else f"{Path.cwd()}{os.sep}{name}")


def _run_source(path: str) -> None:
    # Not runpy.run_path: it puts the path into sys.argv[0], and takes `__main__` away when the last line is done.
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    main = ModuleType("__main__")
    namespace = {"__builtins__": builtins, "__file__": path, "__cached__": None, "__annotations__": {}}
    main.__dict__.update(namespace, __loader__=SourceFileLoader("__main__", path))
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def _is_missing(name: str) -> bool:
    """Return whether no module has this name; an error inside a parent package is the script's own."""
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return True
        raise


def default_path(script: str, *, module: bool) -> Path:
    """Return `runs/<script>-<UTC time>`, which does not exist yet."""
    stem = re.sub(r"[^\w.-]+", "-", script if module else Path(script).stem) or "run"
    first = Path("runs") / f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    path, number = first, 1
    while path.exists():
        number += 1
        path = first.with_name(f"{first.name}-{number}")
    return path


def launch(arguments: Sequence[str], *, module: bool, path: Path, options: RecordingOptions) -> None:
    """Run a script, or with `module` a module, and record what it trains into `path`.

    Args:
        arguments: the script's path or the module's name, then its own arguments.
        module: as `python -m`.
        path: the run directory.
        options: what to record.

    Raises:
        SystemExit: as the script raised it; or status 1 after an exception, which is shown as Python shows it.
        SedscopeError: it cannot be recorded, and was not started.
    """
    become_main(arguments, module=module)
    recorder = _Recorder(path, options, ["-m", *arguments] if module else arguments)
    interrupted: list[bool] = []
    atexit.register(_die_if, interrupted)  # registered before anything of the script's: it runs after all of that
    atexit.register(recorder.finish_late)
    reason = END_EXCEPTION
    try:
        with when_imported("torch", recorder.start):
            run_as_main(arguments[0], module=module)
        reason = END_FINISHED
    except SystemExit as stop:
        reason = END_FINISHED if stop.code in (None, 0) else END_EXCEPTION
        raise
    except KeyboardInterrupt as error:
        recorder.finish(END_INTERRUPTED)
        _show(error)
        interrupted.append(True)
        raise SystemExit(_STATUS_OF_INTERRUPT) from None
    except SedscopeError:
        raise  # the API refused a call of the script's
    except BaseException as error:  # noqa: BLE001  whatever else the script raises is shown as Python would
        recorder.finish(reason)
        _show(error)
        raise SystemExit(_STATUS_OF_EXCEPTION) from None
    finally:
        recorder.finish(reason)


class _Recorder:
    """The recording of a script: begun when the script has loaded torch, ended with the script."""

    def __init__(self, path: Path, options: RecordingOptions, command: Sequence[str]) -> None:
        self._options = options
        self._command = tuple(command)
        self._folder = ReservedFolder(path, options)
        self._session: RecordingSession | None = None
        self._pid = os.getpid()
        self._ended = False
        self._late: str | None = None

    def start(self) -> None:
        """Begin the recording: the script has torch, and what goes wrong from here on is ours and not the script's."""
        from recorders.recording_session import RecordingSession

        try:
            self._session = RecordingSession(self._folder, self._options, command=self._command)
        except SedscopeError as error:
            if self._options.changes_training:
                raise
            say(f"not recorded: {error}")

    def finish(self, reason: str) -> None:
        """End the recording with the script's main thread, or leave that to `finish_late` where other threads go on."""
        if self._late is None and _threads_go_on():
            self._late = reason
        if self._late is None:
            self._end(reason)

    def finish_late(self) -> None:
        """End the recording with the process: Python has waited for the script's threads."""
        if self._late is not None:
            self._end(self._late)

    def _end(self, reason: str) -> None:
        """End the recording, once, and say where it is and what comes next."""
        if self._ended or os.getpid() != self._pid:
            return
        self._ended = True
        if self._session is None:
            self._folder.give_back()
            say("nothing was recorded: torch was not seen being loaded")
            return
        self._session.close(reason)
        if self._session.output.is_open:
            path = shlex.quote(str(self._folder.path))
            say(f"recorded {self._session.t:,} steps in {path}; next: sedscope report {path}")


def _threads_go_on() -> bool:
    """Return whether Python has threads of the script's to wait for before it exits."""
    here = threading.current_thread()
    return any(thread is not here and not thread.daemon for thread in threading.enumerate())


def _show(error: BaseException) -> None:
    """Show an exception that nobody caught as the interpreter does, without our frames above the script's."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    error.__traceback__ = _from_script_on(error.__traceback__)  # the default hook shows this one, whatever it is given
    sys.excepthook(type(error), error, error.__traceback__)


def _from_script_on(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith(_OURS) and file not in (runpy.__file__, "<frozen runpy>"):
            break
        traceback = traceback.tb_next
    return traceback


def _die_if(interrupted: list[bool]) -> None:
    """Die as Python does after an unhandled Ctrl-C: a shell tells it from an ordinary exit."""
    if not interrupted:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
