/* The board that the snippets run on: what they set is kept here, and the trial decides what they read. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static struct {
    size_t heap_free, heap_block, heap_minimum;
    int power_save, inactive_s, tx_power, rssi_threshold;
    int connects, disconnects, starts, stops, fed, asleep;
    int rssi, reset_reason, networks_heard, tls_result;
    uint32_t address;
    uint64_t timer_us, wakes_in_us;
    void (*timer_callback)(void *);
    void *timer_arg;
} board __attribute__((unused)) = {
    .heap_free = 200000,
    .heap_block = 110000,
    .heap_minimum = 180000,
    .power_save = 1,
    .rssi = -60,
    .reset_reason = 1,
    .tls_result = 1,
};
