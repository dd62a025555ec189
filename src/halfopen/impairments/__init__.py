"""What can be done to a network, as data: one kind per file. The twin plays them, the trial makes them real.

``impairment(table)`` builds one from a table of a scenario: ``{kind = "blackhole", begin_ms = 970, direction = "both"}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from halfopen.impairments.ap_forgets import ApForgets
from halfopen.impairments.ap_full import ApFull
from halfopen.impairments.ap_power_cut import ApPowerCut
from halfopen.impairments.ap_restarted import ApRestarted
from halfopen.impairments.ap_silent import ApSilent
from halfopen.impairments.blackhole import Blackhole
from halfopen.impairments.brown_out import BrownOut
from halfopen.impairments.delay import Delay
from halfopen.impairments.dense_network import DenseNetwork
from halfopen.impairments.dhcp_silent import DhcpSilent
from halfopen.impairments.dns_silent import DnsSilent
from halfopen.impairments.fading import Fading
from halfopen.impairments.flows_lost import FlowsLost
from halfopen.impairments.late_wake import LateWake
from halfopen.impairments.link_down import LinkDown
from halfopen.impairments.loss import Loss
from halfopen.impairments.nat_expiry import NatExpiry
from halfopen.impairments.password_changed import PasswordChanged
from halfopen.impairments.peer_rebooted import PeerRebooted
from halfopen.impairments.peer_stalled import PeerStalled
from halfopen.impairments.peer_vanished import PeerVanished
from halfopen.impairments.power_cut import PowerCut
from halfopen.impairments.radio_dropout import RadioDropout
from halfopen.impairments.radio_loss import RadioLoss
from halfopen.impairments.service_refused import ServiceRefused
from halfopen.impairments.span import Impairment
from halfopen.impairments.station_barred import StationBarred
from halfopen.impairments.station_kicked import StationKicked
from halfopen.impairments.unreachable import Unreachable

#: Name in a scenario → class.
KINDS: dict[str, type[Impairment]] = {
    kind.KIND: kind
    for kind in (
        ApForgets,
        ApFull,
        ApPowerCut,
        ApRestarted,
        ApSilent,
        Blackhole,
        BrownOut,
        Delay,
        DenseNetwork,
        DhcpSilent,
        DnsSilent,
        Fading,
        FlowsLost,
        LateWake,
        LinkDown,
        Loss,
        NatExpiry,
        PasswordChanged,
        PeerRebooted,
        PeerStalled,
        PeerVanished,
        PowerCut,
        RadioDropout,
        RadioLoss,
        ServiceRefused,
        StationBarred,
        StationKicked,
        Unreachable,
    )
}


def impairment(table: Mapping[str, Any]) -> Impairment:
    """The impairment that a table describes: ``kind``, ``begin_ms``, ``end_ms`` and what the kind wants.

    Raises:
        ValueError: no such kind, a key it does not know, a value of the wrong type or out of range; one line.
    """
    rest = dict(table)
    kind = rest.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind is {kind!r}: one of {', '.join(sorted(KINDS))} expected")
    known = {field.name: str(field.type) for field in fields(KINDS[kind])}
    for key, value in rest.items():
        if key not in known:
            raise ValueError(f"{kind} knows no {key!r}; it knows {', '.join(known)}")
        allowed = _TYPES[known[key]]
        if isinstance(value, bool) != (allowed is bool) or not isinstance(value, allowed):
            raise ValueError(f"{key} is {value!r}: {known[key].replace('float', 'a number')} expected")
    return KINDS[kind](**rest)


_TYPES: dict[str, Any] = {
    "float": (int, float),
    "float | None": (int, float),
    "int": int,
    "str": str,
    "bool": bool,
}

__all__ = ["KINDS", "Impairment", "impairment"]
