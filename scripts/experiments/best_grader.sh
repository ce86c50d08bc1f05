#!/usr/bin/env bash
# The best graders two cores train: each seed alone and their ensemble, flips averaged, on the real val part.
#   single    MobileNetV2 from ImageNet on all real knees, the joint's band of rows at 320 px (configs/train/best_grader.yaml)
#   taught    the same network and start, 20 epochs, by the labels and by what the single ones' ensemble says of the training knees
#   transfer  as single, but after synthetic knees (the same band, configs/train/synthetic_only.yaml)
#   compact   the compact network without ImageNet: synthetic knees (the band at 224 px), then all real ones (at 288 px)
#
#   scripts/experiments/best_grader.sh --real DIR [--weights FILE] [--seeds "0 1 2"] [--students "0"] [--graders "..."] [--threads N]
#                                      [--out DIR] [--csv FILE]
#
#   --real DIR      Mendeley layout: split/grade/SUBJECTSIDE.png with train and val parts
#   --weights FILE  ImageNet MobileNetV2 (default ../shared/weights/mobilenet_v2_imagenet.safetensors)
#   --graders "..." single, taught, transfer, all (the mean of these three kinds), compact; every one by default
#   --seeds         of the single ones, which teach the taught ones together and are run where --out lacks them
#   --students      seeds of the other kinds
#   --out DIR       default runs/worth, shared with pretrain.sh and synthetic_only.sh; a finished run is kept, a killed one goes on
#   --csv FILE      default docs/results/best_grader.csv; rows of runs that --out lacks are kept
#
# The epoch is chosen on val by quadratic kappa, so the val figures flatter a little. Of the taught one an exported copy ships:
#   genu export --checkpoint runs/worth/taught_band_seed0 --shards runs/worth/shards_synthetic --out runs/shipped
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

real=
weights=../shared/weights/mobilenet_v2_imagenet.safetensors
seeds="0 1 2"
students=0
graders="single taught transfer all compact"
threads=0
out=runs/worth
csv=docs/results/best_grader.csv
take_options "real weights seeds students graders threads out csv" "$@"
. scripts/experiments/runs.sh

train_grader() { # NAME SEED
  local band=(--set data.rows.first=0.3 --set data.rows.last=0.85) compact=(--set model.name=compact_resnet --set seed="$2")
  case "$1" in
    single) run "single_band_seed$2" --config configs/train/best_grader.yaml --init "$weights" --set seed="$2" ;;
    taught)
      run "taught_band_seed$2" --config configs/train/best_grader.yaml --init "$weights" --set seed="$2" --epochs 20 \
        --set teacher.predictions="$out/teacher/predictions.csv" --set teacher.weight=0.7
      ;;
    transfer)
      run "transfer_band_synthetic_seed$2" --config configs/train/synthetic_only.yaml "${band[@]}" --set data.size_px=320 \
        --init "$weights" --set seed="$2"
      run "transfer_band_seed$2" --config configs/train/best_grader.yaml --set seed="$2" --set init.head=must_match \
        --init "$out/transfer_band_synthetic_seed$2/last/model.safetensors"
      ;;
    compact)
      run "compact_band_synthetic_seed$2" --config configs/train/synthetic_only.yaml "${compact[@]}" "${band[@]}" \
        --set data.size_px=224 --epochs 5
      run "compact_band_seed$2" --config configs/train/best_grader.yaml "${compact[@]}" --set data.size_px=288 --epochs 20 \
        --set optimiser.learning_rate=0.001 --set init.head=must_match \
        --init "$out/compact_band_synthetic_seed$2/last/model.safetensors"
      ;;
    *) fail "--graders: $1 is none of single, taught, transfer, all, compact" ;;
  esac
}

of_seeds() { if [ "$1" = single ]; then echo "$seeds"; else echo "$students"; fi; }

# train_graders NAME SEEDS: leaves their checkpoints in $ensemble.
train_graders() {
  local seed
  ensemble=()
  for seed in $2; do
    train_grader "$1" "$seed"
    grade "$1_band_seed$seed" best
    ensemble+=("$out/$1_band_seed$seed/best")
  done
  [ ${#ensemble[@]} -lt 2 ] || report "$out/$1_ensemble_seed0_report" val "${ensemble[@]}"
}

synthetic_shards synthetic configs/generate/transfer.yaml 1000
for name in $graders; do
  if [ "$name" = taught ]; then
    train_graders single "$seeds"
    report "$out/teacher" train "${ensemble[@]}" -- --bootstrap 0
    train_graders taught "$(of_seeds taught)"
  elif [ "$name" = all ]; then
    together=()
    for one in single taught transfer; do
      train_graders "$one" "$(of_seeds "$one")"
      together+=("${ensemble[@]}")
    done
    report "$out/all_ensemble_seed0_report" val "${together[@]}"
  else
    train_graders "$name" "$(of_seeds "$name")"
  fi
done
scripts/experiments/collect.py "$out" --csv "$csv" --pattern '(?P<grader>(single|taught|transfer|all|compact)_(band|ensemble))_seed(?P<seed>[0-9]+)'
