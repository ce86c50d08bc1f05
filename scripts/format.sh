#!/usr/bin/env bash
# Formats every C++ file of ours; --check only reports (needs Debian's clang-format).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v clang-format >/dev/null || fail "clang-format is missing; install Debian's clang-format"
mode=(-i)
[ "${1:-}" != --check ] || mode=(--dry-run --Werror)
git ls-files '*.h' '*.cpp' | xargs clang-format "${mode[@]}"
