#!/usr/bin/env bash
# A candidate for models/: MobileNetV2 from ImageNet by way of synthetic knees to the real train part at 224 px; each seed alone,
# and their ensemble with flip averaging, on the real val part.
#
#   scripts/experiments/best_grader.sh --real DIR [--weights FILE] [--seeds "0 1 2"] [--threads N] [--out DIR] [--csv FILE]
#
#   --real DIR      Mendeley layout: split/grade/SUBJECTSIDE.png with train and val parts
#   --weights FILE  ImageNet MobileNetV2 (default ../shared/weights/mobilenet_v2_imagenet.safetensors)
#   --out DIR       default runs/worth, shared with pretrain.sh and synthetic_only.sh; a finished run is kept, a killed one goes on
#   --csv FILE      default docs/results/best_grader.csv
#
# The epoch is chosen on val by quadratic kappa, so the val figures flatter a little.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

real=
weights=../shared/weights/mobilenet_v2_imagenet.safetensors
seeds="0 1 2"
threads=0
out=runs/worth
csv=docs/results/best_grader.csv
take_options "real weights seeds threads out csv" "$@"
. scripts/experiments/runs.sh

synthetic_shards synthetic configs/generate/transfer.yaml 1000
ensemble=()
for seed in $seeds; do
  run "imagenet_synthetic_seed$seed" --config configs/train/synthetic_only.yaml --init "$weights" --set seed="$seed"
  run "single_seed$seed" --config configs/train/best_grader.yaml --init "$out/imagenet_synthetic_seed$seed/last/model.safetensors" \
    --set seed="$seed"
  grade "single_seed$seed" val best
  ensemble+=(--checkpoint "$out/single_seed$seed/best")
done
if [ ${#ensemble[@]} -gt 2 ]; then
  rm -rf "$out/ensemble_seed0_report"
  $genu evaluate --quiet --threads "$threads" "${ensemble[@]}" --shards "$shards" --split val --source real \
    --out "$out/ensemble_seed0_report" >"$out/ensemble_seed0_report.log"
fi
scripts/experiments/collect.py "$out" --csv "$csv" --pattern '(?P<grader>single|ensemble)_seed(?P<seed>[0-9]+)'
