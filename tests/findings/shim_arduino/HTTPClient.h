#pragma once
#include "NetworkClient.h"

class HTTPClient {
 public:
  bool begin(NetworkClient &client, String url);
  void end();
  void setReuse(bool reuse);
  void setConnectTimeout(int32_t timeout_ms);
  void setTimeout(uint16_t timeout_ms);
  int POST(String payload);
};
