#pragma once
#include "esp_err.h"

typedef const char *esp_event_base_t;
typedef void (*esp_event_handler_t)(void *arg, esp_event_base_t base, int32_t id, void *data);

static esp_event_base_t const WIFI_EVENT __attribute__((unused)) = "WIFI_EVENT";
static esp_event_base_t const IP_EVENT __attribute__((unused)) = "IP_EVENT";

typedef enum { IP_EVENT_STA_GOT_IP, IP_EVENT_STA_LOST_IP } ip_event_t;
