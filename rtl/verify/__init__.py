"""RTL against model and reference: random cases of a family, every transfer compared, value and cycle.

    report = verify("nm_array", {"rows": 5, "cols": 3, "n": 2, "m": 8}, seed=7, cases=20, engine="verilator")
    report.passed, report.to_dict()

A family joins by an object that keeps `rtl.verify.family.Family` and an entry in `rtl.verify.registry.FAMILIES`.
"""

from rtl.verify.compare import Comparison, compare
from rtl.verify.family import Case, Family
from rtl.verify.registry import FAMILIES, find_family
from rtl.verify.report import Report
from rtl.verify.run import run_cases, verify

__all__ = ["FAMILIES", "Case", "Comparison", "Family", "Report", "compare", "find_family", "run_cases", "verify"]
