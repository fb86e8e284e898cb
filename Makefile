# SPDX-License-Identifier: MIT
# rolewall: make, make check, make lint, make install, make uninstall, make clean. V=1 shows commands.

PREFIX ?= /usr/local
DESTDIR ?=
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/rolewall
UNITDIR ?= $(PREFIX)/lib/systemd/system
# As the controller has them: these do not move with PREFIX.
CONFDIR ?= /etc/rolewall
STATEDIR ?= /var/lib/rolewall

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3

B := build
ARCH_INCLUDE := $(shell $(CC) -print-multiarch 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
LIBS := libbpf yaml-0.1 jansson smartcols zlib libmnl libmicrohttpd libsystemd
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Iuser -I$(B)
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(WARNINGS) $(CFLAGS) $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
LDLIBS := $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null)

BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Werror \
	-Iinclude -Ibpf $(if $(ARCH_INCLUDE),-idirafter /usr/include/$(ARCH_INCLUDE))

ifeq ($(V),1)
Q :=
say = @:
else ifneq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
Q := @
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

USER_SOURCES := $(wildcard user/*.c)
USER_OBJECTS := $(USER_SOURCES:user/%.c=$(B)/user/%.o) $(B)/user/builtin_matrix.o
SHARED_HEADERS := $(wildcard include/*.h)
BPF_HEADERS := $(wildcard bpf/*.h) $(SHARED_HEADERS)

.PHONY: all check unit lint format bench install uninstall clean
.DELETE_ON_ERROR:

all: $(B)/rolewall

# --- the data plane: one object, and one for what the kernel forwards, embedded through skeletons
SKELETONS := $(B)/rolewall.skel.h $(B)/closing.skel.h

$(B)/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS) Makefile
	$(say) BPF $@
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(SKELETONS): $(B)/%.skel.h: $(B)/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# --- the controller
$(B)/user/%.o: user/%.c Makefile | $(SKELETONS)
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/user/builtin_matrix.o: user/builtin_matrix.S user/matrix/skype-server-2015.yaml
	$(say) AS $@
	@mkdir -p $(@D)
	$(Q)$(CC) -c $< -o $@

$(B)/rolewall: $(USER_OBJECTS)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

# --- tests: tests/tests.mk
include tests/tests.mk

UNITS := rolewall.service rolewall-agent.service

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(DOCDIR)/performance
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(CONFDIR)
	install -d -m 0700 $(DESTDIR)$(STATEDIR)
	install -m 0755 $(B)/rolewall $(DESTDIR)$(SBINDIR)/rolewall
	install -m 0644 LICENSE $(DESTDIR)$(DOCDIR)/
	for page in README.md docs/*.md; do \
		sed 's|](docs/|](|g; s|](\.\./user/matrix/|](examples/|g' $$page >$(DESTDIR)$(DOCDIR)/$${page##*/} && \
		chmod 0644 $(DESTDIR)$(DOCDIR)/$${page##*/} || exit 1; \
	done
	install -m 0644 docs/performance/*.svg $(DESTDIR)$(DOCDIR)/performance/
	install -m 0644 docs/examples/*.yaml user/matrix/*.yaml $(DESTDIR)$(DOCDIR)/examples/
	install -m 0644 docs/examples/site.yaml $(DESTDIR)$(CONFDIR)/site.yaml.example
	install -m 0644 docs/rolewall.8 $(DESTDIR)$(MANDIR)/man8/rolewall.8
	for unit in $(UNITS); do \
		sed 's|@SBINDIR@|$(SBINDIR)|; s|@DOCDIR@|$(DOCDIR)|' systemd/$$unit >$(DESTDIR)$(UNITDIR)/$$unit && \
		chmod 0644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; \
	done

# What runs goes on; the administrator's site files and the history stay.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/rolewall $(DESTDIR)$(MANDIR)/man8/rolewall.8
	rm -f $(UNITS:%=$(DESTDIR)$(UNITDIR)/%) $(DESTDIR)$(CONFDIR)/site.yaml.example
	rm -rf $(DESTDIR)$(DOCDIR)
	rmdir $(DESTDIR)$(CONFDIR) $(DESTDIR)$(STATEDIR) 2>/dev/null || true

clean:
	rm -rf $(B)

-include $(wildcard $(B)/user/*.d)
