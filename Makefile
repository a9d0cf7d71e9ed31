# Every target is a script of scripts/; read there what it does. VERBOSE=1 shows all output.
.DEFAULT_GOAL := help
.PHONY: help demo build test cluster-test lint bench gen gen-check soak clean

help:
	@echo 'make demo       build, make the demonstration shop and serve it (DEMO_ARGS="--listen …")'
	@echo 'make build      target/release/guanxi'
	@echo 'make test       everything: both databases, web, browser, lints'
	@echo 'make cluster-test  audiences on a Ballista cluster of this machine; builds Ballista first'
	@echo 'make lint       what should pass before each commit'
	@echo 'make bench      measure and write docs/benchmarks.md (AREAS="spine load insight loyalty")'
	@echo 'make gen        docs/openapi.json and the TypeScript client; gen-check only compares'
	@echo 'make soak       the long versions of the tests'
	@echo 'make clean      remove what was built; data stays'

demo:
	@scripts/demo.sh $(DEMO_ARGS)

build:
	@scripts/build.sh release

test:
	@scripts/test.sh

cluster-test:
	@scripts/cluster-test.sh

lint:
	@scripts/lint.sh

bench:
	@scripts/bench.sh $(AREAS)

gen:
	@scripts/gen.sh

gen-check:
	@scripts/gen.sh --check

soak:
	@scripts/soak.sh

clean:
	cargo clean
	rm -rf web/dist web/node_modules bench-out
