#!/usr/bin/env bash
# How long `genu predict` takes on one core: its start with one picture, and each further picture.
#
#   scripts/experiments/latency.sh --real DIR [--checkpoint DIR] [--files N] [--core N]
#
#   --real DIR        Mendeley layout; pictures of the val part
#   --checkpoint DIR  default: the grader that ships with genu
#   --files N         pictures of the long run (default 200)
#   --core N          the core to run on (default 0)
#
# Medians of five runs; the program is warm. Decoding, preparation, picture and mirror image are in it. Processor time beside it is what an
# idle core would take.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

real=
checkpoint=
files=200
core=0
take_options "real checkpoint files core" "$@"
[ -d "$real/val" ] || fail "--real needs a folder split/grade/SUBJECTSIDE.png with a val part"
need_genu
mapfile -t pictures < <(find "$real/val" -name '*.png' | sort | head -n "$files")
[ "${#pictures[@]}" -gt 1 ] || fail "$real/val holds fewer than two pictures"

predict() {
  taskset -c "$core" $genu predict --quiet --grade-anyway --threads 1 ${checkpoint:+--checkpoint "$checkpoint"} "$@" >/dev/null
}
# milliseconds PICTURE...: of the clock and of the processor
milliseconds() {
  local TIMEFORMAT='%R %U %S'
  for _ in 1 2 3 4 5; do
    { time predict "$@"; } 2>&1
  done | awk '{ print $1 * 1000, ($2 + $3) * 1000 }' | sort -k2 -n | sed -n 3p
}
predict "${pictures[0]}"
one=$(milliseconds "${pictures[0]}")
all=$(milliseconds "${pictures[@]}")
awk -v one="$one" -v all="$all" -v n="${#pictures[@]}" 'BEGIN {
  split(one, a)
  split(all, b)
  printf "start and one picture: %.0f ms (processor %.0f ms)\n", a[1], a[2]
  printf "each further one: %.1f ms (processor %.1f ms), of %d\n", (b[1] - a[1]) / (n - 1), (b[2] - a[2]) / (n - 1), n
}'
