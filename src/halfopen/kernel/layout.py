"""Where each number stands in the kernel's tables, and what each bit means.

All tables are flat ``array("q")`` (signed 64-bit). The frame table holds one row of ``WIDTH`` numbers per
frame, one column per name below. Offsets are positions in the chunk that the rows were read from; -1 means
absent. The flow table holds ``FLOW_WIDTH`` numbers per conversation: its own fields, then two sides of
``SIDE_WIDTH``; side 0 is who sent the first frame.
"""

from __future__ import annotations

# LINKTYPE_ numbers, https://www.tcpdump.org/linktypes.html
LINK_NULL = 0
LINK_ETHERNET = 1
LINK_RAW_DLT = 12
LINK_RAW_OPENBSD = 14
LINK_RAW = 101
LINK_80211 = 105
LINK_LOOP = 108
LINK_SLL = 113
LINK_PRISM = 119
LINK_RADIOTAP = 127
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_SLL2 = 276

# --- frame table, filled by ``records`` ---
OFFSET = 0  # where the captured bytes begin
CAPTURED = 1  # captured bytes
LENGTH = 2  # bytes on the wire
TIME = 3  # nanoseconds since the Unix epoch
LINK = 4  # LINKTYPE_ number
# --- filled by ``packets`` ---
KIND = 5  # one of the kinds below
PROTOCOL = 6  # EtherType under the link header
FAMILY = 7  # 4 or 6, 0 when the frame carries no IP
SOURCE = 8  # offset of the source address (ARP: the sender's)
DESTINATION = 9  # offset of the destination address (ARP: the target's)
MAC = 10  # offset of the source hardware address
PEER_MAC = 11  # offset of the destination hardware address
SPORT = 12
DPORT = 13
BODY = 14  # offset of what follows the transport header; of the header itself for ICMP and ARP
PAYLOAD = 15  # bytes after the transport header on the wire, by the IP header, not by what was captured
SEQ = 16
ACK = 17
FLAGS = 18  # the low byte of the TCP flags
WINDOW = 19  # unscaled
MSS = 20  # 0 when the frame does not say
SCALE = 21  # window scale of a SYN, -1 when the frame does not say
# --- filled by ``flows`` ---
SLOT = 22  # row of the flow table, -1 when the frame belongs to none
SIDE = 23
BITS = 24  # findings of the TCP analysis, below
GAP = 25  # nanoseconds since the conversation's previous frame, -1 for its first
O_FRAME = 26  # for a retransmission: the frame that sent the data first, 0 when it is not known
O_TIME = 27
O_SEQ = 28
O_ACK = 29
O_SHAPE = 30
O_BITS = 31
O_SIDE = 32
WIDTH = 33

# --- kinds ---
OTHER = 0
TCP = 1
UDP = 2
ICMP = 3
ARP = 4
UNREACHABLE = 5  # ICMP destination unreachable that quotes a TCP header; the ports are those quoted
FRAGMENT = 6  # a later IP fragment: it has no ports
WIRELESS = 7  # 802.11, read by the air source
BROKEN = 8  # too short for the header that it announces

# --- stops of the record walk ---
STOP_MORE = 0  # the record at the cursor needs more bytes than the chunk holds
STOP_FULL = 1  # the frame table is full
STOP_BLOCK = 2  # a block that only the caller can read stands at the cursor: a section or an interface
STOP_DAMAGE = 3  # what stands at the cursor is impossible

# --- damages ---
DAMAGE_LENGTH = 1
DAMAGE_TRAILER = 2
DAMAGE_CAPTURED = 3
DAMAGE_INTERFACE = 4

# --- one interface (pcap has one, pcapng any number) ---
I_LINK = 0
I_SNAP = 1  # 0 means no limit
I_MODE = 2  # how ticks become nanoseconds: times, divided by, or binary fraction
I_FACTOR = 3  # the factor; for a binary fraction the number of fraction bits
I_LIMIT = 4  # highest tick count (binary fraction: highest second) that still fits
I_SHIFT = 5  # nanoseconds to add (if_tsoffset)
I_WIDTH = 6
TICKS_TIMES = 0
TICKS_DIVIDED = 1
TICKS_BINARY = 2

# --- TCP flags (RFC 9293 section 3.1) ---
TCP_FIN = 0x01
TCP_SYN = 0x02
TCP_RST = 0x04
TCP_PSH = 0x08
TCP_ACK = 0x10
TCP_URG = 0x20

# --- bits of the TCP analysis; those named as in Wireshark mean what tcp.analysis.* means ---
B_NEW = 1 << 0  # first frame of a conversation
B_RETRANSMISSION = 1 << 1
B_FAST = 1 << 2  # fast retransmission
B_SPURIOUS = 1 << 3  # retransmission of what was already acknowledged
B_OUT_OF_ORDER = 1 << 4
B_KEEPALIVE = 1 << 5
B_KEEPALIVE_ACK = 1 << 6
B_ZERO_WINDOW = 1 << 7
B_WINDOW_PROBE = 1 << 8
B_WINDOW_PROBE_ACK = 1 << 9
B_WINDOW_UPDATE = 1 << 10
B_WINDOW_FULL = 1 << 11
B_DUPLICATE_ACK = 1 << 12
# not in Wireshark
B_PROBES_ZERO = 1 << 13  # a probe, of either form, into a window that stands at zero
B_REOPENED = 1 << 14  # the side advertises a window again
B_ACKS_RESENT = 1 << 15  # acknowledges progress while a retransmission by the other side is unanswered
B_ESTABLISHED = 1 << 16  # completes the handshake, or first frame of an older conversation
B_ANSWERS_PROBE = 1 << 17  # first sign of life after the other side's keepalive probe
B_SPEAKS = 1 << 18  # data after keepalive probes of the same side
B_RESENT = B_RETRANSMISSION | B_FAST | B_SPURIOUS
#: bits that begin trouble in a conversation
B_TROUBLE = B_RESENT | B_KEEPALIVE | B_ZERO_WINDOW | B_PROBES_ZERO
#: and those that go on with it or end it: frames that are worth a look outside the flow table
B_NOTABLE = B_TROUBLE | B_REOPENED | B_ACKS_RESENT | B_ANSWERS_PROBE | B_SPEAKS

#: Items of one kind that are kept: the first half and the last half of what was seen.
KEPT = 64

#: Questions of one pair that may wait for an answer at once.
WAITING = 64
#: Questions quoted of a stretch without an answer: the first ones and the last.
MUTE_KEPT = 4
#: Names of one pair that are told.
NAMES_MAX = 16

#: A slot of the flow table in the low bits of a rank.
SLOT_BITS = 20
SLOT_MASK = 0xFFFFF
#: Set in the ranks of conversations that are worth more than those without.
RANK_TELLING = 1 << 62

# --- one quoted frame in the flow table ---
R_FRAME = 0  # frame number from 1; 0 means none
R_TIME = 1
R_SEQ = 2
R_ACK = 3
R_SHAPE = 4  # TCP flags | window << 8 | payload << 24
R_BITS = 5
R_SIDE = 6
R_WIDTH = 7

# --- one side of a conversation ---
S_NEXT = 0  # sequence number expected next
S_HAS_NEXT = 1
S_NEXT_TIME = 2
S_WINDOW = 3  # last advertised, unscaled
S_ACK = 4  # last acknowledgement number sent
S_ACK_TIME = 5
S_DUPLICATES = 6
S_BITS = 7  # analysis bits of its last frame
S_SCALE = 8  # window scale of its SYN, -1 when none
S_MSS = 9
S_ISN = 10
S_SYNS = 11
S_ACKED = 12  # highest acknowledgement number sent
S_HAS_ACKED = 13
S_DATA_START = 14  # first and
S_DATA_END = 15  # one past the last sequence number of payload sent
S_HAS_DATA = 16
S_ZERO = 17  # its window stands at zero
S_PROBING = 18  # its last data were keepalive probes
S_PROBE_OPEN = 19  # its last keepalive probe has no answer yet
S_RESENT = 20  # a retransmission of it is unanswered
S_RESENT_END = 21
S_QUEUE = 22  # unacknowledged first transmissions in Q_FIRST: how many
S_PACKETS = 23
S_PAYLOAD = 24
S_RSTS = 25
S_RST_WINDOW = 26
S_RETRANSMISSIONS = 27
S_KEEPALIVES = 28
S_ZEROS = 29
S_WINDOW_FIRST = 30
S_WINDOW_LAST = 31
S_WINDOW_MIN = 32
S_WINDOW_MAX = 33
S_FIRST = 34
S_LAST = S_FIRST + R_WIDTH
S_LAST_PAYLOAD = S_LAST + R_WIDTH
S_SYN = S_LAST_PAYLOAD + R_WIDTH  # its first SYN,
S_FIN = S_SYN + R_WIDTH  # FIN
S_RST = S_FIN + R_WIDTH  # and RST
Q_FIRST = S_RST + R_WIDTH
Q_LENGTH = 8  # an lwIP send buffer of 5760 bytes is four segments; only the oldest get resent
SIDE_WIDTH = Q_FIRST + Q_LENGTH * R_WIDTH

# --- one conversation ---
F_CHAIN = 0  # next slot of the same bucket, or of the free list; -1 ends it
F_BUCKET = 1
F_FAMILY = 2
F_ADDRESSES = 3  # four 32-bit words of side 0's address, four of side 1's
F_PORTS = 11  # side 0's, side 1's
F_MACS = 13  # as 48-bit numbers, -1 when unknown
F_PREVIOUS = 15  # ordinal of the conversation that this one replaced on the same ports, 0 when none
F_ORDINAL = 16  # conversations are counted from 1 as they begin
F_SYN_TIME = 17
F_FIRST_RTT = 18
F_GAP = 19  # the longest silence in nanoseconds
F_FRAMES = 20  # this and the next are what it is judged by when one must be forgotten: they stand together
F_TROUBLE = 21  # something is kept of it beside what stands here
F_FAREWELLS = 22  # a FIN of side 0, one of side 1, an RST, below
F_LAST = 23
F_BEFORE = F_LAST + R_WIDTH  # the frame before the longest silence
F_AFTER = F_BEFORE + R_WIDTH
F_ESTABLISHED_BY = F_AFTER + R_WIDTH  # the frame that completed the handshake
F_SIDES = F_ESTABLISHED_BY + R_WIDTH
FLOW_WIDTH = F_SIDES + 2 * SIDE_WIDTH

FAREWELL_FINS = 3
FAREWELL_RST = 4

# --- answers of the search for a row's conversation that are none ---
NO_CONVERSATION = -1
NO_ROOM = -2

# --- the capture's totals ---
A_FRAMES = 0
A_STARTED = 1  # nanoseconds since the epoch: the earliest
A_ENDED = 2  # and the latest time, which in a damaged or merged file need not be the first and last
A_TRUNCATED = 3  # frames cut by the snap length
A_WIRELESS = 4
A_BROKEN = 5
A_FRAGMENTS = 6
A_WIDTH = 7

# --- one host: a hardware address with one of its IP addresses ---
H_CHAIN = 0
H_MAC = 1  # as a 48-bit number, -1 on links without one
H_FAMILY = 2  # 0 for a hardware address seen without IP
H_ADDRESS = 3  # four 32-bit words
H_PACKETS = 7
H_FRAME = 8  # of the first packet
H_TIME = 9
H_WIDTH = 10

# --- air table, one row a frame, filled by ``air`` ---
W_KIND = 0  # type << 4 | subtype as in Wireshark's wlan.fc.type_subtype; W_ABSENT, W_DAMAGED
W_FLAGS = 1  # second byte of the frame control field, bits below
W_RA = 2  # first address (receiver) as a 48-bit number, -1 when the frame has none; so the next two
W_TA = 3  # second address (transmitter)
W_BSSID = 4  # which of the three addresses names the access point; third address of management frames
W_SEQ = 5  # sequence number
W_TID = 6  # traffic identifier of QoS data, W_NO_TID for all that shares the other counter
W_AGAIN = 7  # a retry of a frame that was heard before
W_BODY = 8  # offset of what follows the 802.11 header
W_END = 9  # offset of the end of it, without the frame check sequence
W_ETHERTYPE = 10  # of unencrypted data with LLC/SNAP, 0 for any other frame
W_CHANNEL = 11  # MHz, 0 when the frame does not say
W_RSSI = 12  # dBm, W_NO_RSSI when the frame does not say
W_TSF = 13  # timestamp of a beacon or probe response in microseconds
W_INTERVAL = 14  # beacon interval in units of 1024 microseconds
W_TIM = 15  # offset of a beacon's traffic indication map, after its id and length, -1 when it has none
W_HEADER = 16  # offset of the 802.11 header
W_SEVERAL = 17  # the frame body is an A-MSDU: several MSDUs, each with a header of its own
W_SWITCH = 18  # channel that a beacon announces a switch to, -1 when it announces none
W_POLICY = 19  # acknowledgement policy of QoS data, 0 for all other frames; POLICY_NO_ACK: none is sent
AIR_WIDTH = 20

POLICY_NO_ACK = 1

W_ABSENT = -1  # the row is no 802.11 frame
W_DAMAGED = -2  # too short for its header, or its frame check sequence is wrong
W_NO_TID = 16
W_NO_RSSI = -32768

FC_TO_DS = 0x01
FC_FROM_DS = 0x02
FC_MORE_FRAGMENTS = 0x04
FC_RETRY = 0x08
FC_POWER = 0x10
FC_PROTECTED = 0x40
FC_ORDER = 0x80  # a 4-byte HT control field follows the header

# --- what ``air`` remembers between frames ---
N_SENDERS = (
    1024  # of the frames of each sender and TID: key, newest sequence number, bitmap of those before it, time
)
N_SENDER_WIDTH = 4
N_RELAYS = 1024  # of data on its way to an access point, which may send it on: digest, time
N_RELAY_WIDTH = 2
N_RELAYED = N_SENDERS * N_SENDER_WIDTH
MEMORY_WIDTH = N_RELAYED + N_RELAYS * N_RELAY_WIDTH

# --- what ``hearing`` remembers ---
NEVER = -0x4000000000000000  # a time before all others
TURN_AWAKE = 1
TURN_DOZING = 2
NOTED_KEYLESS = 1  # data of this link prove keys
NOTED_PARTING = 2  # data of the access point outlive its farewell
NOTED_WAITING = 4  # data of the access point are what beacons announced
CLOSED = -1  # answer of who opens frames: this one stays closed
# Frames of one sender and TID whose retries are known; retries come within ``protocol.REMEMBERED``, and at one place of so
# many in the sequence the newest counts.
KNOWN = 64
