#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "esp_err.h"

#define CONFIG_LWIP_MAX_SOCKETS 10

typedef void *httpd_handle_t;
typedef struct {
    unsigned task_priority;
    size_t stack_size;
    uint16_t server_port, ctrl_port, max_open_sockets, max_uri_handlers, max_resp_headers, backlog_conn;
    bool lru_purge_enable;
    uint16_t recv_wait_timeout, send_wait_timeout;
    bool keep_alive_enable;
    int keep_alive_idle, keep_alive_interval, keep_alive_count;
} httpd_config_t;

#define HTTPD_DEFAULT_CONFIG() { .task_priority = 5, .stack_size = 4096, .server_port = 80, .ctrl_port = 32768, \
    .max_open_sockets = 7, .max_uri_handlers = 8, .max_resp_headers = 8, .backlog_conn = 5, \
    .recv_wait_timeout = 5, .send_wait_timeout = 5 }

static httpd_config_t httpd_started __attribute__((unused));

/* The real one keeps three sockets for itself as well. */
static inline esp_err_t httpd_start(httpd_handle_t *handle, const httpd_config_t *config)
{
    if (CONFIG_LWIP_MAX_SOCKETS < config->max_open_sockets + 3) return ESP_ERR_INVALID_ARG;
    httpd_started = *config;
    *handle = &httpd_started;
    return ESP_OK;
}
