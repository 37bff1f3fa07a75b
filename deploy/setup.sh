#!/bin/sh
# Brings a fresh Debian machine with rustup to where keyward builds. Safe to run again: what is there stays.
#
# It needs a C compiler and make (zstd, SQLite, librdkafka and the allocator are C code), OpenSSL's headers with
# pkg-config to find them (Kafka, HTTPS and mail are encrypted with it), and the Rust of Cargo.toml's `rust-version`. Missing Debian packages are installed as root or through sudo; nothing else is changed.
set -eu

cd "$(dirname "$0")/.."

stop() {
    printf '\nkeyward set-up: %s\n' "$1" >&2
    exit 1
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Installs Debian packages because something ($1) is missing.
install_packages() {
    missing=$1
    shift
    if ! has apt-get; then
        stop "$missing is missing, and this is no Debian: install what Debian calls $*, then run this again"
    fi
    if [ "$(id -u)" -ne 0 ] && ! has sudo; then
        stop "$missing is missing: run \`apt-get install $*\` as root, then run this again"
    fi
    printf 'installing %s (%s is missing)\n' "$*" "$missing"
    as_root apt-get update -qq || stop "apt-get update failed: is there a network and a package mirror?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        || stop "could not install $*: install them by hand, then run this again"
}

need_c_compiler_and_make() {
    for tool in cc make; do
        if ! has "$tool"; then
            install_packages "$tool" build-essential
            has "$tool" || stop "build-essential is installed, and there is still no $tool on the PATH"
            return
        fi
    done
}

need_openssl() {
    if ! has pkg-config || ! pkg-config --exists openssl; then
        install_packages "OpenSSL for developers" pkg-config libssl-dev
        pkg-config --exists openssl || stop "libssl-dev is installed, and pkg-config does not find openssl"
    fi
}

# rustup puts its tools in a folder that a shell opened before the installation does not know yet.
find_cargo() {
    if ! has cargo && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
        stop "cargo is installed and not on the PATH: run \`. \"${CARGO_HOME:-$HOME/.cargo}/env\"\`, then run this again"
    fi
    has cargo || stop "there is no cargo: install Rust with rustup, see https://rustup.rs, then run this again"
}

# Whether version $1 (1.95.0) is at least $2 (1.95).
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

need_rust() {
    find_cargo
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    answer=$(rustc --version) || stop "rustc does not run: see its message above"
    found=$(printf '%s\n' "$answer" | sed -n 's/^rustc \([0-9][0-9.]*\).*/\1/p')
    at_least "$found" "$wanted" \
        || stop "Rust $found is too old, keyward needs $wanted: run \`rustup update\`, then run this again"
}

need_component() {
    if ! cargo "$1" --version >/dev/null 2>&1; then
        has rustup || stop "cargo $1 is missing: install it beside your Rust, then run this again"
        rustup component add "$2" || stop "could not add the rustup component $2"
    fi
}

printf '\n==> Set-up\n'
need_c_compiler_and_make
need_openssl
need_rust
need_component clippy clippy
need_component fmt rustfmt
printf '%s; %s\n' "$(rustc --version)" "$(cc --version | head -n 1)"
