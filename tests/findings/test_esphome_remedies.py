"""The ESPHome remedies are YAML of known components; nothing here validates their options or runs them."""

from __future__ import annotations

import pytest
import yaml

from halfopen import findings

#: Every top-level key that a remedy may use: a misspelt one is not among them.
COMPONENTS = {
    *(
        "api",
        "binary_sensor",
        "button",
        "captive_portal",
        "debug",
        "esp32",
        "esp32_ble_tracker",
        "http_request",
    ),
    *("improv_serial", "interval", "logger", "mqtt", "ota", "safe_mode", "script", "sensor", "text_sensor"),
    "wifi",
}


class Loader(yaml.SafeLoader):
    """YAML with ESPHome's own tags."""


def construct_tag(loader: Loader, suffix: str, node: yaml.Node) -> object:
    assert isinstance(node, yaml.ScalarNode)
    assert suffix in ("secret", "lambda"), f"unknown tag !{suffix}"
    return loader.construct_scalar(node)


Loader.add_multi_constructor("!", construct_tag)


@pytest.mark.parametrize("code", findings.codes())
def test_is_yaml_of_known_components(code: str) -> None:
    text = findings.fault(code).remedy.code["esphome"]
    loaded = yaml.load(text, Loader)  # noqa: S506  a SafeLoader with two more tags
    assert set(loaded) <= COMPONENTS


@pytest.mark.parametrize("code", findings.codes())
def test_sdkconfig_values_are_strings(code: str) -> None:
    text = findings.fault(code).remedy.code["esphome"]
    loaded = yaml.load(text, Loader)  # noqa: S506
    options = ((loaded.get("esp32") or {}).get("framework") or {}).get("sdkconfig_options", {})
    for name, value in options.items():
        assert name.startswith("CONFIG_")
        assert isinstance(value, str), f"{name}: quote it, YAML makes a {type(value).__name__} of {value!r}"
