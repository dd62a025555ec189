"""The device's stack: lwIP as ESP-IDF builds it, from its sockets down to ARP.

Functions and rules follow esp-lwip f7922143 (ESP-IDF v5.3.1) and name the function of lwIP that they stand for; numbers
are FACTS "Sockets and memory". From above: ``calls.py`` (blocking) and ``sockets.py`` (never waiting) are the API,
``netconn.py`` stands between a descriptor and a connection, ``tcp.py`` with ``receiving.py``, ``sending.py`` and
``timers.py`` is TCP, ``stack.py`` everything around it. Start reading at ``pcb.py``: the state diagram as a table.
"""
