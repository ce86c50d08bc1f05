#!/usr/bin/env bash
# Trained on synthetic knees alone, graded on real ones: seeds, number of images, and what is switched off in the generator.
# Writes one CSV row a grader.
#
#   scripts/experiments/synthetic_only.sh --real DIR [--weights FILE] [--seeds "0 1 2"] [--only NAME] [--threads N]
#                                         [--out DIR] [--csv FILE]
#
#   --real DIR      Mendeley layout: split/grade/SUBJECTSIDE.png with train and val parts
#   --weights FILE  ImageNet MobileNetV2 (default ../shared/weights/mobilenet_v2_imagenet.safetensors)
#   --only NAME     all (default), pair, uneven_detail, 1000_images, no_texture, no_scatter, no_osteophytes, one_exposure, one_position, femur_stays,
#                   one_alignment or narrowing_and_lips_only
#   --out DIR       default runs/worth, shared with pretrain.sh and best_grader.sh; a finished run is kept, a killed one goes on
#   --csv FILE      default docs/results/synthetic_only.csv; rows of runs that --out lacks are kept
#
# configs/generate/transfer.yaml draws the knees, configs/train/synthetic_only.yaml trains. pair: the mean probabilities of a
# network at 128 px and one at 160 px, for every seed; the sets with parts switched off: one network at 128 px, the first two
# seeds. All was settled on the real train part. match_prevalence.py then sets the cut points between grades by *unlabelled*
# real training films. Val is graded once a run, at the last epoch.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

real=
weights=../shared/weights/mobilenet_v2_imagenet.safetensors
seeds="0 1 2"
only=all
threads=0
out=runs/worth
csv=docs/results/synthetic_only.csv
take_options "real weights seeds only threads out csv" "$@"
case " all pair uneven_detail 1000_images no_texture no_scatter no_osteophytes one_exposure one_position femur_stays one_alignment narrowing_and_lips_only " in
  *" $only "*) ;;
  *) fail "--only $only is no set of this script; see --help" ;;
esac
. scripts/experiments/runs.sh

# predict_both NAME RUN...: predictions of the real train and val parts under NAME_train and NAME_val.
predict_both() {
  local name=$1 part
  shift
  for part in train val; do
    report "$out/${name}_$part" $part "${@/%//last}" -- --bootstrap 0
  done
}

# NAME PER_GRADE EPOCHS [generate options]: one network at 128 px, on knees whose detail follows the film's contrast: the parts
# were switched off one by one before transfer.yaml had even detail, itself one of them.
set_of() {
  local name=$1 per_grade=$2 epochs=$3 seed
  shift 3
  [ "$only" = all ] || [ "$only" = "$name" ] || return 0
  synthetic_shards "$name" configs/generate/transfer.yaml "$per_grade" --set display.detail_constancy=0 \
    --set display.detail_evenness=0 "$@"
  for seed in $(echo "$seeds" | cut -d' ' -f1-2); do
    run "only_${name}_seed$seed" --config configs/train/synthetic_only.yaml --init "$weights" --set seed="$seed" --epochs "$epochs"
    predict_both "only_${name}_seed$seed" "$out/only_${name}_seed$seed"
  done
}

if [ "$only" = all ] || [ "$only" = pair ]; then
  synthetic_shards synthetic configs/generate/transfer.yaml 1000
  for seed in $seeds; do
    run "imagenet_synthetic_seed$seed" --config configs/train/synthetic_only.yaml --init "$weights" --set seed="$seed"
    run "imagenet_synthetic_160_seed$seed" --config configs/train/synthetic_only.yaml --init "$weights" --set seed="$seed" \
      --set data.size_px=160
    predict_both "only_pair_seed$seed" "$out/imagenet_synthetic_seed$seed" "$out/imagenet_synthetic_160_seed$seed"
    predict_both "only_5000_images_seed$seed" "$out/imagenet_synthetic_seed$seed"
  done
fi
set_of uneven_detail 1000 2
set_of 1000_images 200 10
set_of no_texture 1000 2 --set trabecular.amplitude=0
set_of no_scatter 1000 2 --set detector.scatter_to_primary_mean=0 --set detector.scatter_to_primary_sd=0
as_planned=yes set_of no_osteophytes 1000 2 --set dials.osteophyte_fm_mm=0 --set dials.osteophyte_fl_mm=0 \
  --set dials.osteophyte_tm_mm=0 --set dials.osteophyte_tl_mm=0
set_of one_exposure 1000 2 --set 'display.film_mean_grey=[156,156,156,156,156,156,156,156,156]' \
  --set 'display.film_sd_grey=[36,36,36,36,36,36,36,36,36]' --set display.curve_steepness_sigma=0 --set display.curve_centre_sd=0 \
  --set display.edge_gain_sd=0 --set display.range_compression_sd=0
set_of one_position 1000 2 --set positioning.femur_fill_sd=0 --set positioning.joint_line_row_sd=0 \
  --set positioning.centre_shift_sd=0 --set positioning.tilt_sd_deg=0 --set positioning.axial_rotation_sd_deg=0 \
  --set positioning.rim_angle_sd_deg=0
set_of femur_stays 1000 2 --set disease.moves_femur=false
set_of one_alignment 1000 2 --set dials.arithmetic_hka_deg=0 --set dials.lateral_shift_mm=1.8
set_of narrowing_and_lips_only 1000 2 --set 'disease.sclerosis=[0,0,0,0,0]' --set 'disease.cyst=[0,0,0,0,0]' \
  --set 'disease.attrition=[0,0,0,0,0]' --set 'disease.spine_sharpening=[0,0,0,0,0]'
scripts/experiments/match_prevalence.py "$out" --csv "$csv"
