cimport cython

cdef long long AIR_WIDTH, CAPTURED, FC_FROM_DS, FC_MORE_FRAGMENTS, FC_ORDER, FC_PROTECTED, FC_RETRY
cdef long long FC_TO_DS, LENGTH, LINK, N_RELAY_WIDTH, N_RELAYED, N_RELAYS, N_SENDER_WIDTH, N_SENDERS
cdef long long OFFSET, TIME, W_ABSENT, W_AGAIN, W_BODY, W_BSSID, W_CHANNEL, W_DAMAGED, W_END
cdef long long W_ETHERTYPE, W_FLAGS, W_HEADER, W_INTERVAL, W_KIND, W_NO_RSSI, W_NO_TID, W_POLICY, W_RA, W_RSSI, W_SEQ, W_SEVERAL
cdef long long W_SWITCH, ELEMENT_CHANNEL_SWITCH, ELEMENT_EXTENDED_CHANNEL_SWITCH
cdef long long W_TA, W_TID, W_TIM, W_TSF, WIDTH
cdef long long LINK_ETHERNET, LINK_80211, LINK_RADIOTAP
cdef long long RADIOTAP_TSFT, RADIOTAP_FLAGS, RADIOTAP_RATE, RADIOTAP_CHANNEL, RADIOTAP_FHSS
cdef long long RADIOTAP_SIGNAL, RADIOTAP_EXTENDED, HAS_FCS, HAS_PADDING, BAD_FCS
cdef long long MANAGEMENT, CONTROL, DATA, PROBE_RESPONSE, BEACON, CONTROL_TA_FIRST, CONTROL_TA_LAST
cdef long long ELEMENT_TIM, SEQUENCES, REMEMBERED, DIGESTED, DIGEST_MASK, RELAY_MAX, RETRY_MAX

@cython.locals(number=cython.longlong, index=cython.longlong)
cdef long long address(unsigned char[::1] data, long long at) except? -1

@cython.locals(number=cython.longlong, index=cython.longlong)
cdef long long little(unsigned char[::1] data, long long at, long long size) except? -1

@cython.locals(length=cython.longlong, end=cython.longlong, present=cython.longlong,
               field=cython.longlong, word=cython.longlong, flags=cython.longlong)
cdef long long radiotap(unsigned char[::1] data, long long at, long long stop, long long[::1] air,
                        long long base) except? -1

@cython.locals(slot=cython.longlong, key=cython.longlong, ahead=cython.longlong, bits=cython.longlong,
               one=cython.longlong, behind=cython.longlong)
cdef long long heard_before(long long[::1] memory, long long sender, long long tid,
                            long long sequence, long long time) except? -1

@cython.locals(digest=cython.longlong, stop=cython.longlong, at=cython.longlong, slot=cython.longlong)
cdef long long relayed(unsigned char[::1] data, long long body, long long end, long long ends,
                       long long leaves, long long time, long long[::1] memory) except? -1

@cython.locals(frame=cython.longlong, base=cython.longlong, at=cython.longlong, ways=cython.longlong,
               third=cython.longlong, destination=cython.longlong, source=cython.longlong,
               cut=cython.longlong, end=cython.longlong)
cdef long long make_ethernet(unsigned char[::1] data, long long[::1] rows, long long row,
                             long long[::1] air, long long[::1] memory) except? -1

@cython.locals(ends=cython.longlong, start=cython.longlong, index=cython.longlong)
cdef long long place_ethernet(unsigned char[::1] data, long long[::1] rows, long long frame,
                              long long body, long long end, long long destination, long long source,
                              long long ways, long long time, long long[::1] memory) except? -1

cdef long long ethertype(unsigned char[::1] data, long long at, long long end) except? -1

@cython.locals(base=cython.longlong)
cpdef long long reveal(unsigned char[::1] data, long long[::1] rows, long long row, long long[::1] air,
                       long long[::1] memory) except? -1

@cython.locals(base=cython.longlong, at=cython.longlong, end=cython.longlong, ways=cython.longlong,
               count=cython.longlong, size=cython.longlong, stop=cython.longlong,
               column=cython.longlong)
cpdef long long take_apart(unsigned char[::1] data, long long[::1] rows, long long row,
                           long long[::1] air, long long[::1] memory, long long[::1] parts) except? -1

@cython.locals(end=cython.longlong, body=cython.longlong)
cdef long long management(unsigned char[::1] data, long long[::1] air, long long base,
                          long long at) except? -1

@cython.locals(end=cython.longlong, flags=cython.longlong, ways=cython.longlong,
               header=cython.longlong, body=cython.longlong)
cdef long long data_header(unsigned char[::1] data, long long[::1] air, long long base, long long at,
                           long long padded) except? -1

@cython.locals(end=cython.longlong, kind=cython.longlong, again=cython.longlong)
cdef long long read_header(unsigned char[::1] data, long long at, long long padded, long long[::1] air,
                           long long base, long long[::1] memory, long long time) except? -1

@cython.locals(made=cython.longlong, row=cython.longlong, frame=cython.longlong, base=cython.longlong,
               column=cython.longlong, link=cython.longlong, at=cython.longlong, stop=cython.longlong,
               flags=cython.longlong, cut=cython.longlong)
cpdef long long read_air(unsigned char[::1] data, long long[::1] rows, long long count,
                         long long[::1] air, long long[::1] memory) except? -1
