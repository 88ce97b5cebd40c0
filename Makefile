# Needs python3 (3.11 or 3.12, with venv) and make, nothing else. Targets: see `make help`.

PY := .venv/bin/python
# Tests keep their own servers and data, apart from the ones people work with.
TEST_ENV := DJANGO_SETTINGS_MODULE=config.settings.test VAR_DIR="$$($(PY) -m config.test_place)" EMBEDDED_FSYNC=off
PIP_ENV := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
# The interpreter to build .venv with; the first suitable one when not given.
PYTHON ?=

.DEFAULT_GOAL := help
.PHONY: help setup tools demo test lint bench sbom rehearsal screens manual lock walks lists day clean drill faults evidence security

help: ## この一覧
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

setup: ## .venv を作り、固定した版のパッケージを入れる
	@set -eu; \
	wanted="$$(cksum < requirements/dev.txt)"; \
	if [ -x $(PY) ] && $(PY) -c '' 2>/dev/null && [ "$$(cat .venv/installed 2>/dev/null)" = "$$wanted" ]; then exit 0; fi; \
	if [ -e .venv/installing ] || ! $(PY) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then \
	    found=''; \
	    for python in $(PYTHON) python3 python3.12 python3.11 python; do \
	        if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then \
	            found="$$python"; break; \
	        fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo 'エラー: venv の使える Python 3.11 か 3.12 が見つかりません。入れるか、make PYTHON=… で場所を指定してください。' >&2; \
	        exit 1; \
	    fi; \
	    echo ".venv を作ります（$$("$$found" --version)）。"; \
	    rm -rf .venv; \
	    "$$found" -m venv .venv; \
	fi; \
	echo 'パッケージを入れています…'; \
	touch .venv/installing; \
	$(PIP_ENV) $(PY) -m pip install --quiet --require-hashes -r requirements/dev.txt; \
	printf '%s\n' "$$wanted" > .venv/installed; \
	rm .venv/installing

demo: setup ## デモのデータで全体を動かす（終了は Ctrl-C）
	@exec $(PY) -m config.demo

tools: ## テストが使うブラウザ、フォント、nginx を入れる（root で apt-get があるとき）
	@set -eu; \
	missing=''; \
	command -v chromium > /dev/null || missing="$$missing chromium"; \
	[ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || missing="$$missing fonts-noto-cjk"; \
	[ -x /usr/sbin/nginx ] || command -v nginx > /dev/null || missing="$$missing nginx-light"; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    echo "入れています:$$missing"; \
	    apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing > /dev/null; \
	else \
	    echo "注意: 次のものがないため、それを使うテストは失敗します:$$missing" >&2; \
	fi

test: setup tools ## すべてのテスト
	@$(TEST_ENV) $(PY) -m pytest -n auto --dist worksteal

lint: setup ## 書式、型、依存の向き、マイグレーション、本番設定の検査
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy .
	$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'
	@echo makemigrations --check
	@$(TEST_ENV) $(PY) manage.py makemigrations --check --dry-run
	@echo check --deploy
	@random() { $(PY) -c 'import secrets; print(secrets.token_hex(32))'; }; \
	    SECRET_KEY="$$(random)" FIELD_KEYS="$$($(PY) -c 'from core.secrets import new_key; print(new_key())')" FINGERPRINT_KEY="$$($(PY) -c 'from core.secrets import new_key; print(new_key())')" ALLOWED_HOSTS=office.example.jp \
	    DATABASE_URL="postgresql://dispatch_app:$$(random)@127.0.0.1:1/dispatch" REDIS_URL="redis://:$$(random)@127.0.0.1:1/0" \
	    $(PY) manage.py check --deploy --fail-level WARNING --settings config.settings.production

bench: setup ## 速さの計測（締め・読み込み・PDF。記録は docs/evidence/speed.md。一部だけ: make bench PARTS="close papers"）
	@$(PY) -m benchmarks.speed $(PARTS)

sbom: setup ## 部品表（CycloneDX）とサポート終了の一覧を docs/evidence に作る
	@$(TEST_ENV) $(PY) -m deploy.sbom

lists: setup ## すべての一覧の速さを10年分のデータで測る（初回は約10分。記録は docs/evidence/lists.md）
	@$(PY) -m benchmarks.lists

day: setup tools ## 743人が同時に使う一日の縮図（約12分。記録は docs/evidence/day.md）
	@set -eu; \
	wanted="$$(cksum < requirements/day.txt)"; \
	if [ "$$(cat .venv-day/installed 2>/dev/null)" != "$$wanted" ]; then \
	    rm -rf .venv-day; \
	    $(PY) -m venv .venv-day; \
	    $(PIP_ENV) .venv-day/bin/python -m pip install --quiet --require-hashes -r requirements/day.txt; \
	    printf '%s\n' "$$wanted" > .venv-day/installed; \
	fi; \
	$(PY) -m benchmarks.day

walks: setup ## 不規則な操作の長い試験（約15分。記録は docs/evidence/walks.md）
	@$(TEST_ENV) $(PY) -m tests.walks

rehearsal: setup tools ## 運用の手順をコンテナなしで試し、docs/evidence/operation.md に書く
	@$(TEST_ENV) $(PY) -m deploy.rehearsal

screens: setup ## README の画面の写真を docs/screens に作る
	@$(PY) -m docs.screens.take

manual: setup ## 手引きの画面の写真を docs/manual/pictures に作る
	@$(PY) -m docs.screens.manual

drill: setup ## 控えと復元の訓練（使い捨ての環境。記録は docs/evidence/backup-drill.md）
	@$(PY) manage.py backup_drill

faults: setup tools ## 障害の試験（部品を順に壊し、ディスクを満杯にする。約10分、root。記録は docs/evidence/faults.md）
	@$(PY) -m benchmarks.faults

evidence: setup ## 長い確かめをすべて行い docs/evidence に記録（一部だけ: make evidence PARTS="faults walks"）
	@$(PY) -m docs.evidence $(PARTS)

security: setup ## 攻撃に対する検査（道具は .venv-security に入れる。記録は docs/evidence/security.md）
	@set -eu; for tool in tools:security wapiti:security-wapiti; do \
	    venv=.venv-security/$${tool%%:*}; lock=requirements/$${tool#*:}.txt; \
	    [ "$$(cat $$venv/installed 2>/dev/null)" = "$$(cksum < $$lock)" ] && continue; \
	    rm -rf $$venv; $(PY) -m venv $$venv; \
	    $(PIP_ENV) $$venv/bin/python -m pip install --quiet --require-hashes -r $$lock; \
	    cksum < $$lock > $$venv/installed; \
	done
	@$(PY) -m benchmarks.security $(PARTS)

lock: setup ## 版の固定をやり直す（uv が要る）
	@$(PY) -m uv --version > /dev/null || { echo 'エラー: .venv に uv を入れてください（$(PY) -m pip install uv）。' >&2; exit 1; }
	$(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements/base.txt
	$(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra embedded --extra dev -c requirements/base.txt -o requirements/dev.txt
	for name in security security-wapiti; do $(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group pyproject.toml:$$name -o requirements/$$name.txt; done
	$(PY) -m uv pip compile --group pyproject.toml:day --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements/day.txt

clean: ## .venv とテスト用のデータを消す（var/ のデータは残す）
	@if [ -x $(PY) ]; then \
	    place="$$($(PY) -m config.test_place)"; \
	    VAR_DIR="$$place" $(PY) -m config.servers stop > /dev/null 2>&1 || true; \
	    rm -rf "$$place"; \
	fi
	rm -rf .venv .venv-day build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
