"""Wi-Fi below the stack: the air, access points as hostapd runs them, stations as a driver does. Start at ``air.py``.

Nothing here costs an event per beacon, per keepalive of a driver or per answered poll unless somebody records: they are
played in closed form, and a recorder writes beacons afterwards from the log of what changed.
"""
