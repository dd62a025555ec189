#pragma once
#include "freertos/FreeRTOS.h"

typedef uint32_t EventBits_t;
typedef EventBits_t *EventGroupHandle_t;

static inline EventBits_t xEventGroupSetBits(EventGroupHandle_t group, EventBits_t bits) { return *group |= bits; }
static inline EventBits_t xEventGroupClearBits(EventGroupHandle_t group, EventBits_t bits) { return *group &= ~bits; }
static inline EventBits_t xEventGroupGetBits(EventGroupHandle_t group) { return *group; }
