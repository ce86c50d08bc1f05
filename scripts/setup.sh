#!/usr/bin/env bash
# Sets genu up on a bare Debian 12 machine and runs its main job: 1,510 synthetic knees, shards, a short training run
# and its report. May be run again: dataset and shards are kept where they are what would be made now; the training run is
# made anew.
#
#   scripts/setup.sh [--real DIR] [--no-run]
#
#   --real DIR   merge a folder of real knees (Mendeley layout: split/grade/SUBJECTSIDE.png) into the shards
#   --no-run     install and build only
#   TORCH_PREFIX=/path/to/libtorch   use that LibTorch (2.6 or newer) in place of the torch wheel in .venv
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

real=
run=yes
while [ $# -gt 0 ]; do
  case "$1" in
    --real)
      [ $# -ge 2 ] || fail "--real needs a folder"
      real=$(path_of "$2")
      shift 2
      ;;
    --no-run)
      run=no
      shift
      ;;
    -h | --help)
      sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) fail "unknown option $1; see scripts/setup.sh --help" ;;
  esac
done
for part in train val; do
  [ -z "$real" ] || [ -d "$real/$part" ] || fail "$real has no $part folder; --real needs split/grade/SUBJECTSIDE.png"
done

packages=(
  build-essential cmake ninja-build ccache pkg-config git python3 python3-venv
  libopencv-dev libcairo2-dev fonts-dejavu-core libhdf5-dev libtbb-dev libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev
  nlohmann-json3-dev libssl-dev libisal-dev libdeflate-dev libspng-dev libdcmtk-dev libboost-dev libgtest-dev libbenchmark-dev
  python3-h5py python3-numpy dcmtk # the tests open shards from Python and compress DICOM
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "Debian packages are missing and neither root nor sudo is at hand; install: ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
else
  say "Debian packages: all ${#packages[@]} are installed"
fi

if [ -n "${TORCH_PREFIX:-}" ]; then
  [ -d "$TORCH_PREFIX" ] || fail "TORCH_PREFIX=$TORCH_PREFIX is no folder; unpack LibTorch 2.6 or newer there"
  say "LibTorch: $TORCH_PREFIX"
elif [ -n "$(torch_cmake_path)" ]; then
  say "LibTorch: the torch wheel in .venv"
else
  say "LibTorch: installing torch==2.13.0 into .venv"
  /usr/bin/python3 -m venv .venv
  # Where the package index offers a CPU build (2.13.0+cpu), pip prefers it to the larger one.
  .venv/bin/pip install --quiet torch==2.13.0 ||
    fail "pip cannot install torch==2.13.0; unpack LibTorch (2.6 or newer) and set TORCH_PREFIX=/path/to/libtorch"
  [ -n "$(torch_cmake_path)" ] || fail "the torch wheel in .venv does not load; remove .venv and try again"
fi

say "building $genu"
mkdir -p build
configure_release
cmake --build --preset release --target genu
[ "$run" = yes ] || exit 0

data=datasets/synthetic_1510
say "generating $data"
$genu generate --config configs/generate/synthetic_1510.yaml --out $data --resume

shards=runs/shards
sources=(--synthetic $data)
shard_config=configs/shard/synthetic.yaml
split=test
if [ -n "$real" ]; then
  shards=runs/shards_merged
  sources+=(--mendeley "$real")
  shard_config=configs/shard/merged.yaml
  split=val
fi
say "packing $shards"
[ ! -f $shards/shards.json ] || sources+=(--check)
$genu shard --config $shard_config "${sources[@]}" --out $shards

say "training runs/quick (a few minutes on two cores)"
rm -rf runs/quick
$genu train --config configs/train/synthetic_quick.yaml --shards $shards --out runs/quick

say "report on the $split part of $shards"
$genu evaluate --checkpoint runs/quick --shards $shards --split $split --out runs/quick/report
say "done: open $data/contact_sheet.png; read runs/quick/report; then scripts/test.sh"
