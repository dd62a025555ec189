"""The peer: a Linux host as far as a device can tell, with its neighbour table, its TCP and its applications.

Constants are those of Linux 6.18 (include/net/tcp.h, net/ipv4) with HZ=250; where the lab's captures show them (data/lwip)
it is said beside them. Start reading at ``host.py``.
"""
