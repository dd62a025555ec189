/* A "session" here is one descriptor and one block of memory, so that a forgotten one shows. */
#pragma once
#include <stdlib.h>
#include <unistd.h>
#include "board.h"
#include "esp_err.h"

typedef struct esp_tls { int fd; } esp_tls_t;
typedef struct {
    esp_err_t (*crt_bundle_attach)(void *conf);
    int timeout_ms;
} esp_tls_cfg_t;

static inline esp_tls_t *esp_tls_init(void)
{
    esp_tls_t *tls = malloc(sizeof *tls);
    if (tls != NULL) tls->fd = -1;
    return tls;
}

static inline int esp_tls_conn_new_sync(const char *hostname, int hostlen, int port, const esp_tls_cfg_t *cfg,
                                        esp_tls_t *tls)
{
    (void)hostname, (void)hostlen, (void)port;
    tls->fd = dup(2);
    return cfg->timeout_ms > 0 ? board.tls_result : -1;
}

static inline int esp_tls_conn_destroy(esp_tls_t *tls)
{
    if (tls->fd >= 0) close(tls->fd);
    free(tls);
    return 0;
}
