# shellcheck shell=bash
# Functions of the project's scripts: messages, Debian packages, Python interpreters and environments.

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

in_ci() { [[ "${CI:-}" == true || "${CI:-}" == 1 ]]; }

# as_root COMMAND...: runs the command as root. Fails if that needs a password.
as_root() {
    if [[ "$(id -u)" == 0 ]]; then
        "$@"
    elif have sudo; then
        sudo -n "$@"
    else
        return 1
    fi
}

# install_packages PACKAGE...: installs Debian packages. Returns 1 if it can't.
install_packages() {
    if ! have apt-get; then
        say "apt-get not found; install these yourself: $*"
        return 1
    fi
    say "installing Debian packages: $*"
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2; then
        say "could not update the package lists (needs root, or sudo without a password)"
        return 1
    fi
    if ! as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2; then
        say "could not install: $*"
        return 1
    fi
}

# find_program NAME: prints the path of a program. Searches PATH, then the folders of Debian's servers.
find_program() {
    local candidate newest=""
    if command -v "$1" 2>/dev/null; then
        return 0
    fi
    for candidate in "/usr/sbin/$1" "/usr/local/sbin/$1" /usr/lib/postgresql/*/bin/"$1"; do
        [[ -x "$candidate" ]] && newest="$candidate"
    done
    [[ -n "$newest" ]] && printf '%s\n' "$newest"
}

# interpreter VERSION (3.11): prints the real path of a CPython of that version, or returns 1.
# Each candidate has to run: version managers install commands of that name that only print an error.
interpreter() {
    local candidate found
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/"python$1" python3; do
        found="$("$candidate" -I -c '
import sys
if "%d.%d" % sys.version_info[:2] == sys.argv[1] and sys.implementation.name == "cpython":
    print(sys.executable)
' "$1" 2>/dev/null)" || continue
        if [[ -n "$found" ]]; then
            printf '%s\n' "$found"
            return 0
        fi
    done
    return 1
}

# ensure_venv FOLDER INTERPRETER REQUIREMENT...: creates the virtual environment, unless it exists with exactly these
# requirements.
ensure_venv() {
    local folder="$1" python="$2" stamp version
    shift 2
    version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    # The stamp contains the folder: the commands of an environment contain its path and break if it is moved.
    stamp="$folder: python $version, $*"
    if [[ -x "$folder/bin/python" && "$(cat "$folder/.requirements" 2>/dev/null)" == "$stamp" ]]; then
        return 0
    fi
    # Debian's python3 lacks the module that installs pip in an environment.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages "python$version-venv" || true
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            die "\`$python\` can't create virtual environments: install python$version-venv"
    fi
    say "preparing ${folder##*/}: $*"
    rm -rf "$folder"
    "$python" -m venv "$folder" >&2
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" \
        </dev/null >&2
    printf '%s\n' "$stamp" >"$folder/.requirements"
}

is_debian() { grep -qsx 'ID=debian' /etc/os-release; }

# find_chromium: prints the path of a Chromium that runs, or returns 1. Ignores commands that start a snap: in a
# container a snap does not start, and elsewhere it can only read the user's own folder.
find_chromium() {
    local name path
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        path="$(command -v "$name")" || continue
        [[ "$(readlink -f "$path")" == *snap* ]] && continue
        [[ "$(head -c 2 "$path")" == '#!' ]] && grep -q /snap/ "$path" && continue
        timeout 30 "$path" --version >/dev/null 2>&1 || continue
        printf '%s\n' "$path"
        return 0
    done
    return 1
}

# playwright_chromium PYTHON FOLDER: prints the path of Playwright's own Chromium in the folder, or returns 1. Downloads
# it first if necessary, and installs its libraries.
playwright_chromium() {
    local python="$1" folder="$2" found
    local -a names=(-name headless_shell -o -name chrome-headless-shell)
    found="$(find "$folder" -type f \( "${names[@]}" \) -print -quit 2>/dev/null)" || true
    if [[ -z "$found" ]]; then
        say "downloading Playwright's Chromium"
        as_root env DEBIAN_FRONTEND=noninteractive "$python" -m playwright install-deps chromium </dev/null >&2 ||
            say "could not install the libraries of Chromium"
        PLAYWRIGHT_BROWSERS_PATH="$folder" "$python" -m playwright install --only-shell chromium </dev/null >&2 || return 1
        found="$(find "$folder" -type f \( "${names[@]}" \) -print -quit)" || true
    fi
    timeout 30 "$found" --version >/dev/null 2>&1 || return 1
    printf '%s\n' "$found"
}
