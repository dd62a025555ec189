cimport cython

cdef long long A_BROKEN, A_ENDED, A_FRAGMENTS, A_FRAMES, A_STARTED, A_TRUNCATED, A_WIRELESS, ACK, ARP
cdef long long BODY, BROKEN, CAPTURED, DESTINATION, DPORT, FAMILY, FLAGS, FRAGMENT, ICMP, KIND, LENGTH
cdef long long LINK, MAC, MSS, OFFSET, OTHER, PAYLOAD, PEER_MAC, PROTOCOL, SCALE, SEQ, SOURCE, SPORT
cdef long long TCP, TCP_SYN, TIME, UDP, UNREACHABLE, WIDTH, WINDOW, WIRELESS
cdef long long LINK_NULL, LINK_ETHERNET, LINK_RAW_DLT, LINK_RAW_OPENBSD, LINK_RAW, LINK_80211, LINK_LOOP
cdef long long LINK_SLL, LINK_PRISM, LINK_RADIOTAP, LINK_IPV4, LINK_IPV6, LINK_SLL2, ETHERTYPE_IPV4
cdef long long ETHERTYPE_ARP, ETHERTYPE_VLAN, ETHERTYPE_IPV6, ETHERTYPE_QINQ, ETHERTYPE_QINQ_OLD
cdef long long PROTOCOL_HOP_OPTIONS, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ROUTING
cdef long long PROTOCOL_FRAGMENT, PROTOCOL_AUTHENTICATION, PROTOCOL_ICMPV6, PROTOCOL_DESTINATION_OPTIONS
cdef long long PROTOCOL_MOBILITY, PORT_DNS, PORT_DHCP_SERVER, PORT_DHCP_CLIENT, HEADERS_MAX

cdef long long pair(const unsigned char[::1] data, long long at) except? -1

@cython.locals(number=cython.longlong, index=cython.longlong)
cdef long long quad(const unsigned char[::1] data, long long at) except? -1

@cython.locals(version=cython.longlong)
cdef long long raw_ethertype(const unsigned char[::1] data, long long at, long long stop) except? -1

@cython.locals(kind=cython.longlong, tags=cython.longlong)
cdef long long ethernet(const unsigned char[::1] data, long long[::1] rows, long long base,
                        long long at, long long stop) except? -1

@cython.locals(at=cython.longlong, stop=cython.longlong, link=cython.longlong)
cdef long long link_header(const unsigned char[::1] data, long long[::1] rows, long long base) except? -1

@cython.locals(kind=cython.longlong, size=cython.longlong)
cdef void tcp_options(const unsigned char[::1] data, long long[::1] rows, long long base,
                      long long at, long long stop) except *

@cython.locals(header=cython.longlong)
cdef long long tcp(const unsigned char[::1] data, long long[::1] rows, long long base,
                   long long at, long long stop, long long wire_stop) except? -1

cdef long long udp(const unsigned char[::1] data, long long[::1] rows, long long base,
                   long long at, long long stop) except? -1

@cython.locals(quote=cython.longlong, ports=cython.longlong)
cdef long long icmp(const unsigned char[::1] data, long long[::1] rows, long long base,
                    long long at, long long stop) except? -1

cdef long long transport(const unsigned char[::1] data, long long[::1] rows, long long base,
                         long long protocol, long long at, long long stop,
                         long long wire_stop) except? -1

@cython.locals(header=cython.longlong, total=cython.longlong)
cdef long long ipv4(const unsigned char[::1] data, long long[::1] rows, long long base,
                    long long at, long long stop, long long wire_stop) except? -1

@cython.locals(length=cython.longlong, protocol=cython.longlong, _=cython.longlong,
               size=cython.longlong)
cdef long long ipv6(const unsigned char[::1] data, long long[::1] rows, long long base,
                    long long at, long long stop, long long wire_stop) except? -1

cdef long long arp(const unsigned char[::1] data, long long[::1] rows, long long base,
                   long long at, long long stop) except? -1

@cython.locals(row=cython.longlong, base=cython.longlong, column=cython.longlong, at=cython.longlong,
               start=cython.longlong, stop=cython.longlong, wire_stop=cython.longlong,
               protocol=cython.longlong)
cpdef void decode(const unsigned char[::1] data, long long[::1] rows, long long count) except *

@cython.locals(listed=cython.longlong, row=cython.longlong, base=cython.longlong, kind=cython.longlong,
               moment=cython.longlong, wanted=cython.longlong, sport=cython.longlong,
               dport=cython.longlong)
cpdef long long tally(long long[::1] rows, long long count, long long[::1] totals,
                      long long[::1] lookups) except? -1
