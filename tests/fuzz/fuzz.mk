# SPDX-License-Identifier: GPL-2.0-only
# Fuzz harnesses: tests/fuzz/fuzz_NAME.c becomes build/fuzz/fuzz_NAME, linked with all of user/
# built by clang for libFuzzer and the sanitizers.
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
FUZZ_OBJECTS := $(SOURCES:user/%.c=$(B)/fuzz/user/%.o) $(PROTOS:%.proto=$(B)/fuzz/%.pb-c.o)
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

$(B)/fuzz/user/%.o: user/%.c Makefile tests/fuzz/fuzz.mk | $(GENERATED)
	@mkdir -p $(@D)
	$(CLANG) $(STD) $(CPPFLAGS) -O1 -g $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link $(WARNINGS) \
		-MMD -MP -c $< -o $@

$(B)/fuzz/proto/%.pb-c.o: $(B)/proto/%.pb-c.c
	@mkdir -p $(@D)
	$(CLANG) $(STD) $(CPPFLAGS) -O1 -g $(FUZZ_SANITIZE) -c $< -o $@

$(B)/fuzz/liblocktop.a: $(FUZZ_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(B)/fuzz/liblocktop.a tests/fuzz/fuzz.mk
	$(CLANG) $(STD) $(CPPFLAGS) -O1 -g $(FUZZ_SANITIZE) -fsanitize=fuzzer $(WARNINGS) -MMD -MP \
		$< $(B)/fuzz/liblocktop.a $(LDLIBS) -pthread -o $@

$(B)/fuzz/locks.so: tests/fuzz/locks.c tests/fuzz/fuzz.mk
	@mkdir -p $(@D)
	$(CC) -O2 -fomit-frame-pointer -fno-builtin -fPIC -shared -nostdlib -Wl,-z,noseparate-code \
		$< -o $@

.PHONY: fuzz-build
fuzz-build: $(FUZZERS) $(B)/fuzz/locks.so

-include $(wildcard $(B)/fuzz/*.d $(B)/fuzz/user/*.d)
