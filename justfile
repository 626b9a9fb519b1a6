# Recipes for building, running and testing Ostrakon. Each recipe installs missing tools once.
# `./justw` runs them on a machine without `just`.

set shell := ["bash", "-euo", "pipefail", "-c"]
set script-interpreter := ["bash", "-euo", "pipefail"]
set positional-arguments

# List the recipes
[private]
default:
    @{{ just_executable() }} --list --unsorted

# Build everything, load the demo data once, and serve app, API and API docs on one port
[group('run')]
[no-exit-message]
[script]
run: build
    target/release/ostrakon migrate
    target/release/ostrakon demo
    # No `exec`: just would report Ctrl-C as an error although the server exits normally.
    trap 'jobs -p | xargs -r kill; wait' EXIT
    target/release/ostrakon serve &
    wait $!

# Serve the demo from a new cluster of PostgreSQL servers, on ports from this one
[group('run')]
[no-exit-message]
cluster port="54320": (_need "postgresql") build
    tools/cluster "$1"

# Serve app and API for development at http://127.0.0.1:8081, and rebuild when a file changes
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
    # When one ends, by Ctrl-C or an error, the other is stopped too.
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

# Build the app for release into dist/, if anything has changed
[group('build')]
build-app:
    tools/build-app

# Generate openapi.yaml from the code
[group('build')]
openapi: (_need "rust")
    cargo run --locked -- openapi > target/openapi.yaml
    mv target/openapi.yaml openapi.yaml

# Take the screenshots of the README, into docs/
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

# Check format, lints, docs, spelling and dependencies
[group('test')]
[no-exit-message]
lint:
    tools/lint

# Run every test that needs no browser; arguments go to `cargo test`
[group('test')]
test-api *arguments: (_need "rust" "postgresql" "nginx")
    cargo test --locked --workspace "$@"

# Lint openapi.yaml, and type-check a client generated from it
[group('test')]
test-openapi: (_need "npm_packages")
    cd e2e && npm run --silent openapi

# Test the release build in a real browser; arguments go to `playwright test`
[group('test')]
e2e *arguments: build (_need "npm_packages" "browser" "sqlite3")
    cd e2e && node_modules/.bin/playwright test "$@"

# Run the slowest proofs, about a quarter of an hour: a cluster grows to 64 databases and shrinks under load
[group('test')]
soak: (_need "rust" "postgresql")
    cargo test --locked -p ostrakon -- --ignored

# Rate a first visit on a phone with Lighthouse; exit code 1 if it is too slow or not accessible
[group('measure')]
lighthouse: build (_need "npm_packages" "lighthouse" "browser" "sqlite3")
    cd e2e && node_modules/.bin/playwright test --config lighthouse.config.ts

# Measure Ostrakon beside baselines of this machine, about ten minutes; --help shows the options
[group('measure')]
[no-exit-message]
bench *arguments: (_need "rust" "wrk" "postgresql") build-server
    cargo build --release --locked -p ostrakon-bench
    tools/bench "$@"

# Draw the charts of docs/ from the last `bench`, or from the JSON file of another run
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
