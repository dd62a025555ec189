#pragma once
#include <functional>

#include "NetworkClient.h"
#include "esp_wifi.h"

enum wl_status_t { WL_IDLE_STATUS, WL_NO_SSID_AVAIL, WL_SCAN_COMPLETED, WL_CONNECTED, WL_CONNECT_FAILED };
enum wifi_mode_t { WIFI_OFF, WIFI_STA, WIFI_AP };
enum wifi_power_t { WIFI_POWER_19_5dBm = 78, WIFI_POWER_11dBm = 44 };
enum wifi_err_reason_t { WIFI_REASON_UNSPECIFIED = 1 };
enum arduino_event_id_t {
  ARDUINO_EVENT_WIFI_STA_DISCONNECTED = 113,
  ARDUINO_EVENT_WIFI_STA_GOT_IP = 115,
  ARDUINO_EVENT_WIFI_STA_LOST_IP = 117,
  ARDUINO_EVENT_MAX = 255
};
union arduino_event_info_t {
  wifi_event_sta_disconnected_t wifi_sta_disconnected;
};
typedef size_t wifi_event_id_t;
typedef std::function<void(arduino_event_id_t event, arduino_event_info_t info)> NetworkEventFuncCb;

class WiFiClass {
 public:
  wl_status_t begin(const char *ssid, const char *passphrase = nullptr, int32_t channel = 0,
                    const uint8_t *bssid = nullptr, bool connect = true);
  bool config(IPAddress local_ip, IPAddress gateway, IPAddress subnet, IPAddress dns1);
  bool reconnect();
  bool disconnect(bool wifioff = false, bool eraseap = false);
  bool setAutoReconnect(bool autoReconnect);
  uint8_t waitForConnectResult(unsigned long timeoutLength = 60000);
  void setScanMethod(wifi_scan_method_t scanMethod);
  void setSortMethod(wifi_sort_method_t sortMethod);
  IPAddress localIP();
  IPAddress gatewayIP();
  wl_status_t status();
  int8_t RSSI();
  int32_t RSSI(uint8_t item);
  int32_t channel();
  int32_t channel(uint8_t item);
  String SSID(uint8_t item);
  uint8_t *BSSID(uint8_t item, uint8_t *bssid = nullptr);
  wifi_auth_mode_t encryptionType(uint8_t item);
  int16_t scanNetworks(bool async = false, bool show_hidden = false);
  void scanDelete();
  bool mode(wifi_mode_t mode);
  bool setSleep(bool enabled);
  bool setSleep(wifi_ps_type_t sleepType);
  wifi_ps_type_t getSleep();
  bool setTxPower(wifi_power_t power);
  int hostByName(const char *name, IPAddress &result);
  wifi_event_id_t onEvent(NetworkEventFuncCb callback, arduino_event_id_t event = ARDUINO_EVENT_MAX);
  const char *disconnectReasonName(wifi_err_reason_t reason);
};
extern WiFiClass WiFi;
