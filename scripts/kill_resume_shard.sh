#!/usr/bin/env bash
# Kills `genu shard` with SIGKILL at random moments, resumes it, and compares every byte with an uninterrupted run.
#
#   scripts/kill_resume_shard.sh [--kills N] [--real DIR] [--storage plain|deflate] [--work DIR]
#
#   --kills N     how many kills (100); after each one the run is resumed, and killed again until it gets through
#   --real DIR    Mendeley layout to pack; without it a small synthetic set is generated
#   --work DIR    scratch folder (a fresh one in TMPDIR, removed at the end)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

kills=100
real=
storage=plain
take_options "kills real storage work" "$@"
need_genu
make_work

if [ -n "$real" ]; then
  source=(--mendeley "$real")
else
  $genu generate --quiet --out "$work/films" >/dev/null
  source=(--synthetic "$work/films")
fi
pack=($genu shard --quiet "${source[@]}" --set "storage=$storage" --set samples_per_shard=300)

start=$(date +%s%N)
"${pack[@]}" --out "$work/whole" >/dev/null
milliseconds=$((($(date +%s%N) - start) / 1000000))
say "an uninterrupted run takes $milliseconds ms"

done_kills=0
rounds=0
while [ "$done_kills" -lt "$kills" ]; do
  rm -rf "$work/killed"
  resume=
  while [ "$done_kills" -lt "$kills" ]; do
    # Anywhere from before the first row to behind the last name.
    killed_within $((milliseconds * 105 / 100)) "${pack[@]}" --out "$work/killed" $resume || break # it had finished
    done_kills=$((done_kills + 1))
    resume=--resume
  done
  "${pack[@]}" --out "$work/killed" $resume >/dev/null 2>"$work/log" || fail "resume failed: $(cat "$work/log")"
  rounds=$((rounds + 1))
  diff -r "$work/whole" "$work/killed" >&2 || fail "round $rounds differs from the uninterrupted run"
done
echo "$done_kills kills in $rounds rounds: every result is byte-identical to the uninterrupted run"
