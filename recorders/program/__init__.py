"""The feature program: a model's forward from inputs and δ to its outputs, captured as data and run as data.

`capture` turns a model into JSON and constants; `load` turns them back into a `Program`. Nothing that is read is ever
unpickled, evaluated or imported.
"""

from recorders.errors import ProgramRefused
from recorders.program.capture.capture import Capture, capture_program
from recorders.program.execution.interpreter import Footprint, Program, load, refusing

__all__ = ["Capture", "Footprint", "Program", "ProgramRefused", "capture_program", "load", "refusing"]
