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
LINT_TOOLS = $(shell scripts/setup.sh --print-lint-path)
MUSL := x86_64-unknown-linux-musl
GNU := x86_64-unknown-linux-gnu
WITH_PDFIUM = $(filter pdfium all-engines,$(subst $(comma),$(space),$(FEATURES)))
PROGRAMS = -p pdf2img -p pdf2img-cli --bin bootstrap --bin pdf2img --no-default-features \
	--features $(subst $(space),$(comma),$(foreach name,$(subst $(comma),$(space),$(FEATURES)),pdf2img/$(name) pdf2img-cli/$(name)))
comma := ,
space := $(subst ,, )

# make build, build-docker: which engines are in, by the names of cargo features.
FEATURES ?= mupdf
# make build-zig, deploy, test-container: the cell of the build matrix.
CELL ?= mupdf-musl-static-$(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)-system
# make matrix: which cells, by names or patterns; none for the default ones.
CELLS ?=
# make build-docker: what builds images, docker or podman.
DOCKER ?= docker
# make deploy: a zip by its path, in place of that of CELL.
ZIP ?=
# make demo: the engine, another function, a directory to keep.
BACKEND ?= mupdf
BOOTSTRAP ?=
DATA ?=
# make sweep: the documents, where the summary goes, flags for `pdf2img local`.
DIR ?= ../shared/corpora
OUT ?= $(TARGET_DIR)/sweep
ARGS ?=
# make benchmark: where the records go, the folder of `pdf2img`, the function; flags for three of its parts.
RECORD ?=
BIN_DIR ?=
FUNCTION ?=
PEERS_ARGS ?=
COST_ARGS ?=
STAGES_ARGS ?=
BENCH_PROGRAMS = $(if $(BIN_DIR),--bin-dir '$(BIN_DIR)') $(if $(FUNCTION),--function '$(FUNCTION)')

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Build, start S3 and Lambda on this machine, upload the corpus, show what came of it
	@scripts/setup.sh tools
	$(TOOLS)/python scripts/demo.py --backend '$(BACKEND)' $(if $(BOOTSTRAP),--bootstrap '$(BOOTSTRAP)') $(if $(DATA),--data '$(DATA)')

.PHONY: test
test: ## Check format and lints, run all tests, build the documentation, check the corpus
	@scripts/setup.sh build pdfium matrix
	@$(MAKE) lint
	@$(MAKE) run-tests
	@$(MAKE) test-deploy
	@$(MAKE) test-cell
	@echo '== documentation'
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --lib --no-deps --locked --quiet
	@echo '== corpus'
	cargo run -p corpus --locked --quiet -- check

.PHONY: lint
lint: lint-deploy ## Check format and lints
	@echo '== format'
	cargo fmt --all --check
	@echo '== lints'
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	@echo '== builds without MuPDF'
	scripts/check-permissive.sh
	cargo check --locked -p pdf2img -p pdf2img-cli --no-default-features --features pdf2img/hayro,pdf2img-cli/hayro
	@$(MAKE) lint-workflows
	@echo '== packaging on Windows'
	cargo check --locked -p build-matrix --target x86_64-pc-windows-gnu

.PHONY: lint-workflows
lint-workflows: ## Check the workflows, the scripts and the container files alone
	@scripts/setup.sh tools
	@echo '== workflows, scripts, container files'
	scripts/check-workflows.sh

.PHONY: lint-deploy
lint-deploy:
	@scripts/setup.sh lint
	@echo '== what deploys'
	$(LINT_TOOLS)/cfn-lint deploy/sam/template.yaml
	$(LINT_TOOLS)/yamllint --strict --config-file deploy/.yamllint deploy/buildspec.yml deploy/sam/template.yaml
	PATH="$(LINT_TOOLS):$$PATH" $(LINT_TOOLS)/python -m pytest $(addprefix deploy/tests/test_,template.py terraform.py buildspec.py)

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

# It needs the function and the command: those of a cell, or what the other tests have built.
.PHONY: test-deploy
test-deploy: ## Test what deploys: templates, deploy.sh, examples, the policy of the role
	@scripts/setup.sh lint
	@for place in command/$(CELL) release debug; do \
		[ ! -x $(TARGET_DIR)/$$place/pdf2img ] || exit 0; \
	done; cargo build --workspace --all-features --locked --bins
	PATH="$(LINT_TOOLS):$$PATH" $(LINT_TOOLS)/python -m pytest deploy/tests

# One cell stands for the way that all are made: built through zig, read, run on emulated CPUs, packaged, read again.
.PHONY: test-cell
test-cell: ## Build, verify and package a static cell: CELL=…
	@scripts/setup.sh matrix
	@echo '== a cell of the build matrix'
	$(BUILD_MATRIX) build '$(CELL)'
	$(BUILD_MATRIX) verify '$(CELL)'
	$(BUILD_MATRIX) package '$(CELL)'

# Not part of `make test`: it needs root and mounts, which continuous integration may refuse.
.PHONY: test-container
test-container: ## Build the image of a static cell, run the function from its root file system: CELL=…
	@scripts/setup.sh lint
	deploy/test-container.sh '$(TARGET_DIR)/lambda/$(CELL)' '$(TARGET_DIR)/command/$(CELL)/pdf2img'

.PHONY: deploy
deploy: ## Deploy a zip to AWS, and make what it needs: ZIP=… or CELL=…, ARGS='--event-source sqs'
	deploy/deploy.sh $(if $(ZIP),--zip '$(ZIP)',--cell '$(CELL)') $(ARGS)

# Each way to build leaves what a zip for Lambda is made of in a folder of its own, target/lambda/<cell>: `bootstrap`,
# and what it needs beside it. docs/BUILDING.md says which way to take.
LAMBDA := $(TARGET_DIR)/lambda
ENGINES = $(subst $(comma),-,$(FEATURES))
NATIVE = $(LAMBDA)/$(ENGINES)-native
BUILD_MATRIX := cargo run -p build-matrix --locked --quiet --

.PHONY: build
build: ## Build the function and the command for this machine, optimised: FEATURES=all-engines
	@scripts/setup.sh build $(if $(WITH_PDFIUM),pdfium)
	cargo build --release --locked $(PROGRAMS)
	@mkdir -p $(NATIVE)
	@cp --remove-destination $(TARGET_DIR)/release/bootstrap $(NATIVE)/
	@$(if $(WITH_PDFIUM),scripts/add-pdfium.sh $(TARGET_DIR)/release; scripts/add-pdfium.sh $(NATIVE))
	@ls -l $(NATIVE)/bootstrap $(TARGET_DIR)/release/pdf2img

.PHONY: build-zig
build-zig: ## Build them for Lambda, through zig: CELL=hayro-musl-static-arm64-system
	@scripts/setup.sh matrix
	$(BUILD_MATRIX) build '$(CELL)'
	@ls -l $(LAMBDA)/$(CELL)

# Not part of any test: it needs an image from a registry.
.PHONY: build-docker
build-docker: ## Build the function in Amazon Linux 2023, against its own glibc: FEATURES=all-engines
	$(DOCKER) build --file deploy/Containerfile.build --build-arg FEATURES='$(FEATURES)' \
		--build-arg RUST_VERSION="$$(sed -n 's/^rust = "\(.*\)"/\1/p' build-matrix/matrix.toml)" \
		--output type=local,dest=$(LAMBDA)/$(ENGINES)-al2023 .
	@ls -l $(LAMBDA)/$(ENGINES)-al2023

.PHONY: matrix
matrix: ## Build, prove, package and measure every cell, then report: CELLS='hayro-*'
	@scripts/setup.sh matrix
	$(BUILD_MATRIX) all $(foreach cell,$(CELLS),'$(cell)')

.PHONY: report
report: ## Make the report of what was recorded of the cells
	$(BUILD_MATRIX) report
	@ls -l $(TARGET_DIR)/matrix/report

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

BENCH = $(TARGET_DIR)/release/pdf2img-bench
CARGO_BENCH = PDF2IMG_PDFIUM_LIBRARY="$$(scripts/setup.sh --print-pdfium)" cargo bench --locked --features all-engines
PEERS = $(BENCH) peers --python $(shell scripts/setup.sh --print-peers-path)/python

.PHONY: bench-peers
bench-peers: bench-build ## Compare with other programs, in turn in one run: ARGS='--document text-100'
	$(PEERS) $(ARGS)

.PHONY: bench-scaling
bench-scaling: bench-build ## Draw more pages, workers, pixels, bytes, and several documents at once
	$(BENCH) scaling $(ARGS)

.PHONY: bench-cost
bench-cost: bench-build ## Run the function with the share of the CPU that Lambda gives for amounts of memory
	$(BENCH) cost $(ARGS)

.PHONY: bench-start
bench-start: bench-build ## Compare the start of the function with that of a hello world
	$(BENCH) start $(ARGS)

.PHONY: bench-memory
bench-memory: bench-build ## Measure memory for 20, 100 and 1,000 pages
	$(BENCH) memory $(ARGS)

# The programs are built for this machine; with BIN_DIR, others are taken, such as those of a cell.
.PHONY: benchmark
benchmark: record-is-named bench-build ## Measure all of these, and keep every figure: RECORD=benches/record/<date>-<machine>
	$(PEERS) $(PEERS_ARGS) --out '$(RECORD)/peers.json' $(if $(BIN_DIR),--bin-dir '$(BIN_DIR)') | tee $(TARGET_DIR)/benchmark.md
	$(BENCH) scaling --out '$(RECORD)/scaling.json' $(BENCH_PROGRAMS) | tee --append $(TARGET_DIR)/benchmark.md
	$(BENCH) cost $(COST_ARGS) --out '$(RECORD)/cost.json' $(BENCH_PROGRAMS) | tee --append $(TARGET_DIR)/benchmark.md
	$(BENCH) start --out '$(RECORD)/start.json' | tee --append $(TARGET_DIR)/benchmark.md
	$(BENCH) memory --out '$(RECORD)/memory.json' $(if $(BIN_DIR),--bin-dir '$(BIN_DIR)') | tee --append $(TARGET_DIR)/benchmark.md
	$(CARGO_BENCH) -- $(STAGES_ARGS)
	$(CARGO_BENCH) -- isolation --out '$(abspath $(RECORD))/isolation.json'
	$(MAKE) bench-instructions
	cp $(TARGET_DIR)/criterion/stages.json '$(RECORD)'
	[ ! -e $(TARGET_DIR)/matrix/records/instructions.json ] || cp $(TARGET_DIR)/matrix/records/instructions.json '$(RECORD)'

.PHONY: record-is-named
record-is-named:
	@[ -n '$(RECORD)' ] || { echo 'say where the records go: make benchmark RECORD=benches/record/<date>-<machine>' >&2; exit 1; }

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
