#!/usr/bin/env bash
# Builds the libFuzzer programs of tests/fuzz with clang under the address and undefined-behaviour sanitizers and runs each.
#
#   scripts/fuzz.sh [--seconds N] [--jobs N] [NAME ...]
#
#   --seconds N   of each program (600)
#   --jobs N      compilers at once (2)
#   NAME ...      config, csv, manifest, png, shard, dicom; all by default
# DCMTK reserves what an element's length field claims, up to 4 GiB, before it sees that the file is shorter, and the sanitizer then
# marks all of it: 3 inputs a second. Requests above 256 MiB are refused, as on a full machine.
# A crash leaves its input in build/fuzz/crash-*; it becomes a test.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seconds=600
jobs=2
names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds | --jobs)
      [ $# -ge 2 ] || fail "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    --*) fail "unknown option $1" ;;
    *) names+=("$1"); shift ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(config csv manifest png shard dicom)
command -v clang++-14 >/dev/null || fail "needs Debian's clang-14 and libclang-rt-14-dev"

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --parallel "$jobs" --target $(printf 'fuzz_%s ' "${names[@]}") >/dev/null
root=$PWD
cd build/fuzz
status=0
for name in "${names[@]}"; do
  mkdir -p "found_$name"
  if ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=256 UBSAN_OPTIONS=print_stacktrace=1 "./fuzz_$name" "found_$name" "$root/tests/fuzz/corpus/$name" \
    -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=8192 -timeout=20 -print_final_stats=1 >"$name.log" 2>&1; then
    echo "$name: clean, $(grep -oE 'number_of_executed_units: *[0-9]+' "$name.log" | grep -oE '[0-9]+$') executions"
  else
    echo "$name: FAILED, see build/fuzz/$name.log"
    status=3
  fi
done
exit $status
