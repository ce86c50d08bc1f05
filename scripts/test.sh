#!/usr/bin/env bash
# Builds what is missing and runs every test. Arguments go to ctest (scripts/test.sh -R Loader).
#
#   GENU_REAL_DATA=DIR   folder of real knees for the tests that need them (default ../shared/data/mendeley);
#                        those tests skip, with a message, where it is absent
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ -n "$(torch_cmake_path)" ] || scripts/setup.sh --no-run
mkdir -p build
configure_release
cmake --build --preset release
ctest --preset release --parallel "$(nproc)" "$@"
