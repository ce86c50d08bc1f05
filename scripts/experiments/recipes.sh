#!/usr/bin/env bash
# Runs the recipes that two cores finish, each from its file, and prints one row of scores for each.
#
#   scripts/experiments/recipes.sh --real DIR [--weights FILE] [--seed N] [--only NAME] [--out DIR]
#
#   --real DIR      Mendeley layout: split/grade/SUBJECTSIDE.png with train and val parts
#   --weights FILE  ImageNet MobileNetV2 (default ../shared/weights/mobilenet_v2_imagenet.safetensors)
#   --only NAME     lords_custom_cnn, lords_random_forest, lords_mobilenet_v2 or mobilenet_v2_real; all by default
#   --out DIR       default runs/recipes; runs that are there already are kept, a killed one goes on
#
# lords_*: 1,250 synthetic knees to train, 250 to test, the last epoch. mobilenet_v2_real: the real train part alone, ImageNet
# weights; its epoch is chosen on the real val part, which the row shows.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

real=
weights=../shared/weights/mobilenet_v2_imagenet.safetensors
seed=0
only=all
out=runs/recipes
take_options "real weights seed only out" "$@"
[ -d "$real/val" ] || fail "--real needs a folder split/grade/SUBJECTSIDE.png with train and val parts"
case "$only" in
  all | lords_custom_cnn | lords_random_forest | lords_mobilenet_v2 | mobilenet_v2_real) ;;
  *) fail "--only $only is no recipe of this script; see --help" ;;
esac
genu=${GENU:-$genu}
[ -x "$genu" ] || scripts/setup.sh --no-run
mkdir -p "$out"

$genu generate --quiet --config configs/generate/synthetic_1510.yaml --out "$out/synthetic" --resume >&2
pack() { # FOLDER OPTIONS...: packs it, or says whether it is what would be packed
  local check=()
  [ ! -f "$1/shards.json" ] || check=(--check)
  $genu shard --quiet "${check[@]}" "${@:2}" --synthetic "$out/synthetic" --out "$1" >&2
}
pack "$out/shards_synthetic" --config configs/shard/synthetic.yaml
pack "$out/shards_real" --config configs/shard/merged.yaml --mendeley "$real"

# NAME CONFIG SHARDS SPLIT [train options]
recipe() {
  local name=$1_seed$seed config=$2 shards=$3 split=$4
  [ "$only" = all ] || [ "$only" = "$1" ] || return 0
  shift 4
  if [ ! -f "$out/${name}_report/report.json" ]; then
    $genu train --quiet --resume --config "$config" --set seed="$seed" "$@" --shards "$shards" --out "$out/$name" >"$out/$name.log"
    $genu evaluate --quiet --checkpoint "$out/$name" --shards "$shards" --split "$split" --out "$out/${name}_report" >"$out/${name}_report.log"
  fi
  python3 - "$name" "$split" "$out/${name}_report/report.json" <<'PY'
import json, sys
report = json.load(open(sys.argv[3]))
score = lambda k: "%.3f [%.3f, %.3f]" % (report["scores"][k], *report["intervals"][k])
names = "accuracy", "balanced_accuracy", "macro_f1", "quadratic_kappa", "mean_absolute_error"
print("|", sys.argv[1], "|", sys.argv[2], "|", report["samples"], "|", " | ".join(map(score, names)), "|")
PY
}

echo "| recipe | graded | n | accuracy | balanced accuracy | macro F1 | quadratic kappa | MAE |"
echo "|---|---|---|---|---|---|---|---|"
seeds=configs/train/seeds
recipe lords_random_forest $seeds/lords_random_forest.yaml "$out/shards_synthetic" test
recipe lords_custom_cnn $seeds/lords_custom_cnn.yaml "$out/shards_synthetic" test
recipe lords_mobilenet_v2 $seeds/lords_mobilenet_v2.yaml "$out/shards_synthetic" test
recipe mobilenet_v2_real configs/train/mobilenet_v2_real.yaml "$out/shards_real" val --set data.source=real --init "$weights"
