# Every target says what it does and can be run twice. Downloads and tools are kept in
# $KUBESTASH_CACHE (default ~/.cache/kubestash), what is built of this checkout in target/.

# Where rustup and Go install themselves, for shells that were not told: those of continuous integration, for example.
export HOME ?= $(shell getent passwd "$$(id -u)" | cut -d: -f6)
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/go/bin

CARGO ?= cargo
CLUSTER := tests/cluster/cluster
BINARIES := target/release/kubectl-kubestash target/release/kubestash
IMAGE := target/kubestash-image.tar

.DEFAULT_GOAL := help
.PHONY: help build image demo demo-down test check dist bench

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: ## the release binaries target/release/{kubectl-kubestash,kubestash}
	$(CARGO) build --release --locked -p kubestash-plugin -p kubestash-reconciler

image: build ## target/kubestash-image.tar, tagged localhost/kubestash:dev
	$(CLUSTER) product-image target/release/kubestash $(IMAGE)

demo: image ## a cluster, an application, its first backup, its loss and its return; the cluster stays up
	tests/demo/demo up

demo-down: ## remove the cluster that demo made
	tests/demo/demo down

test: image ## the whole test suite, stories on a real cluster included
	tests/bin/run-tests

check: ## format, lints, licences and advisories, generated files
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	tests/bin/check-crates
	tests/bin/check-dependencies
	$(CARGO) run --quiet --locked -p kubestash-krew -- --template krew/kubestash.yaml

dist: ## dist/: what krew installs, for every platform that can be built here (krew/README.md)
	krew/dist
	krew/validate

bench: image ## speed and memory, as ratios against a raw parallel LIST of the same cluster
	tests/bench/bench
