// The grader that ships with the program.
#pragma once

#include <filesystem>

namespace genu::cli {

// What GENU_MODEL names, else models/ of the installed tree or of the source tree that the program was built from.
// Throws UsageError where there is none.
std::filesystem::path default_model();

}  // namespace genu::cli
