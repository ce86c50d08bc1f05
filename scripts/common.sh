# Sourced by the other scripts: where things are, and how LibTorch is found.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
build=${GENU_BUILD:-build/release} # where another build lies
genu=$build/genu

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'genu: error: %s\n' "$*" >&2
  exit 1
}

# Folder for CMAKE_PREFIX_PATH that holds LibTorch's CMake files; empty where there is none.
torch_cmake_path() {
  if [ -n "${TORCH_PREFIX:-}" ]; then
    printf '%s' "$TORCH_PREFIX"
  elif [ -x .venv/bin/python ]; then
    .venv/bin/python -c 'import warnings; warnings.simplefilter("ignore"); import torch; print(torch.utils.cmake_prefix_path)' 2>/dev/null || true
  fi
}

configure_release() {
  local torch
  torch=$(torch_cmake_path)
  [ -n "$torch" ] || fail "LibTorch is missing; run scripts/setup.sh, or set TORCH_PREFIX=/path/to/libtorch (2.6 or newer)"
  cmake --preset release -DCMAKE_PREFIX_PATH="$torch" >build/configure.log 2>&1 || {
    tail -n 20 build/configure.log >&2
    fail "CMake could not configure; the whole log is build/configure.log"
  }
}
