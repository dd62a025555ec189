cimport cython

cdef long long ACK, B_ACKS_RESENT, B_ANSWERS_PROBE, B_DUPLICATE_ACK, B_ESTABLISHED, B_FAST, B_KEEPALIVE
cdef long long B_KEEPALIVE_ACK, B_NEW, B_NOTABLE, B_OUT_OF_ORDER, B_PROBES_ZERO, B_REOPENED, B_RESENT
cdef long long B_RETRANSMISSION, B_SPEAKS, B_SPURIOUS, B_WINDOW_FULL, B_WINDOW_PROBE, B_WINDOW_PROBE_ACK
cdef long long B_WINDOW_UPDATE, B_ZERO_WINDOW, BITS, BODY, DESTINATION, DPORT, F_ADDRESSES, F_AFTER
cdef long long F_BEFORE, F_BUCKET, F_CHAIN, F_ESTABLISHED, F_FAMILY, F_FIRST_RTT, F_FRAMES, F_GAP
cdef long long F_LAST, F_MACS, F_PORTS, F_PREVIOUS, F_SIDES, F_SYN_TIME, FAMILY, FLAGS, FLOW_WIDTH, GAP
cdef long long KIND, MAC, MSS, O_FRAME, PAYLOAD, PEER_MAC, Q_FIRST, Q_LENGTH, R_BITS, R_FRAME, R_SEQ
cdef long long R_SHAPE, R_SIDE, R_TIME, R_WIDTH, S_ACK, S_ACK_TIME, S_ACKED, S_BITS, S_DATA_END
cdef long long S_DATA_START, S_DUPLICATES, S_FINS, S_FIRST, S_HAS_ACKED, S_HAS_DATA, S_HAS_NEXT, S_ISN
cdef long long S_KEEPALIVES, S_LAST, S_LAST_PAYLOAD, S_MSS, S_NEXT, S_NEXT_TIME, S_PACKETS, S_PAYLOAD
cdef long long S_PROBE_OPEN, S_PROBING, S_QUEUE, S_RESENT, S_RESENT_END, S_RETRANSMISSIONS, S_RST_WINDOW
cdef long long S_RSTS, S_SCALE, S_SYNS, S_WINDOW, S_WINDOW_FIRST, S_WINDOW_LAST, S_WINDOW_MAX
cdef long long S_WINDOW_MIN, S_ZERO, S_ZEROS, SCALE, SEQ, SIDE, SIDE_WIDTH, SLOT, SOURCE, SPORT, T_FREE
cdef long long T_MASK, T_NOTABLE, TCP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TIME, UNREACHABLE, WIDTH
cdef long long WINDOW
cdef long long SEQUENCE_MASK, SEQUENCE_HALF, OUT_OF_ORDER_NS, FAST_NS, NO_CONVERSATION, NO_ROOM

cdef bint after(long long a, long long b) except -1

@cython.locals(number=cython.longlong, byte=cython.longlong)
cdef long long address_word(const unsigned char[::1] data, long long at, long long family,
                            long long index) except? -1

@cython.locals(mixed=cython.longlong, index=cython.longlong)
cdef long long endpoint_hash(const unsigned char[::1] data, long long at, long long family,
                             long long port) except? -1

@cython.locals(index=cython.longlong)
cdef bint same_address(const unsigned char[::1] data, long long at, long long family,
                       long long[::1] state, long long base) except -1

@cython.locals(slot=cython.longlong, flow=cython.longlong)
cdef long long find(const unsigned char[::1] data, long long family, long long source,
                    long long destination, long long sport, long long dport, long long bucket,
                    long long[::1] state, long long[::1] heads) except? -1

@cython.locals(number=cython.longlong, index=cython.longlong)
cdef long long hardware_address(const unsigned char[::1] data, long long at) except? -1

@cython.locals(flow=cython.longlong, bucket=cython.longlong, following=cython.longlong,
               other=cython.longlong)
cpdef void unlink(long long slot, long long[::1] state, long long[::1] heads) except *

@cython.locals(slot=cython.longlong, flow=cython.longlong, field=cython.longlong,
               family=cython.longlong, index=cython.longlong, side=cython.longlong, s=cython.longlong)
cdef long long create(const unsigned char[::1] data, long long[::1] rows, long long base,
                      long long bucket, long long previous, long long[::1] state,
                      long long[::1] heads, long long[::1] registers) except? -1

@cython.locals(seq=cython.longlong, payload=cython.longlong, moment=cython.longlong,
               expected=cython.longlong, stale=cython.longlong, end=cython.longlong,
               patience=cython.longlong)
cdef long long resend_bits(long long[::1] rows, long long base, long long[::1] state,
                           long long flow, long long s, long long r, long long bits) except? -1

@cython.locals(seq=cython.longlong, ack=cython.longlong, window=cython.longlong,
               payload=cython.longlong, known=cython.longlong, expected=cython.longlong,
               bits=cython.longlong, repeats=cython.longlong, shift=cython.longlong,
               edge=cython.longlong)
cdef long long window_bits(long long[::1] rows, long long base, long long[::1] state,
                           long long s, long long r) except? -1

@cython.locals(flags=cython.longlong, payload=cython.longlong, plain=cython.longlong,
               bits=cython.longlong)
cdef long long classify(long long[::1] rows, long long base, long long[::1] state,
                        long long flow, long long s, long long r) except? -1

cdef void quote(long long[::1] rows, long long base, long long frame, long long bits,
                long long[::1] state, long long at) except *

@cython.locals(flags=cython.longlong, payload=cython.longlong, seq=cython.longlong, end=cython.longlong)
cdef void advance(long long[::1] rows, long long base, long long frame, long long bits,
                  long long[::1] state, long long s) except *

@cython.locals(seq=cython.longlong, index=cython.longlong, old=cython.longlong, size=cython.longlong,
               field=cython.longlong)
cdef void name_original(long long[::1] rows, long long base, long long[::1] state,
                        long long s) except *

@cython.locals(ack=cython.longlong, bits=cython.longlong, advanced=cython.longlong,
               kept=cython.longlong, finished=cython.longlong, index=cython.longlong,
               old=cython.longlong, new=cython.longlong, field=cython.longlong)
cdef long long acknowledge(long long[::1] rows, long long base, long long[::1] state,
                           long long s, long long r) except? -1

@cython.locals(window=cython.longlong)
cdef long long see_window(long long[::1] rows, long long base, long long bits,
                          long long[::1] state, long long s, long long r) except? -1

@cython.locals(flags=cython.longlong, moment=cython.longlong)
cdef long long see_handshake(long long[::1] rows, long long base, long long[::1] state,
                             long long flow, long long s, long long r) except? -1

@cython.locals(earned=cython.longlong, flags=cython.longlong)
cdef long long see_probes(long long[::1] rows, long long base, long long bits,
                          long long[::1] state, long long s, long long r) except? -1

@cython.locals(s=cython.longlong, r=cython.longlong, moment=cython.longlong, flags=cython.longlong,
               wire_bits=cython.longlong, gap=cython.longlong, field=cython.longlong)
cdef long long account(long long[::1] rows, long long base, long long frame, long long bits,
                       long long[::1] state, long long flow, long long side) except? -1

@cython.locals(s=cython.longlong, r=cython.longlong)
cdef bint reopens(long long[::1] rows, long long base, long long[::1] state, long long flow,
                  long long side) except -1

@cython.locals(family=cython.longlong, source=cython.longlong, destination=cython.longlong,
               quoting=cython.longlong, sport=cython.longlong, dport=cython.longlong,
               bucket=cython.longlong, found=cython.longlong, replaced=cython.longlong)
cdef long long locate(const unsigned char[::1] data, long long[::1] rows, long long base,
                      long long[::1] state, long long[::1] heads, long long[::1] registers) except? -1

@cython.locals(side=cython.longlong, flow=cython.longlong, s=cython.longlong, r=cython.longlong,
               bits=cython.longlong)
cdef bint follow(const unsigned char[::1] data, long long[::1] rows, long long base,
                 long long frame, long long found, long long[::1] state) except -1

@cython.locals(count=cython.longlong, row=cython.longlong, base=cython.longlong, kind=cython.longlong,
               found=cython.longlong)
cpdef long long analyse(const unsigned char[::1] data, long long[::1] rows, long long begin,
                        long long end, long long frame, long long[::1] state,
                        long long[::1] heads, long long[::1] registers,
                        long long[::1] notable) except? -1
