"""What a trace shows in figures: where the time of each track went, as data and as text."""

from __future__ import annotations

from typing import Any

from hwsim.trace.tracks import LABELS, Kind, Trace


def trace_data(trace: Trace) -> dict[str, Any]:
    """Plain data; the times of a track add up to the part that is shown (cycles, or ps)."""
    tracks = [{"track": track.name, "group": track.group, "firings": len(track.start),
               **{kind.name.lower(): track.slices.ticks(kind) for kind in Kind}} for track in trace.tracks]
    return {"name": trace.name, "unit": "cycles" if trace.cycles else "ps", "from": trace.begin, "to": trace.end,
            "events": trace.events, "tracks": tracks, **trace.meta}


def trace_text(trace: Trace) -> str:
    """A table: a line a track, in cycles or microseconds."""
    scale, unit = (1, "cycles") if trace.cycles else (1_000_000, "us")
    shown = [kind for kind in Kind if any(track.slices.ticks(kind) for track in trace.tracks)]
    rows = [["track", *(LABELS[kind] for kind in shown)]]
    for track in trace.tracks:
        times = [track.slices.ticks(kind) / scale for kind in shown]
        rows.append([track.name, *(f"{time:,.0f}" if trace.cycles else f"{time:,.3f}" for time in times)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in
                                                   zip(row[1:], widths[1:], strict=True))]) for row in rows]
    part = f"{unit} {trace.begin / scale:,.10g} to {trace.end / scale:,.10g}"
    return "\n".join([f"{trace.name}: {part}, {trace.events:,} events", *lines])
