#pragma once
#include <stdbool.h>
#include "esp_err.h"

typedef struct esp_http_client *esp_http_client_handle_t;
typedef struct {
    const char *url, *host;
    int port, timeout_ms;
    bool keep_alive_enable;
    int keep_alive_idle, keep_alive_interval, keep_alive_count;
} esp_http_client_config_t;

static esp_http_client_config_t http_client_opened __attribute__((unused));

static inline esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t *config)
{
    http_client_opened = *config;
    return (esp_http_client_handle_t)&http_client_opened;
}
