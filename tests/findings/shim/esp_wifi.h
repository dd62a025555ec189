#pragma once
#include <stdbool.h>
#include <string.h>
#include "board.h"
#include "esp_err.h"
#include "esp_event.h"

typedef enum { WIFI_IF_STA, WIFI_IF_AP } wifi_interface_t;
typedef enum { WIFI_PS_NONE, WIFI_PS_MIN_MODEM, WIFI_PS_MAX_MODEM } wifi_ps_type_t;
typedef enum { WIFI_FAST_SCAN, WIFI_ALL_CHANNEL_SCAN } wifi_scan_method_t;
typedef enum { WIFI_CONNECT_AP_BY_SIGNAL, WIFI_CONNECT_AP_BY_SECURITY } wifi_sort_method_t;
typedef enum { WIFI_AUTH_OPEN, WIFI_AUTH_WEP, WIFI_AUTH_WPA_PSK, WIFI_AUTH_WPA2_PSK } wifi_auth_mode_t;
typedef enum {
    WIFI_EVENT_STA_START = 2, WIFI_EVENT_STA_STOP, WIFI_EVENT_STA_CONNECTED, WIFI_EVENT_STA_DISCONNECTED,
    WIFI_EVENT_STA_BSS_RSSI_LOW = 20,
} wifi_event_t;
enum { WIFI_REASON_AUTH_EXPIRE = 2 };

typedef struct { int8_t rssi; wifi_auth_mode_t authmode; uint8_t rssi_5g_adjustment; } wifi_scan_threshold_t;
typedef struct {
    uint8_t ssid[32], password[64];
    wifi_scan_method_t scan_method;
    bool bssid_set;
    uint8_t bssid[6], channel;
    uint16_t listen_interval;
    wifi_sort_method_t sort_method;
    wifi_scan_threshold_t threshold;
} wifi_sta_config_t;
typedef union { wifi_sta_config_t sta; } wifi_config_t;
typedef struct { uint8_t bssid[6], ssid[33], primary; int8_t rssi; wifi_auth_mode_t authmode; } wifi_ap_record_t;
typedef struct { uint8_t *ssid, *bssid, channel; bool show_hidden; } wifi_scan_config_t;
typedef struct { uint8_t ssid[32], ssid_len, bssid[6], reason; int8_t rssi; } wifi_event_sta_disconnected_t;
typedef struct { int32_t rssi; } wifi_event_bss_rssi_low_t;

static inline esp_err_t esp_wifi_start(void) { board.starts++; return ESP_OK; }
static inline esp_err_t esp_wifi_stop(void) { board.stops++; return ESP_OK; }
static inline esp_err_t esp_wifi_connect(void) { board.connects++; return ESP_OK; }
static inline esp_err_t esp_wifi_disconnect(void) { board.disconnects++; return ESP_OK; }
static inline esp_err_t esp_wifi_set_ps(wifi_ps_type_t type) { board.power_save = type; return ESP_OK; }
static inline esp_err_t esp_wifi_get_ps(wifi_ps_type_t *type)
{
    *type = (wifi_ps_type_t)board.power_save;
    return ESP_OK;
}
static inline esp_err_t esp_wifi_set_max_tx_power(int8_t power) { board.tx_power = power; return ESP_OK; }
static inline esp_err_t esp_wifi_set_rssi_threshold(int32_t rssi) { board.rssi_threshold = rssi; return ESP_OK; }
static inline esp_err_t esp_wifi_set_inactive_time(wifi_interface_t ifx, uint16_t sec)
{
    board.inactive_s = sec;
    return ifx == WIFI_IF_STA && sec >= 3 ? ESP_OK : ESP_ERR_INVALID_ARG;
}
static inline esp_err_t esp_wifi_set_config(wifi_interface_t ifx, wifi_config_t *config)
{
    return ifx == WIFI_IF_STA && config != NULL ? ESP_OK : ESP_ERR_INVALID_ARG;
}
static inline esp_err_t esp_wifi_sta_get_ap_info(wifi_ap_record_t *ap)
{
    *ap = (wifi_ap_record_t){ .primary = 6, .rssi = (int8_t)board.rssi, .authmode = WIFI_AUTH_WPA2_PSK };
    return ESP_OK;
}
static inline esp_err_t esp_wifi_scan_start(const wifi_scan_config_t *config, bool block)
{
    (void)config;
    return block ? ESP_OK : ESP_FAIL;
}
/* Access points named "net", the first at -50 dBm with BSSID 1…, each 5 dB weaker than the one before. */
static inline esp_err_t esp_wifi_scan_get_ap_records(uint16_t *number, wifi_ap_record_t *records)
{
    if (*number > board.networks_heard) *number = (uint16_t)board.networks_heard;
    for (int i = 0; i < *number; i++) {
        records[i] = (wifi_ap_record_t){ .primary = 6, .rssi = (int8_t)(-50 - 5 * i), .authmode = WIFI_AUTH_WPA2_PSK };
        memset(records[i].bssid, i + 1, sizeof records[i].bssid);
        strcpy((char *)records[i].ssid, "net");
    }
    return ESP_OK;
}
