#pragma once
#include "board.h"
#include "esp_err.h"

static inline esp_err_t esp_sleep_enable_timer_wakeup(uint64_t time_us) { board.wakes_in_us = time_us; return ESP_OK; }
static inline void esp_deep_sleep_start(void) { board.asleep = 1; }
