# SPDX-License-Identifier: GPL-2.0-only
# locktop: `sudo make run` starts it, `sudo make test` tests it, `make help` lists the rest.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
ARGS ?=
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
ifeq ($(origin CC),default)
CC := gcc
endif

B := build
ARCH := $(shell uname -m | sed -e 's/x86_64/x86/' -e 's/aarch64/arm64/')
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)

WARNINGS := -Wall -Wextra -Wno-unused-parameter -Werror
CFLAGS ?= -O2 -g
CPPFLAGS := -D_GNU_SOURCE -DLOCKTOP_VERSION='"$(VERSION)"' -iquote $(B) -iquote user
STD := -std=gnu11
LDLIBS := -lbpf -ldw -lelf -ljansson -lncursesw -ltinfo -llzma -liberty -lprotobuf-c -lz \
	-lsqlite3 -lm -pthread
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__bpf__ -D__TARGET_ARCH_$(ARCH) -Ibpf \
	$(addprefix -I/usr/include/,$(MULTIARCH)) -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-gnu-variable-sized-type-not-at-end

# First the file with the shared maps: libbpf's linker takes a map's place from where it first sees it,
# and 0 for a declaration.
BPF_SOURCES := bpf/state.bpf.c $(filter-out bpf/state.bpf.c,$(wildcard bpf/*.bpf.c))
BPF_OBJECTS := $(BPF_SOURCES:bpf/%.c=$(B)/bpf/%.o)
SKELETON := $(B)/locktop.skel.h
SOURCES := $(filter-out user/main.c,$(wildcard user/*.c))
PROTOS := $(wildcard proto/*.proto)
PROTO_HEADERS := $(PROTOS:%.proto=$(B)/%.pb-c.h)
# What a source may include that is made here, so it must be there before the first is compiled.
GENERATED := $(SKELETON) $(B)/syscall_names.h $(PROTO_HEADERS) $(B)/html_files.h
OBJECTS := $(SOURCES:user/%.c=$(B)/user/%.o) $(PROTOS:%.proto=$(B)/%.pb-c.o)
ASAN_OBJECTS := $(SOURCES:user/%.c=$(B)/asan/user/%.o) $(PROTOS:%.proto=$(B)/asan/%.pb-c.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/asan/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $(B)/locktop

## ---- the program ----

$(B)/bpf/%.bpf.o: bpf/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/locktop.bpf.o: $(BPF_OBJECTS)
	$(BPFTOOL) gen object $@ $^

$(SKELETON): $(B)/locktop.bpf.o
	$(BPFTOOL) gen skeleton $< name locktop_bpf >$@.tmp
	mv $@.tmp $@

$(B)/syscall_names.h: Makefile
	@mkdir -p $(@D)
	echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z0-9_]*\) [0-9].*/[__NR_\1] = "\1",/p' >$@.tmp
	mv $@.tmp $@

# The page's files as arrays: user/html/page.css is html_page_css.
HTML_FILES := $(wildcard user/html/*)
$(B)/html_files.h: $(HTML_FILES) Makefile
	@mkdir -p $(@D)
	for f in $(HTML_FILES); do \
		echo "static const unsigned char html_$$(basename $$f | tr . _)[] = {"; \
		od -An -v -tu1 $$f | sed 's/ *\([0-9][0-9]*\)/\1,/g'; echo '};'; \
	done >$@.tmp
	mv $@.tmp $@

.SECONDARY: $(PROTOS:%.proto=$(B)/%.pb-c.c) $(PROTO_HEADERS)
$(B)/%.pb-c.c $(B)/%.pb-c.h: %.proto Makefile
	@mkdir -p $(@D)
	protoc-c --c_out=$(B) $<

$(B)/proto/%.pb-c.o: $(B)/proto/%.pb-c.c
	$(CC) $(STD) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(B)/asan/proto/%.pb-c.o: $(B)/proto/%.pb-c.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CPPFLAGS) -O1 -g $(SANITIZE) -c $< -o $@

$(B)/user/%.o: user/%.c Makefile | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(STD) $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -MMD -MP -c $< -o $@

$(B)/liblocktop.a: $(OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/locktop: $(B)/user/main.o $(B)/liblocktop.a
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

## ---- tests ----

$(B)/asan/user/%.o: user/%.c Makefile | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(STD) $(CPPFLAGS) -O1 -g $(SANITIZE) $(WARNINGS) -MMD -MP -c $< -o $@

$(B)/asan/liblocktop.a: $(ASAN_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/asan/locktop: $(B)/asan/user/main.o $(B)/asan/liblocktop.a
	$(CC) -g $(SANITIZE) $^ $(LDLIBS) -o $@

$(B)/asan/unit/%: tests/unit/%.c $(B)/asan/liblocktop.a
	@mkdir -p $(@D)
	$(CC) $(STD) $(CPPFLAGS) -O1 -g $(SANITIZE) $(WARNINGS) -MMD -MP $< \
		$(B)/asan/liblocktop.a $(LDLIBS) -lcmocka -pthread -o $@

-include tests/fuzz/fuzz.mk
-include tests/workloads/workloads.mk
WORKLOAD_BINARIES := $(WORKLOADS:%=$(B)/workloads/%) $(WORKLOADS32:%=$(B)/workloads/%)

$(WORKLOADS:%=$(B)/workloads/%): $(B)/workloads/%: tests/workloads/%.c
	@mkdir -p $(@D)
	$(CC) $(STD) -D_GNU_SOURCE -O2 -g -fomit-frame-pointer $(WARNINGS) -MMD -MP $< -pthread -o $@

$(WORKLOADS32:%=$(B)/workloads/%): $(B)/workloads/%: tests/workloads/%.c
	@mkdir -p $(@D)
	$(CC) -m32 $(STD) -D_GNU_SOURCE -O2 -g -fomit-frame-pointer $(WARNINGS) -MMD -MP $< \
		-pthread -o $@

.PHONY: workloads unit asan asan-build test-build
workloads: $(WORKLOAD_BINARIES)
unit: $(UNIT_TESTS)
asan-build: unit $(B)/asan/locktop
test-build: all workloads asan-build

.PHONY: deps test-deps
deps: ## install what the build needs (apt on Debian and Ubuntu; elsewhere it names the packages)
	@contrib/install-deps build

test-deps: ## install what the tests need
	@contrib/install-deps build test

.PHONY: run test test-vm test-readers bench fuzz golden
run: deps ## install what is missing, build, start locktop here: sudo make run ARGS="demo"
	@$(MAKE) --no-print-directory -s all
	@$(B)/locktop $(ARGS)

test: test-deps ## install what the tests need, build, run all tests
	@$(MAKE) --no-print-directory -j2 test-build
	@tests/run

test-vm: test-deps ## run the end-to-end subset on Debian's 6.1 and 6.12 kernels in QEMU
	@$(MAKE) --no-print-directory -j2 all workloads
	@tests/run vm

test-readers: test-deps ## test exports with large foreign readers: Go, Prometheus, Chromium, speedscope
	@contrib/install-deps readers
	@test -d $(B)/readers/node_modules/speedscope || npm install --silent --no-audit --no-fund \
		--ignore-scripts --prefix $(B)/readers speedscope@1.25.0
	@$(MAKE) --no-print-directory -j2 all workloads
	@tests/run readers

asan: test-deps ## run the unit tests under the address and undefined behaviour sanitizers
	@$(MAKE) --no-print-directory -j2 asan-build
	@tests/run unit

bench: test-deps ## measure what locktop costs, as ratios in one run
	@$(MAKE) --no-print-directory -j2 all workloads
	@tests/bench/run

fuzz: ## run each fuzz harness for FUZZ_SECONDS (default 60)
	@contrib/install-deps build fuzz
	@$(MAKE) --no-print-directory -j2 fuzz-build
	@tests/fuzz/run

golden: unit ## write the golden screens and exports anew
	@for t in $(UNIT_TESTS); do LOCKTOP_GOLDEN_UPDATE=1 $$t >/dev/null || true; done

.PHONY: lint
lint: ## check formatting, warnings of gcc and clang, shell scripts
	@contrib/lint

.PHONY: install uninstall clean help
install: all ## install into PREFIX (default /usr/local) below DESTDIR
	install -D -m 0755 $(B)/locktop $(DESTDIR)$(PREFIX)/sbin/locktop
	install -D -m 0644 man/locktop.8 $(DESTDIR)$(PREFIX)/share/man/man8/locktop.8

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/sbin/locktop $(DESTDIR)$(PREFIX)/share/man/man8/locktop.8

clean: ## remove build/
	rm -rf $(B)

help: ## list the targets
	@printf 'make          build %s/locktop\n' $(B)
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | \
		while IFS="$$(printf '\t')" read -r t h; do printf 'make %-8s %s\n' "$$t" "$$h"; done

-include $(wildcard $(B)/bpf/*.d $(B)/user/*.d $(B)/asan/*/*.d $(B)/workloads/*.d)
.DELETE_ON_ERROR:
