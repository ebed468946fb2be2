"""Energy trees as text: component, action, count x unit cost, share, mark and source."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.energy.written import WrittenLeaf, WrittenTree
from hwsim.report.columns import aligned


def tree_text(tree: WrittenTree, *, sources: bool = False) -> str:
    """One tree; with ``sources`` a number behind each leaf, and what it stands for below."""
    listed = list(dict.fromkeys(leaf.source for leaf in tree.leaves))
    lines: list[tuple[str, ...]] = [("component, action", "count", "per", "pJ each", "J", "share", "low J", "high J",
                                     "mark", *(["source"] if sources else []))]
    for name, energy in tree.components.items():
        lines.append((name, "", "", "", f"{energy:.4g}", _share(energy, tree), "", "", "",
                      *([""] if sources else [])))
        for leaf in tree.leaves:
            if leaf.component == name:
                lines.append((*_leaf(leaf, tree), *([f"[{listed.index(leaf.source) + 1}]"] if sources else [])))
    lines.append(("total", "", "", "", f"{tree.energy:.4g}", _share(tree.energy, tree), f"{tree.low:.4g}",
                  f"{tree.high:.4g}", "", *([""] if sources else [])))
    notes = ["", *(f"[{number}] {source}" for number, source in enumerate(listed, start=1))] if sources else []
    return "\n".join([f"{tree.place}:", *aligned(lines), *notes])


def list_text(trees: Sequence[WrittenTree]) -> str:
    """The trees of a file, a line each."""
    lines: list[tuple[str, ...]] = [("tree", "J", "low J", "high J", "leaves")]
    lines += [(tree.place, f"{tree.energy:.4g}", f"{tree.low:.4g}", f"{tree.high:.4g}", str(len(tree.leaves)))
              for tree in trees]
    return "\n".join(aligned(lines))


def _leaf(leaf: WrittenLeaf, tree: WrittenTree) -> tuple[str, ...]:
    return (f"  {leaf.action}", f"{leaf.count:.6g}", leaf.per, f"{leaf.unit_cost * 1e12:.4g}", f"{leaf.energy:.4g}",
            _share(leaf.energy, tree), f"{leaf.low:.4g}", f"{leaf.high:.4g}", leaf.mark)


def _share(energy: float, tree: WrittenTree) -> str:
    return f"{energy / tree.energy:.1%}" if tree.energy else "-"
