#!/usr/bin/env bash
# What helps a grader trained on imbalanced films: loss, sampling, or synthetic knees. MobileNetV2 from ImageNet, one thing changed at
# a time, on a share of the real train subjects; graded on the real val part. Writes one CSV row a run.
#
#   scripts/experiments/imbalance.sh --real DIR [--weights FILE] [--seeds "0 1 2"] [--shares "0.1 1"] [--cells "..."]
#                                    [--threads N] [--out DIR] [--csv FILE]
#
#   --real DIR      Mendeley layout: split/grade/SUBJECTSIDE.png with train and val parts
#   --weights FILE  ImageNet MobileNetV2 (default ../shared/weights/mobilenet_v2_imagenet.safetensors)
#   --cells "..."   names of the table below; all by default
#   --out DIR       default runs/worth, shared with pretrain.sh; a finished run is kept, a killed one goes on
#   --csv FILE      default docs/results/imbalance.csv; rows of runs that --out lacks are kept
#
# Every run of a share shows as many pictures, so that one with synthetic knees shows each real one less often. Nothing is chosen
# on val: every run is graded at its last epoch.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

real=
weights=../shared/weights/mobilenet_v2_imagenet.safetensors
seeds="0 1 2"
shares="0.1 1"
cells="cross_entropy focal soft_ordinal corn class_balanced effective_number square_root focal_balanced severe_knees all_knees"
threads=0
out=runs/worth
csv=docs/results/imbalance.csv
take_options "real weights seeds shares cells threads out csv" "$@"
. scripts/experiments/runs.sh

# Synthetic knees that bring grades 3 and 4 to what grade 2 has, and as many knees of all grades as there are real ones.
# They were measured with detail that follows the film's contrast, as transfer.yaml had it then.
uneven=(--set display.detail_constancy=0 --set display.detail_evenness=0)
synthetic_of() { # CELL SHARE
  case "$1_$2" in
    severe_knees_1) synthetic_shards severe_share1 configs/generate/transfer.yaml 420 "${uneven[@]}" --set 'cohort.grade_weights=[0,0,0,36,64]' ;;
    all_knees_0.1) synthetic_shards all_share0.1 configs/generate/transfer.yaml 116 "${uneven[@]}" ;;
    all_knees_1) synthetic_shards all_share1 configs/generate/transfer.yaml 1156 "${uneven[@]}" ;;
    # severe_knees_0.1, and the cells that take the real films alone from any shards.
    *) synthetic_shards severe_share0.1 configs/generate/transfer.yaml 42 "${uneven[@]}" --set 'cohort.grade_weights=[0,0,0,36,64]' ;;
  esac
}

# Epochs of about 11,560 pictures (10 % of the subjects) or 23,100 (all).
epochs_of() { # CELL SHARE
  case "$1_$2" in
    severe_knees_0.1) echo 15 ;;
    all_knees_0.1) echo 10 ;;
    *_0.1) echo 20 ;;
    severe_knees_1) echo 3 ;;
    all_knees_1) echo 2 ;;
    *_1) echo 4 ;;
    *) fail "--shares: $2 is neither 0.1 nor 1" ;;
  esac
}

options_of() { # CELL: what departs from cross-entropy, every knee as it comes, real films alone
  case "$1" in
    cross_entropy) ;;
    focal) echo "--set loss.kind=focal --set loss.gamma=2" ;;
    soft_ordinal) echo "--set loss.kind=soft_ordinal --set loss.sharpness=2 --set loss.label_smoothing=0" ;;
    corn) echo "--set loss.kind=corn --set model.head=ordinal --set loss.label_smoothing=0" ;;
    class_balanced | effective_number | square_root) echo "--set data.sampling=$1" ;;
    focal_balanced) echo "--set loss.kind=focal --set loss.gamma=2 --set data.sampling=class_balanced" ;;
    severe_knees | all_knees) echo "--set data.source=all" ;;
    *) fail "--cells: $1 is none of the table" ;;
  esac
}

for seed in $seeds; do
  for share in $shares; do
    for cell in $cells; do
      epochs=$(epochs_of "$cell" "$share") options=$(options_of "$cell")
      synthetic_of "$cell" "$share"
      # shellcheck disable=SC2086 # the options are words
      run "imbalance_${cell}_of${share}_seed$seed" --config configs/train/few_knees.yaml --init "$weights" --set data.sampling=as_is \
        $options --set seed="$seed" --set data.real_subject_share="$share" --epochs "$epochs"
      grade "imbalance_${cell}_of${share}_seed$seed"
    done
  done
done
scripts/experiments/collect.py "$out" --csv "$csv" --pattern 'imbalance_(?P<cell>[a-z_]+)_of(?P<share>[0-9.]+)_seed(?P<seed>[0-9]+)'
