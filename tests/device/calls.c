/* Calls the module as the interpreter would: by the names in its table. Arguments: the port of a peer on loopback. */
#include "halfopen_keepalive.c"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const void *found(int name) {
    const mp_obj_dict_t *globals = halfopen_keepalive_module.globals;
    for (size_t i = 0; i < globals->used; i++) {
        if (globals->table[i].key == MP_ROM_QSTR(name)) {
            return globals->table[i].value;
        }
    }
    return NULL;
}

static int fd_of(mp_obj_t given) { return (int)((intptr_t)given >> 1); }

static void say_outcome(const char *call, bool returned) {
    if (returned) {
        printf("%s returned\n", call);
    } else {
        printf("%s raised %s %d\n", call, raised.kind, raised.number);
    }
}

static void call_set(mp_obj_t fd, mp_obj_t idle_s, mp_obj_t interval_s, mp_obj_t count) {
    const mp_obj_fun_builtin_var_t *set = found(MP_QSTR_set);
    mp_obj_t arguments[] = { fd, idle_s, interval_s, count };
    if (set->least != 4 || set->most != 4) {
        printf("set takes another number of arguments\n");
    } else if (setjmp(raised.caller) == 0) {
        say_outcome("set", set->call(4, arguments) == mp_const_none);
    } else {
        say_outcome("set", false);
    }
}

static void call_linger(mp_obj_t fd) {
    const mp_obj_fun_builtin_fixed_t *linger = found(MP_QSTR_linger);
    if (linger == NULL) {
        printf("linger is not built in\n");
    } else if (setjmp(raised.caller) == 0) {
        say_outcome("linger", linger->call(fd) == mp_const_none);
    } else {
        say_outcome("linger", false);
    }
}

static void say_option(const char *name, int fd, int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    getsockopt(fd, level, option, &value, &size);
    printf("%s=%d\n", name, value);
}

static void say_keepalive(int fd) {
    say_option("keepalive", fd, SOL_SOCKET, SO_KEEPALIVE);
    say_option("idle", fd, IPPROTO_TCP, TCP_KEEPIDLE);
    say_option("interval", fd, IPPROTO_TCP, TCP_KEEPINTVL);
    say_option("count", fd, IPPROTO_TCP, TCP_KEEPCNT);
}

#define INT MP_OBJ_NEW_SMALL_INT

int main(int given, char **words) {
    struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    peer.sin_port = htons((uint16_t)atoi(given > 1 ? words[1] : "0"));
    mp_obj_t fd = INT(socket(AF_INET, SOCK_STREAM, 0));
    call_set(fd, INT(10), INT(0), INT(3));
    call_set(fd, INT(10), mp_const_none, INT(3));
    call_set(fd, INT(10), INT(3), INT(40000));
    say_option("keepalive", fd_of(fd), SOL_SOCKET, SO_KEEPALIVE);
    call_set(fd, INT(10), INT(3), INT(4));
    say_keepalive(fd_of(fd));
    call_set(INT(-1), INT(10), INT(3), INT(4));
    call_linger(INT(-1));
    if (connect(fd_of(fd), (struct sockaddr *)&peer, sizeof peer) != 0) {
        perror("connect");
    }
    say_keepalive(fd_of(fd));
    call_linger(fd);
    close(fd_of(fd));
    return 0;
}
