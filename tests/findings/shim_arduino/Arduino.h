// The part of the Arduino core 3.x for ESP32 that the remedies use. core.cpp makes it run on POSIX.
#pragma once
#include <cstdint>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "esp_attr.h"

uint32_t millis();
void delay(uint32_t ms);
long random(long howbig);

class String {
  char *text;

 public:
  String(const char *text = "");
  String(const String &other);
  String &operator=(const String &other);
  ~String();
  size_t length() const;
  const char *c_str() const;
  String &operator+=(char c);
  bool operator==(const char *other) const;
  bool operator!=(const char *other) const;
};

class IPAddress {
 public:
  uint8_t bytes[4];
  IPAddress();
  IPAddress(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
  bool operator==(const IPAddress &other) const;
  bool operator!=(const IPAddress &other) const { return !(*this == other); }
  String toString() const;
};

class Print {
 public:
  virtual ~Print() = default;
  virtual size_t write(uint8_t byte) = 0;
  virtual size_t write(const uint8_t *buffer, size_t size);
  size_t print(const String &text);
  size_t println(const char *text);
  size_t printf(const char *format, ...) __attribute__((format(printf, 2, 3)));
};

class Stream : public Print {
 protected:
  unsigned long patience = 1000;

 public:
  virtual int available() = 0;
  virtual int read() = 0;
  void setTimeout(unsigned long timeout);
  String readStringUntil(char terminator);
};

class HardwareSerial : public Stream {
 public:
  size_t write(uint8_t byte) override;
  int available() override;
  int read() override;
};
extern HardwareSerial Serial;

class EspClass {
 public:
  uint32_t getFreeHeap();
  uint32_t getMaxAllocHeap();
};
extern EspClass ESP;
