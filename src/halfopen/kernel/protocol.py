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

#: A hardware address with this bit is that of a group.
GROUP_BIT = 0x10000000000
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
#: A frame is tried again after so long at most, in nanoseconds: what a dozing station did not hear waits for it, and
#: mac80211 gives that up after ten seconds (STA_TX_BUFFER_EXPIRE in net/mac80211/sta_info.h).
KNOWN_NS = 10000000000
KIND_ACK = 0x1D
KIND_BLOCK_ACK = 0x19
KIND_PROBE_REQUEST = 0x04
KIND_AUTH = 0x0B
KIND_DEAUTH = 0x0C
KIND_DISASSOC = 0x0A
KIND_ACTION = 0x0D
ETHERTYPE_EAPOL = 0x888E
#: CCMP (IEEE 802.11-2020 section 12.5.3.2): octets of its header, the bit in it that only WEP leaves clear, octets of its tag.
CCMP_HEADER = 8
EXTENDED_IV = 0x20
CCMP_TAG = 8
AES_BLOCK = 16
#: Blocks of content in one frame, of 11454 octets at most (IEEE 802.11-2020 table 9-25).
SEALED_BLOCKS_MAX = 720
#: What data begin with (LLC/SNAP).
SNAP = 0xAA
SNAP_CONTROL = 3
#: An acknowledgement follows its frame within this time and the frame's own at 1 Mbit/s, 8 µs an octet: many sniffers
#: stamp a frame's beginning. A block acknowledgement ends a burst.
ACK_NS = 2000000
OCTET_NS = 8000
BLOCK_ACK_NS = 20000000
#: Kinds of block acknowledgement (IEEE 802.11-2020 table 9-28, 802.11ax): of one TID with a bitmap that is read; of the
#: others it is only taken that they acknowledge.
COMPRESSED = 2
#: An acknowledgement may follow this much later, in nanoseconds: a block acknowledgement ends a burst of frames.
SETTLED_NS = 40000000
#: Frames of one direction that may wait for that: with odd time stamps nothing ever gets old.
OPEN_MAX = 512
#: One lost frame is the air's everyday.
RUN_MIN = 2
#: Frames of one sender that wait for acknowledgement, and lists of frames whose retries are known, one a sender and TID.
BURST_MAX = 256
LISTS_MAX = 1536
#: Addresses that are told apart as heard, and as sent to; and of either in all.
VOICES_MAX = 8192
PARTIES_MAX = 16384
#: Beacon intervals are counted in units of 1024 µs (IEEE 802.11-2020 section 9.4.1.3); so many missing are a gap.
UNIT_NS = 1024000
GAP_INTERVALS = 5
