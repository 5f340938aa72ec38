# Two commands do all set-up on a fresh Debian 12 machine as root, with no display: `make demo`, `make test`.
OUT ?= out
PYTHON = .venv/bin/python

.PHONY: demo pictures test check quick soak bench promises clean

demo: ## run the real agent on a desktop of its own; put bundle, opened files and screenshots into OUT
	@scripts/setup demo
	@scripts/demo "$(OUT)"

pictures: demo ## renew the screenshots in docs/pictures: the demo's, and those of the windows that tests take
	@for picture in docs/pictures/*.png; do cp "$(OUT)/$$(basename $$picture)" "$$picture"; done
	@scripts/setup test
	@scripts/unprivileged "$(OUT)" $(PYTHON) -m pytest -q -p no:cacheprovider tests/real/test_pictures.py -k shows_the_window
	@cp "$(OUT)"/consent/*.png docs/pictures/consent/

test: ## check, and beside that every test (or those of TESTS), as an unprivileged user
	@scripts/setup test
	@scripts/test $(TESTS)

check: ## style, types, import contracts
	@scripts/setup test
	@scripts/check

quick: ## the tests that need no display, start no command and take no quarter of a minute: under 3 minutes
	@scripts/setup test
	@$(PYTHON) -m pytest -q -n auto --dist worksteal -m "not soak and not long" --ignore=tests/real --ignore=tests/cli --promises=build/promises-quick.json
	@$(PYTHON) scripts/promises.py keep build/promises-quick.json

soak: ## the long versions (or those of PARTS), and installation on a slim Debian
	@scripts/setup test
	@scripts/soak $(PARTS)

bench: ## measure against public tools (18 minutes, nothing else running); renew the table in README
	@scripts/setup test
	@$(PYTHON) -m benchmarks --keep docs/benchmarks/last.json --readme README.md

promises: ## print promise -> tests -> last result, and write the table in SECURITY.md
	@$(PYTHON) scripts/promises.py write

clean:
	rm -rf .venv build out .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/interop/node_modules
