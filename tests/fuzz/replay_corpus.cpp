// Runs one entry point of the fuzzers over a folder of inputs, without libFuzzer: any compiler can, at every test run.
//   replay_NAME FOLDER
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <vector>

#include "core/files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argument_count, char** arguments) {
  if (argument_count != 2) return 2;
  try {
    std::vector<std::filesystem::path> inputs;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) inputs.push_back(entry.path());
    std::sort(inputs.begin(), inputs.end());
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // a crash comes behind its input's name
    for (const auto& input : inputs) {
      std::printf("%s\n", input.c_str());
      const auto bytes = genu::read_file(input);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    return inputs.empty() ? 1 : 0;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
