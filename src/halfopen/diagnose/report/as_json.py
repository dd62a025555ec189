"""The report as JSON: the contract that other programs read (version 1)."""

from __future__ import annotations

import json
from typing import Any

from halfopen.diagnose.report import Report
from halfopen.findings import Finding


def as_json(report: Report, *, ascii_only: bool = False) -> str:
    """``report`` as a JSON object with ``version``, ``findings``, ``undecided``, ``devices``, ``clocks`` and ``notes``.

    ``ascii_only`` escapes everything else, for an output that could not carry it.
    """
    return json.dumps(
        {
            "version": 1,
            "findings": [_finding(finding) for finding in report.findings],
            "undecided": [{"faults": list(doubt.faults), "next": doubt.next} for doubt in report.undecided],
            "devices": [
                {
                    "name": device.name,
                    "mac": device.mac or None,
                    "ips": list(device.ips),
                    "firmware": device.firmware or None,
                    "version": device.version or None,
                    "sources": list(device.sources),
                }
                for device in report.devices
            ],
            "clocks": [
                {
                    "device": clock.device,
                    "log": clock.log,
                    "boot": clock.boot,
                    "offset": clock.alignment.offset,
                    "drift_ppm": clock.alignment.drift * 1e6,
                    "matches": clock.alignment.matches,
                    "residual": clock.alignment.residual,
                }
                for clock in report.clocks
            ]
            + [
                {
                    "capture": clock.source,
                    "reference": clock.reference,
                    "offset": clock.offset,
                    "drift_ppm": clock.drift * 1e6,
                    "matches": clock.matches,
                    "residual": clock.residual,
                    "through": clock.through or None,
                }
                for clock in report.capture_clocks
            ],
            "notes": list(report.notes),
        },
        indent=2,
        ensure_ascii=ascii_only,
    )


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "fault": finding.fault,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "key": finding.key,
        "device": finding.device,
        "summary": finding.summary,
        "caused_by": finding.caused_by,
        "evidence": [
            {"source": e.source, "line": e.line, "frame": e.frame, "time": e.time, "text": e.text}
            for e in finding.evidence
        ],
        "remedy": {"summary": finding.remedy.summary, **finding.remedy.code},
    }
