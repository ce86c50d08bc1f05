#!/usr/bin/env bash
# Measures genu beside the Python programs a user would write today, one after the other in one session, and prints a
# Markdown table of rates and ratios.
#
#   scripts/measure_rates.sh --real DIR --peers DIR [--threads N]
#
#   --real DIR    Mendeley layout (the train part is packed)
#   --peers DIR   pillow_generator.py and torch_pipeline.py; they need Debian's python3-torchvision python3-h5py python3-pil
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

real=../shared/data/mendeley
peers=../shared/peers
threads=2
while [ $# -gt 0 ]; do
  case "$1" in
    --real | --peers | --threads)
      [ $# -ge 2 ] || fail "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    *) fail "unknown option $1" ;;
  esac
done
[ -d "$real/train" ] || fail "$real has no train folder"
[ -f "$peers/torch_pipeline.py" ] || fail "$peers has no torch_pipeline.py"
/usr/bin/python3 -c 'import torchvision, h5py, PIL' 2>/dev/null ||
  fail "the peers need Debian's python3-torchvision python3-h5py python3-pil"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# Wall seconds of a command whose output goes to $work/log.
seconds_of() {
  local start end
  start=$(date +%s.%N)
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "failed: $*"
  }
  end=$(date +%s.%N)
  awk -v a="$start" -v b="$end" 'BEGIN { print b - a }'
}
rate() { awk -v n="$1" -v s="$2" 'BEGIN { printf "%.0f", n / s }'; }
row() { awk -v name="$1" -v ours="$2" -v peer="$3" 'BEGIN { printf "| %s | %s | %s | %.2f |\n", name, ours, peer, ours / peer }'; }
peer_rate() { grep -oE '[0-9.]+ img/s' "$work/log" | tail -n 1 | grep -oE '^[0-9]+'; }

images=$(find "$real/train" -name '*.png' | wc -l)
cat $(find "$real/train" -name '*.png') >/dev/null # warm the page cache for both sides

generate=$(rate 1510 "$(seconds_of $genu generate --quiet --threads "$threads" --out "$work/synthetic")")
seconds_of /usr/bin/python3 "$peers/pillow_generator.py" "$work/pillow" "$threads" >/dev/null
generate_peer=$(peer_rate)

shard=$(rate "$images" "$(seconds_of $genu shard --quiet --threads "$threads" --mendeley "$real" --set sources=[] --out "$work/shards")")
seconds_of /usr/bin/python3 "$peers/torch_pipeline.py" shard "$real/train" "$work/peer.h5" >/dev/null
shard_peer=$(peer_rate)

seconds_of /usr/bin/python3 "$peers/torch_pipeline.py" loadh5 "$work/peer.h5" "$threads" >/dev/null
load_peer=$(peer_rate)

printf '| work, %s threads | genu, images/s | peer, images/s | ratio |\n|---|---|---|---|\n' "$threads"
row "1,510 images 224 px with masks, manifest, contact sheet, from start to end" "$generate" "$generate_peer"
row "shards from the real train part, with split proof and checksums" "$shard" "$shard_peer"
echo "loader peer: $load_peer images/s; ours: build with -DGENU_BENCH=ON and run loader_bench on any shards"
