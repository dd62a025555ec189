#pragma once
#include "board.h"
#include "esp_err.h"

static inline esp_err_t esp_task_wdt_add(void *task) { return task == NULL ? ESP_OK : ESP_ERR_INVALID_ARG; }
static inline esp_err_t esp_task_wdt_reset(void) { board.fed++; return ESP_OK; }
