#include "pipeline/decode/module_loader.h"

#include <dlfcn.h>

#include <filesystem>

#include "core/errors.h"

namespace genu::pipeline {

void* load_module_symbol(const std::string& file, const std::string& symbol, const std::string& what,
                         const std::string& name) {
  const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / file;
  if (!std::filesystem::exists(path)) {
    throw DataError(name + ": this build does not read " + what + " (" + path.string() +
                    " is missing); convert the file to PNG or build the module");
  }
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) throw InternalError("cannot load the module for " + what + ": " + ::dlerror());
  void* address = ::dlsym(module, symbol.c_str());
  if (address == nullptr) throw InternalError(path.string() + " is not of this program; build again");
  return address;
}

}  // namespace genu::pipeline
