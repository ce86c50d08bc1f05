#!/usr/bin/env bash
# What synthetic knees are worth to a grader of real ones: MobileNetV2 from four starts and the compact network from two,
# fine-tuned alike on a share of the real train subjects, graded on the real val part. Writes one CSV row a run.
#
#   scripts/experiments/pretrain.sh --real DIR [--weights FILE] [--seeds "0 1 2"] [--shares "0.01 0.05 0.1 1"]
#                                   [--starts "..."] [--threads N] [--out DIR] [--csv FILE]
#
#   --real DIR      Mendeley layout: split/grade/SUBJECTSIDE.png with train and val parts
#   --weights FILE  ImageNet MobileNetV2 (default ../shared/weights/mobilenet_v2_imagenet.safetensors)
#   --starts "..."  scratch, synthetic, imagenet, imagenet_synthetic, compact_scratch, compact_synthetic; all by default
#   --out DIR       default runs/worth, shared with best_grader.sh and synthetic_only.sh; a finished run is kept, a killed one goes on
#   --csv FILE      default docs/results/pretraining.csv; rows of runs that --out lacks are kept
#
# synthetic: from random weights on 5,000 synthetic knees; imagenet_synthetic: from ImageNet's on the same
# (configs/train/synthetic_only.yaml). compact_*: compact_resnet in place of MobileNetV2. A seed draws weights, order, augmentation and the share of the subjects. Nothing is
# chosen on val: every run is graded at its last epoch.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

real=
weights=../shared/weights/mobilenet_v2_imagenet.safetensors
seeds="0 1 2"
shares="0.01 0.05 0.1 1"
starts="scratch synthetic imagenet imagenet_synthetic compact_scratch compact_synthetic"
threads=0
out=runs/worth
csv=docs/results/pretraining.csv
take_options "real weights seeds shares starts threads out csv" "$@"
. scripts/experiments/runs.sh

# Steps of 32: about 160, 300, 380 and 720.
epochs_of() {
  case "$1" in
    0.01) echo 80 ;;
    0.05) echo 30 ;;
    0.1) echo 20 ;;
    1) echo 4 ;;
    *) fail "--shares: $1 is none of 0.01 0.05 0.1 1" ;;
  esac
}

synthetic_shards synthetic configs/generate/transfer.yaml 1000
for seed in $seeds; do
  for start in $starts; do
    init=() network=()
    case "$start" in compact_*) network=(--set model.name=compact_resnet) ;; esac
    case "$start" in
      imagenet) init=(--init "$weights") ;;
      synthetic | compact_synthetic)
        run "${start}_seed$seed" --config configs/train/synthetic_only.yaml "${network[@]}" --epochs 5 --set seed="$seed"
        init=(--init "$out/${start}_seed$seed/last/model.safetensors")
        ;;
      imagenet_synthetic)
        run "imagenet_synthetic_seed$seed" --config configs/train/synthetic_only.yaml --init "$weights" --set seed="$seed"
        init=(--init "$out/imagenet_synthetic_seed$seed/last/model.safetensors")
        ;;
      scratch | compact_scratch) ;;
      *) fail "--starts: $start is none of scratch synthetic imagenet imagenet_synthetic compact_scratch compact_synthetic" ;;
    esac
    for share in $shares; do
      run "${start}_share${share}_seed$seed" --config configs/train/few_knees.yaml "${network[@]}" "${init[@]}" --set seed="$seed" \
        --set data.real_subject_share="$share" --epochs "$(epochs_of "$share")"
      grade "${start}_share${share}_seed$seed"
    done
  done
done
scripts/experiments/collect.py "$out" --csv "$csv" --pattern '(?P<start>[a-z_]+)_share(?P<share>[0-9.]+)_seed(?P<seed>[0-9]+)'
