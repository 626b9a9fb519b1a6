# Sourced by justw and the scripts in this folder: finds the tools that a task needs, and installs
# missing ones.
#
# Pinned tools from crates.io and PyPI go to a cache that all clones share, one folder per version.
# Everything else is a Debian package or an npm package. Each installation prints one line: what it
# installs, why, and about how long it takes. Its output is shown if it fails.

tools_dir=${XDG_CACHE_HOME:-$HOME/.cache}/ostrakon/tools
min_free_mib=4096

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root_dir/tools/versions.env"

# Find rustup's programs although the shell has not read rustup's profile, as in CI.
command -v rustup >/dev/null || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH

die() {
    printf 'ostrakon: %s\n' "$*" >&2
    exit 1
}

# step <what, why, how long> <command...>: runs the command; shows its output only if it fails.
step() {
    local message=$1 log
    shift
    log=$(mktemp)
    printf '» %s\n' "$message" >&2
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "that failed; see the output above."
    fi
    rm -f "$log"
}

# Two concurrent runs must not install the same tool. The lock ends with the process.
lock_tools() {
    mkdir -p "$tools_dir"
    exec {tools_lock}>"$tools_dir/.lock"
    flock "$tools_lock"
}

unlock_tools() {
    exec {tools_lock}>&-
}

# need_packages <why> <command or file>:<Debian package>...: installs the packages of missing commands
# and files.
need_packages() {
    local why=$1 pair what missing=() as_root=()
    shift
    for pair in "$@"; do
        what=${pair%%:*}
        [[ $what == /* && -e $what ]] || command -v "$what" >/dev/null || missing+=("${pair#*:}")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null \
        || die "install ${missing[*]} ($why); only apt-get is supported here."
    if ((EUID != 0)); then
        command -v sudo >/dev/null \
            || die "install ${missing[*]} as root ($why); sudo is missing."
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

# Every build needs these.
need_rust() {
    local free_mib
    command -v cargo >/dev/null || die "cargo is missing. Install Rust first: https://rustup.rs"
    command -v rustup >/dev/null || die "rustup is missing. Install it first: https://rustup.rs"
    need_packages "a C compiler, to link and for SQLite" cc:build-essential
    # pg_config is not enough: Debian's PostgreSQL has it without the library.
    [[ -e $(pg_config --includedir 2>/dev/null)/libpq-fe.h ]] \
        || need_packages "PostgreSQL's library" /usr/include/postgresql/libpq-fe.h:libpq-dev
    free_mib=$(($(df -Pk "$root_dir" | awk 'NR == 2 { print $4 }') / 1024))
    ((free_mib >= min_free_mib)) \
        || die "only $free_mib MiB are free in $root_dir; a build needs $min_free_mib MiB."
}

# need_crate <crate> <version> <why, how long> [cargo install's arguments...]
need_crate() {
    local crate=$1 version=$2 message=$3
    shift 3
    [[ -d $tools_dir/${crate%-cli}-$version ]] || need_rust
    need_tool "${crate%-cli}" "$version" "$message" install_crate "$@"
}

# A debug build takes half as long, and these tools are fast enough without optimization.
install_crate() {
    cargo install "$crate" --version "=$version" --debug "$@" --root "$folder"
}

# need_wheel <PyPI package with a program of this name> <version> <why, how long>
need_wheel() {
    [[ -d $tools_dir/$1-$2 ]] || need_packages "to install $1" pip3:python3-pip
    need_tool "$1" "$2" "$3" install_wheel
}

install_wheel() {
    pip3 install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --target "$folder" "$tool==$version"
}

# need_tool <name> <version> <why, how long> <installer> [its arguments...]: the installer installs
# into $folder. The rename at the end makes the tool appear whole or not at all.
need_tool() {
    local tool=$1 version=$2 message=$3 folder=$tools_dir/$1-$2.partial
    shift 3
    if [[ ! -d ${folder%.partial} ]]; then
        lock_tools
        # Another run may have installed it while this one waited for the lock.
        [[ -d ${folder%.partial} ]] \
            || step "Installing $tool $version: $message" install_tool "$@"
        unlock_tools
    fi
    PATH=${folder%.partial}/bin:$PATH
}

install_tool() {
    rm -rf "$folder" && "$@" && mv "$folder" "${folder%.partial}"
}

need_just() {
    need_crate just "$JUST_VERSION" "it runs the recipes (about 2 minutes, once)" --locked
}

# What `just lint` runs besides rustfmt and clippy.
need_linters() {
    need_crate cargo-deny "$CARGO_DENY_VERSION" \
        "it checks licences and sources of crates (about 2 minutes, once)" --locked
    need_crate cargo-machete "$CARGO_MACHETE_VERSION" \
        "it finds crates that nothing uses (about a minute, once)" --locked
    need_wheel typos "$TYPOS_VERSION" "it finds misspelled words (a few seconds, once)"
}

need_watchexec() {
    need_crate watchexec-cli "$WATCHEXEC_VERSION" \
        "it restarts the API when a file changes (about 5 minutes, once)" --locked
}

# Trunk, and the tools that it would otherwise download.
need_trunk() {
    local wasm_bindgen_version
    need_crate trunk "$TRUNK_VERSION" "it builds the app (about 5 minutes, once)" \
        --locked --no-default-features --features rustls
    wasm_bindgen_version=$(
        awk '$0 == "name = \"wasm-bindgen\"" { getline; print $3 }' "$root_dir/Cargo.lock" | tr -d '"'
    )
    [[ -n $wasm_bindgen_version ]] || die "Cargo.lock has no version of wasm-bindgen."
    need_crate wasm-bindgen-cli "$wasm_bindgen_version" \
        "it makes the app's WASM callable from the browser (about 4 minutes, once)"
    need_packages "to compress the app" brotli:brotli
}

# A minimal installation of Rust lacks them.
need_lints() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 \
        || step "Installing rustfmt and clippy: they check the code (a few seconds, once)" \
            rustup component add rustfmt clippy
}

need_npm_packages() {
    need_npm e2e "to test API and app (half a minute, once)"
}

# In a folder of its own, because no test needs its many packages.
need_lighthouse() {
    need_npm e2e/lighthouse "to measure the app (half a minute, once)"
}

# need_npm <folder> <why, how long>: the copy of the lock file is written last; packages that don't
# match it are stale.
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

# Where systemd runs, the package starts a server of its own; the tests don't use it.
need_nginx() {
    need_packages "to test the server behind a proxy" /usr/sbin/nginx:nginx-light
}

need_sqlite3() {
    need_packages "to run the commands that 'ostrakon locate' prints" sqlite3:sqlite3
}

need_wrk() {
    need_packages "to measure a server's capacity" wrk:wrk
}
