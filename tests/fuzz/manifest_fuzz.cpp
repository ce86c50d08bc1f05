// Any text as a manifest: listed, or refused as a genu::Error.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/source/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto path =
      std::filesystem::temp_directory_path() / ("genu-fuzz-manifest-" + std::to_string(::getpid()) + ".csv");
  genu::write_file_atomically(path, std::string_view(reinterpret_cast<const char*>(data), size),
                              genu::Durability::kBatch);
  for (const auto policy : {genu::pipeline::FaultPolicy::kSkip, genu::pipeline::FaultPolicy::kStop}) {
    try {
      static_cast<void>(genu::pipeline::read_manifest(path, policy));
    } catch (const genu::Error&) {
    }
  }
  return 0;
}
