#!/usr/bin/env bash
# Measures genu beside the Python programs a user would write today, one after the other, and prints a
# Markdown table of rates and ratios.
#
#   scripts/measure_rates.sh --real DIR --peers DIR [--threads N] [--only WORK]
#
#   --real DIR    Mendeley layout
#   --only WORK   generate, data (packing, batches, raw read), train or all (default)
#   --peers DIR   pillow_generator.py and torch_pipeline.py; they need Debian's python3-torchvision python3-h5py python3-pil
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

real=../shared/data/mendeley
peers=../shared/peers
threads=2
only=all
take_options "real peers threads only" "$@"
case "$only" in
  all | generate | data | train) ;;
  *) fail "--only $only is unknown; it must be generate, data, train or all" ;;
esac
[ -d "$real/train" ] || fail "$real has no train folder"
[ -f "$peers/torch_pipeline.py" ] || fail "$peers has no torch_pipeline.py"
/usr/bin/python3 -c 'import torchvision, h5py, PIL' 2>/dev/null ||
  fail "the peers need Debian's python3-torchvision python3-h5py python3-pil"

make_work
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

rate() { awk -v n="$1" -v s="$2" 'BEGIN { printf n / s < 100 ? "%.1f" : "%.0f", n / s }'; }
row() { # NAME OURS PEER OUR_MB PEER_MB
  awk -v name="$1" -v ours="$2" -v peer="$3" -v mb="$4" -v peer_mb="$5" \
    'BEGIN { printf "| %s | %s | %s | %.2f | %s | %s |\n", name, ours, peer, ours / peer, mb, peer_mb }'
}
peer_rate() { grep -oE '[0-9.]+ img/s' "$work/log" | tail -n 1 | grep -oE '^[0-9]+'; }

wanted() { [ "$only" = all ] || [ "$only" = "$1" ]; }
step_rate() { grep -oE '[0-9.]+ img/s' "$work/log" | tail -n 1 | grep -oE '^[0-9.]+'; }
loader_rate() { # NAME THREADS: items a second of one benchmark
  GENU_BENCH_SHARDS=$work/shards $build/loader_bench --benchmark_filter="^$1/$2/real_time" --benchmark_format=csv 2>/dev/null |
    awk -F, '/^"/ { printf "%.0f", $7 }'
}
pack_rate() { # THREADS: the median of three runs, images a second
  for _ in 1 2 3; do
    rm -rf "$work/shards"
    seconds=$(seconds_of $genu shard --quiet --json --threads "$1" --mendeley "$real" --set sources=[] --out "$work/shards")
    rate "$(grep -oE '"rows": [0-9]+' "$work/log" | grep -oE '[0-9]+')" "$seconds"
    echo
  done | sort -n | sed -n 2p
}

if wanted data || wanted train; then
  say "building the benchmarks" >&2
  configure_release
  cmake $build -DGENU_BENCH=ON >/dev/null
  cmake --build $build --target genu loader_bench train_step_bench >/dev/null
fi

printf '| work, %s threads | genu, images/s | peer, images/s | ratio | genu, MB | peer, MB |\n|---|---|---|---|---|---|\n' "$threads"
if wanted generate; then
  ours=$(rate 1510 "$(seconds_of $genu generate --quiet --threads "$threads" --out "$work/synthetic")")
  ours_mb=$(peak_mb)
  seconds_of /usr/bin/python3 "$peers/pillow_generator.py" "$work/pillow" "$threads" >/dev/null
  row "1,510 images 224 px with masks, manifest, contact sheet, from start to end" "$ours" "$(peer_rate)" "$ours_mb" "$(peak_mb)"
  ours=$(rate 510 "$(seconds_of $genu generate --quiet --threads "$threads" --set image_size_px=512 --set splits.train_per_grade=100 \
    --set splits.test_per_grade=0 --out "$work/synthetic_512")")
  printf '| 510 images of 512 px with the same | %s | - | - | %s | - |\n' "$ours" "$(peak_mb)"
fi

if wanted data; then
  cat $(find "$real" -name '*.png') >/dev/null # warm the page cache for both sides
  one=$(pack_rate 1)
  ours=$(pack_rate "$threads")
  ours_mb=$(peak_mb)
  seconds_of /usr/bin/python3 "$peers/torch_pipeline.py" shard "$real/train" "$work/peer.h5" >/dev/null
  row "shards from the real folder, with split proof and checksums, from start to end" "$ours" "$(peer_rate)" "$ours_mb" "$(peak_mb)"
  seconds_of /usr/bin/python3 "$peers/torch_pipeline.py" loadh5 "$work/peer.h5" "$threads" >/dev/null
  load_one=$(loader_rate AugmentedBatches 1)
  row "augmented, normalised 3 x 224 x 224 float batches" "$(loader_rate AugmentedBatches "$threads")" "$(peer_rate)" - "$(peak_mb)"
  printf '| raw cached read, checksummed, copied once | %s | - | - | - | - |\n' "$(loader_rate RawRead "$threads")"
  printf '| with one thread: shards | %s | | | | |\n| with one thread: batches | %s | | | | |\n' "$one" "$load_one"
  printf '| with one thread: raw cached read | %s | | | | |\n' "$(loader_rate RawRead 1)"
fi

wanted train || exit 0
unset OMP_NUM_THREADS OPENBLAS_NUM_THREADS
for model in mobilenet_v2 resnet_50 custom_cnn; do
  for precision in fp32 bf16; do
    seconds_of $build/train_step_bench $model --precision $precision --threads "$threads" --steps 15 >/dev/null
    ours=$(step_rate) ours_mb=$(peak_mb)
    seconds_of .venv/bin/python bench/train_step.py $model --precision $precision --threads "$threads" --steps 15 >/dev/null
    row "training step, $model, $precision, batch 32" "$ours" "$(step_rate)" "$ours_mb" "$(peak_mb)"
  done
done

# An epoch from pixels on the disk to updated weights, from the process's start to its end, fp32 on both sides: Debian's torch cannot
# train MobileNetV2 in bf16.
steps=60
[ -d "$work/shards" ] || $genu shard --quiet --mendeley "$real" --set sources=[] --out "$work/shards" >"$work/log"
ours=$(rate $((32 * steps)) "$(seconds_of $genu train --quiet --config configs/train/mobilenet_v2_real.yaml --epochs 1 --limit $((32 * steps)) \
  --threads "$threads" --set validation.split=none --set precision=fp32 --shards "$work/shards" --out "$work/epoch_run")")
ours_mb=$(peak_mb)
[ -f "$work/peer.h5" ] || /usr/bin/python3 "$peers/torch_pipeline.py" shard "$real/train" "$work/peer.h5" >"$work/log"
peer=$(rate $((32 * steps)) "$(seconds_of /usr/bin/python3 bench/train_epoch.py "$work/peer.h5" --threads "$threads" --workers "$threads" \
  --steps $steps)")
row "an epoch of MobileNetV2, fp32: start, loading and checkpoint included (the steps alone of the peer: $(step_rate))" "$ours" "$peer" "$ours_mb" "$(peak_mb)"
