"""A recording whose writer keeps everything in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorders.recording_options import RecordingOptions


class MemoryWriter:
    """What `RunWriter` would have written: rows[source][t], weights[t][name], scalars[name][t] as lists."""

    def __init__(self, path: Path, manifest: dict[str, Any], options: RecordingOptions, first_t: int) -> None:
        self.path, self.manifest, self.first_t = path, manifest, first_t
        self.stored_rows: dict[str, dict[int, np.ndarray]] = {}
        self.stored_weights: dict[int, dict[str, np.ndarray]] = {}
        self.stored_scalars: dict[str, dict[int, list[float]]] = {}
        self.programs: list[bytes] = []
        self.probes: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.notes: list[tuple[str, str, int | None]] = []
        self.closed: list[str] = []
        self.on_failure: Callable[[str], None] | None = None

    def rows(self, source: str, t: int, vector: Any) -> None:
        array = vector() if callable(vector) else vector
        assert t not in self.stored_rows.setdefault(source, {})
        assert array.shape == (self.manifest["selection"]["P"],)
        assert array.dtype == self.manifest["selection"]["row_dtype"]
        self.stored_rows[source][t] = array

    def scalars(self, t: int, values: Any) -> None:
        for name, value in values.items():
            series = self.stored_scalars.setdefault(name, {})
            series.setdefault(t, []).append(float(value() if callable(value) else value))

    def weights(self, t: int, state: Any) -> None:
        tensors = state() if callable(state) else state
        assert t not in self.stored_weights
        self.stored_weights[t] = {
            name: (tensor.float() if tensor.dtype.itemsize < 4 else tensor).numpy() for name, tensor in tensors.items()
        }

    def program(self, program_json: bytes, constants: Any) -> str:
        self.programs.append(program_json)
        return f"program-{len(self.programs)}"

    def probe(self, task: str, tensors: Any, meta: Any) -> None:
        self.probes[task] = (tensors, meta)

    def note(self, kind: str, message: str, t: int | None = None) -> None:
        self.notes.append((kind, message, t))

    def close(self, reason: str) -> None:
        self.closed.append(reason)


class Recorded:
    """The session, and its writer once there is one."""

    def __init__(self) -> None:
        self.session: Any = None
        self.writer: Any = None


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Any]:
    """A recording into memory, begun by a call that takes options; a test fails if it stopped on an error."""

    @contextmanager
    def begin(*, may_stop: bool = False, **options: Any) -> Iterator[Recorded]:
        from recorders.recording_session import RecordingSession
        from recorders.store.run_folder import ReservedFolder

        it = Recorded()

        def opener(*arguments: Any) -> MemoryWriter:
            it.writer = MemoryWriter(*arguments)
            return it.writer

        settings = RecordingOptions(**options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("recorders.recording_output.open_writer", opener)
            it.session = RecordingSession(ReservedFolder(tmp_path / "run", settings), settings, command=["train.py"])
            try:
                yield it
            finally:
                it.session.close()
        assert may_stop or it.session.stopped is None, it.session.stopped

    return begin
