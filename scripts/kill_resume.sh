#!/usr/bin/env bash
# Kills a generating run at random moments, resumes it, and compares the finished tree with an uninterrupted one.
#
#   scripts/kill_resume.sh [--kills N]
#
#   --kills N     how many kills (100)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

kills=100
take_options "kills" "$@"
need_genu
make_work
options=(--quiet --set image_size_px=96 --set splits.train_per_grade=100 --set splits.test_per_grade=0 --set splits.sample_per_grade=0)
tree_hash() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-64); }

start=$(date +%s%N)
$genu generate "${options[@]}" --out "$work/whole" >/dev/null
span_ms=$((($(date +%s%N) - start) / 1000000 + 100))
wanted=$(tree_hash "$work/whole")
done_kills=0
trees=0
while [ $done_kills -lt "$kills" ]; do
  rm -rf "$work/set"
  # A few kills into the same folder, then let it finish.
  for _ in 1 2 3; do
    if killed_within "$span_ms" $genu generate "${options[@]}" --resume --out "$work/set"; then
      done_kills=$((done_kills + 1))
    fi
    # Nothing half-written is ever visible under its own name.
    find "$work/set" -path '*/.genu-progress' -prune -o -name '*.png' -size 0 -print 2>/dev/null | grep . && fail "an empty picture is visible"
  done
  $genu generate "${options[@]}" --resume --out "$work/set" >/dev/null
  [ "$(tree_hash "$work/set")" = "$wanted" ] || fail "after $done_kills kills the tree differs"
  trees=$((trees + 1))
done
echo "$done_kills kills, $trees finished trees, all equal to the uninterrupted one ($wanted)"
