#pragma once
#include <time.h>
#include "board.h"
#include "esp_err.h"

typedef void (*esp_timer_cb_t)(void *arg);
typedef struct esp_timer *esp_timer_handle_t;
typedef struct {
    esp_timer_cb_t callback;
    void *arg;
    int dispatch_method;
    const char *name;
    _Bool skip_unhandled_events;
} esp_timer_create_args_t;

static inline int64_t esp_timer_get_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static inline esp_err_t esp_timer_create(const esp_timer_create_args_t *args, esp_timer_handle_t *timer)
{
    board.timer_callback = args->callback;
    board.timer_arg = args->arg;
    *timer = (esp_timer_handle_t)&board;
    return ESP_OK;
}

static inline esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t timeout_us)
{
    (void)timer;
    board.timer_us = timeout_us;
    return ESP_OK;
}

static inline esp_err_t esp_timer_stop(esp_timer_handle_t timer)
{
    (void)timer;
    board.timer_us = 0;
    return ESP_OK;
}
