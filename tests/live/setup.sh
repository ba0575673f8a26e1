#!/bin/sh
# Brings the tools that the live tests drive into a folder outside the checkout, once: sh tests/live/setup.sh
# It needs node with npm, python3 with venv, a server of PostgreSQL, Chromium, go, and the network. The tests need no network: pnpm
# installs from the store filled here, and what it would ask the registry about a lockfile it finds in the cache beside it.
# The folder is $PROOF_GATE_LIVE, else proof-gate-live below the user's cache folder; removing it makes the next call begin anew.
set -eu

live=${PROOF_GATE_LIVE:-${XDG_CACHE_HOME:-$HOME/.cache}/proof-gate-live}
here=$(cd "$(dirname "$0")" && pwd)
shop=$here/../fixtures/shop
runners=$here/../fixtures/runners
# Looked for every time: they are the system's, and may have gone since.
missing() {
	echo "live tools: $1 is missing: install the package $2 first" >&2
	exit 1
}
initdb=$(command -v initdb || printf '%s\n' /usr/lib/postgresql/*/bin/initdb | tail -n 1)
[ -x "$initdb" ] || missing 'the server of PostgreSQL (initdb)' postgresql
[ -x /usr/bin/chromium ] || missing Chromium chromium
command -v go >/dev/null || missing go golang-go
# What this folder was made from; `tools.rs` puts the same together.
made_from() {
	cat "$here/setup.sh" "$shop/pnpm-lock.yaml"
	for runner in jest mocha playwright vitest; do cat "$runners/$runner/package.json"; done
}
stamp=$live/set-up-by
if made_from | cmp -s - "$stamp"; then
	echo "live tools: ready in $live"
	exit 0
fi
for program in node npm python3; do
	command -v "$program" >/dev/null || { echo "live tools: $program is missing: install it first" >&2; exit 1; }
done
rm -rf "$live"
mkdir -p "$live/tools" "$live/npm-cache" "$live/pnpm-store" "$live/projects"
export npm_config_cache="$live/npm-cache" pnpm_config_store_dir="$live/pnpm-store" pnpm_config_cache_dir="$live/pnpm-cache"
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
# The tests take the system's browser.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1

# lefthook without its install script, which would write hooks into the repository that this is called from.
echo "live tools: pnpm, lefthook, husky"
echo '{"private": true}' >"$live/tools/package.json"
npm install --silent --ignore-scripts --prefix "$live/tools" lefthook@2.2.2 husky@9.1.7 pnpm@12.21.0
npm rebuild --silent --prefix "$live/tools" pnpm
PATH=$live/tools/node_modules/.bin:$PATH

echo "live tools: pre-commit, prek, pytest"
python3 -m venv "$live/venv"
"$live/venv/bin/pip" install --quiet pre-commit==4.7.0 prek==0.5.11 pytest==9.2.0

# pnpm fails over an install script that nobody decided about. These are not needed: what they build comes ready as well.
no_install_scripts() {
	echo 'allowBuilds:'
	for package in esbuild unrs-resolver @parcel/watcher; do echo "  '$package': false"; done
}

# project MANAGER DEPENDENCY SCRIPT: a package with the manager's lockfile, whose dependencies are then in its store.
project() {
	echo "live tools: $2 by $1"
	folder=$live/projects/$1-${2%@*}
	mkdir "$folder"
	cat >"$folder/package.json" <<END
{ "name": "shop", "private": true, "scripts": { "test": "$3" }, "devDependencies": { "${2%@*}": "${2#*@}" } }
END
	echo node_modules >"$folder/.gitignore"
	[ "$1" = npm ] || no_install_scripts >"$folder/pnpm-workspace.yaml"
	(cd "$folder" && "$1" install --silent)
	rm -rf "$folder/node_modules"
}
project pnpm mocha@12.0.3 'mocha --recursive'
project npm mocha@12.0.3 'mocha --recursive'
# The last major version of vitest that runs on node 20.
project pnpm vitest@4.1.12 'vitest run'

# runner NAME: what a folder of the fixtures depends on, with a lockfile made here.
runner() {
	echo "live tools: what the cases of $1 depend on"
	folder=$live/projects/runner-$1
	mkdir "$folder"
	cp "$runners/$1/package.json" "$folder"
	no_install_scripts >"$folder/pnpm-workspace.yaml"
	(cd "$folder" && pnpm install --silent)
	rm -rf "$folder/node_modules"
}
for runner in jest mocha playwright vitest; do runner "$runner"; done

echo 'live tools: what the shop of the fixtures depends on'
mkdir "$live/projects/shop"
cp "$shop/package.json" "$shop/pnpm-lock.yaml" "$live/projects/shop"
(cd "$live/projects/shop" && pnpm install --frozen-lockfile --silent)
rm -rf "$live/projects/shop"

made_from >"$stamp"
echo "live tools: ready in $live"
