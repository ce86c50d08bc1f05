#!/usr/bin/env bash
# From nothing to a graded real knee: generates the synthetic set, merges it with a real folder, packs shards,
# fine-tunes MobileNetV2 (ImageNet weights, focal loss, class-balanced sampling) and grades the real val part.
#
#   scripts/demo.sh --real DIR [--weights FILE] [--out DIR]
#
#   --real DIR      Mendeley layout: split/grade/SUBJECTSIDE.png with train and val parts
#   --weights FILE  ImageNet MobileNetV2 in safetensors, torchvision's key names
#                   (default ../shared/weights/mobilenet_v2_imagenet.safetensors)
#   --out DIR       where everything goes (default runs/demo)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

real=
weights=../shared/weights/mobilenet_v2_imagenet.safetensors
out=runs/demo
take_options "real weights out" "$@"
[ -n "$real" ] || fail "--real DIR is needed; see scripts/demo.sh --help"
[ -d "$real/val" ] || fail "$real has no val folder; --real needs split/grade/SUBJECTSIDE.png"
[ -f "$weights" ] || fail "$weights is missing; give ImageNet MobileNetV2 weights with --weights FILE"
[ -x $genu ] || scripts/setup.sh --no-run
[ ! -e "$out" ] || fail "$out exists; remove it or choose another --out"

start=$SECONDS
mkdir -p "$out"
say "1/4 generate"
$genu generate --config configs/generate/synthetic_1510.yaml --out "$out/synthetic_1510"
say "2/4 shard"
$genu shard --config configs/shard/merged.yaml --synthetic "$out/synthetic_1510" --mendeley "$real" --out "$out/shards"
say "3/4 train"
$genu train --config configs/train/mobilenet_v2_real.yaml --init "$weights" --shards "$out/shards" --out "$out/run"
say "4/4 evaluate on the real val part"
$genu evaluate --checkpoint "$out/run" --shards "$out/shards" --split val --out "$out/report"
say "demo took $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s; report in $out/report"
