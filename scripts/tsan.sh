#!/usr/bin/env bash
# Builds the pipeline's tests under the thread sanitizer and runs those that work with several threads: packer, loader,
# reader, near-duplicate search, quality measures, parallel reading of films.
#
#   scripts/tsan.sh [--jobs N] [FILTER]
#
#   --jobs N   compilers at once (2)
#   FILTER     a GoogleTest filter in place of the one below
# Reports inside Debian's oneTBB alone are left out (tests/races_of_libraries.txt says why).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

jobs=2
filter='Packing.*:AlteredCopy.*:Damage.*:*Resuming.*:Stale.*:Loading.*:Mixing.*:ClosePairs.*:MeasureListing.*:Films.*:Experts.*'
while [ $# -gt 0 ]; do
  case "$1" in
    --jobs)
      [ $# -ge 2 ] || fail "$1 needs a value"
      jobs=$2
      shift 2
      ;;
    --*) fail "unknown option $1" ;;
    *) filter=$1; shift ;;
  esac
done

mkdir -p build
cmake --preset tsan >build/configure_tsan.log
cmake --build --preset tsan --parallel "$jobs" --target pipeline_tests >build/build_tsan.log ||
  fail "the build failed; see build/build_tsan.log"
# The sanitizer of GCC 12 cannot map its shadow where the kernel randomises addresses over 32 bits.
TSAN_OPTIONS="suppressions=$root/tests/races_of_libraries.txt:halt_on_error=0:exitcode=66" \
  setarch "$(uname -m)" --addr-no-randomize build/tsan/pipeline_tests --gtest_filter="$filter" --gtest_brief=1
