/* Stands in for MicroPython's headers: as much of them as an external C module needs, and none of their code. */
#pragma once
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef intptr_t mp_int_t;
typedef void *mp_obj_t;
typedef const void *mp_const_obj_t;
typedef mp_const_obj_t mp_rom_obj_t;

/* Small integers carry their value in the pointer, texts of the table their number in an enumeration. */
#define MP_OBJ_NEW_SMALL_INT(value) ((mp_obj_t)(((uintptr_t)(value) << 1) | 1))
#define MP_ROM_QSTR(name) ((mp_rom_obj_t)(((uintptr_t)(name) << 3) | 2))
#define MP_ROM_PTR(pointer) (pointer)
#define MP_ERROR_TEXT(text) (text)
enum { MP_QSTR___name__ = 1, MP_QSTR_halfopen_keepalive, MP_QSTR_set, MP_QSTR_linger };

typedef struct { const void *type; } mp_obj_base_t;
typedef struct { mp_rom_obj_t key, value; } mp_rom_map_elem_t;
typedef struct { mp_obj_base_t base; size_t used; const mp_rom_map_elem_t *table; } mp_obj_dict_t;
typedef struct { mp_obj_base_t base; mp_obj_dict_t *globals; } mp_obj_module_t;
typedef struct { mp_obj_base_t base; mp_obj_t (*call)(mp_obj_t); } mp_obj_fun_builtin_fixed_t;
typedef struct {
    mp_obj_base_t base;
    size_t least, most;
    mp_obj_t (*call)(size_t, const mp_obj_t *);
} mp_obj_fun_builtin_var_t;

static const int mp_type_module, mp_type_dict, mp_type_fun_builtin_1, mp_type_fun_builtin_var;
static const int none_object;
#define mp_const_none ((mp_obj_t)&none_object)

#define MP_DEFINE_CONST_DICT(name, elements) \
    const mp_obj_dict_t name = { { &mp_type_dict }, sizeof(elements) / sizeof *(elements), elements }
#define MP_DEFINE_CONST_FUN_OBJ_1(name, function) \
    const mp_obj_fun_builtin_fixed_t name = { { &mp_type_fun_builtin_1 }, function }
#define MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name, least, most, function) \
    const mp_obj_fun_builtin_var_t name = { { &mp_type_fun_builtin_var }, least, most, function }
#define MP_REGISTER_MODULE(name, module) \
    static const mp_obj_module_t *const registered __attribute__((unused)) = (&(module) + 0 * (name))

/* What was raised, for who called. */
static struct { jmp_buf caller; const char *kind; int number; } raised;

static inline _Noreturn void raise_as(const char *kind, int number) {
    raised.kind = kind;
    raised.number = number;
    longjmp(raised.caller, 1);
}
static inline _Noreturn void mp_raise_OSError(int number) { raise_as("OSError", number); }
static inline _Noreturn void mp_raise_ValueError(const char *text) {
    (void)text;
    raise_as("ValueError", 0);
}
static inline mp_int_t mp_obj_get_int(mp_const_obj_t given) {
    if (((uintptr_t)given & 1) == 0) {
        raise_as("TypeError", 0);
    }
    return (mp_int_t)given >> 1;
}
