#pragma once
#include "board.h"
#include "esp_err.h"

#define ESP_IPADDR_TYPE_V4 0
#define ESP_IPADDR_TYPE_V6 6

typedef struct esp_netif_obj esp_netif_t;
typedef struct { uint32_t addr; } esp_ip4_addr_t;
typedef struct { uint32_t addr[4]; uint8_t zone; } esp_ip6_addr_t;
typedef struct { esp_ip4_addr_t ip, netmask, gw; } esp_netif_ip_info_t;
typedef struct {
    union { esp_ip6_addr_t ip6; esp_ip4_addr_t ip4; } u_addr;
    uint8_t type;
} esp_ip_addr_t;
typedef struct { esp_ip_addr_t ip; } esp_netif_dns_info_t;
typedef enum { ESP_NETIF_DNS_MAIN, ESP_NETIF_DNS_BACKUP, ESP_NETIF_DNS_FALLBACK } esp_netif_dns_type_t;

static inline esp_netif_t *esp_netif_get_handle_from_ifkey(const char *key) { return (esp_netif_t *)key; }

static inline esp_err_t esp_netif_get_ip_info(esp_netif_t *netif, esp_netif_ip_info_t *info)
{
    if (netif == NULL) return ESP_ERR_INVALID_ARG;
    *info = (esp_netif_ip_info_t){ .ip.addr = board.address };
    return ESP_OK;
}

static inline esp_err_t esp_netif_set_dns_info(esp_netif_t *netif, esp_netif_dns_type_t type,
                                               esp_netif_dns_info_t *dns)
{
    (void)type;
    return netif != NULL && dns->ip.u_addr.ip4.addr != 0 ? ESP_OK : ESP_ERR_INVALID_ARG;
}
