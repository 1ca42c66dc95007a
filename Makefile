# otsfs. `make help` prints every target.

PROFILE ?= release
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# How long `make fuzz` stays with each target.
SECONDS_EACH ?= 60
# How often `make soak` kills otslocal, and otsfs.
ROUNDS ?= 50
# What `make bench` measures, all without it, and how much of it.
BENCH ?=
export BENCH_SCALE ?= default

ifeq ($(PROFILE),fuzz)
override CC := clang
BUILD := build/fuzz
else
BUILD := build/$(PROFILE)$(if $(filter-out cc gcc,$(CC)),-$(notdir $(CC)))
endif
ifneq ($(findstring clang,$(CC)),)
CXX := clang++
endif
GEN := build/gen

WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wpointer-arith -Wcast-qual \
	-Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wswitch-enum -Werror
C_WARNINGS := $(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
# protobuf-c's own output: its struct initialisers and casts are not ours to change.
GEN_WARNINGS := -Wall -Wextra -Werror

SANITIZE := -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_release := -O2 -g -D_FORTIFY_SOURCE=2
OPT_debug := -O0 -g3
OPT_asan := -O1 -g -fsanitize=address,undefined $(SANITIZE)
OPT_tsan := -O1 -g -fsanitize=thread $(SANITIZE)
# The library for `make fuzz`; only the targets themselves get libFuzzer's main.
OPT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined $(SANITIZE)
ifeq ($(OPT_$(PROFILE)),)
$(error PROFILE=$(PROFILE) is none of release, debug, asan, tsan)
endif
OPT := $(OPT_$(PROFILE))

PACKAGES := fuse3 libcurl libprotobuf-c libcrypto libcjson libisal libmicrohttpd rocksdb sqlite3
DEFINES := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFUSE_USE_VERSION=314
COMMON = $(DEFINES) -I. -I$(GEN) $(OPT) -fPIE -fstack-protector-strong -MMD -MP
PKG_CFLAGS := $(shell pkg-config --cflags-only-I $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
# otsfs needs none of the server's libraries and the other way round: each loads its own.
LIBS := -Wl,--as-needed $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lz -lstdc++ -lm -lpthread
LINK := $(OPT) -pie -Wl,-z,relro,-z,now

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

# Build in parallel below a target that somebody types, unless they chose a -j themselves.
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: all
all: $(BUILD)/otsfs $(BUILD)/otslocal ## build otsfs and otslocal into build/PROFILE (the default)

.PHONY: help
help: ## print this list
	@echo 'make TARGET [PROFILE=release|debug|asan|tsan] [CC=gcc|clang] [PREFIX=/usr/local]'
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

.PHONY: deps
deps: ## install the Debian packages that all targets need (by sudo where needed)
	@scripts/deps all

$(BUILD)/otsfs: $(BUILD)/fs/main.o $(LIB)
	$(CC) $(LINK) -o $@ $< $(LIB) $(LIBS)

$(BUILD)/otslocal: $(BUILD)/backend/server/main.o $(LIB)
	$(CC) $(LINK) -o $@ $< $(LIB) $(LIBS)

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

# A package that is missing makes pkg-config print nothing, so the targets below that people type
# first install what is missing and only then start the make that asks pkg-config. Who types one
# of the others is told.
ifeq ($(shell pkg-config --exists $(PACKAGES) 2>/dev/null && command -v protoc-c),)
.PHONY: packages-are-missing
$(LIB_OBJ) $(GEN_H): | packages-are-missing
packages-are-missing:
	@echo 'Packages are missing. Type: make deps' >&2; exit 1
endif

.PHONY: demo
demo: ## install what is missing, build, and show a table copied with cp -r
	@scripts/deps build
	@echo 'building otsfs and otslocal'
	@+$(SUBMAKE) -s all
	@scripts/demo $(BUILD)

# --- tests -----------------------------------------------------------------------------------

UNIT_SRC := $(wildcard tests/unit/test_*.c tests/loop/test_*.c)
UNIT_HELP_SRC := $(filter-out tests/unit/test_%.c tests/loop/test_%.c,$(wildcard tests/unit/*.c tests/loop/*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(BUILD)/%)
UNIT_HELP_OBJ := $(call obj,$(UNIT_HELP_SRC))

$(UNIT_BIN): $(BUILD)/%: $(BUILD)/%.o $(UNIT_HELP_OBJ) $(LIB)
	$(CC) $(LINK) -o $@ $< $(UNIT_HELP_OBJ) $(LIB) $(LIBS) -lcmocka

FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_BIN := $(FUZZ_NAMES:%=build/fuzz/fuzz_%)
FUZZ_HELP_OBJ := $(call obj,$(filter-out $(FUZZ_SRC),$(wildcard tests/fuzz/*.c)))

ifeq ($(PROFILE),fuzz)
$(FUZZ_BIN): build/fuzz/%: build/fuzz/tests/fuzz/%.o $(FUZZ_HELP_OBJ) $(LIB)
	$(CC) $(OPT) -fsanitize=fuzzer -pie -o $@ $< $(FUZZ_HELP_OBJ) $(LIB) $(LIBS)
endif

BENCH_SRC := $(wildcard tests/bench/bench_*.c)
BENCH_BIN := $(BENCH_SRC:%.c=$(BUILD)/%)
BENCH_HELP_OBJ := $(call obj,$(filter-out $(BENCH_SRC),$(wildcard tests/bench/*.c)) tests/soak/server.c)

$(BENCH_BIN): $(BUILD)/%: $(BUILD)/%.o $(BENCH_HELP_OBJ) $(LIB)
	$(CC) $(LINK) -o $@ $< $(BENCH_HELP_OBJ) $(LIB) $(LIBS)

SOAK_SRC := $(wildcard tests/soak/soak_*.c)
SOAK_BIN := $(SOAK_SRC:%.c=$(BUILD)/%)
SOAK_HELP_OBJ := $(call obj,$(filter-out $(SOAK_SRC),$(wildcard tests/soak/*.c)))

$(SOAK_BIN): $(BUILD)/%: $(BUILD)/%.o $(SOAK_HELP_OBJ) $(LIB)
	$(CC) $(LINK) -o $@ $< $(SOAK_HELP_OBJ) $(LIB) $(LIBS)

REALDATA_SRC := $(wildcard tests/realdata/*.c)
REALDATA_BIN := $(REALDATA_SRC:%.c=$(BUILD)/%)

$(REALDATA_BIN): $(BUILD)/%: $(BUILD)/%.o $(LIB)
	$(CC) $(LINK) -o $@ $< $(LIB) $(LIBS)

SCRIPT_TESTS := $(wildcard $(foreach d,lint scripts server mount,tests/$(d)/*.sh tests/$(d)/*.py))
# Debian's RocksDB, libmicrohttpd and libcurl are not built for TSan, which then cannot see their
# locks; races inside them are not ours to find.
export TSAN_OPTIONS := ignore_noninstrumented_modules=1 $(TSAN_OPTIONS)
RUN_TESTS = scripts/run-tests --build $(BUILD) --log $(BUILD)/log --jobs $(JOBS)
# $(call fuzz_tests,SECONDS)
fuzz_tests = $(foreach name,$(FUZZ_NAMES),'fuzz/$(name)=scripts/fuzz-one $(name) $(1)')

.PHONY: unit-bin fuzz-bin bench-bin soak-bin realdata-bin
unit-bin: $(UNIT_BIN)
fuzz-bin: $(FUZZ_BIN)
bench-bin: $(BENCH_BIN)
soak-bin: $(SOAK_BIN)
realdata-bin: $(REALDATA_BIN)

.PHONY: test
test: ## install what is missing, build, run every test, also under ASan/UBSan, and fuzz briefly
	@scripts/deps test
	@echo 'building the programs and tests'
	@+$(SUBMAKE) -s all unit-bin soak-bin $(BUILD)/tests/bench/bench_scan_put
	@echo 'building the tests with ASan and UBSan'
	@+$(SUBMAKE) -s PROFILE=asan unit-bin
	@echo 'building the fuzz targets'
	@+$(SUBMAKE) -s PROFILE=fuzz fuzz-bin
	@$(RUN_TESTS) $(SCRIPT_TESTS) $(UNIT_BIN) \
		$(foreach t,$(UNIT_SRC:%.c=%),'asan/$(t)=build/asan/$(t)') $(call fuzz_tests,5) \
		'soak/server=$(BUILD)/tests/soak/soak_server 3' \
		'soak/otsfs=tests/soak/soak_otsfs.sh 3' \
		'soak/follower=tests/soak/soak_follower.sh 3'

.PHONY: unit
unit: ## run the unit and loop tests only (PROFILE=asan or tsan for the sanitizers)
	@scripts/deps test
	@+$(SUBMAKE) -s unit-bin
	@$(RUN_TESTS) $(UNIT_BIN)

.PHONY: lint
lint: ## check layers, format, sizes, headers, shell, manual pages, words; build with clang
	@scripts/deps lint
	@+$(SUBMAKE) -s headers
	@+$(SUBMAKE) -s CC=clang all unit-bin soak-bin
	@scripts/lint --jobs $(JOBS)

# Every header stands alone. Generated ones are protobuf-c's affair.
HEADERS := $(wildcard backend/*.h backend/*/*.h fs/*.h fs/*/*.h tests/*/*.h)
.PHONY: headers
headers: $(HEADERS:%=$(BUILD)/%.ok)

$(BUILD)/%.h.ok: %.h | $(GEN_H)
	@mkdir -p $(@D)
	echo '#include "$<"' | $(CC) -std=gnu11 $(C_WARNINGS) $(COMMON) $(PKG_CFLAGS) -MF $(@:.ok=.d) \
		-MT $@ -fsyntax-only -x c -
	@touch $@

.PHONY: conformance
conformance: ## run the official SDKs and other readers of line protocol against otslocal and a mount
	@scripts/deps conformance
	@+$(SUBMAKE) -s all
	@tests/conformance/run $(BUILD)

.PHONY: realdata
realdata: ## send the data set in DATA=DIR through mounts and the Python SDK, and compare
	@test -d '$(DATA)' || { echo 'usage: make realdata DATA=DIR' >&2; exit 2; }
	@scripts/deps realdata
	@+$(SUBMAKE) -s all realdata-bin
	@tests/realdata/run $(BUILD) '$(DATA)'

.PHONY: fuzz
fuzz: ## run every fuzz target for SECONDS_EACH=60 seconds
	@scripts/deps test
	@+$(SUBMAKE) -s PROFILE=fuzz fuzz-bin
	@$(RUN_TESTS) --timeout $$(($(SECONDS_EACH) + 120)) $(call fuzz_tests,$(SECONDS_EACH))

.PHONY: soak
soak: ## kill -9 otslocal and otsfs under load, ROUNDS=50 times each (SEED=N); play every fault; pass 2 GB
	@scripts/deps build
	@+$(SUBMAKE) -s all soak-bin $(BUILD)/tests/unit/test_lp_property
	@$(BUILD)/tests/unit/test_lp_property $$(($(ROUNDS) * 100000)) $(SEED)
	@set -e; for soak in $(SOAK_BIN); do $$soak $(ROUNDS) $(SEED); done
	@OTS_BUILD=$(abspath $(BUILD)) tests/soak/soak_otsfs.sh $(ROUNDS) $(SEED)
	@OTS_BUILD=$(abspath $(BUILD)) tests/soak/soak_follower.sh $(ROUNDS) $(SEED)
	@$(RUN_TESTS) --timeout 7200 --jobs 1 tests/soak/soak_faults.sh tests/soak/soak_memory.sh tests/soak/soak_lag.sh

.PHONY: bench
bench: ## measure it all, or BENCH="copy files", at BENCH_SCALE=small|default|full, BENCH_RUNS=N; report in build/bench
	@scripts/deps build test
	@+$(SUBMAKE) -s all bench-bin
	@tests/bench/run --build $(BUILD) --out build/bench $(BENCH)

.PHONY: bench-report
bench-report: ## put the report of the last make bench into docs/BENCHMARKS.md
	@python3 -B tests/bench/mounts/report.py build/bench/report.json docs

# --- installing ------------------------------------------------------------------------------

BIN_DIR = $(DESTDIR)$(PREFIX)/bin
MAN_DIR = $(DESTDIR)$(PREFIX)/share/man/man1
SHARE_DIR = $(DESTDIR)$(PREFIX)/share/otsfs
UNIT_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
MAN_PAGES := $(wildcard docs/man/*.1)
COMMANDS := otsfs-increment otsfs-follow
UNITS := $(wildcard scripts/systemd/*)

.PHONY: install
install: all ## install programs, manual pages and scripts below PREFIX
	install -d $(BIN_DIR) $(MAN_DIR) $(SHARE_DIR) $(UNIT_DIR)
	install -m 755 $(BUILD)/otsfs $(BUILD)/otslocal $(COMMANDS:%=scripts/%) $(BIN_DIR)
	install -m 644 $(MAN_PAGES) $(MAN_DIR)
	install -m 755 scripts/collect-proc $(SHARE_DIR)
	install -m 644 scripts/lib/increment.sh $(SHARE_DIR)
	install -m 644 $(UNITS) $(UNIT_DIR)
	sed -i 's|^ExecStart=|&$(PREFIX)/bin/|' $(patsubst scripts/systemd/%,$(UNIT_DIR)/%,$(filter %.service,$(UNITS)))

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f $(BIN_DIR)/otsfs $(BIN_DIR)/otslocal $(COMMANDS:%=$(BIN_DIR)/%)
	rm -f $(MAN_PAGES:docs/man/%=$(MAN_DIR)/%) $(UNITS:scripts/systemd/%=$(UNIT_DIR)/%)
	rm -rf $(SHARE_DIR)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
