#!/usr/bin/env bash
# Builds the pipeline's tests under the thread sanitizer and runs those that work with several threads: packer, loader,
# reader, near-duplicate search, quality measures, parallel reading of films.
#
#   scripts/tsan.sh [--jobs N] [FILTER]
#
#   --jobs N   compilers at once (2)
#   FILTER     a GoogleTest filter in place of the one below
# Debian's oneTBB is not instrumented: the sanitizer does not see how it hands a task from one thread to another and takes
# everything that a task touches for a race (704 reports). So the same version is built with the sanitizer from
# Debian's source package, taken from where this machine's apt takes its packages, into build/tsan/onetbb.
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

mkdir -p build/tsan
tbb=$root/build/tsan/onetbb
if [ ! -f "$tbb/CMakeLists.txt" ]; then
  mkdir -p "$tbb"/apt/{lists/partial,sources}
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
    [ ! -f "$list" ] || sed -E 's/^deb\s/deb-src /; s/^Types:.*/Types: deb-src/' "$list" >"$tbb/apt/sources/${list##*/}"
  done
  apt=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$tbb/apt/sources" -o "Dir::State::lists=$tbb/apt/lists")
  (cd "$tbb/apt" && "${apt[@]}" update && "${apt[@]}" source --download-only onetbb) >build/tsan/apt.log 2>&1 ||
    fail "no source package of oneTBB; see build/tsan/apt.log"
  tar xJf "$tbb"/apt/onetbb_*.orig.tar.xz -C "$tbb" --strip-components=1
fi
cmake -G Ninja -S "$tbb" -B "$tbb/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTBB_SANITIZE=thread -DTBB_TEST=OFF \
  -DTBBMALLOC_BUILD=OFF -DTBB_STRICT=OFF >build/tsan/onetbb.log &&
  cmake --build "$tbb/build" --parallel "$jobs" --target tbb >>build/tsan/onetbb.log 2>&1 ||
  fail "oneTBB does not build; see build/tsan/onetbb.log"

cmake --preset tsan >build/tsan/configure.log
cmake --build --preset tsan --parallel "$jobs" --target pipeline_tests >build/tsan/build.log ||
  fail "the build failed; see build/tsan/build.log"
# The sanitizer of GCC 12 cannot map its shadow where the kernel randomises addresses over 32 bits.
LD_LIBRARY_PATH=$(dirname "$(find "$tbb/build" -name libtbb.so.12 | head -n 1)") \
  TSAN_OPTIONS=exitcode=66 \
  setarch "$(uname -m)" --addr-no-randomize build/tsan/pipeline_tests --gtest_filter="$filter" --gtest_brief=1
