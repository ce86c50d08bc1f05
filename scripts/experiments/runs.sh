# Sourced by experiments after common.sh and their options; they set real, weights, out and threads. GENU names another program
# than the build's.
genu=${GENU:-$genu}
[ -d "$real/val" ] || fail "--real needs a folder split/grade/SUBJECTSIDE.png with train and val parts"
[ -f "$weights" ] || fail "$weights is missing; give ImageNet MobileNetV2 weights with --weights FILE"
need_genu
mkdir -p "$out"

# What is there already is kept where it is what would be made now, and refused where it is not: choose another --out then.

# planned_grades DATASET: a manifest of its knees with the grades that they were sampled for, as their ids tell them. What a dial
# takes away counts for no grade: without lips there is none between 0 and 3.
planned_grades() {
  python3 - "$1" <<'PY'
import csv, os, sys
folder = os.path.abspath(sys.argv[1])
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["path", "id", "split", "kl", "side", "subject", "source"])
for row in csv.DictReader(open(folder + "/manifest.csv", newline="")):
    out.writerow([os.path.join(folder, row["path"]), row["id"], row["split"], row["id"].split("_")[1], row["side"], row["subject"], "synthetic"])
PY
}

# synthetic_shards NAME CONFIG PER_GRADE [generate options]: shards in $shards of that many training knees a grade and the
# real films. With as_planned=yes the knees have the grades that they were sampled for.
synthetic_shards() {
  local name=$1 config=$2 per_grade=$3
  shift 3
  shards=$out/shards_$name
  $genu generate --quiet --config "$config" --set splits.train_per_grade="$per_grade" --set splits.test_per_grade=0 \
    --set splits.sample_per_grade=0 --set seed=101 "$@" --out "$out/$name" --resume >&2
  local check=() knees=(--synthetic "$out/$name")
  if [ "${as_planned:-}" = yes ]; then
    planned_grades "$out/$name" >"$out/$name.csv"
    knees=(--manifest "$out/$name.csv")
  fi
  [ ! -f "$shards/shards.json" ] || check=(--check)
  $genu shard --quiet "${check[@]}" --config configs/shard/merged.yaml "${knees[@]}" --mendeley "$real" --out "$shards" >&2
}

# run NAME [train options]: a run of its own folder on $shards; one that is begun goes on, of the same config and shards alone.
run() {
  local name=$1
  shift
  $genu train --quiet --resume --threads "$threads" "$@" --shards "$shards" --out "$out/$name" >"$out/$name.log"
}

# is_report_of FOLDER CHECKPOINT...: whether it is there and of the weights that they hold now.
is_report_of() {
  local folder=$1 checkpoint
  shift
  [ -f "$folder/report.json" ] || return 1
  for checkpoint in "$@"; do
    grep -q "$(sha256sum "$checkpoint/model.safetensors" | cut -d' ' -f1)" "$folder.run.json" || return 1
  done
}

# report FOLDER SPLIT CHECKPOINT... [-- evaluate options]: of the mean of the checkpoints' probabilities on real films.
report() {
  local folder=$1 split=$2 checkpoints=() named=()
  shift 2
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    checkpoints+=("$1")
    named+=(--checkpoint "$1")
    shift
  done
  ! is_report_of "$folder" "${checkpoints[@]}" || return 0
  rm -rf "$folder"
  $genu evaluate --quiet --threads "$threads" "${named[@]}" --shards "$shards" --split "$split" --source real --out "$folder" \
    "${@:2}" >"$folder.log"
}

# grade NAME [last|best]: the report of a run on the real val part.
grade() { report "$out/${1}_report" val "$out/$1/${2:-last}"; }
