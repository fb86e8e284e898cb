# SPDX-License-Identifier: MIT
# Rules of the tests; the Makefile includes this. docs/testing.md says what each kind is for.

TEST_CFLAGS := -std=gnu11 $(WARNINGS) -O1 -g1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all \
	$(shell $(PKG_CONFIG) --cflags $(LIBS) cmocka 2>/dev/null)
TEST_LDLIBS := $(LDLIBS) -lcmocka

# Everything of the controller but main(): what unit and packet tests are linked with.
PARTS := $(filter-out main,$(USER_SOURCES:user/%.c=%))
PART_OBJECTS := $(PARTS:%=$(B)/user/%.o) $(B)/user/builtin_matrix.o

# A file test_NAME.c is a program; other files of its directory are linked into every one of them.
UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
UNIT_HELPERS := $(filter-out $(UNIT_TESTS),$(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c)))
PACKET_TESTS := $(patsubst tests/packet/%.c,%,$(wildcard tests/packet/test_*.c))
PACKET_HELPERS := $(filter-out $(PACKET_TESTS),$(patsubst tests/packet/%.c,%,$(wildcard tests/packet/*.c)))

UNIT_PROGRAMS := $(foreach compiler,gcc clang,$(UNIT_TESTS:%=$(B)/test-$(compiler)/%))
PACKET_PROGRAMS := $(PACKET_TESTS:%=$(B)/packet/%)
MODEL_PROGRAMS := $(patsubst tests/model/%.c,$(B)/model/%,$(wildcard tests/model/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS := $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c))
E2E_OBJECTS := $(patsubst tests/e2e/%.bpf.c,$(B)/e2e/%.bpf.o,$(wildcard tests/e2e/*.bpf.c))
E2E_SKELETONS := $(E2E_OBJECTS:.bpf.o=.skel.h)
BENCH_OBJECTS := $(patsubst tests/bench/%.bpf.c,$(B)/bench/%.bpf.o,$(wildcard tests/bench/*.bpf.c))
BENCH_SKELETONS := $(B)/bench/flood.skel.h
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(B)/bench/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))

.PHONY: fuzz fuzz-corpus tests frames bench-programs matrix packet model judge judge-mutants cli e2e soak
.SECONDARY:

tests: all $(UNIT_PROGRAMS) $(FUZZERS:%=$(B)/test-clang/%) $(PACKET_PROGRAMS) $(MODEL_PROGRAMS) $(TOOLS) $(E2E_OBJECTS) $(BENCH_PROGRAMS) $(BENCH_OBJECTS)

check: tests
	tests/run

unit: $(UNIT_PROGRAMS)
	tests/run $^

packet: $(PACKET_PROGRAMS)
	tests/run $^

matrix: all
	tests/run 'tests/matrix/test_seed.py $(B)/rolewall' 'tests/matrix/test_overlays.py $(B)/rolewall'

model: all $(MODEL_PROGRAMS)
	tests/run tests/model/judge

# make judge N=10000000 SEED=r1: as many packets as wanted
N ?= 1000000
judge: all $(MODEL_PROGRAMS)
	tests/model/judge --verbose --count $(N) $(if $(SEED),--seed $(SEED))

judge-mutants: all $(MODEL_PROGRAMS)
	tests/model/mutants

cli: all
	tests/run $(sort $(wildcard tests/cli/*.bats))

e2e: all $(TOOLS) $(E2E_OBJECTS)
	tests/run $(sort $(wildcard tests/e2e/*.bats))

# minutes of calls, 1 GB over HTTPS, every variation of every scan, interfaces made 200 times
soak: all $(TOOLS) $(B)/test-gcc/test_power_loss
	SOAK=1 tests/run tests/e2e/programs.bats tests/e2e/scanner.bats tests/e2e/backstop.bats tests/e2e/upgrade.bats \
		$(B)/test-gcc/test_power_loss

# 10,000 applies under full traffic, a kill at every system call and 1,000 at random: some two hours
.PHONY: torture
torture: all $(TOOLS)
	SOAK=1 tests/run -v tests/e2e/atomic.bats tests/e2e/adversity.bats tests/e2e/kill.bats

# make bench OPTIONS=--quick
bench:
	scripts/bench $(OPTIONS)

bench-programs: all $(BENCH_PROGRAMS) $(BENCH_OBJECTS)

# Linux 6.1 allows 512 bytes with those of two more functions, each rounded up to 32.
frames:
	$(Q)$(CLANG) $(BPF_CFLAGS) -Wframe-larger-than=384 -c bpf/rolewall.bpf.c -o /dev/null

guard: all $(BENCH_PROGRAMS) $(BENCH_OBJECTS)
	tests/run tests/bench/guard

# Debian 12's own kernel, in a virtual machine; make kernels TESTS='build/packet/test_flows tests/e2e/pmtu.bats'
.PHONY: kernels
kernels: tests
	scripts/deps kernels
	tests/kernels/run $(TESTS)

lint:
	tests/lint

format:
	tests/lint --fix

# --- unit tests: the whole controller again, under each compiler's sanitizers
define unit_rules
$(B)/test-$(1)/user/%.o: user/%.c Makefile tests/tests.mk | $(SKELETONS)
	$$(say) TEST-CC $$@
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(CPPFLAGS) $$(TEST_CFLAGS) -MMD -MP -c $$< -o $$@

$(B)/test-$(1)/%.o: tests/unit/%.c Makefile tests/tests.mk | $(SKELETONS)
	$$(say) TEST-CC $$@
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(CPPFLAGS) -Ibpf $$(TEST_CFLAGS) -MMD -MP -c $$< -o $$@

$(UNIT_TESTS:%=$(B)/test-$(1)/%): $(B)/test-$(1)/%: $(B)/test-$(1)/%.o $(UNIT_HELPERS:%=$(B)/test-$(1)/%.o) \
		$(PARTS:%=$(B)/test-$(1)/user/%.o) $(B)/user/builtin_matrix.o
	$$(say) LINK $$@
	$$(Q)$(2) $$(TEST_CFLAGS) $$(LDFLAGS) $$^ $$(TEST_LDLIBS) -o $$@
endef

$(eval $(call unit_rules,gcc,$$(CC)))
$(eval $(call unit_rules,clang,$$(CLANG)))

# --- packet tests: the real program through BPF_PROG_TEST_RUN
$(B)/packet/%.o: tests/packet/%.c Makefile tests/tests.mk | $(SKELETONS)
	$(say) TEST-CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Ibpf $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(PACKET_PROGRAMS): $(B)/packet/%: $(B)/packet/%.o $(PACKET_HELPERS:%=$(B)/packet/%.o) $(PART_OBJECTS)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(TEST_LDLIBS) -o $@

# --- the model's other side: the real program, frame by frame
$(B)/model/%.o: tests/model/%.c Makefile tests/tests.mk | $(SKELETONS)
	$(say) TEST-CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Ibpf -Itests/packet $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(MODEL_PROGRAMS): $(B)/model/%: $(B)/model/%.o $(PACKET_HELPERS:%=$(B)/packet/%.o) $(PART_OBJECTS)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(TEST_LDLIBS) -o $@

# --- tools of the end-to-end tests and benchmarks
$(E2E_OBJECTS) $(BENCH_OBJECTS): $(B)/%.bpf.o: tests/%.bpf.c $(SHARED_HEADERS) Makefile tests/tests.mk
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/e2e/%.skel.h: $(B)/e2e/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $(*F) > $@

$(B)/bench/%.skel.h: $(B)/bench/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $(*F)_bpf > $@

$(B)/tools/%: tests/tools/%.c Makefile tests/tests.mk | $(E2E_SKELETONS)
	$(say) TEST-CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -I$(B)/e2e $(ALL_CFLAGS) -MMD -MP $< $(LDFLAGS) $(LDLIBS) -o $@

$(BENCH_PROGRAMS): $(B)/bench/%: tests/bench/%.c $(PART_OBJECTS) Makefile tests/tests.mk | $(BENCH_SKELETONS)
	$(say) TEST-CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -I$(B)/bench $(ALL_CFLAGS) -MMD -MP $< $(PART_OBJECTS) $(LDFLAGS) $(LDLIBS) -o $@

# --- fuzzers. For the check they are linked with the unit tests' parts
# and go through the corpus once; make fuzz has parts of its own that tell which way was taken.
FUZZ_CFLAGS := $(TEST_CFLAGS) -fsanitize=fuzzer-no-link

fuzz-corpus: $(FUZZERS:%=$(B)/test-clang/%)
	tests/run "tests/fuzz/run $(B)/test-clang"

# make fuzz SECONDS=600: so long each
fuzz: $(FUZZERS:%=$(B)/fuzz/%)
	tests/fuzz/run $(B)/fuzz $(if $(SECONDS),$(SECONDS),10)

$(FUZZERS:%=$(B)/test-clang/%.o): $(B)/test-clang/%.o: tests/fuzz/%.c Makefile tests/tests.mk | $(SKELETONS)
	$(say) TEST-CC $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -Ibpf $(TEST_CFLAGS) -MMD -MP -c $< -o $@

$(FUZZERS:%=$(B)/test-clang/%): $(B)/test-clang/%: $(B)/test-clang/%.o $(PARTS:%=$(B)/test-clang/user/%.o) $(B)/user/builtin_matrix.o
	$(say) LINK $@
	$(Q)$(CLANG) $(TEST_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $^ $(LDLIBS) -o $@

$(B)/fuzz/user/%.o: user/%.c Makefile tests/tests.mk | $(SKELETONS)
	$(say) FUZZ-CC $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$(B)/fuzz/%.o: tests/fuzz/%.c Makefile tests/tests.mk | $(SKELETONS)
	$(say) FUZZ-CC $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -Ibpf $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

$(FUZZERS:%=$(B)/fuzz/%): $(B)/fuzz/%: $(B)/fuzz/%.o $(PARTS:%=$(B)/fuzz/user/%.o) $(B)/user/builtin_matrix.o
	$(say) LINK $@
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $^ $(LDLIBS) -o $@

-include $(wildcard $(B)/test-*/*.d $(B)/test-*/user/*.d $(B)/packet/*.d $(B)/model/*.d $(B)/tools/*.d $(B)/bench/*.d $(B)/fuzz/*.d $(B)/fuzz/user/*.d)
