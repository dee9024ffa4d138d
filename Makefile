# The front door. Each target installs what it needs first (tools/bootstrap), so that a bare Debian 12 or 13 is enough.
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)
SOAK_SECONDS ?= 600
UPGRADE_SECONDS ?= 30
ROUNDS ?=
export JOBS SOAK_SECONDS UPGRADE_SECONDS ROUNDS

.PHONY: help build run test fast nightly bench soak chaos upgrade-test package format install clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build:  ## the program, optimised: build/release/mcpstate
	tools/bootstrap build
	cmake --preset release -DMCPSTATE_DEVELOPER=OFF -DMCPSTATE_BENCH=OFF >/dev/null
	cmake --build build/release -j $(JOBS)

run: build  ## the service, with a real MCP server to connect to: http://127.0.0.1:7337
	tools/bootstrap demo
	@exec tools/demo

test:  ## everything CI runs: style, all tests, both compilers, sanitizers
	tools/bootstrap test
	./check full

fast:  ## the quick loop: style, layers, unit tests
	tools/bootstrap test
	./check fast

nightly:  ## what takes too long for CI: Debian 12's clang, all tests on Debian 13, fuzzing, misfortune, upgrades
	tools/bootstrap test
	./check nightly

bench:  ## measure against the contenders; results in bench/RESULTS.md
	tools/bootstrap bench
	cmake --preset release -DMCPSTATE_DEVELOPER=OFF -DMCPSTATE_BENCH=ON >/dev/null
	cmake --build build/release -j $(JOBS)
	bench/run --build build/release
	bench/run_client --build build/release
	bench/run_service --build build/release

soak:  ## ten minutes of random connects, server kills and API calls; then every invariant
	tools/bootstrap test
	./check soak

chaos:  ## servers that are killed, hang and refuse, and what clients were told; ROUNDS of each scenario at most
	tools/bootstrap test
	./check chaos

upgrade-test:  ## the last release beside this program on the same stores, under load, 30 s each
	tools/bootstrap test
	./check upgrade

package: build  ## build/release/mcpstate_VERSION_ARCH.deb
	cd build/release && cpack

format:  ## rewrite the sources in the project's format
	./check format

install: build  ## into $(DESTDIR)$(PREFIX)
	DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

clean:  ## remove everything that was built
	rm -rf build
