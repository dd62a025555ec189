"""The twin: an ESP32's TCP stack and memory in virtual time, against a path and a peer.

It sees formats, impairments and link only: a simulator must not be tuned to its examiner. Start reading at
``world.py`` (time), then ``lwip/__init__.py`` (the device's stack), ``network.py`` (the path), ``peer.py`` (Linux).
"""
