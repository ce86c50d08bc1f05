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
work=
while [ $# -gt 0 ]; do
  case "$1" in
    --kills | --real | --storage | --work)
      [ $# -ge 2 ] || fail "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    *) fail "unknown option $1" ;;
  esac
done
[ -x $genu ] || fail "no $genu; run scripts/setup.sh --no-run first"
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

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
    "${pack[@]}" --out "$work/killed" $resume >/dev/null 2>"$work/log" &
    pid=$!
    # Anywhere from before the first row to behind the last name.
    (
      sleep "$(awk -v ms="$milliseconds" -v r="$RANDOM" 'BEGIN { printf "%.3f", ms * 1.05 * r / 32768 / 1000 }')"
      exec kill -9 $pid
    ) 2>/dev/null &
    killer=$!
    status=0
    wait $pid 2>/dev/null || status=$?
    kill $killer 2>/dev/null || true
    [ "$status" -ne 0 ] || break # it had finished
    [ "$status" -eq 137 ] || fail "ended with $status: $(cat "$work/log")"
    done_kills=$((done_kills + 1))
    resume=--resume
  done
  wait || true
  "${pack[@]}" --out "$work/killed" $resume >/dev/null 2>"$work/log" || fail "resume failed: $(cat "$work/log")"
  rounds=$((rounds + 1))
  diff -r "$work/whole" "$work/killed" >&2 || fail "round $rounds differs from the uninterrupted run"
done
echo "$done_kills kills in $rounds rounds: every result is byte-identical to the uninterrupted run"
