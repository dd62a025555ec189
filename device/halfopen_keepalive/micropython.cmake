# For ports that build with CMake, as the ESP32's does: USER_C_MODULES names this file.
add_library(usermod_halfopen_keepalive INTERFACE)
target_sources(usermod_halfopen_keepalive INTERFACE ${CMAKE_CURRENT_LIST_DIR}/halfopen_keepalive.c)
target_include_directories(usermod_halfopen_keepalive INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(usermod INTERFACE usermod_halfopen_keepalive)
