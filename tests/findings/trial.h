/* What a trial says, and the count that no remedy may change: the descriptors open in this process. */
#pragma once
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lwip/sockets.h"

static inline int open_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

static inline void say(const char *name, long value) { printf("%s=%ld\n", name, value); }

static inline struct sockaddr_in address_of(const char *ip, int port)
{
    struct sockaddr_in peer;
    memset(&peer, 0, sizeof peer);
    peer.sin_family = AF_INET;
    peer.sin_port = htons((uint16_t)port);
    peer.sin_addr.s_addr = inet_addr(ip);
    return peer;
}

/* A connected, blocking descriptor for remedies that are handed one. */
static inline int connected_to(const char *ip, int port)
{
    struct sockaddr_in peer = address_of(ip, port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0) perror("connect");
    return fd;
}

static inline long option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(fd, level, option, &value, &size);
    return value;
}

/* What the test writes; its descriptors are counted around it. */
static void trial(const char *ip, int port);

int main(int argc, char **argv)
{
    int before = open_descriptors();
    trial("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    say("leaked", open_descriptors() - before);
    return 0;
}
