# What one types: `make` lists the verbs. Everything built goes under $(CARGO_TARGET_DIR).

export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))

DEBUG := $(CARGO_TARGET_DIR)/debug
RELEASE := $(CARGO_TARGET_DIR)/release
RUN := $(CARGO_TARGET_DIR)/run
DIST := $(CARGO_TARGET_DIR)/dist
PLUGINS := $(notdir $(patsubst %/plugin.toml,%,$(wildcard plugins/*/plugin.toml)))
PRODUCT := --package jackfield $(PLUGINS:%=--package jackfield-%)
DYLIB := $(if $(filter Darwin,$(shell uname -s)),dylib,so)
STRIP := strip $(if $(filter dylib,$(DYLIB)),-x,--strip-unneeded)
ARGS ?=
CYCLES ?= 50
SWAPS ?= 200
RATE ?= 200
REPEAT ?= 1000
ROWS ?= 10000
PYTHON2 ?= python2.7
WEB := plugins/webchat/web
NODE := $(CURDIR)/tests/node/node_modules/.bin
A2UI := host/web
ASSETS_SUM := find ../assets -type f | LC_ALL=C sort | xargs cat | cksum

# $(call pack,<folder with the binary and libraries>,<folder for the packages>)
define pack
@for id in $(PLUGINS); do \
  lib="$(1)/libjackfield_$$(echo "$$id" | tr - _).$(DYLIB)"; \
  set --; \
  for file in "plugins/$$id/README.md" "plugins/$$id/assets/LEGAL.txt"; do \
    if [ -f "$$file" ]; then set -- "$$@" --extra "$$file"; fi; \
  done; \
  rm -rf "$(2)/$$id"; \
  "$(1)/jackfield" plugins pack --manifest "plugins/$$id/plugin.toml" --library "$$lib" \
    --out "$(2)/$$id" "$$@" >/dev/null || exit 1; \
done
endef

.PHONY: autobahn backlog bench-start help run test crash dist sends swap schemas fuzz web fmt
help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build the gateway and its plugins and run them (ARGS="--port 18790")
	@tests/setup.sh build
	@echo "build: gateway and plugins ($(PLUGINS))"
	@cargo build --quiet --locked $(PRODUCT)
	$(call pack,$(DEBUG),$(RUN)/plugins)
	@"$(DEBUG)/jackfield" config init --plugin-dir "$(RUN)/plugins"
	@exec "$(DEBUG)/jackfield" gateway --plugin-dir "$(RUN)/plugins" $(ARGS)

test: ## Install what tests need, then formatting, lints, build and every test
	@tests/setup.sh test
	@echo "test: the WebChat page"
	@cd $(WEB) && before="$$($(ASSETS_SUM))" && PATH="$(NODE):$$PATH" \
	  && npm test --silent && npm run build --silent \
	  && { [ "$$before" = "$$($(ASSETS_SUM))" ] || { echo "the committed assets were stale" >&2; exit 1; }; }
	@echo "test: the A2UI page"
	@cd $(A2UI) && before="$$($(ASSETS_SUM))" && PATH="$(NODE):$$PATH" && npm run build --silent \
	  && { [ "$$before" = "$$($(ASSETS_SUM))" ] || { echo "the committed assets were stale" >&2; exit 1; }; }
	@echo "test: formatting"
	@cargo fmt --all --check
	@echo "test: lints"
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	@echo "test: build"
	@cargo build --quiet --locked --workspace
	@echo "test: examples in the documentation"
	@cargo test --quiet --locked --workspace --doc
	@echo "test: units, house rules, plays"
	@cargo test --locked --workspace --lib --bins --tests

crash: ## Kill the gateway CYCLES times under traffic and look for what was lost or said twice
	@cargo build --quiet --locked --workspace
	@JACKFIELD_CRASH_CYCLES="$(CYCLES)" cargo test --quiet --locked --package jackfield-tests --test e2e crash:: -- --nocapture

dist: ## Build the release and lay it out under $CARGO_TARGET_DIR/dist
	@tests/setup.sh build
	@echo "dist: release build"
	@cargo build --quiet --locked --release $(PRODUCT)
	@rm -rf "$(DIST)" && mkdir -p "$(DIST)/bin" "$(DIST)/plugins"
	@install -m 755 "$(RELEASE)/jackfield" "$(DIST)/bin/jackfield"
	@# Cargo leaves the names of local symbols in libraries, a fifth of their size.
	@for id in $(PLUGINS); do $(STRIP) "$(RELEASE)/libjackfield_$$(echo "$$id" | tr - _).$(DYLIB)"; done
	$(call pack,$(RELEASE),$(DIST)/plugins)
	@install -m 644 README.md LICENSE-MIT LICENSE-APACHE "$(DIST)/"
	@echo "dist: done, $$(du -sh "$(DIST)" | cut -f1) with plugins: $(PLUGINS)"

sends: ## Let REPEAT sends to each channel meet every fault, and count what became of each (SEED= repeats a run)
	@tests/setup.sh test
	@cargo build --quiet --locked --workspace
	@JACKFIELD_SENDS="$(REPEAT)" cargo test --quiet --locked --package jackfield-tests --test e2e -- --nocapture --test-threads 3 sends::whatever

backlog: ## Let ROWS sends to each channel wait while its platform is away, and print how they are worked off
	@tests/setup.sh test
	@cargo build --quiet --locked --workspace
	@JACKFIELD_BACKLOG="$(ROWS)" cargo test --quiet --locked --package jackfield-tests --test e2e -- --nocapture --test-threads 3 sends::backlog::

swap: ## Change versions under traffic, each isolation (SWAPS=200 RATE=200), and print the pauses
	@cargo build --quiet --locked --workspace
	@SWAPS="$(SWAPS)" RATE="$(RATE)" cargo test --locked --package jackfield-tests --test e2e -- \
	  --nocapture swap::versions_change_under_traffic

schemas: ## Write schemas/ again from the Rust types, and the models made from them
	@tests/setup.sh test
	@cargo run --quiet --locked --package jackfield -- schema --out schemas
	@"$(NODE)/node" tests/node/models.mjs

fuzz: ## Try odd input for long (CASES=200000 of each)
	@PROPTEST_CASES=$(or $(CASES),200000) cargo test --locked --package jackfield --lib -- properties

web: ## Check the sources of the pages, run their tests and build their committed assets again
	@tests/setup.sh test
	@cd $(WEB) && PATH="$(NODE):$$PATH" && npm test --silent && npm run build --silent
	@cd $(A2UI) && PATH="$(NODE):$$PATH" && npm run build --silent

bench-start: ## Measure what installed but disabled plugins cost at the start
	@tests/setup.sh build
	@cargo build --quiet --locked --package jackfield
	@cargo run --quiet --locked --package jackfield-tests --example bench-start

autobahn: ## Test the WebSocket with Autobahn's fuzzing client (PYTHON2=python2.7, which it is written in)
	@command -v "$(PYTHON2)" >/dev/null || { echo "Autobahn needs Python 2.7: install it (pyenv install 2.7.18) and name it with PYTHON2=" >&2; exit 2; }
	@cargo build --quiet --locked --release --package jackfield --example socket_echo
	@tests/autobahn.sh "$(PYTHON2)" "$(RELEASE)/examples/socket_echo" "$(CARGO_TARGET_DIR)/autobahn"

fmt: ## Format every Rust file
	@cargo fmt --all
