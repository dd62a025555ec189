#pragma once
#include "NetworkClient.h"

class NetworkClientSecure : public NetworkClient {
 public:
  void setCACert(const char *rootCA);
  void setHandshakeTimeout(unsigned long seconds);
};
