/* Keepalive for MicroPython on the ESP32, whose setsockopt() takes these options, does nothing and reports success.
 *
 *   import halfopen_keepalive
 *   halfopen_keepalive.set(sock.fileno(), 10, 3, 3)   # idle and interval in seconds, unanswered probes
 *   halfopen_keepalive.linger(sock.fileno())          # only where CONFIG_LWIP_SO_LINGER=y: close() sends RST
 *
 * Both raise OSError with lwIP's errno. halfopen.link.on_micropython uses what it finds. Not tried on hardware.
 */
#include <errno.h>

#include "py/runtime.h"

#include "lwip/sockets.h"

/* The options by their names in lwIP's header: the numbers differ between stacks, and wrong ones are not refused. */
static void set_option(int fd, int level, int option, const void *value, socklen_t size) {
    if (lwip_setsockopt(fd, level, option, value, size) != 0) {
        mp_raise_OSError(errno);
    }
}

static int seconds_or_count(mp_obj_t given) {
    mp_int_t value = mp_obj_get_int(given);
    if (value < 1 || value > 32767) {
        mp_raise_ValueError(MP_ERROR_TEXT("keepalive wants 1 to 32767"));
    }
    return (int)value;
}

/* set(fd, idle_s, interval_s, count). All arguments are looked at before the first option is set. */
static mp_obj_t keepalive_set(size_t given, const mp_obj_t *arguments) {
    (void)given;
    int fd = mp_obj_get_int(arguments[0]);
    int idle_s = seconds_or_count(arguments[1]);
    int interval_s = seconds_or_count(arguments[2]);
    int count = seconds_or_count(arguments[3]);
    int on = 1;
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(keepalive_set_obj, 4, 4, keepalive_set);

#if LWIP_SO_LINGER
/* linger(fd): close() aborts with RST and frees the PCB at once, instead of retransmitting for 19 minutes. */
static mp_obj_t keepalive_linger(mp_obj_t fd) {
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    set_option(mp_obj_get_int(fd), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(keepalive_linger_obj, keepalive_linger);
#endif

static const mp_rom_map_elem_t keepalive_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_halfopen_keepalive) },
    { MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&keepalive_set_obj) },
#if LWIP_SO_LINGER
    { MP_ROM_QSTR(MP_QSTR_linger), MP_ROM_PTR(&keepalive_linger_obj) },
#endif
};
static MP_DEFINE_CONST_DICT(keepalive_globals, keepalive_globals_table);

const mp_obj_module_t halfopen_keepalive_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&keepalive_globals,
};
MP_REGISTER_MODULE(MP_QSTR_halfopen_keepalive, halfopen_keepalive_module);
