# Sourced by the other scripts: where things are, and how LibTorch is found.
set -euo pipefail
script=$(realpath "$0")
caller=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# Paths are given as seen from where the script was called, and read from here.
path_of() { (cd "$caller" && realpath -m --relative-base="$root" -- "$1"); }
if [ -n "${GENU:-}" ]; then
  GENU=$(path_of "$GENU")
  export GENU
fi
build=build/release
genu=$build/genu

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'genu: error: %s\n' "$*" >&2
  exit 1
}

# take_options "NAME ..." ARGUMENTS: every option takes a value, which goes into the variable of its name; of
# those that are paths, path_of(). --help prints the script's first comment.
take_options() {
  local names=" $1 "
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      -h | --help)
        sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$script"
        exit 0
        ;;
      --?*) [[ "$names" == *" ${1#--} "* ]] || fail "unknown option $1; see $0 --help" ;;
      *) fail "'$1' is no option; see $0 --help" ;;
    esac
    [ $# -ge 2 ] || fail "$1 needs a value"
    case "$1" in
      --real | --weights | --checkpoint | --out | --csv | --work | --peers) printf -v "${1#--}" '%s' "$(path_of "$2")" ;;
      *) printf -v "${1#--}" '%s' "$2" ;;
    esac
    shift 2
  done
}

need_genu() { [ -x "$genu" ] || fail "no $genu; run scripts/setup.sh --no-run first"; }

# $work becomes a scratch folder: the one that --work names, or a fresh one that is removed at the end.
work=
make_work() {
  if [ -n "$work" ]; then
    mkdir -p "$work"
  else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
  fi
}

# Wall seconds of a command whose output goes to $work/log; its greatest resident memory in MB, children included, goes to
# $work/peak_mb.
seconds_of() {
  /usr/bin/python3 - "$work" "$@" <<'PYTHON' || {
import resource, subprocess, sys, time
work, command = sys.argv[1], sys.argv[2:]
with open(work + "/log", "w") as log:
    start = time.perf_counter()
    done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT)
    seconds = time.perf_counter() - start
with open(work + "/peak_mb", "w") as peak:
    print(round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024), file=peak)
print(f"{seconds:.3f}")
sys.exit(done.returncode)
PYTHON
    cat "$work/log" >&2
    fail "failed: $*"
  }
}
peak_mb() { cat "$work/peak_mb"; }

# killed_within MILLISECONDS COMMAND...: true if SIGKILL, at a random moment of that span, met the command; false if it
# had finished before. An end that is neither is the command's own fault.
killed_within() {
  local seconds status=0
  seconds=$(awk -v ms="$1" -v r="$RANDOM" 'BEGIN { printf "%.3f", 0.001 + ms * r / 32768 / 1000 }') # 0 would be no limit
  shift
  # In the foreground timeout waits for the command's end, so that no lock is still held.
  { timeout --foreground --signal=KILL "$seconds" "$@" >/dev/null 2>"$work/log" || status=$?; } 2>/dev/null
  [ $status -ne 0 ] || return 1
  [ $status -eq 137 ] || fail "ended with $status: $* ($(cat "$work/log"))"
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
