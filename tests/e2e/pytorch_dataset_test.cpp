// The Dataset of docs/pytorch_dataset.md, taken from the page and run on a set with a quarantined sample.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/files.h"
#include "core/png.h"
#include "tests/e2e/run_genu.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

namespace fs = std::filesystem;

// The first Python with h5py and torch: the one LibTorch came with, else the system's.
std::string python_with_torch() {
  for (const std::string python : {GENU_SOURCE_DIR "/.venv/bin/python", "/usr/bin/python3"}) {
    if (std::system((python + " -c 'import h5py, numpy, torch' >/dev/null 2>&1").c_str()) == 0) return python;
  }
  return "";
}

std::string code_of_page() {
  const std::string page = read_text_file(GENU_SOURCE_DIR "/docs/pytorch_dataset.md");
  const std::string fence = "```python\n";
  const std::size_t begin = page.find(fence) + fence.size();
  return page.substr(begin, page.find("```\n", begin) - begin);
}

// 6 knees of noise, two of them in val.
void write_films(const fs::path& films) {
  for (int i = 0; i < 6; ++i) {
    PngImage image{64, 64, 1, 8, {}};
    for (int k = 0; k < 64 * 64; ++k)
      image.bytes.push_back(static_cast<std::uint8_t>((k * (i + 3) + k / 64 * 17) % 251));
    const auto folder = films / (i < 4 ? "train" : "val") / std::to_string(i % 5);
    make_folders(folder);
    const auto bytes = encode_png(image);
    write_file_atomically(folder / (std::to_string(9000000 + i) + "L.png"), std::as_bytes(std::span(bytes)));
  }
}

TEST(PyTorchDataset, OfTheDocumentReadsWhatWasPackedAndLeavesOutTheQuarantine) {
  const std::string python = python_with_torch();
  if (python.empty()) GTEST_SKIP() << "no Python with h5py and torch";
  const TemporaryFolder folder;
  write_films(folder.path() / "films");
  for (const std::string storage : {"plain", "deflate"}) {
    const auto shards = folder.path() / storage;
    const auto packed = run_genu("shard --quiet --mendeley " + (folder.path() / "films").string() + " --out " +
                                 shards.string() + " --set preprocess.size_px=64 --set preprocess.negatives=keep" +
                                 " --set near_duplicates.search=off --set storage=" + storage);
    ASSERT_EQ(packed.exit_code, 0) << packed.err;
    write_file_atomically(folder.path() / "run.py", code_of_page() + R"(
import sys
train, val = ShardDataset(sys.argv[1]), ShardDataset(sys.argv[1], "val")
assert len(train) == 4 and len(val) == 2, (len(train), len(val))
x, y = next(iter(torch.utils.data.DataLoader(train, 4)))
assert x.shape == (4, 1, 64, 64) and x.dtype == torch.float32 and y.tolist() == [0, 1, 2, 3]
assert abs(float(x.mean())) < 1e-4 and abs(float(x.std(unbiased=False)) - 1) < 1e-3
index = json.load(open(sys.argv[1] + "/shards.json"))["shards"]
json.dump({"samples": [{"file": index[0]["file"], "row": 2}], "shards": []}, open(sys.argv[1] + "/quarantine.json", "w"))
assert [ShardDataset(sys.argv[1])[i][1] for i in range(3)] == [0, 1, 3]
)");
    const std::string command = python + " " + (folder.path() / "run.py").string() + " " + shards.string();
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
}

}  // namespace
}  // namespace genu
