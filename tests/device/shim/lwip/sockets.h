/* Stands in for lwIP's header: its names, over this computer's sockets. */
#pragma once
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#ifndef LWIP_SO_LINGER
#define LWIP_SO_LINGER 0
#endif

static inline int lwip_setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
    return setsockopt(fd, level, option, value, size);
}
