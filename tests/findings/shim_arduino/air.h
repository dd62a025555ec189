// What the trials script and count: the radio, the heap and the reset that the remedies see.
#pragma once
#include <cstdint>

struct Air {
  bool joined = false;          // what begin() leads to
  bool addressed = true;        // and whether a lease comes with it
  int refusals = 0, reason = 0; // how often begin() is answered by a disconnect, and why
  int begins = 0, reconnects = 0, disconnects = 0;
  int networks = 0;             // heard by a scan: "net" at -50, -55 … dBm, BSSID 1…, 2…
  int rssi = -60, sleep = 1, tx_power = 78;
  bool resolves = true;
  uint8_t bssid = 0;
  uint32_t heap_free = 200000, heap_block = 110000;
  int http_status = 200;
  int datagrams = 0;
};
extern Air air;

void fire(int event, int reason);   // hands an event to the handler registered with WiFi.onEvent()
