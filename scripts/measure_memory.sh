#!/usr/bin/env bash
# Generates and packs few and many images and prints the greatest memory of each run: it should grow by the labels alone.
#
#   scripts/measure_memory.sh [--only generate|shard] [--counts "1510 10000 100000"] [--size PX] [--work DIR]
#
#   --counts N...  images of each run; multiples of 5
#   --size PX      side of the stored images (224)
#   --work DIR     scratch folder (a fresh one in TMPDIR, removed at the end); 100,000 images of 224 px take 5 GB
# What is packed are 100 synthetic knees, hard-linked under as many names as are asked for, each name another subject of train.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

only=all
counts="1510 10000 100000"
size=224
take_options "only counts size work" "$@"
case "$only" in
  all | generate | shard) ;;
  *) fail "--only $only is unknown; it must be generate or shard" ;;
esac
genu=${GENU:-$genu}
need_genu
make_work

if [ "$only" != shard ]; then
  printf '| images generated | greatest resident memory, MB | seconds | SHA-256 of the manifest |\n|---|---|---|---|\n'
  for count in $counts; do
    rm -rf "$work/made"
    seconds=$(seconds_of "$genu" generate --quiet --set splits.train_per_grade=$((count / 5)) --set splits.test_per_grade=0 \
      --set splits.sample_per_grade=0 --set image_size_px="$size" --out "$work/made")
    printf '| %s | %s | %s | %.16s... |\n' "$count" "$(peak_mb)" "$seconds" "$(sha256sum "$work/made/manifest.csv")"
  done
  rm -rf "$work/made"
fi
[ "$only" != generate ] || exit 0

[ -d "$work/knees" ] || $genu generate --quiet --set splits.train_per_grade=20 --set splits.test_per_grade=0 \
  --set splits.sample_per_grade=0 --out "$work/knees" >/dev/null
printf '| images packed | greatest resident memory, MB | seconds |\n|---|---|---|\n'
for count in $counts; do
  rm -rf "$work/films" "$work/shards"
  /usr/bin/python3 - "$work" "$count" <<'PYTHON'
import os, pathlib, sys
work, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
knees = sorted(work.glob("knees/images/train/*/*.png"))
for grade in range(5):
    (work / f"films/train/{grade}").mkdir(parents=True)
for i in range(count):
    knee = knees[i % len(knees)]
    os.link(knee, work / f"films/train/{knee.parent.name}/{1000000 + i}L.png")
PYTHON
  seconds=$(seconds_of "$genu" shard --quiet --mendeley "$work/films" --set preprocess.size_px="$size" --out "$work/shards")
  printf '| %s | %s | %s |\n' "$count" "$(peak_mb)" "$seconds"
done
