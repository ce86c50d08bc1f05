#!/usr/bin/env bash
# Where a grader looks on synthetic knees, whose truth is known: Grad-CAM of what speaks for a higher grade, and the share of its
# energy in joint space, lips, sclerosis, cysts, bone and background. Prints the table.
#
#   scripts/experiments/where_it_looks.sh [--checkpoint DIR] [--knees N] [--threads N] [--out DIR]
#
#   --checkpoint DIR  a run or checkpoint; the shipped grader by default
#   --knees N         synthetic knees of each grade (default 100), configs/generate/oai_like.yaml
#   --out DIR         default runs/where: the knees, the overlays of the first 20, and regions.csv
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

checkpoint=
knees=100
threads=0
out=runs/where
take_options "checkpoint knees threads out" "$@"
genu=${GENU:-$genu}
need_genu

$genu generate --quiet --config configs/generate/oai_like.yaml --set splits.train_per_grade=0 \
  --set splits.test_per_grade="$knees" --set splits.sample_per_grade=0 --set seed=77 --out "$out/knees" --resume >&2
rm -rf "$out/explained"
$genu explain --quiet ${checkpoint:+--checkpoint "$checkpoint"} --dataset "$out/knees" --split test --grade expected \
  --overlays 20 --threads "$threads" --out "$out/explained"
