# Sourced by experiments after common.sh and their options; they set real, weights, out and threads. GENU names another program
# than the build's.
genu=${GENU:-$genu}
[ -d "$real/val" ] || fail "--real needs a folder split/grade/SUBJECTSIDE.png with train and val parts"
[ -f "$weights" ] || fail "$weights is missing; give ImageNet MobileNetV2 weights with --weights FILE"
need_genu
mkdir -p "$out"

# synthetic_shards NAME CONFIG PER_GRADE [generate options]: shards in $shards of that many training knees a grade and the
# real films.
synthetic_shards() {
  local name=$1 config=$2 per_grade=$3
  shift 3
  shards=$out/shards_$name
  [ ! -f "$shards/shards.json" ] || return 0
  $genu generate --quiet --config "$config" --set splits.train_per_grade="$per_grade" --set splits.test_per_grade=0 \
    --set splits.sample_per_grade=0 --set seed=101 "$@" --out "$out/$name" --resume >&2
  $genu shard --quiet --config configs/shard/merged.yaml --synthetic "$out/$name" --mendeley "$real" --out "$shards" >&2
}

# run NAME [train options]: a run of its own folder on $shards; one that is finished is kept.
run() {
  local name=$1
  shift
  [ ! -f "$out/$name.done" ] || return 0
  $genu train --quiet --resume --threads "$threads" "$@" --shards "$shards" --out "$out/$name" >"$out/$name.log"
  : >"$out/$name.done"
}

# grade NAME [SPLIT [last|best]]: the report of its last epoch on the real val part.
grade() {
  [ ! -f "$out/${1}_report/report.json" ] || return 0
  $genu evaluate --quiet --threads "$threads" --checkpoint "$out/$1/${3:-last}" --shards "$shards" --split "${2:-val}" \
    --source real --out "$out/${1}_report" >"$out/${1}_report.log"
}
