# otsfs: `make help` prints every target.

PROFILE ?= release
PREFIX ?= /usr/local
DESTDIR ?=
BUILD := build/$(PROFILE)$(if $(filter-out cc gcc,$(CC)),-$(notdir $(CC)))
GEN := build/gen

WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wpointer-arith -Wcast-qual \
	-Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wswitch-enum -Werror
C_WARNINGS := $(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
# protobuf-c's own output: its struct initialisers and casts are not ours to change.
GEN_WARNINGS := -Wall -Wextra -Werror

OPT_release := -O2 -g
OPT_debug := -O0 -g3
OPT_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
ifeq ($(OPT_$(PROFILE)),)
$(error PROFILE=$(PROFILE) is none of release, debug, asan, tsan)
endif
OPT := $(OPT_$(PROFILE))

PACKAGES := fuse3 libcurl libprotobuf-c libcrypto libcjson libisal libmicrohttpd rocksdb
DEFINES := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=314
COMMON = $(DEFINES) -I. -I$(GEN) $(OPT) -fPIE -fstack-protector-strong -MMD -MP
PKG_CFLAGS := $(shell pkg-config --cflags-only-I $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lz -lstdc++ -lm -lpthread

BASE_SRC := $(wildcard backend/base/*.c backend/model/*.c backend/wire/*.c backend/*.c)
CLIENT_SRC := $(wildcard backend/client/*.c)
SERVER_SRC := $(filter-out backend/server/main.c,$(wildcard backend/server/*.c))
FS_SRC := $(filter-out fs/main.c,$(wildcard fs/*.c fs/*/*.c))
FS_CXX := $(wildcard fs/*/*.cc)
PROTO := $(wildcard backend/wire/*.proto)
GEN_C := $(PROTO:%.proto=$(GEN)/%.pb-c.c)
GEN_H := $(PROTO:%.proto=$(GEN)/%.pb-c.h)

obj = $(patsubst %.c,$(BUILD)/%.o,$(filter %.c,$(1))) $(patsubst %.cc,$(BUILD)/%.o,$(filter %.cc,$(1)))
GEN_OBJ := $(GEN_C:$(GEN)/%.c=$(BUILD)/gen/%.o)
LIB_OBJ := $(call obj,$(BASE_SRC) $(CLIENT_SRC) $(SERVER_SRC) $(FS_SRC) $(FS_CXX)) $(GEN_OBJ)
LIB := $(BUILD)/libots.a

.PHONY: all
all: $(BUILD)/otsfs $(BUILD)/otslocal  ## build otsfs and otslocal into build/PROFILE

$(BUILD)/otsfs: $(BUILD)/fs/main.o $(LIB)
	$(CC) $(OPT) -pie -o $@ $< $(LIB) $(LIBS)

$(BUILD)/otslocal: $(BUILD)/backend/server/main.o $(LIB)
	$(CC) $(OPT) -pie -o $@ $< $(LIB) $(LIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(C_WARNINGS) $(COMMON) $(PKG_CFLAGS) -c $< -o $@

$(BUILD)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -fno-exceptions -fno-rtti $(WARNINGS) $(COMMON) -c $< -o $@

$(BUILD)/gen/%.o: $(GEN)/%.c | $(GEN_H)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(GEN_WARNINGS) $(COMMON) -c $< -o $@

$(GEN)/%.pb-c.c $(GEN)/%.pb-c.h: %.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=. --c_out=$(GEN) $<

# --- tests -----------------------------------------------------------------------------------

UNIT_SRC := $(wildcard tests/unit/test_*.c tests/loop/test_*.c)
UNIT_HELP_SRC := $(filter-out tests/unit/test_%.c tests/loop/test_%.c,$(wildcard tests/unit/*.c tests/loop/*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(BUILD)/%)
UNIT_HELP_OBJ := $(call obj,$(UNIT_HELP_SRC))

$(UNIT_BIN): $(BUILD)/%: $(BUILD)/%.o $(UNIT_HELP_OBJ) $(LIB)
	$(CC) $(OPT) -pie -o $@ $< $(UNIT_HELP_OBJ) $(LIB) $(LIBS) -lcmocka

.PHONY: unit-bin
unit-bin: $(UNIT_BIN)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
