# What people run. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# rustup puts itself on the PATH of later logins only.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
export CARGO_TERM_COLOR ?= auto
# Where the tests of the engine PDFium find its library.
export PDF2IMG_PDFIUM_LIBRARY ?= $(shell scripts/setup.sh --print-pdfium)

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
TOOLS = $(shell scripts/setup.sh --print-path)
MUSL := x86_64-unknown-linux-musl
GNU := x86_64-unknown-linux-gnu
WITH_PDFIUM = $(filter pdfium all-engines,$(subst $(comma),$(space),$(FEATURES)))
PROGRAMS = -p pdf2img -p pdf2img-cli --bin bootstrap --bin pdf2img --no-default-features \
	--features $(subst $(space),$(comma),$(foreach name,$(subst $(comma),$(space),$(FEATURES)),pdf2img/$(name) pdf2img-cli/$(name)))
comma := ,
space := $(subst ,, )

# make build, build-musl: which engines are in, by the names of cargo features.
FEATURES ?= mupdf
# make demo: the engine, another function, a directory to keep.
BACKEND ?= mupdf
BOOTSTRAP ?=
DATA ?=
# make sweep: the documents, where the summary goes, flags for `pdf2img local`.
DIR ?= ../shared/corpora
OUT ?= $(TARGET_DIR)/sweep
ARGS ?=

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Build, start S3 and Lambda on this machine, upload the corpus, show what came of it
	@scripts/setup.sh tools
	$(TOOLS)/python scripts/demo.py --backend '$(BACKEND)' $(if $(BOOTSTRAP),--bootstrap '$(BOOTSTRAP)') $(if $(DATA),--data '$(DATA)')

.PHONY: test
test: ## Check format and lints, run all tests, build the documentation, check the corpus
	@scripts/setup.sh build pdfium
	@$(MAKE) lint
	@$(MAKE) run-tests
	@echo '== documentation'
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --lib --no-deps --locked --quiet
	@echo '== corpus'
	cargo run -p corpus --locked --quiet -- check

.PHONY: lint
lint: ## Check format and lints
	@echo '== format'
	cargo fmt --all --check
	@echo '== lints'
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	@echo '== builds without MuPDF'
	scripts/check-permissive.sh
	cargo check --locked -p pdf2img -p pdf2img-cli --no-default-features --features pdf2img/hayro,pdf2img-cli/hayro

.PHONY: run-tests
run-tests:
	@echo '== tests'
	if cargo nextest --version >/dev/null 2>&1; then \
		cargo nextest run --workspace --all-features --locked; \
	else \
		cargo test --workspace --all-features --locked --lib --bins --tests; \
	fi
	@echo '== documentation tests'
	cargo test --workspace --all-features --locked --doc --quiet

.PHONY: build
build: ## Build the function and the command for this machine, optimised: FEATURES=all-engines
	@scripts/setup.sh build $(if $(WITH_PDFIUM),pdfium)
	cargo build --release --locked $(PROGRAMS)
	@$(if $(WITH_PDFIUM),scripts/add-pdfium.sh $(TARGET_DIR)/release)
	@ls -l $(TARGET_DIR)/release/bootstrap $(TARGET_DIR)/release/pdf2img

# A static executable cannot load a library: the worker that draws with PDFium is one for glibc, from
# 2.17 on, with no other engine in it.
.PHONY: build-musl
build-musl: ## Build them for x86-64 Linux, static: they run wherever the kernel does
	@scripts/setup.sh tools
	PATH="$(TOOLS):$$PATH" cargo zigbuild --release --locked --target $(MUSL) $(PROGRAMS)
	@scripts/check-static.sh $(TARGET_DIR)/$(MUSL)/release/bootstrap $(TARGET_DIR)/$(MUSL)/release/pdf2img
ifneq ($(WITH_PDFIUM),)
	PATH="$(TOOLS):$$PATH" cargo zigbuild --release --locked --target $(GNU).2.17 \
		-p pdf2img --bin pdfium-worker --no-default-features --features pdfium
	cp --remove-destination $(TARGET_DIR)/$(GNU)/release/pdfium-worker $(TARGET_DIR)/$(MUSL)/release/
	@scripts/add-pdfium.sh $(TARGET_DIR)/$(MUSL)/release
endif

.PHONY: conformance-musl
conformance-musl: ## Run the engines' suite on static executables, and PDFium's where its worker runs
	@scripts/setup.sh tools
	PATH="$(TOOLS):$$PATH" cargo-zigbuild test --locked --target $(MUSL) -p render-mupdf -p render-hayro
	PATH="$(TOOLS):$$PATH" cargo-zigbuild test --locked --target $(GNU).2.17 -p render-pdfium

.PHONY: sweep
sweep: ## Send every PDF below DIR=… through the service and tally what came of it
	@scripts/setup.sh tools
	$(TOOLS)/python scripts/sweep.py '$(DIR)' --out '$(OUT)' $(ARGS)

# Two builds, so that no feature of the one reaches the other.
.PHONY: bench-build
bench-build: build
	@scripts/setup.sh bench
	cargo build --release --locked -p pdf2img-bench

.PHONY: bench-peers
bench-peers: bench-build ## Compare with pdftoppm and mutool, in turn in one run
	$(TARGET_DIR)/release/pdf2img-bench peers $(ARGS)

.PHONY: bench-start
bench-start: bench-build ## Compare the start of the function with that of a hello world
	$(TARGET_DIR)/release/pdf2img-bench start $(ARGS)

.PHONY: bench-memory
bench-memory: bench-build ## Measure memory for 20, 100 and 1,000 pages
	$(TARGET_DIR)/release/pdf2img-bench memory $(ARGS)

# A difference between two of its records is one of the code, whatever the machine was doing.
.PHONY: bench-instructions
bench-instructions: ## Count the instructions of open, render and encode, for every engine
	@scripts/setup.sh build pdfium
	@command -v valgrind >/dev/null || { \
		rm -f $(TARGET_DIR)/matrix/records/instructions.json; \
		echo 'SKIPPED: valgrind counts instructions, and is not here; scripts/setup.sh bench installs it'; exit 0; }; \
	cargo bench --locked -p stage-benches --features all-engines --bench instructions -- $(ARGS)

.PHONY: clean
clean: ## Remove what was built and what the demo left
	cargo clean
	rm -rf demo-data
