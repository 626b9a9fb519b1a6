# What there is to do with Ostrakon. Each recipe installs what it finds missing, once.
# `./justw` is the way in on a machine without `just`.

set shell := ["bash", "-euo", "pipefail", "-c"]
set script-interpreter := ["bash", "-euo", "pipefail"]
set positional-arguments

# List the recipes
[private]
default:
    @{{ just_executable() }} --list --unsorted

# Build everything, fill in the demo data once, and serve app, API and API docs on one port
[group('run')]
[no-exit-message]
[script]
run: build
    target/release/ostrakon migrate
    target/release/ostrakon demo
    # Not by `exec`: that a server ends well after Ctrl-C, just would call an error.
    trap 'jobs -p | xargs -r kill; wait' EXIT
    target/release/ostrakon serve &
    wait $!

# Serve the demo from a cluster of PostgreSQL servers, new each time, on this port and those after it
[group('run')]
[no-exit-message]
cluster port="54320": (_need "postgresql") build
    tools/cluster "$1"

# Serve app and API for development, at http://127.0.0.1:8081; both follow every change of a file
[group('run')]
[no-exit-message]
[script]
dev:
    source tools/lib.sh
    need_rust
    need_trunk
    need_watchexec
    cargo run -- migrate
    cargo run -- demo
    # Whichever ends first, by Ctrl-C or by an error, takes the other with it.
    trap 'jobs -p | xargs -r kill; wait' EXIT
    tools/wasm trunk serve --dist target/wasm/dev &
    watchexec --restart --watch backend --watch shared --watch migrations --watch Cargo.lock \
        -- cargo run -- serve --migrate &
    wait -n

# Build the server and the app for release
[group('build')]
build: build-server build-app

# Build the server for release: target/release/ostrakon
[group('build')]
build-server: (_need "rust")
    cargo build --release --locked

# Build the app for release into dist/, unless nothing changed since the last time
[group('build')]
build-app:
    tools/build-app

# Write openapi.yaml anew from the code
[group('build')]
openapi: (_need "rust")
    cargo run --locked -- openapi > target/openapi.yaml
    mv target/openapi.yaml openapi.yaml

# Take the README's pictures of the app with its demo data, into docs/
[group('build')]
screenshot: build (_need "npm_packages" "browser")
    cd e2e && node_modules/.bin/playwright test --config screenshot.config.ts

# Format the Rust code
[group('test')]
fmt: (_need "lints")
    cargo fmt --all

# Run every check, one stage after the other, as CI does
[group('test')]
[no-exit-message]
[script]
test:
    stage="" summary=""
    report() {
        [[ -z $stage ]] || summary+=$(printf '✗ %-14s failed' "$stage")
        printf '\n%s\n' "$summary"
    }
    trap report EXIT
    for stage in lint test-api test-openapi build e2e; do
        began=$SECONDS
        printf '\n── %s\n' "$stage"
        {{ just_executable() }} "$stage"
        summary+=$(printf '✓ %-14s %5d s' "$stage" $((SECONDS - began)))$'\n'
    done
    stage=""

# Check the format, and every lint for server and app
[group('test')]
lint: (_need "rust" "lints")
    cargo fmt --all --check
    cargo clippy --locked --workspace --exclude ostrakon-app --all-targets --all-features -- -D warnings
    tools/wasm cargo clippy --locked -p ostrakon-app --target wasm32-unknown-unknown -- -D warnings

# Test all that needs no browser; arguments go to `cargo test`
[group('test')]
test-api *arguments: (_need "rust" "postgresql" "nginx")
    cargo test --locked --workspace "$@"

# Lint openapi.yaml and type-check a client that is generated from it
[group('test')]
test-openapi: (_need "npm_packages")
    cd e2e && npm run --silent openapi

# Drive the release build in a real browser; arguments go to `playwright test`
[group('test')]
e2e *arguments: build (_need "npm_packages" "browser" "sqlite3")
    cd e2e && node_modules/.bin/playwright test "$@"

# Rate the first visit of a phone by Lighthouse; exit code 1 if it is too slow, or not for everybody
[group('measure')]
lighthouse: build (_need "npm_packages" "lighthouse" "browser" "sqlite3")
    cd e2e && node_modules/.bin/playwright test --config lighthouse.config.ts

# Measure Ostrakon against what this machine can do without it, about ten minutes; --help shows more
[group('measure')]
[no-exit-message]
bench *arguments: (_need "rust" "wrk" "postgresql") build-server
    cargo build --release --locked -p ostrakon-bench
    tools/bench "$@"

# Draw the figures of the last `bench` into docs/; another run's JSON file may be named
[group('measure')]
bench-chart *json: (_need "rust")
    cargo run --release --locked -p ostrakon-bench -- chart "$@"

# Release a version: set it, date the changelog, commit, tag, and print the release notes
[group('release')]
[no-exit-message]
release *version:
    tools/release "$@"

_need +tools:
    @source tools/lib.sh; for tool in "$@"; do "need_$tool"; done
