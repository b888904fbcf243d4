"""The process that writes a picture: `python -m sedscope.tui.exports.child`, a picture and a path on stdin.

A process of its own, since matplotlib and polars take a second to import and the screen must not wait. Prints the paths
that it wrote; on failure one line on stderr and status 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sedscope.tui.exports.pictures import Picture, table
from sedscope.tui.worker import frames


def write(picture: Picture, stem: Path) -> list[Path]:
    """Write a picture as SVG, PNG, CSV and Parquet; return the paths.

    Raises:
        OSError: A file cannot be written.
    """
    import polars as pl

    from sedscope.tui.exports.figure import write_figure

    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = write_figure(picture, stem)
    frame = pl.DataFrame(table(picture), strict=False)
    csv, parquet = (stem.with_name(stem.name + suffix) for suffix in (".csv", ".parquet"))
    frame.write_csv(csv)
    frame.write_parquet(parquet)
    return [*paths, csv, parquet]


def main() -> int:
    """Read, write, tell."""
    picture, stem = frames.receive(sys.stdin.buffer)
    try:
        paths = write(picture, stem)
    except (OSError, ImportError) as error:
        print(f"{stem}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 1
    print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
