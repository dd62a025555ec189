#pragma once
#include <stdint.h>

#define BIT0 1
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))
typedef uint32_t TickType_t;
