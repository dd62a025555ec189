"""Proofs as JSON, for programs: the findings are those of ``halfopen diagnose --format json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from halfopen import findings
from halfopen.diagnose.report import as_json as diagnosis
from halfopen.prove import Proof
from halfopen.prove.playing import Run


def as_json(proof: Proof, *, ascii_only: bool = False) -> str:
    """One proof as a JSON object."""
    return json.dumps({"version": 1, **_told(proof)}, indent=2, ensure_ascii=ascii_only)


def all_as_json(proofs: Sequence[Proof], *, ascii_only: bool = False) -> str:
    """Several proofs: ``proofs``, each as :func:`as_json` tells it, and whether all of them held."""
    told = {
        "version": 1,
        "held": all(proof.held for proof in proofs),
        "proofs": [_told(proof) for proof in proofs],
    }
    return json.dumps(told, indent=2, ensure_ascii=ascii_only)


def _told(proof: Proof) -> dict[str, Any]:
    return {
        "code": proof.code,
        "fault": findings.fault(proof.code).fault,
        "title": proof.scenario.title,
        "scenario": proof.scenario.file,
        "seed": proof.seed,
        "command": proof.command,
        "held": proof.held,
        "checks": [{"name": check.name, "held": check.held, "said": check.said} for check in proof.checks],
        "cure": list(proof.cures),
        "figures": {
            run.name: [figure.as_dict() for figure in run.figures] for run in (proof.failing, proof.cured)
        },
        "failing": _report(proof.failing),
        "cured": _report(proof.cured),
    }


def _report(run: Run) -> Any:
    return json.loads(diagnosis.as_json(run.report))
