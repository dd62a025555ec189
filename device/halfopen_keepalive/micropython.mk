# For ports that build with Make and whose sockets are lwIP's: USER_C_MODULES names the folder above.
HALFOPEN_KEEPALIVE_DIR := $(USERMOD_DIR)
SRC_USERMOD += $(HALFOPEN_KEEPALIVE_DIR)/halfopen_keepalive.c
CFLAGS_USERMOD += -I$(HALFOPEN_KEEPALIVE_DIR)
