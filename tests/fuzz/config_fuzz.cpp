// Any text as a shard or loader config: read, or refused as a ConfigError.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/errors.h"
#include "pipeline/loader/loader.h"
#include "pipeline/pack/shard_config.h"

template <class Config>
static void read(std::string_view text) {
  try {
    Config config;
    genu::read_config(config, genu::parse_yaml_text(text, "fuzz.yaml"));
    // What was read prints to text that reads back to the same.
    const std::string printed = genu::to_yaml(config);
    Config again;
    genu::read_config(again, genu::parse_yaml_text(printed, "printed.yaml"));
    if (genu::to_yaml(again) != printed) __builtin_trap();
  } catch (const genu::Error&) {
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read<genu::pipeline::ShardConfig>(text);
  read<genu::pipeline::LoaderConfig>(text);
  return 0;
}
