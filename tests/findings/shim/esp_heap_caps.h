#pragma once
#include "board.h"

#define MALLOC_CAP_8BIT (1 << 2)
#define MALLOC_CAP_INTERNAL (1 << 11)

static inline size_t heap_caps_get_free_size(uint32_t caps) { (void)caps; return board.heap_free; }
static inline size_t heap_caps_get_minimum_free_size(uint32_t caps) { (void)caps; return board.heap_minimum; }
static inline size_t heap_caps_get_largest_free_block(uint32_t caps) { (void)caps; return board.heap_block; }
