#include "pipeline/decode/module_loader.h"

#include <filesystem>

#include "core/errors.h"
#include "core/module.h"

namespace genu::pipeline {

void* load_module_symbol(const std::string& file, const std::string& symbol, const std::string& what,
                         const std::string& name) {
  const auto path = module_path(file);
  if (!std::filesystem::exists(path)) {
    throw DataError(name + ": this build does not read " + what + " (" + path.string() +
                    " is missing); convert the file to PNG or build the module");
  }
  return module_symbol(path, symbol, "the module for " + what);
}

}  // namespace genu::pipeline
