// Parts of the program that lie beside it as shared libraries and are loaded when they are needed, so that every other
// command starts without their libraries and the program builds without them.
#pragma once

#include <filesystem>
#include <string>

namespace genu {

// Of the program that runs.
std::filesystem::path program_folder();
// Where `file` lies or would lie: in the program's own folder.
std::filesystem::path module_path(const std::string& file);
// The function `name` of the module at `path`, which stays loaded. `what` names it in messages: "the trainer". Throws
// InternalError if it does not load or has no such function. F is a pointer to a function with C linkage.
template <class F>
F module_function(const std::filesystem::path& path, const std::string& name, const std::string& what);

// ---- templates ----

void* module_symbol(const std::filesystem::path& path, const std::string& name, const std::string& what);

template <class F>
F module_function(const std::filesystem::path& path, const std::string& name, const std::string& what) {
  return reinterpret_cast<F>(module_symbol(path, name, what));
}

}  // namespace genu
