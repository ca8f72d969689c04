# SPDX-License-Identifier: GPL-2.0-only
# Programs with known truth: tests/workloads/NAME.c becomes build/workloads/NAME. Each prints one
# line of JSON. Those of WORKLOADS32 are built with -m32, where the compiler can.
WORKLOADS := blocked churn contend deadlocks doing exact exact_checked exact_deadlocks exact_hot \
	     exact_objects exact_orders exact_processes execer futex2 idle killed moving \
	     oversubscribed owners patterns pingpong primitives restarter storm waitv
WORKLOADS32 := compat32

# Programs as other people build them: NAME-BUILD of each of STACK_PROGRAMS, without frame pointers
# and debug information. A build whose compiler is not here is left out, and its tests are skipped.
STACK_PROGRAMS := contend exact exact_checked exact_objects exact_processes owners primitives storm
STACK_BUILDS := plain stripped static static-stripped static-pie
STACK_plain := $(CC)
STACK_stripped := $(CC) -s
STACK_static := $(CC) -static
STACK_static-stripped := $(CC) -static -s
STACK_static-pie := $(CC) -static-pie -fPIE
STACK_clang := $(CLANG)
STACK_clang-stripped := $(CLANG) -s
# Its own headers first, then the kernel's.
STACK_musl := musl-gcc -idirafter /usr/include $(addprefix -idirafter /usr/include/,$(MULTIARCH))
STACK_musl-static := $(STACK_musl) -static
STACK_FLAGS := -O2 -fomit-frame-pointer
here = $(shell command -v $(1) 2>/dev/null)
STACK_BUILDS += $(if $(call here,$(CLANG)),clang clang-stripped)
STACK_BUILDS += $(if $(call here,musl-gcc),musl musl-static)

define stack_build
STACK_BINARIES += $(STACK_PROGRAMS:%=$(B)/workloads/%-$(1))
$(STACK_PROGRAMS:%=$(B)/workloads/%-$(1)): $(B)/workloads/%-$(1): tests/workloads/%.c
	@mkdir -p $$(@D)
	$$(STACK_$(1)) $$(STD) -D_GNU_SOURCE $$(STACK_FLAGS) $$(WARNINGS) -MMD -MP $$< -pthread -o $$@
endef
$(foreach build,$(STACK_BUILDS),$(eval $(call stack_build,$(build))))

# Other languages: cpp-BUILD, rust-BUILD, go, java/Waits.class.
CXX_BUILDS := $(if $(call here,$(CXX)),cpp-plain cpp-stripped cpp-static) \
	$(if $(call here,$(CLANG)++),cpp-clang)
STACK_cpp-plain := $(CXX)
STACK_cpp-stripped := $(CXX) -s
STACK_cpp-static := $(CXX) -static
STACK_cpp-clang := $(CLANG)++
STACK_BINARIES += $(CXX_BUILDS:%=$(B)/workloads/%)

$(CXX_BUILDS:%=$(B)/workloads/%): $(B)/workloads/%: tests/workloads/cpp.cc
	@mkdir -p $(@D)
	$(STACK_$*) -std=c++20 $(STACK_FLAGS) $(WARNINGS) -MMD -MP $< -pthread -o $@

RUST_BUILDS := $(if $(call here,rustc),rust-plain rust-stripped)
RUST_FLAGS_rust-stripped := -C strip=symbols
STACK_BINARIES += $(RUST_BUILDS:%=$(B)/workloads/%)

$(RUST_BUILDS:%=$(B)/workloads/%): $(B)/workloads/%: tests/workloads/rust.rs
	@mkdir -p $(@D)
	rustc --edition 2021 -C opt-level=2 -C force-frame-pointers=no $(RUST_FLAGS_$*) $< -o $@

STACK_BINARIES += $(if $(call here,go),$(B)/workloads/go)

$(B)/workloads/go: tests/workloads/waits.go
	@mkdir -p $(@D)
	GOCACHE=$(abspath $(B))/gocache CGO_ENABLED=0 go build -o $@ $<

STACK_BINARIES += $(if $(call here,javac),$(B)/workloads/java/Waits.class)

$(B)/workloads/java/Waits.class: tests/workloads/Waits.java
	@mkdir -p $(@D)
	javac -d $(@D) $<

workloads: $(STACK_BINARIES)
