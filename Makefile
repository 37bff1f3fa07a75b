# Two commands are enough on a fresh Debian 12 machine with rustup:
#
#   make demo    sets the machine up, builds keyward, shows it on a made-up company's logs
#   make test    sets the machine up, then everything that has to hold before a change is merged
#
# The stages run one after the other and share one build: the dev profile with the default features.
# CARGO_TARGET_DIR is used when it is set, so that the build can live outside the checkout.

SHELL := /bin/sh
CARGO ?= cargo
# What follows the subcommand of `make demo` and `make bench`, as in: make demo ARGS="--seed 7"
ARGS ?=

# Real logs, where they lie beside the checkout; the tests that use them skip without.
ifneq ($(wildcard ../shared/samples),)
KEYWARD_SAMPLES ?= $(abspath ../shared/samples)
export KEYWARD_SAMPLES
endif

.NOTPARALLEL:
.PHONY: help demo test setup build fmt lint unit rules doc release bench crash

help:
	@sed -n 's/^#   //p' Makefile
	@printf '%s\n' \
	  'make setup   only the set-up: a C compiler, make, a new enough Rust' \
	  'make fmt | lint | unit | rules | doc   one stage of make test' \
	  'make release the optimised program; make bench runs its benchmark' \
	  'make crash   the proofs of the service in their large form: an hour or two'

demo: setup build
	@printf '\n==> The demo\n'
	@$(CARGO) run --locked --quiet -- demo $(ARGS)

test: setup fmt lint unit rules doc
	@printf '\n==> All stages passed\n'

setup:
	@sh deploy/setup.sh

build:
	@printf '\n==> Build (the first one takes some ten minutes on two cores)\n'
	@$(CARGO) build --locked

fmt:
	@printf '\n==> Format\n'
	@$(CARGO) fmt --check

lint:
	@printf '\n==> Lints\n'
	@$(CARGO) clippy --all-targets --locked -- -D warnings

unit:
	@printf '\n==> Tests\n'
	@$(CARGO) test --locked

rules:
	@printf '\n==> Detectors, queries and the example catalog\n'
	@$(CARGO) run --locked --quiet -- check \
	  --catalog deploy/example/catalog.yaml --detectors detectors --queries queries

doc:
	@printf '\n==> Documentation\n'
	@RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --locked --document-private-items

release: setup
	@printf '\n==> Release build\n'
	@$(CARGO) build --release --locked

# What tests/it/service/size.rs explains; each can be set otherwise, as in: make crash KEYWARD_CRASH_KILLS=1000
KEYWARD_CRASH_EVENTS ?= 2000000
KEYWARD_CRASH_KILLS ?= 300
KEYWARD_CRASH_SECONDS ?= 60
KEYWARD_CRASH_CONNECTIONS ?= 10000
KEYWARD_CRASH_HISTORY ?= 50000000
KEYWARD_CRASH_PROGRAM ?= $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/keyward

crash: export KEYWARD_CRASH_EVENTS := $(KEYWARD_CRASH_EVENTS)
crash: export KEYWARD_CRASH_KILLS := $(KEYWARD_CRASH_KILLS)
crash: export KEYWARD_CRASH_SECONDS := $(KEYWARD_CRASH_SECONDS)
crash: export KEYWARD_CRASH_CONNECTIONS := $(KEYWARD_CRASH_CONNECTIONS)
crash: export KEYWARD_CRASH_HISTORY := $(KEYWARD_CRASH_HISTORY)
crash: export KEYWARD_CRASH_PROGRAM := $(KEYWARD_CRASH_PROGRAM)
crash: release
	@printf '\n==> The proofs of the service, large\n'
	@ulimit -n 30000 2>/dev/null || ulimit -n "$$(ulimit -H -n)"; \
	  $(CARGO) test --locked --test it -- service:: --test-threads 1 --nocapture

bench: release
	@printf '\n==> Benchmark\n'
	@$(CARGO) run --release --locked --quiet -- bench $(ARGS)
