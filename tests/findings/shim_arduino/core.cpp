// The Arduino core on POSIX: real sockets, a scripted radio. Behaves as core 3.x where a remedy could notice.
#include <arpa/inet.h>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "HTTPClient.h"
#include "NetworkClientSecure.h"
#include "WiFi.h"
#include "air.h"

// NetworkClient::write() of core 3.x: WIFI_CLIENT_MAX_WRITE_RETRY rounds of WIFI_CLIENT_SELECT_TIMEOUT_US, that is
// ten times 1 s, counted anew whenever bytes have moved. Here a round takes 30 ms, or no trial would end.
#define WIFI_CLIENT_MAX_WRITE_RETRY 10
#ifndef WIFI_CLIENT_SELECT_TIMEOUT_US
#define WIFI_CLIENT_SELECT_TIMEOUT_US 30000
#endif

Air air;
HardwareSerial Serial;
EspClass ESP;
WiFiClass WiFi;
static NetworkEventFuncCb handler;

uint32_t millis() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
void delay(uint32_t ms) { usleep(ms * 10); }  // a hundred times faster than the clock
long random(long howbig) { return howbig ? rand() % howbig : 0; }

String::String(const char *from) : text(strdup(from)) {}
String::String(const String &other) : text(strdup(other.text)) {}
String &String::operator=(const String &other) {
  if (this != &other) { free(text); text = strdup(other.text); }
  return *this;
}
String::~String() { free(text); }
size_t String::length() const { return strlen(text); }
const char *String::c_str() const { return text; }
String &String::operator+=(char c) {
  size_t n = length();
  text = static_cast<char *>(realloc(text, n + 2));
  text[n] = c, text[n + 1] = 0;
  return *this;
}
bool String::operator==(const char *other) const { return strcmp(text, other) == 0; }
bool String::operator!=(const char *other) const { return !(*this == other); }

IPAddress::IPAddress() : bytes{0, 0, 0, 0} {}
IPAddress::IPAddress(uint8_t a, uint8_t b, uint8_t c, uint8_t d) : bytes{a, b, c, d} {}
bool IPAddress::operator==(const IPAddress &other) const { return memcmp(bytes, other.bytes, 4) == 0; }
String IPAddress::toString() const {
  char text[16];
  snprintf(text, sizeof text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
  return text;
}

size_t Print::write(const uint8_t *buffer, size_t size) {
  size_t done = 0;
  while (done < size && write(buffer[done])) done++;
  return done;
}
size_t Print::print(const String &text) { return write(reinterpret_cast<const uint8_t *>(text.c_str()), text.length()); }
size_t Print::println(const char *text) { return print(text) + write('\n'); }
size_t Print::printf(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return print(line);
}
void Stream::setTimeout(unsigned long timeout) { patience = timeout; }
String Stream::readStringUntil(char terminator) {
  String line;
  uint32_t start = millis();
  while (millis() - start < patience) {
    int c = available() > 0 ? read() : -1;
    if (c == terminator) break;
    if (c >= 0) line += static_cast<char>(c);
    else usleep(1000);
  }
  return line;
}
size_t HardwareSerial::write(uint8_t byte) { return fputc(byte, stderr) == EOF ? 0 : 1; }
int HardwareSerial::available() { return 0; }
int HardwareSerial::read() { return -1; }
uint32_t EspClass::getFreeHeap() { return air.heap_free; }
uint32_t EspClass::getMaxAllocHeap() { return air.heap_block; }

struct Handle {
  int fd;
  int owners;
};
void NetworkClient::share(Handle *other) {
  if (other) other->owners++;
  if (handle && --handle->owners == 0) {
    close(handle->fd);
    delete handle;
  }
  handle = other;
}
NetworkClient::NetworkClient() {}
NetworkClient::NetworkClient(int fd) : handle(new Handle{fd, 1}) {}
NetworkClient::NetworkClient(const NetworkClient &other)
    : Stream(other), timeout_ms(other.timeout_ms), write_timeout_ms(other.write_timeout_ms) {
  share(other.handle);
}
NetworkClient &NetworkClient::operator=(const NetworkClient &other) {
  timeout_ms = other.timeout_ms, write_timeout_ms = other.write_timeout_ms;
  share(other.handle);
  return *this;
}
NetworkClient::~NetworkClient() { share(nullptr); }
int NetworkClient::connect(IPAddress ip, uint16_t port) { return connect(ip, port, 3000); }
int NetworkClient::connect(const char *host, uint16_t port) { return connect(host, port, 3000); }
int NetworkClient::connect(const char *host, uint16_t port, int32_t timeout_ms) {
  IPAddress ip;
  return inet_pton(AF_INET, host, ip.bytes) == 1 ? connect(ip, port, timeout_ms) : 0;
}
int NetworkClient::connect(IPAddress ip, uint16_t port, int32_t limit_ms) {
  struct sockaddr_in peer = {};
  timeout_ms = limit_ms;
  peer.sin_family = AF_INET;
  peer.sin_port = htons(port);
  memcpy(&peer.sin_addr, ip.bytes, 4);
  int fd = socket(AF_INET, SOCK_STREAM, 0), error = 0;
  socklen_t size = sizeof error;
  if (fd < 0) return 0;
  fcntl(fd, F_SETFL, O_NONBLOCK);
  struct pollfd wait = {fd, POLLOUT, 0};
  if (::connect(fd, reinterpret_cast<sockaddr *>(&peer), sizeof peer) != 0) {
    if (poll(&wait, 1, timeout_ms) != 1) error = ETIMEDOUT;
    else getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error) {
    close(fd);
    return 0;
  }
  fcntl(fd, F_SETFL, 0);
  NetworkClient made(fd);
  made.timeout_ms = timeout_ms;
  *this = made;
  return 1;
}
int NetworkClient::fd() const { return handle ? handle->fd : -1; }
size_t NetworkClient::write(uint8_t data) { return write(&data, 1); }
size_t NetworkClient::write(const uint8_t *buf, size_t size) {
  size_t done = 0;
  for (int retry = WIFI_CLIENT_MAX_WRITE_RETRY; handle && done < size && retry > 0; retry--) {
    if (write_timeout_ms != timeout_ms) {  // whatever the program had set is overwritten, and bounds nothing here
      struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
      if (setSocketOption(SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) >= 0) write_timeout_ms = timeout_ms;
    }
    struct timeval round = {0, WIFI_CLIENT_SELECT_TIMEOUT_US};
    fd_set writable;
    FD_ZERO(&writable);
    FD_SET(fd(), &writable);
    if (select(fd() + 1, nullptr, &writable, nullptr, &round) < 0) return 0;
    if (!FD_ISSET(fd(), &writable)) continue;
    ssize_t sent = send(fd(), buf + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) done += sent, retry = WIFI_CLIENT_MAX_WRITE_RETRY + 1;
    else if (sent < 0 && errno != EAGAIN) stop();
  }
  return done;
}
int NetworkClient::available() {
  int waiting = 0;
  return handle && ioctl(fd(), FIONREAD, &waiting) == 0 ? waiting : 0;
}
int NetworkClient::read() {
  uint8_t byte;
  return read(&byte, 1) == 1 ? byte : -1;
}
int NetworkClient::read(uint8_t *buf, size_t size) { return recv(fd(), buf, size, MSG_DONTWAIT); }
void NetworkClient::stop() { share(nullptr); }
uint8_t NetworkClient::connected() {
  char byte;
  if (!handle) return 0;
  ssize_t got = recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (got < 0 && errno == EAGAIN);
}
int NetworkClient::setSocketOption(int level, int option, const void *value, size_t len) {
  return setsockopt(fd(), level, option, value, len);
}
int NetworkClient::setOption(int option, int *value) { return setSocketOption(IPPROTO_TCP, option, value, sizeof *value); }

NetworkServer::NetworkServer(uint16_t at, uint8_t) : port(at) {}
NetworkServer::~NetworkServer() { if (listener >= 0) close(listener); }
void NetworkServer::begin(uint16_t at) {
  struct sockaddr_in here = {};
  int on = 1;
  here.sin_family = AF_INET;
  here.sin_port = htons(at ? at : port == 80 ? 0 : port);  // 80 is any free port here
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, reinterpret_cast<sockaddr *>(&here), sizeof here) != 0 || listen(listener, 5) != 0) perror("listen");
}
NetworkClient NetworkServer::accept() {
  int fd = ::accept(listener, nullptr, nullptr);
  return fd < 0 ? NetworkClient() : NetworkClient(fd);
}

int NetworkUDP::beginPacket(IPAddress ip, uint16_t port) { return ip != IPAddress() && port; }
size_t NetworkUDP::write(uint8_t) { return 1; }
int NetworkUDP::endPacket() { return ++air.datagrams; }
void NetworkUDP::stop() {}

void NetworkClientSecure::setCACert(const char *) {}
void NetworkClientSecure::setHandshakeTimeout(unsigned long) {}
bool HTTPClient::begin(NetworkClient &, String) { return true; }
void HTTPClient::end() {}
void HTTPClient::setReuse(bool) {}
void HTTPClient::setConnectTimeout(int32_t) {}
void HTTPClient::setTimeout(uint16_t) {}
int HTTPClient::POST(String) { return air.http_status; }

void fire(int event, int reason) {
  arduino_event_info_t info = {};
  info.wifi_sta_disconnected.reason = static_cast<uint8_t>(reason);
  if (handler) handler(static_cast<arduino_event_id_t>(event), info);
}
wl_status_t WiFiClass::begin(const char *, const char *, int32_t, const uint8_t *bssid, bool) {
  air.begins++;
  air.bssid = bssid ? bssid[0] : 0;
  for (int i = 0; i < air.refusals; i++) fire(ARDUINO_EVENT_WIFI_STA_DISCONNECTED, air.reason);
  return status();
}
bool WiFiClass::config(IPAddress, IPAddress, IPAddress, IPAddress) { return air.addressed = true; }
bool WiFiClass::reconnect() { return ++air.reconnects; }
bool WiFiClass::disconnect(bool, bool) { return ++air.disconnects; }
bool WiFiClass::setAutoReconnect(bool) { return true; }
uint8_t WiFiClass::waitForConnectResult(unsigned long) { return status(); }
void WiFiClass::setScanMethod(wifi_scan_method_t) {}
void WiFiClass::setSortMethod(wifi_sort_method_t) {}
IPAddress WiFiClass::localIP() { return air.joined && air.addressed ? IPAddress(127, 0, 0, 1) : IPAddress(); }
IPAddress WiFiClass::gatewayIP() { return IPAddress(127, 0, 0, 1); }
wl_status_t WiFiClass::status() { return air.joined ? WL_CONNECTED : WL_NO_SSID_AVAIL; }
int8_t WiFiClass::RSSI() { return static_cast<int8_t>(air.rssi); }
int32_t WiFiClass::RSSI(uint8_t item) { return -50 - 5 * item; }
int32_t WiFiClass::channel() { return 6; }
int32_t WiFiClass::channel(uint8_t) { return 6; }
String WiFiClass::SSID(uint8_t) { return "net"; }
uint8_t *WiFiClass::BSSID(uint8_t item, uint8_t *) {
  static uint8_t bssid[6];
  memset(bssid, item + 1, sizeof bssid);
  return bssid;
}
wifi_auth_mode_t WiFiClass::encryptionType(uint8_t) { return WIFI_AUTH_WPA2_PSK; }
int16_t WiFiClass::scanNetworks(bool, bool) { return static_cast<int16_t>(air.networks); }
void WiFiClass::scanDelete() {}
bool WiFiClass::mode(wifi_mode_t) { return true; }
bool WiFiClass::setSleep(bool enabled) { return setSleep(enabled ? WIFI_PS_MIN_MODEM : WIFI_PS_NONE); }
bool WiFiClass::setSleep(wifi_ps_type_t type) { air.sleep = type; return true; }
wifi_ps_type_t WiFiClass::getSleep() { return static_cast<wifi_ps_type_t>(air.sleep); }
bool WiFiClass::setTxPower(wifi_power_t power) { air.tx_power = power; return true; }
int WiFiClass::hostByName(const char *, IPAddress &result) {
  if (air.resolves) result = IPAddress(127, 0, 0, 1);
  return air.resolves;
}
wifi_event_id_t WiFiClass::onEvent(NetworkEventFuncCb callback, arduino_event_id_t) {
  handler = callback;
  return 1;
}
const char *WiFiClass::disconnectReasonName(wifi_err_reason_t) { return "REASON"; }
