"""What ROM, bootloader, panic handler, watchdogs and banners say."""

from __future__ import annotations

from halfopen.diagnose.events import (
    BrownedOut,
    CallBlocked,
    CpuRan,
    Crashed,
    FirmwareNamed,
    Interrupted,
    PlannedPause,
    RestartForced,
    WatchdogFired,
)
from halfopen.diagnose.sources.phrase import phrase

PHRASES = (
    phrase(
        BrownedOut,
        "brownout|brown-out|brown_out|brown out|vdd voltage",
        r"brown[- _]?out detector was triggered|reset when the vdd voltage is not stable|brown[_ -]?out_?(?:rst|reset)|esp_rst_brownout|reset reason.*brown",
    ),
    phrase(
        WatchdogFired,
        "watchdog",
        r"task watchdog got triggered|interrupt w(?:dt|atchdog) timeout|watchdog (?:timeout|timer expired|fired)",
    ),
    phrase(WatchdogFired, "task_wdt|cpu ", r"^\s*- (?P<task>[\w.-]+) \(CPU", ("task_wdt",)),
    phrase(CpuRan, "cpu ", r"^\s*CPU \d: (?P<task>[\w.-]+)", ("task_wdt",)),
    phrase(
        CallBlocked,
        " in recv|not returned from| in send| in read| in write| in connect| in select",
        r"\b(?P<what>\w+)(?: task| thread)?(?: stuck| blocked| waiting| still| been)*"
        r" in (?:recv|send|read|write|connect|select)\b.*? (?:for|since) (?P<after_s>\d+) ?s\b"
        r"|not returned from (?:recv|send|read|write|connect|select)\b.*? (?:for|since|after) (?P<after_s2>\d+) ?s\b",
    ),
    phrase(
        CallBlocked,
        "took a long time",
        r"(?P<what>\S+) took a long time for an operation \((?P<after_ms>\d+) ms\)",
    ),
    phrase(
        CallBlocked,
        "blocked|stalled",
        r"(?:blocked|stalled)(?: the)?(?: loop)?(?: in \w+)?(?: for| after| since)? (?:(?P<after_ms>\d{4,}) ?ms|(?P<after_s>\d+) ?s\b)",
    ),
    phrase(
        Crashed,
        "guru meditation|abort() was called|assert failed|stack canary|stack overflow|stack smashing|panic|core  0|loadprohibited",
        r"guru meditation error|abort\(\) was called|assert failed|stack (?:canary|overflow|smashing)|panic'ed|loadprohibited|storeprohibited|assertion .* failed",
    ),
    phrase(Interrupted, "keyboardinterrupt", r"^keyboardinterrupt"),
    phrase(
        PlannedPause,
        "ota",
        r"\bota\b.*(?:start|begin|update|succe|reboot|complete)|(?:starting|begin|prepare to restart|restarting).*\bota\b|esp_https_ota",
        kind="ota",
    ),
    phrase(
        PlannedPause,
        "reboot|restart|activate|success|complete",
        r"reboot|restart|activate|success|complete",
        ("ota",),
        kind="ota",
    ),
    phrase(
        PlannedPause,
        "deep sleep|deep-sleep|deepsleep",
        r"(?:enter(?:ing)?|going (?:in)?to|start(?:ing)?|begin(?:ning)?).{0,12}deep[- ]?sleep|deep[- ]?sleep(?:ing)? for|deepsleep_reset|dsleep|wak(?:e|ing)[- ]?up from deep",
        kind="deep-sleep",
    ),
    phrase(
        PlannedPause,
        "restart|reboot",
        r"restart(?:ing)? (?:requested|on request|by user|to )|reboot(?:ing)? (?:requested|on request|by user|to (?:apply|activate|update|finish)|into new|after (?:update|ota))|safe reboot|user requested (?:restart|reboot)|scheduled (?:restart|reboot)",
        kind="ota",
    ),
    phrase(
        RestartForced,
        "no client|can't connect",
        r"\bno clients?(?: connected)?(?: to api)?[;.,] *rebooting|^can't connect(?: to (?:wifi|mqtt))?[;.,]* *re(?:booting|starting)",
    ),
    phrase(
        PlannedPause,
        "restart",
        r"\"restart\":\"restarting\"",
        kind="ota",
    ),
    phrase(FirmwareNamed, "esp-idf", r"esp-idf[: ]+(?P<version>v?\d+\.\d+[\w.-]*)", family="esp-idf"),
    phrase(FirmwareNamed, "esphome version", r"esphome version (?P<version>[\d.]+\w*)", family="esphome"),
    phrase(FirmwareNamed, "micropython", r"^micropython (?P<version>v?\d[\w.-]*) on ", family="micropython"),
    phrase(FirmwareNamed, "mpy: soft reboot", r"^mpy: soft reboot", family="micropython"),
    phrase(
        FirmwareNamed,
        "traceback|oserror",
        r"^traceback \(most recent call last\)|^oserror: ",
        family="micropython",
    ),
    phrase(
        FirmwareNamed,
        "looptask|async_tcp|arduino|painlessmesh|pubsubclient",
        r"\b(?:loopTask|async_tcp|painlessMesh|arduino-esp32|arduino core)\b",
        family="arduino",
    ),
    phrase(FirmwareNamed, "circuitpython", r"circuitpython (?P<version>\d[\w.-]*)", family="circuitpython"),
    phrase(FirmwareNamed, "tasmota", r"tasmota (?P<version>\d+\.\d+[\w.]*)", family="tasmota"),
    phrase(FirmwareNamed, "esp8266|rst cause", r"esp8266|^\s*rst cause:\d", family="esp8266"),
    phrase(FirmwareNamed, "state: ", r"^state: \d -> \d \([0-9a-f]+\)$", family="esp8266"),
    phrase(FirmwareNamed, "pm open,type", r"^pm open,type", family="esp8266"),
)
