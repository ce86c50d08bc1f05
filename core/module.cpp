#include "core/module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "core/errors.h"

namespace genu {

std::filesystem::path program_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

std::filesystem::path module_path(const std::string& file) { return program_folder() / file; }

void* module_symbol(const std::filesystem::path& path, const std::string& name, const std::string& what) {
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) throw InternalError(fmt::format("cannot load {}: {}", what, ::dlerror()));
  void* address = ::dlsym(module, name.c_str());
  if (address == nullptr)
    throw InternalError(fmt::format("{} is not {} of this program; build again", path.string(), what));
  return address;
}

}  // namespace genu
