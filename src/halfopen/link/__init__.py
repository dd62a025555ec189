"""Keeps a device connected: no half-open connection, blocked call or leaked descriptor can stop it.

The core (``machine``, ``policy``, ``vitals``, ``keeper``, ``guard``, ``ledger``, ``capability``, ``journal``) does no
input or output and runs on MicroPython 1.22 as it does on CPython. A driver carries out its effects: ``on_asyncio`` on
CPython, ``on_micropython`` on a device; ``guard_on_asyncio`` and ``guard_on_micropython`` for a server. ``recorder`` keeps
the journal over a reset. This module imports nothing, so that a device loads only what it uses.
"""
