"""Numbers of the formats and protocols that the kernel reads, each with its source.

``protocol.pxd`` says the same to the compiler: there they are constants, not variables.
"""

from __future__ import annotations

# --- capture files ---
#: Longest capture of one frame that libpcap writes (MAXIMUM_SNAPLEN); more means damage.
CAPTURED_MAX = 262144
#: Longest pcapng block that is read or skipped (Wireshark's MAX_BLOCK_SIZE); more means damage.
BLOCK_MAX = 16777216
BLOCK_SECTION = 0x0A0D0D0A
BLOCK_INTERFACE = 1
BLOCK_PACKET = 2
BLOCK_SIMPLE = 3
BLOCK_ENHANCED = 6

# --- EtherTypes ---
ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_ARP = 0x0806
ETHERTYPE_VLAN = 0x8100
ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_QINQ = 0x88A8
ETHERTYPE_QINQ_OLD = 0x9100

# --- IP protocol numbers ---
PROTOCOL_HOP_OPTIONS = 0
PROTOCOL_ICMP = 1
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_ROUTING = 43
PROTOCOL_FRAGMENT = 44
PROTOCOL_AUTHENTICATION = 51
PROTOCOL_ICMPV6 = 58
PROTOCOL_DESTINATION_OPTIONS = 60
PROTOCOL_MOBILITY = 135

PORT_DNS = 53
PORT_DHCP_SERVER = 67
PORT_DHCP_CLIENT = 68

#: More VLAN tags or extension headers than this are no network's doing.
HEADERS_MAX = 16

WORD_MASK = 0xFFFFFFFF

# --- TCP ---
#: Sequence numbers are 32 bits wide and wrap (RFC 9293 section 3.4).
SEQUENCE_MASK = 0xFFFFFFFF
SEQUENCE_HALF = 0x80000000
#: Wireshark's times: a segment is out of order, not resent, within 3 ms when no round trip was measured,
#: and a fast retransmission follows the duplicate acknowledgement within 20 ms.
OUT_OF_ORDER_NS = 3000000
FAST_NS = 20000000

# --- radiotap, https://www.radiotap.org/fields/defined ---
RADIOTAP_TSFT = 0x01
RADIOTAP_FLAGS = 0x02
RADIOTAP_RATE = 0x04
RADIOTAP_CHANNEL = 0x08
RADIOTAP_FHSS = 0x10
RADIOTAP_SIGNAL = 0x20
RADIOTAP_EXTENDED = 0x80
HAS_FCS = 0x10
HAS_PADDING = 0x20
BAD_FCS = 0x40

# --- 802.11 (IEEE 802.11-2020 sections 9.2.4.1.3 and 9.4.2.1) ---
MANAGEMENT = 0
CONTROL = 1
DATA = 2
PROBE_RESPONSE = 0x05
BEACON = 0x08
#: Control frames with a second address: BlockAckReq, BlockAck, PS-Poll, RTS, CF-End.
CONTROL_TA_FIRST = 0x18
CONTROL_TA_LAST = 0x1B
ELEMENT_TIM = 5
ELEMENT_CHANNEL_SWITCH = 37
ELEMENT_EXTENDED_CHANNEL_SWITCH = 60
#: Sequence numbers are counted in 12 bits, and so many before the newest are remembered.
SEQUENCES = 4096
REMEMBERED = 62
#: Content looked at to know a relayed frame again: all headers of TCP/IP.
DIGESTED = 80
DIGEST_MASK = 0xFFFFFFFFFFFFFF
#: An access point sends on what it received within this time, in nanoseconds.
RELAY_MAX = 1000000000
#: A sender silent for longer than this, in nanoseconds, retries nothing; it may have started anew.
RETRY_MAX = 2000000000
