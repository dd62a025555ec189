"""A situation from a seed: a fleet on the link, its neighbours, its peers, and impairments on a time axis.

What is drawn is the tables of a scenario, so that it can be written as a file, played again, and cut down. After the last
impairment the network is sound: that is when everybody must come back.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from halfopen.sweep.as_toml import Tables
from halfopen.sweep.lots import Lots

#: Impairments begin after the first connection and are over by then (seconds).
BEGIN_S, CALM_S = 5, 180
#: So long it is played after that (seconds): longer than any promise to come back.
CALM_FOR_S = 200
IMPAIRMENTS_MAX = 6
#: Nobody's neighbours are more.
GROUPS_MAX, GROUP_MAX = 3, 3

#: So many situations are on Wi-Fi, the others on a wire.
_ON_WIFI = 0.6
_SERVER_PORT = 8080
_DIRECTIONS = ("both", "to-peer", "to-device")
#: What a client on the link does, and the service that goes with it; asking is what most do.
_KINDS = (("asks", "echo"), ("asks", "responder"), ("sends", "sink"), ("listens", "talker"))


def drawn(seed: int) -> Tables:
    """The situation of ``seed``: the same for ever, wherever it is drawn."""
    lots = Lots.of(seed, "swarm")
    peer = _peer(lots)
    tables: Tables = {
        "title": f"Swarm, seed {seed}",
        "seed": seed,
        "duration_s": CALM_S + CALM_FOR_S,
        "network": {"delay_ms": lots.one_of((0, 3, 80)), "jitter_ms": lots.one_of((0, 0, 10))},
        "peers": [peer],
        "devices": [],
        "impairments": [],
    }
    if lots.happens(_ON_WIFI):
        tables["access_points"] = [_access_point(lots, peer["name"])]
    kinds = [_link_group(lots, tables, peer, 0)]
    for number in range(1, lots.between(1, GROUPS_MAX)):
        if lots.happens(0.7):
            kinds.append(_link_group(lots, tables, peer, number))
        else:
            _neighbours(lots, tables, peer, number)
    places = _Places(
        peer["name"],
        [device["name"] for device in tables["devices"]],
        next((ap["name"] for ap in tables.get("access_points", ())), ""),
        "sends" in kinds,
    )
    tables["impairments"] = sorted(
        (_impairment(lots, places) for _ in range(lots.between(1, IMPAIRMENTS_MAX))),
        key=lambda table: float(table["begin_ms"]),
    )
    return tables


class _Places(NamedTuple):
    """Where impairments can happen: the peer, the groups of devices, the access point (empty on a wire)."""

    peer: str
    devices: list[str]
    access_point: str
    #: Somebody sends without awaiting an answer.
    sends: bool


def _access_point(lots: Lots, peer: str) -> dict[str, Any]:
    return {
        "name": lots.one_of([name for name in ("ap", "router", "mesh-1") if name != peer]),
        "security": lots.one_of(("wpa2", "wpa2", "open")),
        "dtim": lots.one_of((1, 1, 2, 3, 10)),
        "inactivity_s": lots.one_of((300, 300, 60, 20)),
        "skip_poll": lots.happens(0.2),
        "rekey_s": lots.one_of((0, 0, 60)),
    }


def _peer(lots: Lots) -> dict[str, Any]:
    name = lots.host_name()
    near = lots.happens(0.6)
    return {
        "name": name,
        "ip": "192.168.5.2" if near else f"203.0.113.{lots.between(2, 250)}",
        "domain": f"{name}.example",
        "services": [],
    }


def _link_group(lots: Lots, tables: Tables, peer: dict[str, Any], number: int) -> str:
    """One to three devices on the link, and the service they use; what they do."""
    kind, service = lots.one_of(_KINDS)
    port = _SERVER_PORT + number
    # without keepalive somebody must answer a heartbeat, or the bound is infinite and the link says so
    keepalive = not (kind == "asks" and service == "echo") or lots.happens(0.5)
    options: dict[str, Any] = {
        "host": peer["domain"] if lots.happens(0.3) else peer["ip"],
        "port": port,
        "request_bytes": lots.one_of((40, 400, 1400)),
        "period_ms": lots.one_of((500, 1000, 7000, 20_000)),
    }
    if kind != "asks":
        options[kind] = True
    if not keepalive:
        options |= {"keepalive": False, "heartbeat": True}
    if lots.happens(0.2):
        options |= {
            "keep_idle_s": lots.near(5, 60),
            "keep_interval_s": lots.near(1, 10),
            "keep_count": lots.between(2, 5),
        }
    peer["services"].append(_service(lots, service, port))
    tables["devices"].append(_placed(lots, tables, {"firmware": "link-client", "options": options}))
    return kind


def _service(lots: Lots, kind: str, port: int) -> dict[str, Any]:
    service: dict[str, Any] = {"port": port, "kind": kind}
    if kind == "talker":
        service |= {"chunk_bytes": 200, "pause_ms": lots.one_of((500, 2000, 15_000))}
    if kind == "sink" and lots.happens(0.5):
        service["receive_buffer"] = 8192
    return service


def _neighbours(lots: Lots, tables: Tables, peer: dict[str, Any], number: int) -> None:
    """Devices without the link: nothing is promised of them, they share the network."""
    port = _SERVER_PORT + number
    peer["services"].append({"port": port, "kind": "responder", "reply_bytes": 40})
    firmware = lots.one_of(("careful-client", "leaky-client", "storming-client"))
    options = {"host": peer["ip"], "port": port, "period_ms": lots.one_of((2000, 10_000))}
    tables["devices"].append(_placed(lots, tables, {"firmware": firmware, "options": options}))


def _placed(lots: Lots, tables: Tables, plan: dict[str, Any]) -> dict[str, Any]:
    """A plan with what every group has: a name of its own, a number, a lease or not, limits."""
    taken = {device["name"] for device in tables["devices"]} | {peer["name"] for peer in tables["peers"]}
    name = next(name for name in iter(lots.device_name, "") if name not in taken)
    placed = {"name": name, "count": lots.between(1, GROUP_MAX), **plan}
    placed["lease"] = lots.happens(0.3)
    placed["every_ms"] = lots.one_of((0, 300, 1700))
    if "access_points" in tables:
        placed["wifi"] = {
            "power_save": lots.one_of(("none", "min", "min", "max")),
            "listen_interval": lots.one_of((3, 3, 10)),
            "rssi_dbm": -lots.between(45, 75),
        }
    if lots.happens(0.2):
        placed["sdkconfig"] = {"CONFIG_LWIP_MAX_SOCKETS": lots.between(4, 16)}
    return placed


def _impairment(lots: Lots, places: _Places) -> dict[str, Any]:
    begin = lots.between(BEGIN_S * 1000, (CALM_S - 70) * 1000)
    span: dict[str, Any] = {"begin_ms": begin, "end_ms": begin + lots.between(200, 70_000)}
    if places.sends and lots.happens(0.3):  # the one that nothing but a deadline on progress can see
        return {"at": places.peer, "kind": "peer-stalled", "begin_ms": begin, "end_ms": begin + 70_000}
    if places.access_point and lots.happens(0.6):
        return _on_the_air(lots, places, span)
    peer, device = places.peer, lots.one_of(places.devices)
    either = lots.one_of((peer, device))
    once: dict[str, Any] = {"begin_ms": begin}
    kinds: tuple[dict[str, Any], ...] = (
        {"at": peer, "kind": "flows-lost", **once, "answer": lots.one_of(("silent", "reset"))},
        {"at": either, "kind": "blackhole", **span, "direction": lots.one_of(_DIRECTIONS)},
        {"at": peer, "kind": "blackhole", **span, "arp_answers": False},
        {"at": either, "kind": "loss", **span, "probability": lots.between(2, 30) / 100},
        {"at": either, "kind": "delay", **span, "delay_ms": lots.one_of((200, 900)), "jitter_ms": 100},
        {"at": peer, "kind": "nat-expiry", **span, "idle_ms": lots.one_of((2000, 30_000))},
        {"at": peer, "kind": "peer-rebooted", **span},
        {"at": peer, "kind": "peer-vanished", **span},
        {"at": peer, "kind": "peer-stalled", **span},
        {"at": peer, "kind": "service-refused", **span, "port": _SERVER_PORT},
        {"at": peer, "kind": "unreachable", **span},
        {"at": "gateway", "kind": "dns-silent", **span},
        {"at": "gateway", "kind": "dhcp-silent", **span},
        {"at": device, "kind": "link-down", **span},
        {"at": device, "kind": "power-cut", **span},
        {"at": device, "kind": "brown-out", **once},
    )
    return lots.one_of(kinds)


def _on_the_air(lots: Lots, places: _Places, span: dict[str, Any]) -> dict[str, Any]:
    """What happens between the devices and their access point."""
    ap, device = places.access_point, lots.one_of(places.devices)
    once = {"begin_ms": span["begin_ms"]}
    kinds: tuple[dict[str, Any], ...] = (
        {"at": ap, "kind": "ap-restarted", **span},
        {"at": ap, "kind": "ap-power-cut", **span},
        {"at": ap, "kind": "ap-silent", **span},
        {"at": ap, "kind": "ap-full", **span},
        {"at": ap, "kind": "dense-network", **span, "busy": lots.between(1, 9) / 10},
        {"at": ap, "kind": "password-changed", **span},
        {"at": device, "kind": "ap-forgets", **once},
        {"at": device, "kind": "station-barred", **span},
        {"at": device, "kind": "station-kicked", **once, "reason": lots.one_of((1, 2, 3, 4, 5, 8, 34))},
        {"at": device, "kind": "radio-dropout", **span, "direction": lots.one_of(_DIRECTIONS)},
        {"at": device, "kind": "radio-loss", **span, "probability": lots.between(10, 90) / 100},
        {
            "at": device,
            "kind": "fading",
            **span,
            "loss_db": lots.between(5, 30),
            "shadowing_db": lots.between(0, 6),
        },
        {"at": device, "kind": "late-wake", **span, "probability": lots.between(3, 10) / 10},
    )
    return lots.one_of(kinds)
