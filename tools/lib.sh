# Sourced by justw and the scripts beside it: finds the tools that a task needs and installs
# those that are missing.
#
# Programs from crates.io go to a cache that all clones share, one directory a version; the rest
# are Debian packages. Whatever takes time says in one line what, why and about how long. Its
# output goes to a log, which is shown when it fails.

tools_dir=${XDG_CACHE_HOME:-$HOME/.cache}/ostrakon/tools
min_free_mib=4096

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root_dir/tools/versions.env"

# A shell that has not read rustup's profile yet, as in CI, still finds what rustup installed.
command -v rustup >/dev/null || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH

die() {
    printf 'ostrakon: %s\n' "$*" >&2
    exit 1
}

# step <what, why, how long> <command...>: runs the command, silent unless it fails.
step() {
    local message=$1 log
    shift
    log=$(mktemp)
    printf '» %s\n' "$message" >&2
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "that failed; what it said is above."
    fi
    rm -f "$log"
}

# Two runs at once must not install the same thing twice. The lock ends with the process.
lock_tools() {
    mkdir -p "$tools_dir"
    exec {tools_lock}>"$tools_dir/.lock"
    flock "$tools_lock"
}

unlock_tools() {
    exec {tools_lock}>&-
}

# need_packages <why> <command or file>:<Debian package>...: installs the packages of what is
# missing.
need_packages() {
    local why=$1 pair what missing=() as_root=()
    shift
    for pair in "$@"; do
        what=${pair%%:*}
        [[ $what == /* && -e $what ]] || command -v "$what" >/dev/null || missing+=("${pair#*:}")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null \
        || die "please install ${missing[*]} ($why); this can do it only where there is apt-get."
    if ((EUID != 0)); then
        command -v sudo >/dev/null \
            || die "please install ${missing[*]} as root ($why); there is no sudo to do it with."
        as_root=(sudo)
    fi
    lock_tools
    step "Installing the Debian packages ${missing[*]}: $why (about a minute, once)" \
        install_packages "${missing[@]}"
    unlock_tools
}

install_packages() {
    local apt_get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get -o DPkg::Lock::Timeout=300)
    "${apt_get[@]}" update && "${apt_get[@]}" install -y --no-install-recommends "$@"
}

# What every build needs.
need_rust() {
    local free_mib
    command -v cargo >/dev/null || die "there is no cargo. Install Rust first: https://rustup.rs"
    command -v rustup >/dev/null || die "there is no rustup. Install it first: https://rustup.rs"
    need_packages "a C compiler, to link and for SQLite" cc:build-essential
    # That pg_config is there says nothing: Debian's PostgreSQL brings it without the library.
    [[ -e $(pg_config --includedir 2>/dev/null)/libpq-fe.h ]] \
        || need_packages "PostgreSQL's library" /usr/include/postgresql/libpq-fe.h:libpq-dev
    free_mib=$(($(df -Pk "$root_dir" | awk 'NR == 2 { print $4 }') / 1024))
    ((free_mib >= min_free_mib)) \
        || die "only $free_mib MiB are free in $root_dir; a build needs $min_free_mib MiB."
}

# need_crate <crate> <version> <why, how long> [cargo install's arguments...]
need_crate() {
    local name=${1%-cli}-$2 crate=$1 version=$2 message=$3
    shift 3
    if [[ ! -d $tools_dir/$name ]]; then
        need_rust
        lock_tools
        # Another run may have installed it while this one waited.
        [[ -d $tools_dir/$name ]] \
            || step "Installing $crate $version: $message" install_crate "$@"
        unlock_tools
    fi
    PATH=$tools_dir/$name/bin:$PATH
}

# A debug build takes half as long, and these tools are fast enough without optimization.
# The rename at the end makes the tool appear whole or not at all.
install_crate() {
    rm -rf "$tools_dir/$name.partial" \
        && cargo install "$crate" --version "=$version" --debug "$@" \
            --root "$tools_dir/$name.partial" \
        && mv "$tools_dir/$name.partial" "$tools_dir/$name"
}

need_just() {
    need_crate just "$JUST_VERSION" "it runs the recipes (about 2 minutes, once)" --locked
}

need_watchexec() {
    need_crate watchexec-cli "$WATCHEXEC_VERSION" \
        "it restarts the API when a file changes (about 5 minutes, once)" --locked
}

# All that Trunk would otherwise download.
need_trunk() {
    local wasm_bindgen_version
    need_crate trunk "$TRUNK_VERSION" "it builds the app (about 5 minutes, once)" \
        --locked --no-default-features --features rustls
    wasm_bindgen_version=$(
        awk '$0 == "name = \"wasm-bindgen\"" { getline; print $3 }' "$root_dir/Cargo.lock" | tr -d '"'
    )
    [[ -n $wasm_bindgen_version ]] || die "Cargo.lock names no version of wasm-bindgen."
    need_crate wasm-bindgen-cli "$wasm_bindgen_version" \
        "it makes the app's WASM callable from the browser (about 4 minutes, once)"
    need_packages "to compress the app" brotli:brotli
}

# A minimal installation of Rust comes without them.
need_lints() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 \
        || step "Installing rustfmt and clippy: they check the code (a few seconds, once)" \
            rustup component add rustfmt clippy
}

# The copy of the lock file is the last thing that is installed: what it does not match is stale.
need_npm_packages() {
    need_npm e2e "to test API and app (half a minute, once)"
}

# In a folder of its own: nobody else needs its many packages.
need_lighthouse() {
    need_npm e2e/lighthouse "to measure the app (half a minute, once)"
}

# need_npm <folder> <why, how long>
need_npm() {
    local folder=$root_dir/$1
    need_packages "to test API and app from outside" node:nodejs npm:npm
    cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed" \
        || step "Installing the npm packages of $1/: $2" install_npm_packages
}

install_npm_packages() {
    npm ci --no-audit --no-fund --prefix "$folder" \
        && cp "$folder/package-lock.json" "$folder/node_modules/.installed"
}

need_browser() {
    need_packages "to test the app in a browser" chromium:chromium
}

need_postgresql() {
    "$root_dir/tools/postgres" need
}

# Its package starts nothing where no system runs, as in CI; a server that it starts is nobody's.
need_nginx() {
    need_packages "to test the server behind a proxy" /usr/sbin/nginx:nginx-light
}

need_sqlite3() {
    need_packages "to look behind the scenes as the command line says" sqlite3:sqlite3
}

need_wrk() {
    need_packages "to load a server with all that it can bear" wrk:wrk
}
