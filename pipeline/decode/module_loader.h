// Opens the modules that hold libraries too heavy to start every command with.
#pragma once

#include <string>

namespace genu::pipeline {

// The address of `symbol` in FILE, which lies beside the program. `what` names it in messages, `name` begins them.
// Throws DataError if this build has no such module, InternalError if it does not load.
void* load_module_symbol(const std::string& file, const std::string& symbol, const std::string& what,
                         const std::string& name);

}  // namespace genu::pipeline
