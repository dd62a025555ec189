#pragma once
#include "Arduino.h"

// As in the core, copies share one descriptor, and the last one to let go of it closes it.
class NetworkClient : public Stream {
  struct Handle *handle = nullptr;
  int timeout_ms = 3000, write_timeout_ms = 0;  // of connect(), and as SO_SNDTIMEO was last set by write()
  void share(struct Handle *other);

 public:
  NetworkClient();
  NetworkClient(int fd);
  NetworkClient(const NetworkClient &other);
  NetworkClient &operator=(const NetworkClient &other);
  ~NetworkClient() override;
  int connect(IPAddress ip, uint16_t port);
  int connect(IPAddress ip, uint16_t port, int32_t timeout_ms);
  int connect(const char *host, uint16_t port);
  int connect(const char *host, uint16_t port, int32_t timeout_ms);
  size_t write(uint8_t data) override;
  size_t write(const uint8_t *buf, size_t size) override;
  int available() override;
  int read() override;
  int read(uint8_t *buf, size_t size);
  void stop();
  uint8_t connected();
  operator bool() { return connected(); }
  virtual int fd() const;
  int setSocketOption(int option, char *value, size_t len);
  int setSocketOption(int level, int option, const void *value, size_t len);
  int setOption(int option, int *value);
};

class NetworkServer {
  uint16_t port;

 public:
  int listener = -1;
  ~NetworkServer();
  NetworkServer(uint16_t port = 80, uint8_t max_clients = 4);
  NetworkClient accept();
  void begin(uint16_t port = 0);
};

class NetworkUDP : public Print {
 public:
  int beginPacket(IPAddress ip, uint16_t port);
  size_t write(uint8_t byte) override;
  int endPacket();
  void stop();
};
